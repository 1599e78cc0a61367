"""Whatever programs do, and whatever fails on the way: afterwards exactly as many frames are free and
as many objects in use as before."""

import re

import pytest

from machine import Machine, qemu_shell
from memory import assert_well, in_use

pytestmark = pytest.mark.xdist_group("nothing-lost")

# What failing allocations are tried on; each ends, by itself or for lack of memory.
PROGRAMS = ["hello", "heap", "args a b", "mallocs 1 500", "gc", "lazy all", "places", "forks 20",
            "execs 10", "fill /tmp/x", "hostile recursion", "fuzz 1 500"]


@pytest.fixture(scope="module")
def shell():
    """A kernel that has run all of them, so that it keeps in reserve what it likes to keep."""
    with qemu_shell(append="loglevel=1", extra=["-no-shutdown"]) as shell:
        for program in PROGRAMS:
            shell.command(program)
        yield shell


def test_after_10000_forks(shell):
    before = in_use(shell)
    assert shell.command("forks 10000").splitlines() == [
        "10000 one by one", "10000 by vfork", "10000 threads", "a tree of 127", "a crowd of 60",
        "100 orphans"]
    assert in_use(shell) == before
    assert_well(shell)


def test_after_kills_in_the_middle_of_exec(shell):
    before = in_use(shell)
    assert shell.command("execs 200").strip() == "execs: 200 killed"
    assert in_use(shell) == before
    assert_well(shell)


def test_each_allocation_fails_in_turn(shell):
    """Every operation is refused at least once, survives each failure, and passes in the end."""
    shell.command("failwalk")  # what it maps is in memory now
    before = in_use(shell)
    rows = re.findall(r"^([\w-]+) +(\d+) failures, +(\d+) refused$", shell.command("failwalk"),
                      re.MULTILINE)
    failures = {name: int(count) for name, count, _ in rows}
    refused = {name: int(count) for name, _, count in rows}
    assert len(rows) == 20
    assert all(count > 0 for count in failures.values())
    assert failures["fork"] >= 8 and failures["exec"] >= 8  # structures, tables, stacks ...
    # A page fault has nobody to tell: the kernel looks for memory again, and there is some.
    assert refused["stack"] == 0 and failures["stack"] > 0
    assert refused["map-and-touch"] < failures["map-and-touch"]
    assert in_use(shell) == before
    assert_well(shell)


def run_all(shell):
    for program in PROGRAMS:
        shell.command(program)


@pytest.mark.parametrize("rule", [
    "page:every=3", "slab:every=3", "page,slab:every=7", "page:nth=5",
    *[f"page,slab:random=20,seed={seed}" for seed in range(1, 7)],
    "page,slab:random=3,seed=1", "page,slab:random=200,seed=1",
])
def test_programs_while_allocations_fail(shell, rule):
    before = in_use(shell)
    shell.command(f"inject {rule}")
    run_all(shell)
    requests, failed = map(int, re.search(r"^(\d+) requests counted, (\d+) failed;",
                                          shell.command("inject"), re.MULTILINE).groups())
    shell.command("inject off")
    assert 0 < failed < requests
    after = in_use(shell)
    if after["inode"] > before["inode"]:  # a program that was killed has left its files
        shell.command("fuzz 1 1; fill -f /tmp/x")  # which remove them
        after = in_use(shell)
    assert after == before
    assert_well(shell)


@pytest.mark.parametrize("mem", ["64M", "8M"])
def test_from_the_start(mem):
    """As a kernel parameter."""
    rule = "page,slab:random=50,seed=3"
    with qemu_shell(Machine(mem), append=f"loglevel=1 inject={rule}") as shell:
        assert f"inject: {rule}" in shell.command("dmesg")
        run_all(shell)
        assert "one in n, n = 50, of page slab" in shell.command("inject")
        shell.command("inject off")
        before = in_use(shell)
        assert shell.command("run hello").strip() == "Hello from ring 3."
        assert in_use(shell)["MemFree"] >= before["MemFree"]
        assert_well(shell)
