"""A million random system calls (user/bin/fuzz.c) from 20 seeds: the kernel goes on, its validators
pass, and it has everything back.  The same while allocations fail, on other machines, and with 4 MiB
pages while frames are moved."""

import re

import pytest

from machine import ANSWER_LIMIT, Machine, qemu_shell
from memory import assert_well, in_use

MOVED = re.compile(r"^(\d+) frames moved", re.MULTILINE)
CALLS, SEEDS, GROUPS = 50_000, range(1, 21), 2


def in_group(group):
    return pytest.mark.xdist_group(f"fuzz-{group}")


@pytest.fixture(scope="module")
def shell():
    with qemu_shell(append="loglevel=1", extra=["-no-shutdown"]) as shell:
        shell.command("forks 20")  # what is kept in reserve (stacks) is in reserve
        shell.command("fuzz 0 5000")
        yield shell


def fuzz(shell, seed, calls):
    shell.send(f"fuzz {seed} {calls}\r")
    _, _, output = shell.wait_prompt(timeout=2 * ANSWER_LIMIT).partition("\n")
    return output.strip()


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=in_group(seed % GROUPS))
                                  for seed in SEEDS])
def test_random_system_calls(shell, seed):
    before = in_use(shell)
    output = fuzz(shell, seed, CALLS)
    assert output.startswith(f"fuzz: seed {seed}: {CALLS} calls, ") and output.endswith("done")
    assert_well(shell)
    assert in_use(shell) == before


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=in_group(seed % GROUPS))
                                  for seed in (92, 93)])
def test_random_system_calls_while_allocations_fail(shell, seed):
    before = in_use(shell)
    shell.command(f"inject page,slab:random=150,seed={seed}")
    fuzz(shell, seed, 30_000)
    shell.command("inject off")
    assert_well(shell)
    shell.command("fuzz 0 1")  # removes what is left, if it was killed
    assert in_use(shell) == before


@pytest.mark.parametrize("machine, parameter, seed", [
    pytest.param(Machine("64M", "486,-pse"), "", 101, marks=in_group(0)),
    pytest.param(Machine("8M", "pentium"), "", 102, marks=in_group(1)),
    pytest.param(Machine("1200M"), "", 103, marks=in_group(0)),
    pytest.param(Machine("64M"), "slab_debug=FZP", 104, marks=in_group(1)),
], ids=["486", "8M", "high-memory", "slab-debug"])
def test_on_other_machines(machine, parameter, seed):
    with qemu_shell(machine, append=f"loglevel=1 {parameter}") as shell:
        assert fuzz(shell, seed, CALLS).endswith("done")
        assert_well(shell)


@pytest.mark.xdist_group("fuzz-1")
def test_with_huge_pages_while_frames_move():
    with qemu_shell(Machine("128M"), append="loglevel=1 transparent_hugepage=always") as shell:
        assert fuzz(shell, 105, CALLS).endswith("done")
        shell.command(f"fuzz 106 {CALLS} &")
        moved = 0
        while " fuzz" in shell.command("ps"):
            moved += sum(map(int, MOVED.findall(shell.command("compact"))))
        assert_well(shell)
        events = shell.fields("vmstat")
        assert moved > 0 and events["thp_fault_alloc"] > 0 and events["thp_split_pmd"] > 0


def test_there_are_a_million():
    assert CALLS * len(SEEDS) >= 1_000_000
