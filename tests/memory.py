"""A kernel that the tests of a module share, its processes, and what it has in use, so that tests can
require exactly as much as before."""

import re

import pytest

from machine import qemu_shell, wait_until

PROCESS = re.compile(r"^ *(\d+) +\d+ (?:running|sleeping|stopped|zombie) ", re.MULTILINE)


def processes(shell):
    """Their numbers; kernel threads have none."""
    return [int(pid) for pid in PROCESS.findall(shell.command("ps"))]


def start(shell, program):
    """In the background; its number.  It may be told within what the program prints already."""
    return int(re.search(r"\[(\d+)\] started", shell.command(f"{program} &"))[1])


def start_until_it_sleeps(shell, program):
    pid = start(shell, program)
    wait_until(lambda: re.search(rf"^ *{pid} +\d+ sleeping ", shell.command("ps"), re.MULTILINE))
    return pid


def kill_all(shell):
    """End every process, and wait until the last one is gone."""
    for pid in processes(shell):
        shell.command(f"kill {pid} KILL")
    wait_until(lambda: not processes(shell))


def in_use(shell):
    """kB free and objects in each slab cache, when no process is left and all caches are dropped."""
    wait_until(lambda: not processes(shell))
    shell.command("pagecache drop")
    objects = re.findall(r"^([\w-]+) +(\d+) +\d+ +\d+ ", shell.command("slabinfo"), re.MULTILINE)
    return {"MemFree": shell.fields("meminfo")["MemFree"],
            **{name: int(count) for name, count in objects}}


def assert_well(shell):
    assert "validators passed" in shell.command("check")


@pytest.fixture(scope="module")
def kernel():
    with qemu_shell(append="loglevel=1") as shell:
        yield shell


@pytest.fixture
def shell(kernel):
    """The shell of a kernel that a module's tests share; afterwards no process of the test is left."""
    yield kernel
    kernel.command("inject off")
    kill_all(kernel)
