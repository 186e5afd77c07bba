#!/usr/bin/env python3
"""How encode and prefill scale with threads, and what one busy neighbour costs.

    python3 bench/scaling.py --ours 'build/ci/bench/bench_stages --mode int8' --rounds 5 --out scaling.jsonl

Runs the command in turns: one thread, all threads, all threads beside one process that never rests. A process each;
a run is done again when others took more than 5 % of the CPU time (the neighbour aside). Prints a table and JSON lines
{"kind": "scaling", ...} for bench/peers/report.py.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
import machine

TRIES = 3


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="bench_stages with a mode, for example")
    parser.add_argument("--stages", default="encode,prefill")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3, help="timed runs a process")
    parser.add_argument("--foreign", type=float, default=0.05, help="share of CPU time from which a run is thrown away")
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines are appended here")
    return parser.parse_args()


def neighbour():
    """A process that never rests and touches no memory."""
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


def run(args, stage, threads, busy):
    command = shlex.split(args.ours) + ["--stage", stage, "--threads", str(threads), "--repeat", str(args.repeat)]
    for _ in range(TRIES):
        other = neighbour() if busy else None
        try:
            result, shares = machine.run_alone(command)
        finally:
            if other:
                other.kill()
                other.wait()
        lines = [json.loads(text) for text in result.stdout.splitlines() if text.startswith("{")]
        line = next((line for line in lines if line["stage"] == stage), None)
        if result.returncode != 0 or line is None:
            sys.exit(f"scaling.py: {shlex.join(command)}: {result.stderr[-300:]}")
        print(f"{stage} threads {threads}{' neighbour' if busy else ''}: {line['ms']:.1f} ms {shares}", file=sys.stderr)
        # What the neighbour takes is wanted; beside it nothing can be told apart but the host's share.
        if (shares["steal"] if busy else shares["foreign"] + shares["steal"]) <= args.foreign:
            return line, False
    return line, True


def measure(args, stage):
    n = args.threads
    sides = {"one": (1, False), "all": (n, False), "neighbour": (n, True)}
    times = {side: [] for side in sides}
    disturbed = False
    for _ in range(args.rounds):
        for side, (threads, busy) in sides.items():
            line, noisy = run(args, stage, threads, busy)
            times[side].append(line["ms"])
            disturbed |= noisy
    median = {side: statistics.median(values) for side, values in times.items()}
    return {
        "kind": "scaling",
        "stage": stage,
        "mode": line["mode"],
        "threads": n,
        "isa": line["isa"],
        "cpu": line["cpu"],
        "commit": line["commit"],
        "rounds": args.rounds,
        "disturbed": disturbed,
        "ms": {side: round(value, 1) for side, value in median.items()},
        "spread_ms": {side: [round(min(values), 1), round(max(values), 1)] for side, values in times.items()},
        # Of n times one thread's speed.
        "efficiency": round(median["one"] / median["all"] / n, 3),
        # Over the time that n - 1/2 free cores would take.
        "neighbour_ratio": round(median["neighbour"] / (median["all"] * n / (n - 0.5)), 3),
    }


def main():
    args = parse()
    for stage in args.stages.split(","):
        line = measure(args, stage)
        text = json.dumps(line)
        print(text, flush=True)
        if args.out:
            with open(args.out, "a") as file:
                file.write(text + "\n")


if __name__ == "__main__":
    main()
