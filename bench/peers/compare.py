#!/usr/bin/env python3
"""Moonbeam against llama.cpp, OpenVINO, ONNX Runtime and PyTorch, stage by stage, on this machine.

    python3 bench/peers/compare.py --disk DIR \\
        --moonbeam build/ci/apps/cli/moonbeam \\
        --ours 'build/ci/bench/bench_stages --model {disk}/weights --mode {mode}' --limits build/ci/bench/bench_limits

Installs the peers under DIR (install.py), then runs each contest of contest.py: every side a process of its own, in
turns A B C A B C, the same weights, sizes and threads for all. A run is thrown away and done again when others took
more than 5 % of the CPU time meanwhile. Prints tables, and writes JSON lines to --out: one on the machine, one a run
(thrown away or not), one a contest. report.py makes docs/performance.md of them.

--ours is started with --stage, --threads and --repeat added, and prints JSON lines {"stage", "ms", "min_ms", "max_ms"};
a mode that it does not know is left out.
"""

import argparse
import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import shlex
import statistics
import sys

import contest
import install
import machine

HERE = pathlib.Path(__file__).resolve().parent
OURS = "moonbeam"
TRIES = 3


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disk", required=True, type=pathlib.Path, help="folder for all that is installed and written")
    parser.add_argument("--moonbeam", default="build/ci/apps/cli/moonbeam", help="program that makes the weights")
    parser.add_argument(
        "--ours", default="", help="command of bench_stages with {mode} and {disk}; without it only the peers run"
    )
    parser.add_argument("--limits", default="", help="bench_limits, whose lines are written to --out too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stages", default="encode,prefill,decode,first_token")
    parser.add_argument("--modes", default="f32,bf16,int8,int4")
    parser.add_argument("--peers", default="llama.cpp,openvino,onnxruntime,pytorch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--repeat", type=int, default=0, help="timed runs a process; 0: 3 of encode and prefill, 15 of decode"
    )
    parser.add_argument("--avx2", action="store_true", help="ours without AVX-512 against llama.cpp built without it")
    parser.add_argument("--foreign", type=float, default=0.05, help="share of CPU time from which a run is thrown away")
    parser.add_argument("--check", action="store_true", help="peers also give their error against PyTorch in f32")
    parser.add_argument("--lock", type=pathlib.Path, help="file that is locked during each round (flock)")
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines are appended here; default DIR/peers.jsonl")
    parser.add_argument("--install-only", action="store_true")
    args = parser.parse_args()
    args.disk = args.disk.resolve()
    args.out = args.out or args.disk / "peers.jsonl"
    return args


class Log:
    def __init__(self, path):
        self.file = open(path, "a")

    def __call__(self, kind, **line):
        self.file.write(json.dumps({"kind": kind} | line) + "\n")
        self.file.flush()


@contextlib.contextmanager
def locked(path):
    if not path:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def measure_limits(args, log):
    """What the machine can do at most, in the same run."""
    with locked(args.lock):
        result, shares = machine.run_alone(shlex.split(args.limits))
    print(f"limits {shares}", file=sys.stderr, flush=True)
    log.file.writelines(text + "\n" for text in result.stdout.splitlines() if text.startswith("{"))


def repeat_of(args, stage):
    return args.repeat or (15 if stage == "decode" else 3)


def command_of(args, stage, mode, peer):
    name = "all" if peer is None and stage == "first_token" else stage
    options = ["--stage", name, "--threads", args.threads, "--repeat", repeat_of(args, stage)]
    if peer is None:
        command = shlex.split(args.ours.format(mode=mode, disk=args.disk))
    else:
        command = [install.python(args.disk), HERE / peer.runner, "--disk", args.disk, "--setting", peer.setting]
        command += [*peer.more, *(["--check"] if args.check else [])]
    return [str(part) for part in [*command, *options]]


def environment(args, peer):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    if args.avx2 and peer is None:
        env["MOONBEAM_ISA"] = "avx2"
    return env


def report_of(output, stage):
    """The line about the stage among what a process printed; None if there is none. Ours times the three stages of a
    first token one by one: their sum, and the memory of the last."""
    lines = []
    for text in output.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(text))
    lines = {line["stage"]: line for line in lines if isinstance(line, dict) and "stage" in line}
    parts = [lines.get(name) for name in ("encode", "prefill", "decode")]
    if stage == "first_token" and all(parts):
        return parts[-1] | {key: sum(part[key] for part in parts) for key in ("ms", "min_ms", "max_ms")}
    return lines.get(stage)


def run_once(args, log, stage, mode, peer, number):
    """One process, again if others were busy; its report, or None if it fails."""
    name = peer.title if peer else OURS
    command = command_of(args, stage, mode, peer)
    for attempt in range(TRIES):
        result, shares = machine.run_alone(command, environment(args, peer))
        line = report_of(result.stdout, stage)
        if result.returncode != 0 or line is None or (peer is None and line.get("mode", mode) != mode):
            log("failed", stage=stage, mode=mode, who=name, error=result.stderr[-500:])
            return None
        rejected = shares["foreign"] + shares["steal"] > args.foreign
        log("run", contest=[stage, mode], who=name, round=number, rejected=rejected, **shares, report=line)
        print(f"{stage} {mode} {name}: {line['ms']:.1f} ms {shares}", file=sys.stderr, flush=True)
        if not rejected:
            return line
    return line | {"disturbed": True}  # said in the table


def hold(args, log, stage, mode, peers):
    """All rounds of one contest; rows of the table."""
    sides = ([None] if args.ours else []) + [p for p in peers if p.name in args.peers.split(",")]
    lines = {side: [] for side in sides}
    for number in range(args.rounds):
        with locked(args.lock):
            for side in list(lines):
                line = run_once(args, log, stage, mode, side, number)
                if line is None:
                    del lines[side]
                else:
                    lines[side].append(line)
    rows = []
    for side, reports in lines.items():
        last = reports[-1]
        rows.append(
            {
                "who": side.title if side else OURS,
                "ms": round(statistics.median(r["ms"] for r in reports), 3),
                "min_ms": min(r["min_ms"] for r in reports),
                "max_ms": max(r["max_ms"] for r in reports),
                "disturbed": sum(r.get("disturbed", False) for r in reports),
                "peak_mib": max(r.get("peak_mib", 0) for r in reports),
                "relative_l2": last.get("relative_l2"),
                "version": last.get("version", last.get("commit")),
                "flags": last.get("flags", {"isa": last.get("isa"), "dtype": last.get("dtype")}),
            }
        )
    ours = next((row["ms"] for row in rows if row["who"] == OURS), None)
    for row in rows:
        row["ratio"] = round(row["ms"] / ours, 3) if ours else None
    log(
        "contest",
        stage=stage,
        mode=mode,
        threads=args.threads,
        rounds=args.rounds,
        repeat=repeat_of(args, stage),
        avx2=args.avx2,
        rows=rows,
    )
    return rows


def show(stage, mode, rows):
    print(f"\n{stage}, {mode}")
    print(f"  {'':24} {'median ms':>10} {'min':>10} {'max':>10} {'x ours':>7} {'error':>8} {'peak MiB':>9}")
    for row in rows:
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        spread = [f"{row[key]:.1f}" if key in row else "-" for key in ("min_ms", "max_ms")]
        error = f"{row['relative_l2']:.4f}" if row.get("relative_l2") is not None else "-"
        note = " (others were busy)" if row.get("disturbed") else ""
        print(
            f"  {row['who']:24} {row['ms']:10.1f} {spread[0]:>10} {spread[1]:>10} {ratio:>7} {error:>8} "
            f"{row.get('peak_mib') or '-':>9}{note}",
            flush=True,
        )


def main():
    args = parse()
    install.install(args.disk, args.moonbeam, args.peers.split(","), args.check)
    if args.install_only:
        return
    log = Log(args.out)
    about = machine.describe() | {"threads": args.threads, "avx2": args.avx2}
    log("machine", time=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), **about)
    print(about)
    if args.limits:
        measure_limits(args, log)
    contests = contest.avx2(contest.CONTESTS) if args.avx2 else contest.CONTESTS
    stages, modes = args.stages.split(","), args.modes.split(",")
    for (stage, mode), peers in contests.items():
        if stage in stages and mode in modes:
            show(stage, mode, hold(args, log, stage, mode, peers))


if __name__ == "__main__":
    main()
