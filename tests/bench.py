#!/usr/bin/python3
"""Runs the benchmark kernel and sets its figures beside those of other systems.

One tick of the time-stamp counter is one instruction under -icount shift=0,sleep=off, so the figures
are exact.  Prints a table and writes build/bench.json.  Reference figures were taken in the same way:
Linux 6.1 i386 (mitigations=off, init_on_alloc=0 for the kernel's allocators), xv6-x86, Fiwix.
"""

import json
import re
import sys

from machine import BUILD, KERNEL, Machine, boot

MACHINE = Machine("256M", "max")
SMALL_MACHINE = Machine("64M", "max")  # for the boot, from the first instruction to the prompt
PAGE_FILL = 1024  # REP STOSL iterations of one page

# name: (Linux, best other, target, instructions of fill in the row); None = not known.
SLAB_MANY = {32: 319, 64: 332, 128: 356, 256: 418, 1024: 603, 2048: 620}
ANCHORS = {
    "page_pair_order_0": (656, None, 164, 0),
    "page_pair_order_1": (752, None, 188, 0),
    "page_pair_order_2": (790, None, 197, 0),
    "page_pair_order_3": (866, None, 216, 0),
    "page_pair_order_4": (1629, None, 407, 0),
    "page_pair_order_9": (18309, None, 4577, 0),
    "page_pair_order_10": (20509, None, 5127, 0),
    "page_pair_zeroed": (1827, None, 164 + PAGE_FILL, PAGE_FILL),
    "page_1000_same": (1193, None, 298, 0),
    "page_1000_reverse": (1193, None, 298, 0),
    "page_1000_random": (1160, None, 290, 0),
    **{f"slab_pair_{n}": (185, None, 92, 0) for n in SLAB_MANY},
    **{f"slab_10000_{n}": (linux, None, linux // 2, 0) for n, linux in SLAB_MANY.items()},
    "slab_first_in_slab_32": (7069, None, 3534, 0),
    "slab_first_in_slab_256": (1581, None, 790, 0),
    "slab_first_in_slab_2048": (2020, None, 1010, 0),
    **{f"kmalloc_pair_{8 << i}": (216, None, 108, 0) for i in range(11)},
    "kmalloc_pair_16384": (1175, None, 587, 0),
    "vmalloc_pair_4096": (2835, None, None, 0),
    "vmalloc_pair_65536": (9811, None, None, 0),
    "null_syscall": (334, 101, 80, 0),
    "invalid_syscall": (211, 84, None, 0),
    "brk_grow_untouched": (2676, 171, 160, 0),
    "brk_shrink_untouched": (5709, 287, 220, 0),
    "heap_first_touch": (2810, 16721, 300 + PAGE_FILL, PAGE_FILL),
    "brk_shrink_touched": (8878, 850, None, 0),
    "heap_grow_touch_free_256": (4127, 3714, 450 + PAGE_FILL, PAGE_FILL),
    "zero_page_read_fault": (1088, None, 250, 0),
    "malloc_pair_64": (150, 83, None, 0),
    "malloc_64_random_free": (392, 72, None, 0),
    "malloc_lifo_16_512": (349, 58, None, 0),
    "malloc_fifo_16_512": (188, 72, None, 0),
    "malloc_random_1_1024": (193, 150, None, 0),
    "boot_entry_to_prompt": (4529000000, None, 10000000, 0),
}
# The limit that binds already: xv6's or Fiwix's figure, the better of the two where both can do it.
TEACHING_KERNELS = {
    "null_syscall": 101, "invalid_syscall": 84, "brk_grow_untouched": 171,
    "brk_shrink_untouched": 287, "brk_shrink_touched": 850, "heap_first_touch": 16721,
    "heap_grow_touch_free_256": 3714,
}
ROW = re.compile(r"^bench: (\w+) min=(\d+) median=(\d+)(?: samples=(\d+))?(?: fill=\d+)? unit=(\w+)$",
                 re.MULTILINE)


BOOT = re.compile(r"start: (\d+) ticks")
ICOUNT = ["-icount", "shift=0,sleep=off"]


def count_boot():
    """Instructions from the kernel's first to the shell's prompt."""
    product = boot(KERNEL, SMALL_MACHINE, 'run="dmesg; poweroff"', extra=ICOUNT).output
    return int(BOOT.search(product)[1])


def measure():
    """{name: {min, median, net, unit, linux, other, target, ratio}}, in the order of ANCHORS."""
    output = boot(BUILD / "tests/bench.elf", MACHINE, "panic=test-exit", limit=300,
                  extra=ICOUNT).output
    rows = {row[1]: (int(row[2]), int(row[3]), row[5]) for row in ROW.finditer(output)}
    rows["boot_entry_to_prompt"] = (count_boot(),) * 2 + ("boot",)
    table = {}
    for name, (linux, other, target, fill) in ANCHORS.items():
        if name not in rows:
            continue
        least, median, unit = rows[name]
        table[name] = {"min": least, "median": median, "net": median - fill,
                       "unit": unit, "linux": linux, "best_other": other,
                       "target": target, "ratio_to_linux": round(median / linux, 3)}
    return table


def print_table(table):
    print(f"{'instructions per operation':28}{'Linux':>11}{'other':>8}{'target':>9}"
          f"{'min':>9}{'median':>9}{'net':>8}{'/ Linux':>9}")
    for name, row in table.items():
        print(f"{name:28}{row['linux']:>11}{row['best_other'] or '-':>8}{row['target'] or '-':>9}"
              f"{row['min']:>9}{row['median']:>9}{row['net']:>8}{row['ratio_to_linux']:>9.2f}"
              f"{'' if not row['target'] or row['median'] <= row['target'] else '  above target'}")


def main():
    table = measure()
    (BUILD / "bench.json").write_text(json.dumps(table, indent=2) + "\n")
    print_table(table)
    missing = sorted(set(ANCHORS) - set(table))
    if missing:
        sys.exit(f"bench: no figure for {', '.join(missing)}")


if __name__ == "__main__":
    main()
