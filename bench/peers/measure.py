"""What every runner shares: its command line, the timed loop and the JSON line that it prints."""

import argparse
import json
import pathlib
import resource
import statistics
import time

import shapes


def arguments(description, settings, add=None):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--disk", required=True, type=pathlib.Path, help="folder that setup.py filled")
    parser.add_argument("--stage", required=True, choices=["encode", "prefill", "decode", "first_token"])
    parser.add_argument("--setting", required=True, choices=settings)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="also compare the result with the f32 reference")
    if add:
        add(parser)
    return parser.parse_args()


def time_runs(run, repeat):
    """Milliseconds of each run, one before them left out; and what the last one returned."""
    result = run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = run()
        times.append((time.perf_counter() - start) * 1e3)
    return times, result


def reference(args, name):
    return args.disk / "reference" / f"{name}.npy"


def error_of(args, name, values):
    """Relative L2 against the reference that run_torch.py --check left, None without one."""
    import numpy as np

    path = reference(args, name)
    return round(shapes.relative_l2(values, np.load(path)), 5) if path.exists() else None


def report(args, peer, version, flags, times, **more):
    line = {
        "stage": args.stage,
        "peer": peer,
        "setting": args.setting,
        "ms": round(statistics.median(times), 3),
        "min_ms": round(min(times), 3),
        "max_ms": round(max(times), 3),
        "times_ms": [round(t, 3) for t in times],
        "repeat": args.repeat,
        "threads": args.threads,
        "version": version,
        "flags": flags,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(line | {k: v for k, v in more.items() if v is not None}), flush=True)
