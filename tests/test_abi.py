"""The programs of tests/abi on Linux and on Strata: the same file, the same output, the same status.

They are linked with Debian's C library and know nothing of Strata.  Each prints judgements, not
numbers that depend on the machine, so that the outputs can be compared byte for byte.
"""

import os

import pytest

from machine import BUILD, INITRD, KERNEL, ROOT, Machine, on_linux, on_strata, qemu_shell, run, \
    wait_until

PROGRAMS = sorted(path.stem for path in (ROOT / "tests/abi").glob("*.c"))
GROUPS = 2  # each runs in a worker of its own, and so in a machine of its own
# The initrd has a copy of the C library for each of them.
MACHINE = Machine("512M")
# The oldest that the C library runs on (it wants CMOV): no SSE, no FXSR, no 4 MiB pages.
OLD_MACHINE = Machine("512M", "pentium2,-pse,-fxsr")
# QEMU's translator does not look at the limit of a segment; Bochs does, as a processor.
NEED_LIMITS = {"heap-not-executable"}
NEED_SSE = {"sse-signal", "sse-switch"}
NEED_ROOT = {"proc-buddyinfo"} if os.geteuid() else set()  # on Linux
# For the memory that comes back: each of these takes and leaves it in another way.
REPEATED = ["cow-generations", "exec-fresh", "end-by-fault", "fork-many", "mmap-split", "pipe-large",
            "shared-anon", "thread-detached", "thread-exec", "zombie"]


def in_group(group):
    return pytest.mark.xdist_group(f"abi-{group}")


def grouped(names):
    return [pytest.param(name, marks=in_group(i % GROUPS)) for i, name in enumerate(names)]


def abi_shell(machine):
    return qemu_shell(machine, append="loglevel=1", initrd=BUILD / "abi.cpio",
                      extra=["-no-shutdown"])


@pytest.fixture(scope="module")
def shell():
    """One kernel for all of them: it has to survive every one."""
    with abi_shell(MACHINE) as shell:
        shell.idle_processes = len(shell.command("ps").splitlines())
        yield shell


def assert_same(shell, name):
    linux_output, linux_status = on_linux(f"abi/{name}", folder=BUILD)
    output, status = on_strata(shell, f"/bin/abi/{name}")
    assert output.rstrip() == linux_output.rstrip()
    assert status == linux_status


def assert_nothing_left(shell):
    """Its last children may end a moment after the program."""
    wait_until(lambda: len(shell.command("ps").splitlines()) == shell.idle_processes)
    assert shell.fields("meminfo")["AnonPages"] == 0
    assert "validators passed" in shell.command("check")


@pytest.mark.parametrize("name", grouped([n for n in PROGRAMS if n not in NEED_LIMITS]))
def test_same_as_on_linux(shell, name):
    if name in NEED_ROOT:
        pytest.skip("Linux lets only root read it")
    assert_same(shell, name)
    assert_nothing_left(shell)


@pytest.mark.parametrize("group", [pytest.param(i, marks=in_group(i)) for i in range(GROUPS)])
def test_memory_comes_back(shell, group):
    """Once the caches of kernel stacks are full, running programs takes not one frame for good."""
    free = []
    for _ in range(3):
        for name in REPEATED[group::GROUPS]:
            on_strata(shell, f"/bin/abi/{name}")
            assert_nothing_left(shell)
        shell.command("pagecache drop")
        free.append(shell.fields("meminfo")["MemFree"])
    assert free[2] == free[1]


@pytest.mark.xdist_group("abi-old")
def test_on_an_old_processor():
    """Registers are saved by FNSAVE, pages are small, the C library takes its oldest functions."""
    with abi_shell(OLD_MACHINE) as shell:
        shell.idle_processes = len(shell.command("ps").splitlines())
        for name in PROGRAMS[::3] + [name for name in PROGRAMS if name.startswith("fpu")]:
            if name not in NEED_SSE | NEED_ROOT | NEED_LIMITS:
                assert_same(shell, name)
        assert_nothing_left(shell)


@pytest.mark.bochs
@pytest.mark.xdist_group("abi-bochs")
def test_code_ends_at_the_segments_limit():
    """Stack, heap and data cannot be executed: the same answer as Linux gives with its NX bit."""
    folder = BUILD / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    initrd, iso, serial = folder / "limits.cpio", folder / "limits.iso", folder / "limits.txt"
    names = sorted(NEED_LIMITS)
    commands = "; ".join(f"run /bin/abi/{name}" for name in names)
    run(["tools/add-to-initrd", initrd, INITRD, "abi", *(BUILD / "abi" / n for n in names)])
    run(["tools/make-iso", iso, KERNEL, initrd],
        env=dict(os.environ, APPEND=f'loglevel=1 run="{commands}; check; poweroff"'))
    serial.unlink(missing_ok=True)
    run(["tools/bochs", "--headless", "--serial", serial, iso, KERNEL], limit=300)
    output = serial.read_text(errors="replace").replace("\r", "")
    for name in names:
        linux_output, linux_status = on_linux(f"abi/{name}", folder=BUILD)
        assert linux_status == 0 and linux_output in output, output
    assert "validators passed" in output
