"""The test kernels: each case of each suite, on each machine, is one result here.

A machine is booted once for each suite; tests of one boot are kept on one xdist worker.
"""

import functools
import os
import subprocess

import pytest

import ktap
from machine import BUILD, EXIT_PASSED, ROOT, Machine, Result, boot, run

SANITIZERS = {"test_kasan", "test_ubsan"}  # in kernels of their own: test_sanitizers.py
SOURCES = {path.stem[5:]: path for path in sorted((ROOT / "tests/kernel").glob("test_*.c"))
           if path.stem not in SANITIZERS}
CASES = {suite: ktap.listed_cases(source) for suite, source in SOURCES.items()}
MEMORY_SUITES = ["memmap", "page", "buddy", "paging", "slab", "kmalloc", "vmalloc", "space",
                 "fault", "uaccess", "cache", "shortage"]

# Every suite on the first machine, with every feature; then what could make a difference: little
# memory, no HIGHMEM and much of it, no PSE, no PGE, no TSC, no CPUID.
MACHINES = [
    (Machine("64M", "max"), list(SOURCES)),
    (Machine("64M", "486,-pse"), list(SOURCES)),
    (Machine("4M", "486,-pse"), MEMORY_SUITES),
    (Machine("4M", "max"), MEMORY_SUITES + ["compact", "space_model"]),
    (Machine("5M", "qemu32"), MEMORY_SUITES),
    (Machine("16M", "486"), MEMORY_SUITES + ["compact", "thread", "syscall"]),
    (Machine("64M", "pentium"), ["paging", "space", "uaccess", "thread", "detectors"]),
    (Machine("64M", "qemu32"), ["paging", "space", "uaccess", "syscall"]),
    (Machine("1024M", "max"), MEMORY_SUITES + ["huge", "space_model"]),
    (Machine("2048M", "qemu32"), MEMORY_SUITES),
    (Machine("4096M", "max"), MEMORY_SUITES + ["huge", "space_model"]),
    (Machine("4096M", "486,-pse"), ["page", "buddy", "paging", "vmalloc"]),
]
WHOLE = "whole_suite"  # the result that stands for the boot itself


@functools.lru_cache(maxsize=None)
def boot_suite(suite, machine):
    try:
        result = boot(BUILD / f"tests/{suite}.elf", machine, "panic=test-exit")
    except AssertionError as timeout:  # remembered, too: one wait for all cases, not one for each
        result = Result(-1, str(timeout))
    return result, ktap.parse(result.output)


@functools.lru_cache(maxsize=None)
def boot_suite_in_bochs(suite):
    kernel, iso = BUILD / f"tests/{suite}.elf", BUILD / f"tests/{suite}.iso"
    serial = BUILD / f"tests/{suite}.bochs.txt"
    environment = dict(os.environ, APPEND="panic=test-exit segment_limits=1")
    subprocess.run(["tools/make-iso", iso, kernel, BUILD / "initrd.cpio"], cwd=ROOT,
                   env=environment, check=True)
    serial.unlink(missing_ok=True)
    try:
        result = run(["tools/bochs", "--headless", "--serial", serial, iso, kernel], limit=300)
    except AssertionError as timeout:
        result = Result(-1, str(timeout))
    result.output = serial.read_text(errors="replace").replace("\r", "")
    return result, ktap.parse(result.output)


def judge(suite, case, result, report, passed_status):
    if case == WHOLE:
        assert sorted(report.cases) == sorted(CASES[suite]), result.output[-3000:]
        assert report.planned == len(CASES[suite])
        assert result.status == passed_status or not all(c.passed for c in report.cases.values())
        return
    assert case in report.cases, "did not run to its end:\n" + "\n".join(report.rest[-60:])
    outcome = report.cases[case]
    assert outcome.passed, "\n".join(outcome.notes)
    if outcome.skipped:
        pytest.skip(outcome.skipped)


def qemu_rows():
    for machine, suites in MACHINES:
        for suite in suites:
            group = pytest.mark.xdist_group(f"{suite}-{machine}")
            for case in CASES[suite] + [WHOLE]:
                yield pytest.param(suite, machine, case, marks=group,
                                   id=f"{suite}-{machine}-{case}")


@pytest.mark.parametrize("suite, machine, case", qemu_rows())
def test_qemu(suite, machine, case):
    judge(suite, case, *boot_suite(suite, machine), EXIT_PASSED)


def bochs_rows():
    for suite in MEMORY_SUITES + ["huge"]:
        group = pytest.mark.xdist_group(f"bochs-{suite}")
        for case in CASES[suite] + [WHOLE]:
            yield pytest.param(suite, case, marks=group, id=f"{suite}-{case}")


@pytest.mark.bochs
@pytest.mark.parametrize("suite, case", bochs_rows())
def test_bochs(suite, case):
    judge(suite, case, *boot_suite_in_bochs(suite), 0)
