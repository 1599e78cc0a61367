"""Long runs: the soak, 10^8 guest instructions for each seed, and the storm, with a switch of threads
at each unlock and the clock at its fastest.  Both count instructions instead of time, and so are the
same each time."""

import re

import pytest

from machine import BUILD, EXIT_PASSED, Machine, boot

INSTRUCTIONS = 10**8
SOAK_STEPS = 60_000  # as many operations as take that long
STORM_STEPS = 8000  # of each thread
ONE_NS = ["-icount", "shift=0"]  # an instruction takes 1 ns: the soak's clock counts them
FAST_CLOCK = ["-icount", "shift=10"]  # it takes 1024 ns: a tick after 10,000


def passed(result, case):
    return result.status == EXIT_PASSED and f"ok 1 {case}" in result.output


@pytest.mark.parametrize("seed, machine", [
    (1, Machine("4M", "486,-pse")), (2, Machine("8M", "max")), (3, Machine("64M", "qemu32")),
    (4, Machine("1024M", "max"))], ids=str)
def test_soak(seed, machine):
    steps = SOAK_STEPS
    result = boot(BUILD / "tests/soak.elf", machine, initrd=None, extra=ONE_NS,
                  append=f"panic=test-exit soak_seed={seed} soak_steps={steps}")
    assert passed(result, "soak_with_failures"), result.output[-4000:]
    elapsed, failed = map(int, re.search(r"# soak: \d+ steps in (\d+) ns, (\d+) of", result.output)
                          .groups())
    assert elapsed >= INSTRUCTIONS
    assert failed > 1000


@pytest.mark.parametrize("machine", [Machine("4M", "486,-pse"), Machine("16M", "max")], ids=str)
def test_storm(machine):
    result = boot(BUILD / "stress/tests/storm.elf", machine, initrd=None, extra=FAST_CLOCK,
                  append=f"panic=test-exit storm_steps={STORM_STEPS}")
    assert passed(result, "every_allocator_at_once"), result.output[-4000:]
    switches = int(re.search(r"# storm: (\d+) switches", result.output)[1])
    assert switches > 10 * STORM_STEPS
