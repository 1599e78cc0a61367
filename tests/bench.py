#!/usr/bin/python3
"""Runs the benchmark kernel and sets its figures beside those of other systems.

One tick of the time-stamp counter is one instruction under -icount shift=0,sleep=off, so the figures
are exact.  Prints a table and writes build/bench.json.  Reference figures were taken in the same way:
Linux 6.1 i386 (see LINUX_PARAMETERS; its allocators were measured in a module), xv6-x86, Fiwix.

--linux measures Linux again: the same program files on Debian's kernel in the same emulator.  That
table and build/bench-linux.json have the rows which a program can measure, of both kernels.

Behind the table of instructions come tables of memory that serves no user: what a frame costs, in how
little the kernel boots, what slabs waste, what kmalloc gives beyond what was asked for;
build/bench-overhead.json has them.
"""

import json
import re
import sys

from machine import BUILD, KERNEL, Machine, boot

MACHINE = Machine("256M", "max")
SMALL_MACHINE = Machine("64M", "max")  # for the boot, from the first instruction to the prompt
LARGER_MACHINE = Machine("128M", "max")
SMALL_SIZES = ["1792K", "2M", "3M", "4M"]  # does it boot?  Linux needs 33 MiB, Fiwix 3, xv6 224
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
    "page_pair_atomic": (None, None, None, 0),
    "page_pair_near_min": (None, None, None, 0),
    "page_exact_pair_3": (None, None, None, 0),
    "page_exact_pair_100": (None, None, None, 0),
    "page_exact_pair_3000": (None, None, None, 0),
    "page_steal": (None, None, None, 0),
    "compact_frame": (None, None, None, PAGE_FILL),
    "compact_table_searched": (None, None, None, 0),
    "page_1000_same": (1193, None, 298, 0),
    "page_1000_reverse": (1193, None, 298, 0),
    "page_1000_random": (1160, None, 290, 0),
    **{f"slab_pair_{n}": (185, None, 92, 0) for n in SLAB_MANY},
    **{f"slab_10000_{n}": (linux, None, linux // 2, 0) for n, linux in SLAB_MANY.items()},
    "slab_first_in_slab_32": (7069, None, 3534, 0),
    "slab_first_in_slab_256": (1581, None, 790, 0),
    "slab_first_in_slab_2048": (2020, None, 1010, 0),
    "slab_refill_64": (None, None, None, 0),
    "slab_pair_constructed_once": (None, None, None, 0),
    "slab_pair_constructed_each_time": (None, None, None, 0),
    **{f"kmalloc_pair_{8 << i}": (216, None, 108, 0) for i in range(11)},
    "kmalloc_pair_run_time": (241, None, 120, 0),
    "kmalloc_pair_16384": (1175, None, 587, 0),
    "vmalloc_pair_4096": (2835, None, None, 0),
    "vmalloc_pair_65536": (9811, None, None, 0),
    "vmap_pair_65536": (None, None, None, 0),
    "cache_flush_page": (None, None, None, 0),
    "leak_scan_object": (None, None, None, 0),
    "null_syscall": (334, 101, 80, 0),
    "invalid_syscall": (211, 84, None, 0),
    "brk_grow_untouched": (2676, 171, 160, 0),
    "brk_shrink_untouched": (5709, 287, 220, 0),
    "heap_first_touch": (2810, 16721, 300 + PAGE_FILL, PAGE_FILL),
    "heap_first_touch_idle": (2810, None, 300, 0),
    "brk_shrink_touched": (8878, 850, None, 0),
    "heap_grow_touch_free_256": (4127, 3714, 450 + PAGE_FILL, PAGE_FILL),
    "zero_page_read_fault": (1088, None, 250, 0),
    "mmap_untouched": (4609, 786, 500, 0),
    "munmap_untouched": (5511, 431, 400, 0),
    "munmap_touched": (8139, 6801, None, 0),
    "mmap_munmap_pair": (10273, None, 900, 0),
    "mmap_touch_munmap_pair": (16417, None, None, PAGE_FILL),
    "mmap_touch_munmap_256": (4138, 17736, 450 + PAGE_FILL, PAGE_FILL),
    # Linux without PAE has no huge pages for programs: 1024 faults for small ones.
    "huge_fault": (1024 * 2826, None, 1024 * (PAGE_FILL + 16), 1024 * PAGE_FILL),
    "huge_touch_drop": (4607, None, PAGE_FILL + 64, PAGE_FILL),
    "file_page_read_fault": (1847, None, None, 0),
    "mprotect_read_only": (2711, 1105, 500, 0),
    "mprotect_read_write": (2798, 1105, 500, 0),
    "cow_break": (3546, 24903, 350 + PAGE_FILL, PAGE_FILL),
    "cow_reuse": (1116, 197, 180, 0),
    "stack_growth": (5720, 16803, None, PAGE_FILL),
    "fork_exit_wait": (88147, 262805, 20000, 0),
    "fork_exit_wait_1m": (169618, 614000, None, 0),
    "fork_exit_wait_huge": (446854, None, None, 0),
    "fork_parent_returns": (43074, 180000, None, 0),
    "fork_exec_exit_wait": (178347, 780000, 70000, 0),
    "vfork_exec_exit_wait": (130291, None, None, 0),
    "exec": (93250, None, None, 0),
    "signal_round_trip": (7560, None, None, 0),
    "fault_signal_round_trip": (10448, None, None, 0),
    "pipe_round_trip": (12349, None, None, 0),
    "context_switch": (2499, None, None, 0),
    "timer_tick": (3858, 400, 400, 0),
    "malloc_pair_64": (150, 83, None, 0),
    "malloc_64_random_free": (392, 72, None, 0),
    "malloc_lifo_16_512": (349, 58, None, 0),
    "malloc_fifo_16_512": (188, 72, None, 0),
    "malloc_random_1_1024": (193, 150, None, 0),
    "boot_entry_to_prompt": (4529000000, None, 10000000, 0),
    "boot_per_page": (51 + 29, None, 20, 0),
}
# The limit that binds already: xv6's or Fiwix's figure, the better of the two where both can do it.
TEACHING_KERNELS = {
    "null_syscall": 101, "invalid_syscall": 84, "brk_grow_untouched": 171,
    "brk_shrink_untouched": 287, "brk_shrink_touched": 850, "heap_first_touch": 16721,
    "heap_grow_touch_free_256": 3714,
    "mmap_untouched": 786, "munmap_untouched": 431, "munmap_touched": 6801,
    "mmap_touch_munmap_256": 17736, "mprotect_read_only": 1105, "mprotect_read_write": 1105,
    "cow_break": 24903, "cow_reuse": 197, "stack_growth": 16803,
    "fork_exit_wait": 262805, "fork_exit_wait_1m": 614000, "fork_parent_returns": 180000,
    "fork_exec_exit_wait": 780000, "timer_tick": 400,
}
LINUX_KERNEL, LINUX_INITRD = BUILD / "linux/vmlinuz", BUILD / "linux/initrd.cpio"
# As fast as Debian's kernel gets: no defence against the processor's flaws, no zeroing of every page,
# no accounting, no security module, no auditing; and the heap beside bss, below the same page table.
LINUX_PARAMETERS = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr norandmaps " \
    "init_on_alloc=0 cgroup_disable=memory lsm= audit=0"
LINUX_PROGRAMS = ["/bin/bench", "/bin/benchvm", "/bin/benchproc"]
ROW = re.compile(r"^bench: (\w+) min=(\d+) median=(\d+)(?: samples=(\d+))?(?: fill=\d+)? unit=(\w+)$",
                 re.MULTILINE)
OVERHEAD = re.compile(r"^overhead: (\w+) ([\w-]+) (.*)$", re.MULTILINE)
# Linux 6.1 i386: bytes of struct page, and objects of a cache in 4 KiB (no header in the object).
LINUX_STRUCT_PAGE = 40
LINUX_OBJECTS = {32: 128, 64: 64, 128: 32, 256: 16}
LINUX_SMALLEST = 33 * 1024  # KiB of RAM that it boots with
PAGE_BYTES = 4096
KMALLOC_SLAB_MAX = 8192  # larger requests are blocks of frames
UNSUPPORTED = re.compile(r"^bench: (\w+) unsupported$", re.MULTILINE)
BOOT = re.compile(r"start: (\d+) ticks")
ICOUNT = ["-icount", "shift=0,sleep=off"]


def count_boot(machine):
    """Instructions from the kernel's first to the shell's prompt."""
    product = boot(KERNEL, machine, 'run="dmesg; poweroff"', extra=ICOUNT).output
    return int(BOOT.search(product)[1])


def boot_rows():
    """How long a boot takes, and what each frame of memory adds to it."""
    small, larger = count_boot(SMALL_MACHINE), count_boot(LARGER_MACHINE)
    frames = (LARGER_MACHINE.kib - SMALL_MACHINE.kib) * 1024 // PAGE_BYTES
    per_frame = round((larger - small) / frames)
    return {"boot_entry_to_prompt": (small, small, "boot"),
            "boot_per_page": (per_frame, per_frame, "page")}


def smallest_ram():
    """KiB of the first of SMALL_SIZES in which the kernel reaches its prompt, with its initrd."""
    for size in SMALL_SIZES:
        machine = Machine(size, "max")
        try:
            if boot(KERNEL, machine, 'run="poweroff"', limit=30).status == 0:
                return machine.kib
        except AssertionError:  # it hangs
            continue
    return None


def rows_of(output):
    """{name: (min, median, unit)}"""
    return {row[1]: (int(row[2]), int(row[3]), row[5]) for row in ROW.finditer(output)}


def overheads(output):
    """{table: {name: {key: number}}}: as the kernel prints it, and what follows from it."""
    tables = {}
    for table, name, rest in OVERHEAD.findall(output):
        pairs = (word.split("=") for word in rest.split())
        tables.setdefault(table, {})[name] = {key: int(number) for key, number in pairs}
    for cache in tables["caches"].values():
        slab = cache["pages"] * PAGE_BYTES
        cache["waste_percent"] = round(100 * cache["waste"] / slab, 1)
        cache["objects_per_page"] = cache["objects"] / cache["pages"]
        cache["linux_objects_per_page"] = LINUX_OBJECTS.get(cache["object"])
    kmalloc = tables["kmalloc"]
    for given, size in kmalloc.items():
        size.update(kmalloc_waste({int(given): size}))
    kmalloc["all"] = {"first": 1, "last": KMALLOC_SLAB_MAX, **kmalloc_waste(kmalloc)}
    return tables


def kmalloc_waste(classes):
    """Mean bytes lost for a request, and their share of what is given: if all sizes are as likely
    (uniform), and if each doubling of the size is (log: a size's weight is 1 / size)."""
    waste = {}
    for name, weight in (("uniform", lambda n: 1), ("log", lambda n: 1 / n)):
        requests = lost = room = 0
        for given, size in classes.items():
            for n in range(size["first"], size["last"] + 1):
                requests += weight(n)
                lost += weight(n) * (int(given) - n)
                room += weight(n) * int(given)
        waste[f"{name}_lost"] = round(lost / requests, 1)
        waste[f"{name}_percent"] = round(100 * lost / room, 1)
    return waste


def run_strata():
    return boot(BUILD / "tests/bench.elf", MACHINE, "panic=test-exit norandmaps", limit=300,
                extra=ICOUNT).output


def run_on_linux(*programs, extra=(), limit=300):
    """What programs of the initrd print on Debian's kernel; see tests/linux/init.c."""
    words = "".join(f" ; {program}" for program in programs)
    return boot(LINUX_KERNEL, MACHINE, f"{LINUX_PARAMETERS} --{words}", initrd=LINUX_INITRD,
                limit=limit, extra=extra).output


def measure(output=None):
    """{name: {min, median, net, unit, linux, other, target, ratio}}, in the order of ANCHORS."""
    rows = rows_of(output or run_strata())
    rows.update(boot_rows())
    table = {}
    for name, (linux, other, target, fill) in ANCHORS.items():
        if name not in rows:
            continue
        least, median, unit = rows[name]
        table[name] = {"min": least, "median": median, "net": median - fill,
                       "unit": unit, "linux": linux, "best_other": other,
                       "target": target,
                       "ratio_to_linux": round(median / linux, 3) if linux else None}
    return table


def compare_with_linux(strata_output, linux_output):
    """{name: {strata, linux, ratio}} of what the programs measured, in their order; None = not there."""
    strata, linux = rows_of(strata_output), rows_of(linux_output)
    table = {}
    for name, (_, there, unit) in linux.items():
        here = strata[name][1] if name in strata else None
        table[name] = {"unit": unit, "strata": here, "linux": there,
                       "ratio": round(here / there, 3) if here else None}
    return table


def print_table(table):
    print(f"{'instructions per operation':31}{'Linux':>11}{'other':>8}{'target':>9}"
          f"{'min':>9}{'median':>9}{'net':>8}{'/ Linux':>9}")
    for name, row in table.items():
        ratio = f"{row['ratio_to_linux']:.2f}" if row["linux"] else "-"
        print(f"{name:31}{row['linux'] or '-':>11}{row['best_other'] or '-':>8}"
              f"{row['target'] or '-':>9}{row['min']:>9}{row['median']:>9}{row['net']:>8}{ratio:>9}"
              f"{'' if not row['target'] or row['median'] <= row['target'] else '  above target'}")


def print_frames(frames, constructor):
    size, mem_map = frames["struct_page"]["bytes"], frames["mem_map"]
    print(f"\nmemory for {mem_map['ram']} KiB of RAM{'Linux':>16}{'Strata':>9}")
    print(f"{'struct page, bytes':34}{LINUX_STRUCT_PAGE:>9}{size:>9}")
    print(f"{'struct page, % of RAM':34}{100 * LINUX_STRUCT_PAGE / PAGE_BYTES:>9.2f}"
          f"{100 * size / PAGE_BYTES:>9.2f}")
    print(f"{'mem_map, KiB':34}{'-':>9}{mem_map['kib']:>9}")
    direct = frames["direct_map"]
    print(f"{'page tables after boot, KiB':34}{'-':>9}{direct['kib']:>9}"
          f"  (direct map: {direct['pages_4m']} pages of 4 MiB, {direct['pages_4k']} of 4 KiB)")
    print(f"{'kernel image with bench, KiB':34}{'-':>9}{frames['kernel']['kib']:>9}")
    smallest = frames["smallest_ram"]["kib"]
    print(f"{'smallest RAM that boots, KiB':34}{LINUX_SMALLEST:>9}{smallest or '-':>9}")
    print("\na constructor's work       allocs   calls    pair")
    for name, row in constructor.items():
        print(f"{name:24}{row['allocs']:>9}{row['calls']:>8}{row['pair']:>8}")


def print_caches(caches):
    print("\n                                        per  frames    lost      in 4 KiB")
    print("cache                object    slot    slab  a slab   bytes  lost  here  Linux")
    for name, row in caches.items():
        print(f"{name:16}{row['object']:>11}{row['slot']:>8}{row['objects']:>8}{row['pages']:>8}"
              f"{row['waste']:>8}{row['waste_percent']:>5.1f}%{row['objects_per_page']:>6.4g}"
              f"{row['linux_objects_per_page'] or '-':>7}")


def print_kmalloc(classes):
    print("\nkmalloc: bytes lost, mean   requests       uniform        log-uniform")
    for given, row in classes.items():
        print(f"{given:>16}{row['first']:>11} -{row['last']:>5}{row['uniform_lost']:>10.1f}"
              f"{row['uniform_percent']:>6.1f}%{row['log_lost']:>12.1f}{row['log_percent']:>6.1f}%")


def print_comparison(table):
    print(f"{'instructions, median':28}{'per':>8}{'Linux':>9}{'Strata':>9}{'/ Linux':>9}")
    for name, row in table.items():
        print(f"{name:28}{row['unit']:>8}{row['linux']:>9}{row['strata'] or '-':>9}"
              f"{row['ratio'] or '-':>9}")


def main(arguments=()):
    if "--linux" in arguments:
        table = compare_with_linux(run_strata(), run_on_linux(*LINUX_PROGRAMS, extra=ICOUNT))
        (BUILD / "bench-linux.json").write_text(json.dumps(table, indent=2) + "\n")
        print_comparison(table)
        sys.exit(None if table else "bench: Linux printed no figures")
    output = run_strata()
    table = measure(output)
    (BUILD / "bench.json").write_text(json.dumps(table, indent=2) + "\n")
    print_table(table)
    tables = overheads(output)
    tables["frames"]["smallest_ram"] = {"kib": smallest_ram()}
    (BUILD / "bench-overhead.json").write_text(json.dumps(tables, indent=2) + "\n")
    print_frames(tables["frames"], tables["constructor"])
    print_caches(tables["caches"])
    print_kmalloc(tables["kmalloc"])
    for name in UNSUPPORTED.findall(output):
        print(f"{name:28}unsupported")
    missing = sorted(set(ANCHORS) - set(table) - set(UNSUPPORTED.findall(output)))
    if missing:
        sys.exit(f"bench: no figure for {', '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
