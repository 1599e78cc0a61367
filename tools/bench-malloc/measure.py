#!/usr/bin/python3
"""measure.py DIRECTORY [-o table.json] - the table of bench-malloc.

DIRECTORY has driver-NAME for each library (linked with driver.c) and *.trace.  Every workload runs
twice for each library: under callgrind, which counts the instructions inside the bench_ functions
of the driver, less those of mem* functions and of the wrappers themselves; and alone, where blocks
are filled and resident memory is sampled.  The kernel's instructions are in no figure.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WORKLOADS = ["fixed-pairs", "random-free", "lifo", "fifo", "random-small", "log-uniform", "bursts",
             "every-second"]
VECTORS = ["vector-doubling", "vector-steps"]
COALESCING = ["glibc"]  # of those measured here, the one whose blocks merge when they are freed
# The best of the coalescing libraries that Debian does not have (dlmalloc with 16-byte alignment,
# LK's cmpctmalloc), measured once with the same workloads.
RECORDED = {"fixed-pairs": 98, "random-free": 165, "lifo": 94, "fifo": 201, "random-small": 223,
            "log-uniform": 241, "bursts": 166, "every-second": 162}
OURS = "strata"
# One live block, or a few KiB of them: page granularity is all that their memory figure would show.
SMALLEST_PEAK = 64 * 1024
WRAPPERS = ["bench_malloc", "bench_calloc", "bench_realloc", "bench_free"]
EXCLUDED = re.compile(r"^(bench_|_*(mem|x86_mem)(cpy|set|move|chr|cmp)|_*w?mem(cpy|set|move))")
TARGET_INSTRUCTIONS, TARGET_MEMORY, TARGET_ROW = 110, 1.19, 1.3


def instructions(profile):
    """Self costs of all functions that count, from callgrind's output."""
    names, total, counted, skip = {}, 0, False, False
    for line in profile.splitlines():
        function = re.match(r"fn=\((\d+)\)(?: (.*))?", line)
        if function:
            if function[2]:
                names[function[1]] = function[2]
            counted = not EXCLUDED.match(names[function[1]])
        elif line.startswith("c"):  # cfn=, calls=, ...
            called = re.match(r"cfn=\((\d+)\) (.*)", line)
            if called:
                names[called[1]] = called[2]
            skip = skip or line.startswith("calls=")
        elif re.match(r"[+\-*\d]", line):
            if not skip and counted:
                total += int(line.split()[1])
            skip = False
    return total


def count(driver, workload, environment):
    with tempfile.NamedTemporaryFile() as output:
        result = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
             f"--callgrind-out-file={output.name}",
             *[f"--toggle-collect={name}" for name in WRAPPERS], driver, workload],
            capture_output=True, text=True, env=environment)
        if result.returncode != 0:
            sys.exit(f"{driver} {workload}: {result.stderr}")
        pairs = int(result.stdout.split()[0])
        return instructions(Path(output.name).read_text()) / pairs


def memory(driver, workload, environment):
    result = subprocess.run(["setarch", "-R", driver, workload, "memory"], capture_output=True,
                            text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"{driver} {workload}: {result.stderr}")
    _, live, touched, kept, moves = map(int, result.stdout.split())
    return {"live": live, "touched": touched, "kept": kept, "moves": moves}


def measure(driver, workload):
    environment = {**os.environ, "LD_BIND_NOW": "1"}
    return {"instructions": count(driver, workload, environment),
            **memory(driver, workload, environment)}


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def ratio(cell):
    return cell["touched"] / cell["live"]


def print_table(title, libraries, rows, value, form, with_mean=False):
    width = max(len(name) for name in rows) + 2
    print(f"\n{title}\n" + " " * width + "".join(f"{name:>10}" for name in libraries))
    for row in rows:
        print(f"{row:{width}}" + "".join(f"{value(name, row):>10{form}}" for name in libraries))
    if with_mean:
        print(f"{'geometric mean':{width}}" + "".join(
            f"{mean([value(name, row) for row in rows]):>10{form}}" for name in libraries))


def report(cells, libraries, rows):
    sized = [row for row in rows if cells[libraries[0]][row]["live"] >= SMALLEST_PEAK]
    vectors = [row for row in VECTORS if row in cells[libraries[0]]]

    def cell(field):
        return lambda name, row: cells[name][row][field]
    print_table("Instructions per alloc+free pair (mem* and kernel excluded)", libraries, rows,
                cell("instructions"), ".0f", with_mean=True)
    print_table("Peak touched memory / peak live bytes", libraries, sized,
                lambda name, row: ratio(cells[name][row]), ".2f", with_mean=True)
    print_table("Vectors: peak touched / peak live", libraries, vectors,
                lambda name, row: ratio(cells[name][row]), ".2f")
    print_table("Vectors: blocks that moved", libraries, vectors, cell("moves"), "d")
    print_table("Kept after everything was freed, KiB", libraries, rows,
                lambda name, row: max(0, cells[name][row]["kept"]) // 1024, "d")
    if OURS not in libraries:
        return
    ours = cells[OURS]
    total = mean([ours[row]["instructions"] for row in rows])
    waste = mean([ratio(ours[row]) for row in sized])
    print(f"\nstrata: {total:.1f} instructions (target {TARGET_INSTRUCTIONS}), "
          f"memory {waste:.3f} (target {TARGET_MEMORY})")
    for row in rows:
        best = min([RECORDED.get(row, math.inf)] +
                   [cells[name][row]["instructions"] for name in COALESCING if name in libraries])
        quotient = ours[row]["instructions"] / best
        verdict = "ok" if quotient <= TARGET_ROW else "MISSED"
        print(f"  {row:16} {quotient:5.2f} of the best that coalesces, {best:.0f} "
              f"(target {TARGET_ROW})  {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", default="", help="libraries, separated by commas")
    options = parser.parse_args()
    drivers = {path.name[len("driver-"):]: path.absolute()
               for path in sorted(options.directory.glob("driver-*"))}
    libraries = sorted((name for name in drivers
                        if not options.only or name in options.only.split(",")),
                       key=lambda name: (name != OURS, name))
    traces = sorted(options.directory.glob("*.trace"))
    paths = {**{name: name for name in WORKLOADS + VECTORS}, **{path.stem: path for path in traces}}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {name: {row: pool.submit(measure, drivers[name], path)
                          for row, path in paths.items()} for name in libraries}
        cells = {name: {row: future.result() for row, future in row_futures.items()}
                 for name, row_futures in futures.items()}
    report(cells, libraries, WORKLOADS + [path.stem for path in traces])
    if options.output:
        options.output.write_text(json.dumps(cells, indent=1) + "\n")


if __name__ == "__main__":
    main()
