"""The shell's commands for memory under pressure and for families of programs: smaps, pagecache, oom,
inject, syscalls, ps, kill."""

import re

import pytest

from machine import qemu_shell, wait_until
from memory import assert_well, kernel, processes, shell, start

pytestmark = pytest.mark.xdist_group("memory-commands")

WIDTH = 80


# --- compaction --------------------------------------------------------------------------------


def large_blocks(shell):
    """Free blocks of 2 and 4 MiB."""
    rows = re.findall(r"zone +\w+ ((?: *\d+)+)", shell.command("buddyinfo"))
    return sum(int(count) for row in rows for count in row.split()[-2:])


def fragmentation(shell, order):
    """Of the zone that has most of memory: the index, and the part that is useless."""
    indices, useless = re.findall(r"^Normal +(.*)$", shell.command("fragmentation"), re.MULTILINE)
    return float(indices.split()[order]), float(useless.split()[order])


def test_compact(shell):
    """Nearly all of memory in single frames, every other one free, the rest shared by three processes:
    there is no block of 2 MiB.  After compaction there are many, and what the programs have is intact."""
    shell.command("pagecache drop")
    kib = shell.fields("meminfo")["MemAvailable"] - 2048
    start(shell, f"holes {kib}K 30 3")
    wait_until(lambda: len(re.findall(r" sleeping .*holes", shell.command("ps"))) == 3)
    before = large_blocks(shell)
    index, useless = fragmentation(shell, 9)
    assert before <= 1 and index > 0.5 and useless > 0.9
    output = shell.command("compact")
    figures = re.fullmatch(r"(\d+) frames moved, (\d+) more free blocks of 4 MiB, (\d+) windows pinned\n?",
                           output)
    assert figures, output
    assert int(figures[1]) > 1000 and int(figures[2]) >= kib // 2 // 4096 - 4
    assert large_blocks(shell) >= before + int(figures[2])
    index, useless = fragmentation(shell, 9)
    assert index == -1 and useless < 0.5
    assert "Movable" in shell.command("pagetypeinfo") and "page cache" in shell.command("shrinkers")
    assert_well(shell)
    seen = ""  # the programs' lines come in between
    while re.search(r" holes\n", seen[-2000:]) or not seen:
        shell.send("ps\r")
        seen += shell.wait_prompt()
    assert seen.count(f"holes: {kib // 4 // 2} pages verified") == 3
    assert shell.fields("vmstat")["pgmigrate_success"] >= int(figures[1])
    assert "128 pages verified" in shell.command("holes 1M")


# --- smaps -------------------------------------------------------------------------------------


def test_smaps(shell):
    pid = start(shell, "memhog 64K 100000")
    wait_until(lambda: re.search(rf"^ *{pid} .* sleeping ", shell.command("ps"), re.MULTILINE))
    output = shell.command(f"smaps {pid}")
    names = re.findall(r"^[0-9a-f]{8}-[0-9a-f]{8} \S{4} [0-9a-f]{8} \S+ \d+ *(\S*)$", output,
                       re.MULTILINE)
    assert names[0] == "/bin/memhog" and {"[heap]", "[stack]"} <= set(names)
    heap = output[output.index("[heap]"):].split("VmFlags")[0]
    figures = {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB$", heap, re.MULTILINE)}
    assert figures["Rss"] >= 64 and figures["Rss"] <= figures["Size"]
    assert figures["Pss"] == figures["Rss"] == figures["Anonymous"] == figures["Private_Dirty"]
    assert figures["Shared_Clean"] == figures["Shared_Dirty"] == 0
    total = sum(int(kib) for kib in re.findall(r"^Rss: +(\d+) kB$", output, re.MULTILINE))
    row = re.search(rf"^ *{pid} +\d+ \w+ +\d+ +\d+ +(\d+) ", shell.command("ps"), re.MULTILINE)
    assert total == int(row[1])


# --- pagecache ---------------------------------------------------------------------------------


def test_pagecache(shell):
    shell.command("pagecache drop")
    assert "/bin/hello" not in shell.command("pagecache")
    shell.command("hello")
    output = shell.command("pagecache")
    row = re.search(r"^ +1 +\d+ +(\d+) +0 +0  /bin/hello$", output, re.MULTILINE)
    total = re.search(r"^(\d+) kB clean, (\d+) kB dirty; (\d+) found, (\d+) filled, (\d+) dropped$",
                      output, re.MULTILINE)
    assert 0 < int(row[1]) <= int(total[1]) == shell.fields("meminfo")["Cached"]
    freed = int(re.fullmatch(r"(\d+) frames freed\n?", shell.command("pagecache drop"))[1])
    assert freed >= int(row[1]) // 4
    assert shell.fields("meminfo")["Cached"] == 0
    assert shell.fields("vmstat")["pagecache_drop"] >= int(total[5]) + int(row[1]) // 4


def test_pagecache_drop_under_a_running_program(shell):
    """Its text comes back by faults; it does not notice."""
    pid = start(shell, "spin")
    for _ in range(3):
        shell.command("pagecache drop")
    assert pid in processes(shell)
    wait_until(lambda: re.search(r"^ +\d+ +\d+ +\d+ +0 +[1-9]\d*  /bin/spin$",
                                 shell.command("pagecache"), re.MULTILINE))


# --- oom: test_oom.py has the rest -------------------------------------------------------------


def test_oom_without_programs(shell):
    output = shell.command("oom")
    assert re.match(r" +PID +SCORE +ADJ +RSS kB +NAME\n", output)
    assert re.search(r"^0 ended since the start$", output, re.MULTILINE)
    assert shell.command("oom kill").strip() == "oom: there is no process to end"


# --- inject ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule, shown", [
    ("page:nth=3", "to fail: the nth, n = 3, of page"),
    ("slab:every=1000", "to fail: every nth, n = 1000, of slab"),
    ("page,slab:random=4294967295", "to fail: one in n, n = 4294967295, of page slab"),
    ("slab,page:random=1000,seed=7", "to fail: one in n, n = 1000, of page slab"),
    ("off", "no allocation is made to fail"),
])
def test_inject_rules(shell, rule, shown):
    assert shell.command(f"inject {rule}").strip() == ""
    output = shell.command("inject").splitlines()
    assert output[0] == shown
    assert re.fullmatch(r"\d+ requests counted, 0 failed; \d+ by a thread's fail-nth", output[1])


def counts(shell):
    return tuple(map(int, re.search(r"^(\d+) requests counted, (\d+) failed;",
                                    shell.command("inject"), re.MULTILINE).groups()))


def test_inject_nth_fails_once(shell):
    shell.command("inject page,slab:nth=3")
    assert "not enough memory" in shell.command("hello")
    assert shell.command("hello").strip() == "Hello from ring 3."
    requests, failed = counts(shell)
    assert failed == 1 and requests > 3


def test_inject_every_fails_every_one(shell):
    shell.command("inject slab:every=1")
    for _ in range(3):
        assert "not enough memory" in shell.command("hello")
    requests, failed = counts(shell)
    assert requests == failed >= 3
    shell.command("inject off")
    assert shell.command("hello").strip() == "Hello from ring 3."
    assert_well(shell)


@pytest.mark.parametrize("rule, problem", [
    ("nonsense", "'nonsense' is neither page nor slab"),
    ("page", "is none of nth, every and random"),
    ("page:", "is none of nth, every and random"),
    ("page,:nth=1", "'' is neither page nor slab"),
    ("page,heap:nth=1", "'heap' is neither page nor slab"),
    ("page:often=1", "'often' is none of nth, every and random"),
    ("page:nth", "'' is no number from 1 up"),
    ("page:nth=", "'' is no number from 1 up"),
    ("page:nth=0", "'0' is no number from 1 up"),
    ("page:nth=-1", "'-1' is no number from 1 up"),
    ("page:nth=4294967296", "'4294967296' is no number from 1 up"),
    ("page:nth=3,seed=1", "',seed=1' is too much"),
    ("page:random=3,seed=x", "',seed=x' is too much"),
    ("page:random=3,seed=1,", "',seed=1,' is too much"),
    ("off,page:nth=1", "'off' is neither page nor slab"),
    ("''", "'' is neither page nor slab"),
    ("page:nth=1 x", "'x' is too much"),
])
def test_inject_refuses(shell, rule, problem):
    """In one line, and the rule is as it was."""
    shell.command("inject slab:every=1000000")
    output = shell.command(f"inject {rule}").strip()
    assert problem in output and "usage: inject [RULE]" in output
    assert "\n" not in output and len(output) < WIDTH
    assert "to fail: every nth, n = 1000000, of slab" in shell.command("inject")


@pytest.mark.parametrize("parameter, logged", [
    ("inject=slab:every=100000", "inject: slab:every=100000"),
    ("inject=nonsense", "inject=nonsense: 'nonsense' is neither page nor slab"),
    ("inject", None),
])
def test_inject_as_a_kernel_parameter(parameter, logged):
    with qemu_shell(append=f"loglevel=1 {parameter}") as shell:
        assert shell.command("hello").strip() == "Hello from ring 3."
        active = "no allocation" not in shell.command("inject")
        assert active == (parameter == "inject=slab:every=100000")
        if logged:
            assert logged in shell.command("dmesg")


# --- syscalls ----------------------------------------------------------------------------------


def calls(shell):
    return {name: int(count) for name, count in
            re.findall(r"^ *\d+ (\w+) +(\d+)$", shell.command("syscalls"), re.MULTILINE)}


def test_syscalls_are_counted(shell):
    before = calls(shell)
    shell.command("hello")
    after = calls(shell)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert {name for name, count in grown.items() if count} == {"write", "exit_group"}
    assert grown["exit_group"] == 1


def test_syscalls_that_are_missing(shell):
    shell.command("hostile bad-numbers")
    assert re.search(r"^ *\d+ \(not implemented\) +\d+$", shell.command("syscalls"), re.MULTILINE)


def test_syscalls_table(shell):
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.+) \|$", shell.command("syscalls -t"), re.MULTILINE)
    numbers = [int(number) for number, _, _ in rows]
    assert numbers == sorted(set(numbers))
    assert {"fork", "execve", "mmap2", "clone", "rt_sigaction"} <= {name for _, name, _ in rows}


# --- ps as a tree, and signals -----------------------------------------------------------------


def test_ps_is_a_tree(shell):
    """A parent that waits for its child: it stands below it, indented."""
    parent = start(shell, "execs 1000000")
    tree = re.compile(rf"^ *{parent} +1 .*  execs &\n *(\d+) +{parent} .* {{4}}execs$", re.MULTILINE)
    assert int(wait_until(lambda: tree.search(shell.command("ps")))[1]) > parent
    shell.command(f"kill {parent} KILL")
    wait_until(lambda: not processes(shell))  # the child has nobody to report to any more


def state_of(shell, pid):
    row = re.search(rf"^ *{pid} +\d+ (\w+) ", shell.command("ps"), re.MULTILINE)
    return row and row[1]


def ticks_of(shell, pid):
    return float(re.search(rf"^ *{pid} +\d+ \w+ +\d+ +\d+ +\d+ +\d+ +([\d.]+) ",
                           shell.command("ps"), re.MULTILINE)[1])


def test_stop_and_continue(shell):
    pid = start(shell, "spin")
    wait_until(lambda: ticks_of(shell, pid) > 0)
    shell.command(f"kill {pid} STOP")
    wait_until(lambda: state_of(shell, pid) == "stopped")
    stopped_at = ticks_of(shell, pid)
    shell.command("sleep 1")
    assert ticks_of(shell, pid) == stopped_at
    shell.command(f"kill {pid} TERM")  # waits until it goes on
    assert state_of(shell, pid) == "stopped"
    shell.command(f"kill {pid} CONT")
    wait_until(lambda: state_of(shell, pid) is None)


def test_a_stopped_program_can_be_killed(shell):
    pid = start(shell, "spin")
    shell.command(f"kill {pid} STOP")
    wait_until(lambda: state_of(shell, pid) == "stopped")
    shell.command(f"kill {pid} KILL")
    wait_until(lambda: state_of(shell, pid) is None)


# --- what makes no sense -----------------------------------------------------------------------


@pytest.mark.parametrize("line, parts", [
    ("smaps", ["missing", "usage: smaps PID"]),
    ("smaps x", ["'x'", "PID is a number"]),
    ("smaps 0", ["1 to 2147483647"]),
    ("smaps -1", ["PID is a number"]),
    ("smaps 99999", ["no process 99999"]),
    ("smaps 1 2", ["'2' is too much"]),
    ("pagecache DROP", ["'DROP' is not \"drop\""]),
    ("pagecache drop drop", ["too much"]),
    ("oom kil", ["'kil' is not \"kill\""]),
    ("oom kill 1", ["too much"]),
    ("syscalls -x", ["'-x' is no option"]),
    ("syscalls fork", ["'fork'"]),
    ("ps aux", ["too much"]),
    ("kill x", ["PID is a number"]),
    ("kill 1 STOPP", ["'STOPP' is no signal"]),
    ("kill 1 65", ["'65' is no signal"]),
    ("kill 1 0", ["'0' is no signal"]),
    ("kill 0 STOP", ["1 to 2147483647"]),
    ("kill 99999 CONT", ["no process 99999"]),
    ("watch inject", ["watch"]),
    ("watch kill 1", ["watch"]),
])
def test_garbage(shell, line, parts):
    output = shell.command(line).strip()
    assert "\n" not in output and len(output) < WIDTH
    for part in parts:
        assert part in output


@pytest.mark.parametrize("program", [
    "choom", "choom 1", "execs", "exechigh x", "failwalk nothing", "fill", "fill /a /b", "forks 0",
    "forks x", "forks 1 2", "fuzz", "fuzz 1", "lazy some", "places x",
])
def test_programs_refuse(shell, program):
    name = program.split()[0]
    assert re.fullmatch(rf"usage: {name}\b.*\n\[exit status 2\]\n?", shell.command(program))


def test_all_is_well(shell):
    assert_well(shell)
