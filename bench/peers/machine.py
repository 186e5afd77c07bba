"""The machine as the figures need it: its name, its pages, and how much of it others took while a process ran."""

import os
import pathlib
import platform
import resource
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def cpu_flags():
    wanted = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16")
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            has = set(line.split())
            return [flag for flag in wanted if flag in has]
    return []


def describe():
    pages = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
    text = pages.read_text() if pages.exists() else ""
    return {
        "cpu": cpu_name(),
        "cpu_flags": cpu_flags(),
        "cpus": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "huge_pages": text[text.find("[") + 1 : text.find("]")] or "none",
    }


def cpu_seconds():
    """Seconds of all CPUs since the start: spent by anybody here, and taken by the host."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, soft, steal = (int(t) for t in stat.readline().split()[1:9])
    return (user + nice + system + irq + soft) / TICK, steal / TICK


def run_alone(command, env=None):
    """Runs a command to its end: its output and the shares of CPU time that others took meanwhile."""
    busy, stolen = cpu_seconds()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    busy, stolen = (now - then for now, then in zip(cpu_seconds(), (busy, stolen)))
    room = wall * os.cpu_count()
    shares = {
        "wall_s": round(wall, 1),
        "foreign": round(max(0.0, busy - own) / room, 4),
        "steal": round(stolen / room, 4),
    }
    return result, shares
