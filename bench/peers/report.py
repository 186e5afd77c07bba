#!/usr/bin/env python3
"""Makes docs/performance.md and its pictures of the JSON lines that the benchmarks print.

    python3 bench/peers/report.py --out docs limits.jsonl kernels.jsonl stages.jsonl DIR/peers.jsonl

Takes the files in any order, each kind of line by what it holds: bench_limits and bench_kernels {"figure", ...},
bench_stages {"stage", ...}, compare.py {"kind", ...}. Where a figure stands twice the later one wins.
"""

import argparse
import json
import pathlib

import charts

STAGES = {
    "encode": "Encode one crop",
    "prefill": "Prefill of the picture's 730 positions",
    "decode": "Decode step after 760 positions",
}
MODES = ("f32", "bf16", "int8", "int4")
OURS = "moonbeam"


class Figures:
    def __init__(self):
        self.limits, self.kernels, self.stages = {}, {}, {}
        self.contests, self.first, self.machine, self.rejected, self.runs = {}, {}, {}, {}, {}
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
        elif kind == "first_token":
            self.first[line["mode"], avx2] = line
        elif kind == "run":
            key = tuple(line["contest"])
            self.runs[key] = self.runs.get(key, 0) + 1
            self.rejected[key] = self.rejected.get(key, 0) + line["rejected"]


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
            f"{m['cpu']}, {m['cpus']} CPUs ({flags}), {m['memory_gb']} GB, Linux {m['kernel']}, pages of {m['page_size']} bytes, "
            f"huge pages: {m['huge_pages']}. {m['threads']} threads unless a table says otherwise.",
            "",
        ]
    elif figures.cpu:
        out += [figures.cpu + ".", ""]
    if figures.limits:
        out += [
            "What it can do at most, measured by `bench_limits` in the same session; ratios below are to these:",
            "",
        ]
        rows = []
        for line in figures.limits.values():
            more = [f"{key} {line[key]}" for key in ("pages", "size") if line.get(key)]
            name = " ".join([line["figure"].replace("_", " "), *more])
            rows.append([name, line.get("isa", ""), line.get("threads", ""), f"{line['rate']:.1f} {line['unit']}"])
        out += table(["limit", "instructions", "threads", "rate"], rows, 2)
    return out


def contest_rows(line):
    rows = []
    for row in line["rows"]:
        error = f"{100 * row['relative_l2']:.2f} %" if row.get("relative_l2") is not None else ""
        ratio = f"{row['ratio']:.2f}" if row.get("ratio") else ""
        name = f"**{row['who']}**" if row["who"] == OURS else row["who"]
        mark = " (*)" if row.get("disturbed") else ""
        rows.append(
            [name + mark, ms(row["ms"]), ms(row["min_ms"]), ms(row["max_ms"]), ratio, error, row.get("peak_mib") or ""]
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
            head = ["", "median ms", "min", "max", "/ ours", "error to f32", "peak MiB"]
            out += table(head, contest_rows(line))
            out += [
                f"{line['rounds']} rounds in turns, {line['repeat']} runs a process, {line['threads']} threads; "
                f"{gone} of {runs} processes thrown away because others were busy."
                + (" (*): none of four tries was quiet." if any(r.get("disturbed") for r in line["rows"]) else ""),
                "",
            ]
    return out


def first_token_part(figures, images, avx2):
    out = []
    for mode in MODES:
        line = figures.first.get((mode, avx2))
        if not line or len(line["rows"]) < 2:
            continue
        name = f"first-token-{mode}{'-avx2' if avx2 else ''}.svg"
        rows = [dict(row, ms=row["ms"] / 1e3) for row in line["rows"]]
        images[name] = charts.bars(f"First token of a one-crop picture, {mode}: seconds", bar_rows({"rows": rows}), "s")
        out += [f"### First token, `{mode}`", "", f"![First token, {mode}](images/{name})", ""]
        out += table(
            ["", "s", "/ ours"], [[r["who"], f"{r['ms']:.2f}", r["ratio"] and f"{r['ratio']:.2f}"] for r in rows]
        )
        out += ["The sum of encode, prefill and one decode step.", ""]
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
        bar = [(f"{l['figure']} {l['isa']}", 100 * l["ratio"], None, None, True) for l in best if l["threads"] == 1]
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
    return ["## Versions and settings", ""] + table(["who", "stage", "version", "settings"], sorted(seen.values()), 4)


def document(figures, images):
    out = ["# Performance", ""]
    out += [
        "Made by `bench/peers/report.py` from the lines that the benchmarks print: do not edit. How each figure is taken is",
        "told in [bench/peers/README.md](../bench/peers/README.md). Absolute times are those of one shared machine; ratios within a table are",
        "what counts.",
        "",
    ]
    out += machine_part(figures)
    against = first_token_part(figures, images, False) + contest_part(figures, images, False)
    if against:
        out += ["## Against others", "", "A ratio above 1 means that Moonbeam is faster.", "", *against]
    narrow = first_token_part(figures, images, True) + contest_part(figures, images, True)
    if narrow:
        out += ["## Without AVX-512", "", "`MOONBEAM_ISA=avx2` against llama.cpp built for AVX2 alone.", "", *narrow]
    out += stages_part(figures) + kernels_part(figures, images) + versions_part(figures)
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
