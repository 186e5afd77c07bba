#!/usr/bin/env python3
"""Makes docs/performance.md and its pictures of the JSON lines that the benchmarks print.

    python3 bench/peers/report.py --out docs limits.jsonl kernels.jsonl stages.jsonl DIR/peers.jsonl

Takes the files in any order, each kind of line by what it holds: bench_limits and bench_kernels {"figure", ...},
bench_stages {"stage", ...}, compare.py and scaling.py {"kind", ...}. Where a figure stands twice the later one wins.
"""

import argparse
import json
import pathlib

import charts

STAGES = {
    "encode": "Encode one crop",
    "prefill": "Prefill of the picture's 730 positions",
    "decode": "Decode step after 760 positions",
    "first_token": "First token of a picture of one crop",
}
MODES = ("f32", "bf16", "int8", "int4")
OURS = "moonbeam"
# Work of a stage: 1e9 operations, a multiply-add counted as two; a decode step reads weights and cache, 1e9 bytes.
WORK = {"encode": 718.5, "prefill": 1868.6}
STEP_BYTES = {"f32": 5.252 + 0.299, "bf16": 2.626 + 0.149, "int8": 1.314 + 0.149, "int4": 0.738 + 0.149}
PEAK = {"f32": "f32_peak", "bf16": "bf16_peak", "int8": "int8_peak", "int4": "int8_peak"}

COMMANDS = [
    "    python3 bench/peers/compare.py --disk DIR --moonbeam build/ci/apps/cli/moonbeam \\",
    "        --ours 'build/ci/bench/bench_stages --model {disk}/weights --mode {mode}' \\",
    "        --limits build/ci/bench/bench_limits",
]


class Figures:
    def __init__(self):
        self.limits, self.kernels, self.stages = {}, {}, {}
        self.contests, self.machine, self.rejected, self.runs = {}, {}, {}, {}
        self.scaling = {}
        self.cpu = ""

    def add(self, line):
        if "kind" in line:
            self.add_peers(line)
        elif "figure" in line and "ms_median" in line:
            self.kernels[line["figure"], line["isa"], line["threads"]] = line
        elif "figure" in line:
            self.limits[line["figure"], line.get("isa"), line.get("threads"), line.get("pages")] = line
        elif "stage" in line:
            size = tuple(line.get(key) for key in ("positions", "past", "streams"))
            self.stages[line["stage"], line.get("mode"), line.get("threads"), line.get("isa"), size] = line

    def add_peers(self, line):
        kind, avx2 = line["kind"], line.get("avx2", False)
        if kind == "machine":
            self.machine = line
        elif kind == "contest":
            self.contests[line["stage"], line["mode"], avx2] = line
        elif kind == "scaling":
            self.scaling[line["stage"], line["mode"]] = line
        elif kind == "run":
            key = tuple(line["contest"])
            self.runs[key] = self.runs.get(key, 0) + 1
            self.rejected[key] = self.rejected.get(key, 0) + line["rejected"]

    def limit_ms(self, stage, mode, threads, isa=None):
        """What the stage takes at the machine's own limits; None where they were not measured."""
        rates = [
            (line["rate"], line["threads"])
            for line in self.limits.values()
            if line["figure"] == (PEAK[mode] if stage in WORK else "read") and isa in (None, line.get("isa"))
        ]
        if stage == "first_token":
            parts = [self.limit_ms(part, mode, threads, isa) for part in ("encode", "prefill", "decode")]
            return sum(parts) if all(parts) else None
        if stage in WORK:
            best = max((rate for rate, of in rates if of == 1), default=0) * threads
            return 1e3 * WORK[stage] / best if best else None
        best = max((rate for rate, of in rates if of == threads), default=0)
        return 1e3 * STEP_BYTES[mode] / best if best else None


def read(paths):
    figures = Figures()
    for path in paths:
        for text in pathlib.Path(path).read_text().splitlines():
            if text.startswith("{"):
                figures.add(json.loads(text))
            elif text.endswith(" cores"):
                figures.cpu = text
    return figures


def table(head, rows, left=1):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] * left + ["---:"] * (len(head) - left)) + "|"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def ms(value):
    return charts.number(value) if value is not None else "-"


def machine_part(figures):
    m = figures.machine
    out = ["## The machine", ""]
    if m:
        flags = ", ".join(m["cpu_flags"])
        out += [
            f"{m['cpu']}, {m['cpus']} CPUs ({flags}), {m['memory_gb']} GB, Linux {m['kernel']}, "
            f"pages of {m['page_size']} bytes, huge pages: {m['huge_pages']}. "
            f"{m['threads']} threads unless a table says otherwise.",
            "",
        ]
    elif figures.cpu:
        out += [figures.cpu + ".", ""]
    if figures.limits:
        out += [
            "What it can do at most, measured by `bench_limits`; ratios below are to these. What memory gives moves by a fifth from",
            "hour to hour, and not every table is of the same one:",
            "",
        ]
        rows = []
        for line in figures.limits.values():
            more = [f"{key} {line[key]}" for key in ("pages", "size") if line.get(key)]
            name = " ".join([line["figure"].replace("_", " "), *more])
            rows.append([name, line.get("isa", ""), line.get("threads", ""), f"{line['rate']:.1f} {line['unit']}"])
        out += table(["limit", "instructions", "threads", "rate"], rows, 2)
    return out


def contest_rows(line, limit):
    rows = []
    for row in line["rows"]:
        error = f"{100 * row['relative_l2']:.2f} %" if row.get("relative_l2") is not None else ""
        ratio = f"{row['ratio']:.2f}" if row.get("ratio") else ""
        name = f"**{row['who']}**" if row["who"] == OURS else row["who"]
        mark = " (*)" if row.get("disturbed") else ""
        scaled = (row.get("flags") or {}).get("scaled")  # a part of the layers: its memory says nothing
        mark += f" ({scaled})" if scaled else ""
        peak = "" if scaled else row.get("peak_mib") or ""
        of_limit = f"{100 * limit / row['ms']:.0f} %" if limit else ""
        rows.append(
            [
                name + mark,
                ms(row["ms"]),
                ms(row["min_ms"]),
                ms(row["max_ms"]),
                ratio,
                of_limit,
                error,
                peak,
            ]
        )
    return rows


def bar_rows(line):
    return [
        (f"{row['who']}", row["ms"], row.get("min_ms"), row.get("max_ms"), row["who"] == OURS)
        for row in sorted(line["rows"], key=lambda row: row["ms"])
    ]


def contest_part(figures, images, avx2):
    out = []
    for stage, title in STAGES.items():
        for mode in MODES:
            line = figures.contests.get((stage, mode, avx2))
            if not line or not line["rows"]:
                continue
            name = f"{stage}-{mode}{'-avx2' if avx2 else ''}.svg"
            note = ", without AVX-512" if avx2 else ""
            images[name] = charts.bars(f"{title}, {mode}{note}: milliseconds", bar_rows(line), "ms")
            key = (stage, mode)
            gone, runs = figures.rejected.get(key, 0), figures.runs.get(key, 0)
            out += [f"### {title}, `{mode}`{note}", ""]
            out += [f"![{title}, {mode}](images/{name})", ""]
            head = ["", "median ms", "min", "max", "/ ours", "of the limit", "error to f32", "peak MiB"]
            limit = figures.limit_ms(stage, mode, line["threads"], "avx2" if avx2 else None)
            out += table(head, contest_rows(line, limit))
            out += [
                f"{line['rounds']} rounds in turns, {line['repeat']} runs a process, {line['threads']} threads; "
                f"{gone} of {runs} processes thrown away because others were busy."
                + (" (*): no try was quiet." if any(r.get("disturbed") for r in line["rows"]) else ""),
                "",
            ]
    return out


def stages_part(figures):
    if not figures.stages:
        return []
    out = ["## Stages of Moonbeam", "", "`bench_stages`, seeded weights of full size:", ""]
    rows = []
    for (stage, mode, threads, isa, size), line in figures.stages.items():
        if "min_ms" not in line:
            continue
        more = [f"{key} {value}" for key, value in zip(("positions", "past", "streams"), size) if value is not None]
        ratio = f"{100 * line['ratio']:.0f} %" if line.get("ratio") else ""
        rows.append(
            [
                ", ".join([stage, *more]),
                mode,
                isa,
                threads,
                ms(line["ms"]),
                ms(line["min_ms"]),
                ms(line["max_ms"]),
                ratio,
                line.get("peak_mib", ""),
            ]
        )
    head = ["stage", "mode", "instructions", "threads", "median ms", "min", "max", "of the limit", "peak MiB"]
    return out + table(head, rows, 3)


def scaling_part(figures):
    if not figures.scaling:
        return []
    out = ["## Threads and a busy neighbour", ""]
    out += [
        "`bench/scaling.py`: one thread, all, and all beside one process that never rests, in turns. Efficiency: of as many",
        "times one thread's speed as there are threads. Neighbour: over the time of n threads times n / (n - 1/2), which is",
        "what is left when it takes half a core; a fair scheduler gives it more, n + 1 shares of n cores.",
        "",
    ]
    rows = []
    for (stage, mode), line in figures.scaling.items():
        mark = " (*)" if line["disturbed"] else ""
        times = [ms(line["ms"][side]) for side in ("one", "all", "neighbour")]
        rows.append(
            [stage + mark, mode, line["threads"], *times, f"{100 * line['efficiency']:.0f} %"]
            + [f"{line['neighbour_ratio']:.2f}"]
        )
    head = ["stage", "mode", "threads", "one, ms", "all, ms", "with neighbour, ms", "efficiency", "neighbour"]
    out += table(head, rows, 2)
    if any(line["disturbed"] for line in figures.scaling.values()):
        out += ["(*): not every run was quiet.", ""]
    return out


def kernels_part(figures, images):
    if not figures.kernels:
        return []
    out = [
        "## Kernels",
        "",
        "`bench_kernels`: packing, bias and stores included, sampled elements checked against sums in double.",
        "",
    ]
    rows = [
        [
            line["figure"],
            isa,
            threads,
            f"{line['rate']:.1f} {line['unit']}",
            f"{100 * line['ratio']:.0f} %" if line.get("ratio") else "",
            ms(line["ms_median"]),
        ]
        for (_, isa, threads), line in figures.kernels.items()
    ]
    best = [line for line in figures.kernels.values() if line.get("ratio")]
    if best:
        single = [line for line in best if line["threads"] == 1]
        bar = [(f"{line['figure']} {line['isa']}", 100 * line["ratio"], None, None, True) for line in single]
        if bar:
            images["kernels.svg"] = charts.bars("Kernels, one thread: per cent of the machine's limit", bar, "%", 100)
            out += ["![Kernels](images/kernels.svg)", ""]
    return out + table(["kernel", "instructions", "threads", "rate", "of the limit", "median ms"], rows, 2)


def versions_part(figures):
    seen = {}
    for line in figures.contests.values():
        for row in line["rows"]:
            flags = ", ".join(f"{key} {value}" for key, value in (row.get("flags") or {}).items())
            seen[row["who"], line["stage"]] = [row["who"], line["stage"], row.get("version") or "", flags]
    if not seen:
        return []
    out = ["## Versions, settings, commands", "", *COMMANDS, ""]
    return out + table(["who", "stage", "version", "settings"], sorted(seen.values()), 4)


def document(figures, images):
    out = ["# Performance", ""]
    out += [
        "Made by `bench/peers/report.py` from the lines that the benchmarks print: do not edit. How each figure is",
        "taken is told in [bench/peers/README.md](../bench/peers/README.md). Absolute times are those of one shared",
        "machine; ratios within a table are what counts.",
        "",
    ]
    out += machine_part(figures)
    against = contest_part(figures, images, False)
    if against:
        out += [
            "## Against others",
            "",
            "A ratio above 1 means that Moonbeam is faster. Memory compares under the first token alone: for a single stage",
            "some load the whole model, some a part.",
            "",
            *against,
        ]
    narrow = contest_part(figures, images, True)
    if narrow:
        out += ["## Without AVX-512", "", "`MOONBEAM_ISA=avx2` against llama.cpp built for AVX2 alone.", "", *narrow]
    out += stages_part(figures) + scaling_part(figures) + kernels_part(figures, images) + versions_part(figures)
    return "\n".join(out).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default="docs", help="folder of performance.md and images/")
    parser.add_argument("files", nargs="+", help="JSON lines")
    args = parser.parse_args()
    images = {}
    text = document(read(args.files), images)
    (args.out / "images").mkdir(parents=True, exist_ok=True)
    (args.out / "performance.md").write_text(text)
    for name, svg in images.items():
        (args.out / "images" / name).write_text(svg)
    print(f"{args.out / 'performance.md'} and {len(images)} pictures")


if __name__ == "__main__":
    main()
