"""4 MiB pages of programs, as a user sees them: the program `huge`, meminfo, smaps, walk, page, vmstat,
/proc, and the kernel parameter transparent_hugepage=."""

import re

import pytest

from machine import Machine, qemu_shell
from memory import assert_well, in_use, kernel, kill_all, shell, start_until_it_sleeps

pytestmark = pytest.mark.xdist_group("huge-pages")

KB = 4096  # in one
STEP = re.compile(r"^(.+?) +(\d+) kB resident, +(\d+) kB huge, +(\d+) faults$", re.MULTILINE)
RANGE = re.compile(r"^([0-9a-f]{8})-[0-9a-f]{8} rw-p [\s\S]*?^AnonHugePages: +(\d+) kB$"
                   r"[\s\S]*?^THPeligible: +(\d)$[\s\S]*?^VmFlags: (.*?) *$", re.MULTILINE)


def steps(shell, program):
    """(resident, huge, faults) after each step."""
    return [tuple(map(int, row[1:])) for row in STEP.findall(shell.command(program))]


def huge_kb(shell):
    return shell.fields("meminfo")["AnonHugePages"]


def huge_range(shell, pid):
    """The first range that has huge pages: where it starts, kB, eligible, flags."""
    rows = RANGE.findall(shell.command(f"smaps {pid}"))
    return next((int(start, 16), int(kb), eligible, flags.split())
                for start, kb, eligible, flags in rows if kb != "0")


ASKED = [(0, 0, 0), (2 * KB, 2 * KB, 2), (2 * KB - 4, KB, 0), (2 * KB - 4, KB, 1)]
SMALL = [(0, 0, 0), (2 * KB, 0, 2048), (2 * KB - 4, 0, 0), (KB, 0, 1)]


def test_who_asks_gets_them(shell):
    before = shell.fields("vmstat")
    assert steps(shell, "huge") == ASKED
    after = shell.fields("vmstat")
    gained = {name: after[name] - before[name] for name in after}
    assert gained["thp_fault_alloc"] == gained["pgfault_huge"] == 3
    assert gained["thp_split_pmd"] == 1 and gained["thp_fault_fallback"] == 0


def test_who_asks_not_to_gets_none(shell):
    assert steps(shell, "huge never") == SMALL


def test_meminfo_and_smaps(shell):
    assert huge_kb(shell) == 0
    first = start_until_it_sleeps(shell, "huge 100000")
    assert huge_kb(shell) == KB
    start_until_it_sleeps(shell, "huge 100000")
    assert huge_kb(shell) == 2 * KB
    assert shell.fields("vmstat")["nr_anon_transparent_hugepages"] == 2
    _, kb, eligible, flags = huge_range(shell, first)
    assert kb == KB and eligible == "1" and "hg" in flags
    # two huge pages were mapped, one is split: its table is in use, the other one is set aside
    assert shell.fields(f"vmstat {first}")["nr_table_pages"] >= 4
    kill_all(shell)
    assert huge_kb(shell) == 0
    assert_well(shell)


def test_walk_and_page(shell):
    pid = start_until_it_sleeps(shell, "huge 100000")
    address = huge_range(shell, pid)[0] + 0x12345
    output = shell.command(f"walk {address:#x} {pid}")
    assert f"22 bits: offset in the 4 MiB page {address & 0x3FFFFF:#x}" in output
    assert "PTE" not in output and "writable for user and kernel" in output
    assert "mapped in 1 place, in a 4 MiB page" in output.replace("\n      ", " ")
    pfn = re.search(r"frame (0x[0-9a-f]+):", output)[1]
    assert "in a 4 MiB page" in shell.command(f"page {pfn}")
    assert all(len(line) < 80 for line in output.splitlines())


def test_they_come_back_whole(shell):
    shell.command("huge")
    before = in_use(shell)
    for _ in range(3):
        shell.command("huge")
    assert in_use(shell) == before


def test_none_is_left():
    """Three blocks of 4 MiB are free, one program has two: the next one's second is of small pages."""
    with qemu_shell(Machine("19M"), "loglevel=1") as shell:
        first = start_until_it_sleeps(shell, "huge 100000")
        _, (resident, huge, faults), *_ = steps(shell, "huge")
        assert (resident, huge) == (2 * KB, KB) and faults > 1024
        assert shell.fields("vmstat")["thp_fault_fallback"] == 1
        shell.command(f"kill {first} KILL")
        kill_all(shell)
        assert_well(shell)


# --- the kernel parameter ----------------------------------------------------------------------

PROGRAMS = ["hello", "heap", "heap map", "mallocs 1 20000", "gc", "forks 2", "lazy", "failwalk fork",
            "execs 3", "memhog 24M", "fuzz 1 2000"]


def test_always():
    """No program notices, and those with much memory have huge pages."""
    with qemu_shell(append="loglevel=1 transparent_hugepage=always") as shell:
        before = {}
        for program in PROGRAMS:
            before[program] = re.sub(r"\d+", "N", shell.command(program))
        assert shell.fields("vmstat")["thp_fault_alloc"] >= 5  # memhog's
        assert steps(shell, "huge") == ASKED
        assert steps(shell, "huge never") == SMALL
        assert_well(shell)
    with qemu_shell(append="loglevel=1 transparent_hugepage=never") as shell:
        for program in PROGRAMS:
            assert re.sub(r"\d+", "N", shell.command(program)) == before[program], program
        assert steps(shell, "huge") == SMALL
        assert shell.fields("vmstat")["thp_fault_alloc"] == 0


def test_a_wrong_word():
    with qemu_shell(append="transparent_hugepage=sometimes") as shell:
        assert "transparent_hugepage=sometimes: expected always, madvise or never" in \
            shell.command("dmesg")
        assert steps(shell, "huge") == ASKED


def test_a_processor_without():
    with qemu_shell(Machine("64M", "486,-pse"), "transparent_hugepage=always") as shell:
        assert steps(shell, "huge") == SMALL
        assert "never, the processor has none" in shell.command("dmesg")
