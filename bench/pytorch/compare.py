#!/usr/bin/env python3
"""Times PyTorch f32 on the CPU against ours, stage by stage, turn and turn about in one run.

    python3 -m venv venv && venv/bin/pip install -r bench/pytorch/requirements.txt
    venv/bin/python bench/pytorch/compare.py --threads 2 \\
        --ours 'build/ci/bench/bench_stages --model synth:moondream2:f32 --stage {stage} --repeat {repeat}'

A round is `repeat` runs of ours, then as many of PyTorch's; the figure is the median of the rounds' medians. --ours is started once a
round with {stage}, {threads} and {repeat} filled in, and prints JSON lines {"stage", "ms", "min_ms", "max_ms", ...}.
Stages: encode (one crop of 378 x 378 through 27 layers and the projector), prefill (730 positions, 24 layers),
decode (one position after 760, logits included). Without --ours only PyTorch is timed. One stage's modules are in
memory at a time: 1.7 GB for encode, 5.3 GB for the text model, beside what ours needs.

Prints a table on standard error and one JSON object on standard output.
"""

import argparse
import json
import platform
import shlex
import statistics
import subprocess
import sys
import time

import torch

import modules

PAST = 760


def prepare(stage, layers):
    """A function that runs the stage once."""
    if stage == "encode":
        model = modules.Encoder(layers or modules.VISION["layers"])
        patches = torch.randn(modules.VISION["patches"], modules.VISION["patch_dim"])
        return lambda: model(patches)
    model = modules.Decoder(layers or modules.TEXT["layers"])
    if stage == "prefill":
        embeddings = torch.randn(modules.PREFIX, modules.TEXT["dim"])
        return lambda: model(embeddings, 0)
    model(torch.randn(PAST, modules.TEXT["dim"]), 0)
    token = torch.randn(1, modules.TEXT["dim"])
    return lambda: model.logits(model(token, PAST))


def time_torch(run, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def time_ours(command, stage, threads, repeat):
    """The line that `command` prints about the stage."""
    line = command.format(stage=stage, threads=threads, repeat=repeat)
    result = subprocess.run(shlex.split(line), check=True, stdout=subprocess.PIPE, text=True)
    for text in result.stdout.splitlines():
        report = json.loads(text)
        if report["stage"] == stage:
            return report
    raise SystemExit(f"compare.py: '{line}' printed nothing about stage '{stage}'")


def stolen_ticks():
    """Hundredths of a second that the host gave to others, all cores."""
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8])


def cpu_name():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def compare(stage, args):
    torch_run = prepare(stage, args.layers)
    torch_run()  # warm-up
    ours_ms, torch_ms, report = [], [], {}
    stolen = stolen_ticks()
    start = time.perf_counter()
    for _ in range(args.rounds):
        if args.ours:
            report = time_ours(args.ours, stage, args.threads, args.repeat)
            ours_ms.append(report["ms"])
        torch_ms.append(time_torch(torch_run, args.repeat))
    result = {
        "stage": stage,
        "torch_ms": round(statistics.median(map(statistics.median, torch_ms)), 3),
        "torch_min_ms": round(min(map(min, torch_ms)), 3),
        "torch_max_ms": round(max(map(max, torch_ms)), 3),
        "stolen_s": (stolen_ticks() - stolen) / 100,
        "wall_s": round(time.perf_counter() - start, 1),
    }
    if ours_ms:
        result["ours_ms"] = round(statistics.median(ours_ms), 3)
        result["ratio"] = round(result["torch_ms"] / result["ours_ms"], 3)
        result["ours"] = report
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", help="command with {stage}, {threads}, {repeat}; without it only PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5, help="runs a round, of each side")
    parser.add_argument("--layers", type=int, default=0, help="fewer layers on PyTorch's side, to try the script")
    parser.add_argument("--stages", default="encode,prefill,decode")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        stages = [compare(stage, args) for stage in args.stages.split(",")]

    print(f"{'stage':8} {'PyTorch ms':>12} {'ours ms':>12} {'PyTorch / ours':>15}", file=sys.stderr)
    for s in stages:
        ours, ratio = (f"{s['ours_ms']:.1f}", f"{s['ratio']:.2f}") if "ours_ms" in s else ("-", "-")
        print(f"{s['stage']:8} {s['torch_ms']:12.1f} {ours:>12} {ratio:>15}", file=sys.stderr)
    print(json.dumps({
        "cpu": cpu_name(), "threads": args.threads, "torch": torch.__version__,
        "torch_isa": torch.backends.cpu.get_cpu_capability(), "layers": args.layers or "full",
        "rounds": args.rounds, "repeat": args.repeat, "stages": stages,
    }))


if __name__ == "__main__":
    main()
