"""Memory runs out: what can be had back goes first, then the process with the highest score, with a
report; everybody else goes on."""

import re

import pytest

from machine import Machine, qemu_shell, wait_until
from memory import assert_well, in_use, kill_all, processes, start

pytestmark = pytest.mark.xdist_group("oom")

KILLED = "[killed by SIGKILL]"


@pytest.fixture(scope="module")
def kernel():
    with qemu_shell(append="loglevel=1", extra=["-no-shutdown"]) as shell:
        shell.command("forks 20")
        yield shell


@pytest.fixture
def shell(kernel):
    """The same kernel for all; each test leaves it without a process."""
    yield kernel
    kill_all(kernel)
    assert kernel.fields("meminfo")["AnonPages"] == 0
    assert_well(kernel)


def counter(shell, name):
    return shell.fields("vmstat")[name]


def hold(shell, kib, how=""):
    """Somebody who fills so much memory, and keeps it."""
    pid = start(shell, f"{how}memhog {kib}K 100000")
    wait_until(lambda: resident(shell, pid) >= kib)
    return pid


def row_of(shell, pid):
    return re.search(rf"^ *{pid} +\d+ \w+ +\d+ +\d+ +(\d+) +\d+ +([\d.]+) ", shell.command("ps"),
                     re.MULTILINE)


def resident(shell, pid):
    row = row_of(shell, pid)
    return int(row[1]) if row else 0


def seconds(shell, pid):
    return float(row_of(shell, pid)[2])


def part_of_free(shell, percent):
    return shell.fields("meminfo")["MemFree"] * percent // 100


def test_the_report(shell):
    """Who asked, how memory stands, who is there, who dies; the others go on."""
    kills = counter(shell, "oom_kill")
    kib = part_of_free(shell, 60)
    spinning, holding = start(shell, "spin"), hold(shell, kib)
    # The first may say only now that it is done: the second has another size to tell.
    output = shell.command(f"choom 500 memhog {kib + 4}K")
    assert KILLED in output and f"{kib + 4} KiB filled" not in output
    log = shell.command("dmesg")
    report = log[log.rindex("invoked oom-killer") - 100:]
    assert re.search(r"memhog\[(\d+)\] invoked oom-killer: .*oom_score_adj=500", report)
    assert re.search(r"memory: \d+ KiB, free \d+ .*\n.*slab \d+, tables \d+, .*\n.*anon \d+, file \d+", report)
    assert re.search(r"\[  pid  \] total_vm +rss pgtables oom_score_adj name", report)
    assert re.search(rf"\[ +{spinning}\] +\d+ +\d+ +\d+ +0 spin", report)
    assert re.search(rf"\[ +{holding}\] +\d+ +\d+ +\d+ +0 memhog", report)
    victim = re.search(r"Out of memory: Killed process (\d+) \(memhog\) total-vm:\d+kB, "
                       r"rss:(\d+)kB, pgtables:\d+kB, score:(\d+)", report)
    assert int(victim[1]) not in (spinning, holding) and int(victim[3]) > 500
    assert counter(shell, "oom_kill") == kills + 1
    assert f"last memhog[{victim[1]}] with {victim[2]} kB" in shell.command("oom")
    assert resident(shell, holding) >= kib
    now = seconds(shell, spinning)
    wait_until(lambda: seconds(shell, spinning) > now)


def test_the_largest_dies_and_the_asker_goes_on(shell):
    kib = part_of_free(shell, 60)
    large = hold(shell, kib)
    assert f"{kib} KiB filled and verified" in shell.command(f"memhog {kib}K")
    assert large not in processes(shell)


def test_more_than_there_is_is_refused(shell):
    """Overcommit has a limit: what could never be had is refused at once, as on Linux."""
    kills = counter(shell, "oom_kill")
    assert "Cannot allocate memory" in shell.command("memhog 1G")
    assert counter(shell, "oom_kill") == kills


def test_many_rounds(shell):
    """Nothing is lost by it."""
    before = in_use(shell)
    kib = part_of_free(shell, 60)
    for _ in range(5):
        hold(shell, kib)
        assert KILLED in shell.command(f"choom 500 memhog {kib}K")
        kill_all(shell)
    assert in_use(shell) == before


# --- before anybody dies -----------------------------------------------------------------------


def test_clean_pages_of_files_go_first(shell):
    shell.command("lazy all")  # its file is in memory now
    kills, drops = counter(shell, "oom_kill"), counter(shell, "pagecache_drop")
    info = shell.fields("meminfo")
    assert info["Cached"] >= 192
    zones = shell.command("zoneinfo")
    kept = re.findall(r" min +(\d+)", zones) + re.findall(r"protection: .* (\d+)\)", zones)
    reserve = 4 * sum(int(frames) for frames in kept)
    kib = info["MemFree"] - reserve + info["Cached"] // 4  # more than it could have without them
    assert f"{kib} KiB filled and verified" in shell.command(f"memhog {kib}K")
    assert counter(shell, "pagecache_drop") > drops
    assert counter(shell, "oom_kill") == kills


def test_even_of_a_program_that_runs(shell):
    """Text that is mapped is read again by the next fault."""
    spinning = start(shell, "spin")
    kib = part_of_free(shell, 60)
    hold(shell, kib)
    shell.command(f"choom 500 memhog {kib}K")
    now = seconds(shell, spinning)
    wait_until(lambda: seconds(shell, spinning) > now)


def test_a_full_file_system_kills_nobody(shell):
    kills, total = counter(shell, "oom_kill"), shell.fields("meminfo")["MemTotal"]
    for _ in range(2):
        kib = re.fullmatch(r"fill: (\d+) KiB, then: No space left on device\n?",
                           shell.command("fill /tmp/x"))
        assert abs(int(kib[1]) - total // 2) <= 64
    assert counter(shell, "oom_kill") == kills


def test_a_file_when_memory_is_full(shell):
    """A write that finds no frame is refused; a fault that finds none ends somebody."""
    hold(shell, part_of_free(shell, 80))
    assert "then: No space left on device" in shell.command("choom -1000 fill /tmp/x")


# --- who ---------------------------------------------------------------------------------------


def test_scores(shell):
    quiet = hold(shell, 1024, "choom -1000 ")
    small = hold(shell, 1024, "choom 1000 ")
    large = hold(shell, 16384)
    rows = {int(pid): (int(score), int(adj)) for pid, score, adj in
            re.findall(r"^ *(\d+) +(\d+) +(-?\d+) +\d+  memhog$", shell.command("oom"),
                       re.MULTILINE)}
    assert rows[quiet] == (0, -1000)
    assert rows[small][1] == 1000 and 1000 < rows[small][0] < 1100
    assert rows[large][1] == 0 and 250 < rows[large][0] < 300
    for victim in (small, large):
        assert shell.command("oom kill").strip().startswith(f"process {victim} is ended")
        wait_until(lambda: victim not in processes(shell))
    assert "there is no process to end" in shell.command("oom kill")
    assert quiet in processes(shell)


def test_who_may_not_be_killed_is_not(shell):
    kib = part_of_free(shell, 60)
    quiet = hold(shell, kib, "choom -1000 ")
    assert KILLED in shell.command(f"memhog {kib}K")
    assert resident(shell, quiet) >= kib


def test_if_nobody_may_be_killed_the_asker_is(shell):
    """There is no other answer to a page fault."""
    kib = part_of_free(shell, 60)
    quiet = hold(shell, kib, "choom -1000 ")
    assert KILLED in shell.command(f"choom -1000 memhog {kib}K")
    assert resident(shell, quiet) >= kib


@pytest.mark.parametrize("value", ["1001", "-1001", "x", "''"])
def test_bad_adjustments(shell, value):
    assert "Invalid argument" in shell.command(f"choom {value} hello")


# --- a small machine ---------------------------------------------------------------------------


def test_in_4_mib():
    with qemu_shell(Machine("4M"), append="loglevel=1") as shell:
        assert shell.command("hello").strip() == "Hello from ring 3."
        kib = part_of_free(shell, 60)
        for _ in range(3):
            hold(shell, kib)
            assert KILLED in shell.command(f"choom 500 memhog {kib}K")
            kill_all(shell)
        assert "No space left on device" in shell.command("fill /tmp/x")
        assert shell.command("hello").strip() == "Hello from ring 3."
        assert processes(shell) == []
        assert_well(shell)


def test_what_low_memory_keeps_is_no_room():
    """HIGHMEM is full, and low memory as full as programs may make it: the kernel's own requests still find
    frames there, but that helps no program.  Somebody must go, and the other one ends well."""
    machine = Machine("912M", "max")
    with qemu_shell(machine=machine, append="loglevel=1 transparent_hugepage=always") as shell:
        start(shell, "memhog 500M 100000")
        shell.expect("500 MiB filled")
        output = shell.command("memhog 500M")
        assert "500 MiB filled and verified" in output or KILLED in output
        wait_until(lambda: counter(shell, "oom_kill") == 1)
        kill_all(shell)
        assert_well(shell)
