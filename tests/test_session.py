"""A person at the shell: commands, keys, programs; from QEMU's own loader, from the ISO, in Bochs."""

import re
import time

import pytest

from machine import ISO, ROOT, Machine, assert_fits, bochs_shell, qemu_shell, wait_until

pytestmark = pytest.mark.xdist_group("session")

CTRL_A, CTRL_C, CTRL_E, CTRL_K, CTRL_U, CTRL_W = "\x01\x03\x05\x0b\x15\x17"
CTRL_D, CTRL_Z = "\x04", "\x1a"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE, BACKSPACE = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f"
COMMANDS = re.findall(r'^\{ "(\w+)", "', (ROOT / "shell/commands.c").read_text(), re.MULTILINE)
USES = ["AnonPages", "Mapped", "Slab", "KernelStack", "PageTables", "VmallocUsed",
        "KmallocLarge"]


# --- what is shown -----------------------------------------------------------------------------


def test_meminfo_adds_up(shell):
    """Free memory and every use of it are all of it, to the kB."""
    info = shell.fields("meminfo")
    assert 60000 < info["MemTotal"] < 65536
    assert info["LowTotal"] + info["HighTotal"] == info["MemTotal"]
    assert info["LowFree"] + info["HighFree"] == info["MemFree"]
    assert info["SReclaimable"] + info["SUnreclaim"] == info["Slab"]
    uses = sum(info[name] for name in USES) - min(info["VmallocUsed"], info["KernelStack"])
    assert abs(info["MemFree"] + uses - info["MemTotal"]) <= info["VmallocUsed"]


def test_vmstat_adds_up(shell):
    pages = shell.fields("vmstat")
    total = shell.fields("meminfo")["MemTotal"]
    uses = sum(n for name, n in pages.items() if re.fullmatch(r"nr_\w+_pages", name))
    assert uses == total // 4  # nr_free_pages is one of them
    causes = sum(n for name, n in pages.items() if name.startswith("pgfault_"))
    assert causes == pages["pgfault"] or causes == pages["pgfault"] + pages["pgfault_bad"]


def test_buddyinfo_adds_up(shell):
    rows = re.findall(r"zone +(\w+) ((?: *\d+)+)", shell.command("buddyinfo"))
    free = sum(int(n) << k for _, row in rows for k, n in enumerate(row.split()))
    assert free * 4 == shell.fields("meminfo")["MemFree"]


def test_zoneinfo(shell):
    output = shell.command("zoneinfo")
    assert "zone      DMA" in output and "zone   Normal" in output
    managed = sum(int(n) for n in re.findall(r"managed +(\d+)", output))
    assert managed * 4 == shell.fields("meminfo")["MemTotal"]


def test_slabinfo(shell):
    output = shell.command("slabinfo")
    assert output.startswith("slabinfo - version: 2.1\n#")
    rows = re.findall(r"^([\w-]+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)", output, re.MULTILINE)
    caches = {name: list(map(int, row)) for name, *row in rows}
    for used, total, size, per_slab, pages in caches.values():
        assert used <= total and total % per_slab == 0 and per_slab * size <= pages * 4096
    assert {"kmalloc-32", "vma", "thread", "process"} <= set(caches)
    long_output = shell.command("slabinfo -l")  # as Linux prints it
    assert long_output.startswith("slabinfo - version: 2.1\n# name ")
    long_names = re.findall(r"^([\w-]+)(?: +\d+){5} : tunables(?: +\d+){3} : slabdata(?: +\d+){3}$",
                            long_output, re.MULTILINE)
    assert long_names == [row[0] for row in rows]


def free(shell):
    title, row = shell.command("free").rstrip().splitlines()
    assert title.split() == ["total", "used", "free", "shared", "buff/cache", "available"]
    assert row.startswith("Mem:")
    return dict(zip(title.split(), map(int, row.split()[1:])))


def test_free(shell):
    shell.command("pagecache drop")
    memory = free(shell)
    fields = shell.fields("meminfo")
    assert memory["total"] == memory["used"] + memory["free"] + memory["buff/cache"]
    assert memory["total"] == fields["MemTotal"] and memory["shared"] == fields["Shmem"]
    assert abs(memory["free"] - fields["MemFree"]) <= 64
    assert abs(memory["available"] - fields["MemAvailable"]) <= 64
    assert abs(memory["buff/cache"] - fields["Cached"] - fields["SReclaimable"]) <= 64
    assert "'all' is too much" in shell.command("free all")
    shell.command("hello")
    assert free(shell)["buff/cache"] > memory["buff/cache"]


def test_memmap(shell):
    output = shell.command("memmap")
    final = output.split("What became of it:")[1]
    ranges = [tuple(int(x, 16) for x in row)
              for row in re.findall(r"\[mem 0x(\w+)-0x(\w+)\]", final)]
    assert ranges[0][0] == 0
    assert all(a[1] + 1 == b[0] for a, b in zip(ranges, ranges[1:]))
    assert re.search(r"0x000100000-.*kernel", final)


def test_page_and_walk(shell):
    assert "inside block 0x3000, 2^10 frames" in shell.command("page 0x3001")
    assert "reserved" in shell.command("page 0x100")
    walk = shell.command("walk 0xc0100000")
    assert "PDE" in walk and "physical 0x00100000" in walk and "read-only" in walk
    assert "not mapped" in shell.command("walk 0x1000")


def test_peek_and_poke(shell):
    assert re.search(r"c00b8000: [0-9a-f]{8}", shell.command("peek 0xc00b8000 4"))
    assert "nothing is mapped" in shell.command("peek 0")
    assert "nothing is mapped" in shell.command("peek 0xffffe000 1")
    assert "nothing is mapped" in shell.command("poke 0 1")
    assert "read-only" in shell.command("poke 0xc0101000 1")


def test_check_passes(shell):
    assert "validators passed" in shell.command("check")


def test_dmesg_uptime_cpuinfo(shell):
    assert re.search(r"\[ +\d+\.\d+\]", shell.command("dmesg"))
    assert re.search(r"up +\d+:\d\d:\d\d", shell.command("uptime"))
    assert re.search(r"flags.* pse", shell.command("cpuinfo"))


def test_help(shell):
    table = shell.command("help")
    for name in ("meminfo", "walk", "watch", "poweroff"):
        assert re.search(rf"\b{name}\b", table)
    assert "usage: walk ADDRESS [PID]" in shell.command("help walk")


# --- what is refused: one line that says what is wrong and what is expected --------------------


@pytest.mark.parametrize("line, parts", [
    ("memminfo", ["unknown command", "meminfo"]),
    ("xyzzy", ["unknown command", "help"]),
    ("page", ["page", "missing", "PFN"]),
    ("page abc", ["abc", "number", "PFN"]),
    ("page 0xfffffff", ["page"]),
    ("walk", ["missing", "ADDRESS"]),
    ("walk 5x", ["5x", "ADDRESS"]),
    ("walk 0x100000000", ["walk", "32 bits"]),
    ("maps 9999", ["no process 9999"]),
    ("kill 9999", ["no process 9999"]),
    ("kill 1 NOSUCH", ["kill"]),
    ("meminfo extra", ["extra", "usage"]),
    ("run", ["missing", "PROGRAM"]),
    ("run helo", ["no such program", "hello"]),
    ("watch -n x meminfo", ["watch"]),
    ("watch poweroff", ["watch"]),
    ("echo 'open", ["quotation mark", "not closed"]),
    ("help nothing", ["nothing"]),
    ("slabinfo -x", ["-x", "option"]),
    ("loglevel 0", ["1 to 8"]),
    ("loglevel 9", ["1 to 8"]),
    ("kill 1 NONSENSE", ["NONSENSE", "no signal"]),
    ("kill 9999 USR1", ["no process 9999"]),
    ("echo started; hello 2>&1", ["no pipes, redirection"]),
    ("hello | cat", ["no pipes, redirection"]),
    ("cat < file", ["no pipes, redirection"]),
    ("hello && hello", ["no pipes, redirection"]),
    ("exit", ["poweroff"]),
    ("quit", ["poweroff"]),
    ("logout", ["poweroff"]),
])
def test_bad_input(shell, line, parts):
    output = shell.command(line).strip()
    assert output.count("\n") == 0, output
    assert_fits(output)
    for part in parts:
        assert part in output


def test_quotes_keep_what_is_refused(shell):
    assert shell.command("echo 'a | b > c' \"&&\" \\< # d | e").strip() == "a | b > c && <"


def test_a_line_that_is_too_long_is_not_run(shell):
    assert shell.command("echo " + "x" * 250).strip() == "x" * 250
    assert shell.command("echo " + "x" * 251).strip() == \
        "shell: line longer than 255 characters, not run"
    assert shell.command("echo after").strip() == "after"


# --- what is printed stays within 80 columns ---------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits(shell, command):
    output = shell.command(f"help {command}")
    assert f"usage: {command}" in output
    assert_fits(output)


@pytest.mark.parametrize("line", [
    "help", "help hostile", "meminfo", "free", "memmap", "zoneinfo", "buddyinfo", "slabinfo", "vmstat",
    "page 0x100", "page 0x3000", "page 0x3001", "page 0xfffff", "walk 0xc0100000",
    "walk 0xc0bfffff", "walk 0xc00b8fff", "walk 0x1000", "walk 0xffffffff", "peek 0xc0100000",
    "ps", "check", "uptime", "loglevel", "peek 0x100000000", "peek 0xc0100001",
    "poke 0x100000000 1", "walk 0x100000000 1", "watch", "watch -n 99999 meminfo",
    "watch -n x", "watch hostile", "watch poweroff", "sleep 99999", "run", "hello & ps &",
])
def test_output_fits(shell, line):
    assert_fits(shell.command(line))


def test_help_on_programs(shell):
    assert re.search(r"^Programs: args bench .*TAB lists all", shell.command("help"), re.MULTILINE)
    output = shell.command("help memhog")
    assert "program" in output and "usage: memhog [ARGUMENT...] [&]" in output


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys, text", [
    ("echo abd" + LEFT + BACKSPACE + "c", "acd"),
    ("cho x" + HOME + "e", "x"),
    ("echo x" + HOME + RIGHT + RIGHT + END + "y", "xy"),
    ("xecho home" + CTRL_A + DELETE, "home"),
    ("echo start" + CTRL_A + CTRL_E + "end", "startend"),
    ("echo one two three" + CTRL_W + "3", "one two 3"),
    ("garbage" + CTRL_U + "echo clean", "clean"),
    ("echo keep drop" + LEFT * 5 + CTRL_K, "keep"),
    ("echo a b" + LEFT + LEFT + DELETE, "ab"),
])
def test_line_editing(shell, keys, text):
    assert shell.command(keys).strip() == text


def test_history(shell):
    shell.command("echo first")
    shell.command("echo second")
    assert shell.command(UP + UP).strip() == "first"
    assert shell.command(UP + UP + DOWN).strip() == "first"
    assert shell.command(UP + "!").strip() == "first!"
    assert "echo second" in shell.command("history")


def test_completion(shell):
    assert shell.command("ech\tdone").strip() == "done"
    assert "Hello from ring 3" in shell.command("run hel\t")
    shell.send("me\t\t")  # more than one: shows them
    shell.expect("meminfo[ \r\n]+.*memmap|memmap[ \r\n]+.*meminfo|memhog")
    shell.command(CTRL_U + "echo")


def test_ctrl_c_drops_the_line(shell):
    shell.send("echo not this" + CTRL_C)
    shell.wait_prompt()
    assert shell.command("echo this").strip() == "this"


def test_ctrl_c_ends_a_sleep_and_its_line(shell):
    began = time.monotonic()
    shell.send("sleep 600; echo too far\r")
    shell.expect("far\r")
    time.sleep(0.5)
    shell.send(CTRL_C)
    assert "too far" not in shell.wait_prompt()
    assert time.monotonic() - began < 300


def test_keys_typed_during_a_sleep_are_kept(shell):
    shell.send("sleep 1\recho kept\r")
    shell.wait_prompt()
    assert "kept\n" in shell.wait_prompt() + "\n"


def test_several_commands(shell):
    assert shell.command("echo a; echo b # comment").split() == ["a", "b"]


# --- programs ----------------------------------------------------------------------------------


def test_hello(shell):
    assert shell.command("run hello").strip() == "Hello from ring 3."
    assert shell.command("hello").strip() == "Hello from ring 3."


def test_heap_shows_demand_paging(shell):
    output = shell.command("run heap")
    assert re.search(r"read page 0 +64 +1 +1 ", output)
    assert re.search(r"write page 0 +64 +1 +1 ", output)
    assert re.search(r"brk\(start\) +0 +0 +0 ", output)


def test_ctrl_c_ends_a_program(shell):
    shell.send("run spin\r")
    shell.expect("run spin")
    shell.expect(r"\n")
    time.sleep(1)  # until it spins
    shell.send(CTRL_C)
    assert "SIGINT" in shell.wait_prompt()
    assert "validators passed" in shell.command("check")


def stop(shell):
    """Type Ctrl-Z when `count` has printed a number; its pid."""
    shell.expect(r"\n\d+\r")
    shell.send(CTRL_Z)
    output = shell.wait_prompt()
    return int(re.search(r"\[(\d+)\] stopped by SIGTSTP; `fg \1` lets it go on", output)[1])


def state_of(shell, pid):
    row = re.search(rf"^ *{pid} +\d+ (\w+) .*?( &)?$", shell.command("ps"), re.MULTILINE)
    return row and row[1] + (row[2] or "")


def test_ctrl_z_stops_and_fg_goes_on(shell):
    shell.send("count\r")
    pid = stop(shell)
    assert state_of(shell, pid) == "stopped &"
    for command in "fg", f"fg {pid}":
        shell.send(command + "\r")
        assert stop(shell) == pid
    shell.send("fg\r")
    shell.expect(r"\n\d+\r")
    shell.send(CTRL_C)
    assert "[killed by SIGINT]" in shell.wait_prompt()
    assert state_of(shell, pid) is None


def test_fg_takes_what_was_started_in_the_background(shell):
    told = [shell.command("cat &")]
    pid = int(re.search(r"\[(\d+)\] started", told[0])[1])
    news = f"[{pid}] cat: stopped by SIGTTIN; `fg {pid}` lets it go on"
    wait_until(lambda: told.append(shell.command("echo")) or news in "".join(told))
    shell.send("fg\r")
    shell.expect(r"fg\s")
    shell.send("a line\r")
    shell.expect("a line\\s+a line\\s")
    shell.send(CTRL_D)
    assert "status" not in shell.wait_prompt()
    pid = int(re.search(r"\[(\d+)\] started", shell.command("count 3 &"))[1])
    assert shell.command(f"fg {pid}").split()[-1] == "3"
    assert "is no program in the background" in shell.command(f"fg {pid}")
    assert "no program runs in the background" in shell.command("fg")


def test_cat(shell):
    assert "MemTotal:" in shell.command("cat /proc/meminfo")
    output = shell.command("cat /proc/version /nothing /proc/uptime")
    assert "Strata" in output and "/nothing: No such file" in output
    assert re.search(r"^[\d.]+ [\d.]+$", output, re.MULTILINE)
    assert "[exit status 1]" in output


def test_ls(shell):
    assert "hello\nholes\n" in shell.command("ls /bin")
    output = shell.command("ls -l / /dev/null /nothing")
    assert re.search(r"^/:\n(?:.*\n)*drwxrwxrwx +\d+ tmp$", output, re.MULTILINE)
    assert re.search(r"^crw-rw-rw- +0 /dev/null$", output, re.MULTILINE)
    assert "/nothing: No such file" in output and "[exit status 1]" in output


def test_background_memory_moves(shell):
    """The demonstration of the README: a program takes memory while the shell watches."""
    before = shell.fields("meminfo")
    shell.send("run memhog 24M 60 &\r")
    shell.wait_prompt()
    wait_until(lambda: shell.fields("meminfo")["AnonPages"] > 0)
    shell.send("watch meminfo\r")
    seen = []
    for _ in range(3):
        _, match = shell.expect(r"MemFree:\s+(\d+) kB")
        seen.append(int(match[1]))
    shell.send("q")
    shell.wait_prompt()
    assert min(seen) < before["MemFree"]
    pid = re.search(r"^ *(\d+) .*memhog", shell.command("ps"), re.MULTILINE)
    if pid:
        shell.command(f"kill {pid[1]}")
    wait_until(lambda: shell.fields("meminfo")["AnonPages"] == before["AnonPages"])
    assert shell.fields("meminfo")["MemFree"] >= before["MemFree"] - 64


def test_background_program_is_seen_and_killed(shell):
    shell.command("run spin &")
    row = re.search(r"^ *(\d+) +\d+ .*spin", shell.command("ps"), re.MULTILINE)
    assert row, "spin is not listed"
    maps = shell.command(f"maps {row[1]}")
    assert re.search(r"^08048000-\w+ r-xp ", maps, re.MULTILINE)
    assert re.search(r"rw-p .*\[stack\]", maps)
    assert "physical" in shell.command(f"walk 0x08048000 {row[1]}")
    shell.command(f"kill {row[1]}")
    wait_until(lambda: "spin" not in shell.command("ps"))


def maps_of(shell, program):
    shell.command(f"run {program} &")
    pid = re.search(rf"^ *(\d+) +\d+ .*{program}", shell.command("ps"), re.MULTILINE)[1]
    return pid, shell.command(f"maps {pid}")


def test_the_end_of_a_background_program_is_told_once(shell):
    pid, maps = maps_of(shell, "spin")
    assert_fits(maps)
    for address in ("0x08048000", "0x70000000", "0xbfffe000"):
        assert_fits(shell.command(f"walk {address} {pid}"))
    told = shell.command(f"kill {pid} USR1")
    told += "".join(shell.command("sleep 1") for _ in range(2))
    assert told.count(f"[{pid}] spin: killed by SIGUSR1") == 1
    told = shell.command("run hello &") + shell.command("sleep 1")
    assert len(re.findall(r"^\[\d+\] hello: exit status 0$", told, re.MULTILINE)) == 1


@pytest.mark.parametrize("line", [
    "hello there", "heap 1", "bench foo", "spin 1", "count x", "count 1 2", "mallocs abc",
    "mallocs 1 x", "huge foo", "huge never x", "huge 1 2", "holes", "holes 1M x",
])
def test_programs_refuse_what_makes_no_sense(shell, line):
    program = line.split()[0]
    assert re.fullmatch(rf"usage: {program}\b.*\n\[exit status 2\]", shell.command(line).strip())


def test_count_and_memhog_in_small(shell):
    assert shell.command("count 2").split() == ["1", "2"]
    assert shell.command("memhog 1").splitlines() == \
        ["memhog: 1 of 1 pages filled", "memhog: 1 KiB filled and verified"]


def environment(output):
    return re.findall(r"^env (.*)$", output, re.MULTILINE)


def test_the_environment_of_a_program(shell):
    usual = environment(shell.command("args"))
    assert "PATH=/bin" in usual and "HOME=/root" in usual
    for command in ("A=b args one", "run A=b args one"):
        output = shell.command(command)
        assert environment(output) == usual + ["A=b"]
        assert 'argv[0] "args"' in output and 'argv[1] "one"' in output and "argc 2" in output
    assert environment(shell.command("HOME=/x _1='two words' args")) == \
        [variable for variable in usual if variable != "HOME=/root"] + ["HOME=/x", "_1=two words"]
    assert environment(shell.command("A=1 B= A=2 args A=3")) == usual + ["B=", "A=2"]
    assert environment(shell.command("args")) == usual
    assert "started" in shell.command("A=b count 1 &")


@pytest.mark.parametrize("line, problem", [
    ("A=b", "run: no program behind 'A=b'"),
    ("run A=b C=d", "run: no program behind 'C=d'"),
    ("A=b &", "run: no program behind 'A=b'"),
    ("A=b nosuch", "run: nosuch: no such program in /bin"),
    ("A=b meminfo", "run: meminfo: no such program in /bin"),
    ("1A=b args", "1A=b: unknown command"),
    ("run =b args", "run: =b: no such program in /bin"),
    ("A= " * 32 + "args", "at most 32 words"),
])
def test_what_is_no_environment(shell, line, problem):
    output = shell.command(line)
    assert problem in output
    assert_fits(output)


def test_the_longest_environment(shell):
    words = " ".join(f"V{i}=x" for i in range(31))
    assert environment(shell.command(words + " args"))[-31:] == words.split()
    assert environment(shell.command("run " + " ".join(words.split()[:30]) + " args"))[-30:] == \
        words.split()[:30]


def test_a_program_that_faults_dies_alone(shell):
    output = shell.command("run hostile load-null")
    assert "SIGSEGV" in output
    assert "user read of a not-present page at 0x00000000" in output + shell.command("dmesg")
    assert "validators passed" in shell.command("check")


# --- from other loaders and in another emulator ------------------------------------------------


def short_session(shell):
    total = shell.fields("meminfo")["MemTotal"]
    assert 50000 < total < 65536
    assert "Hello from ring 3." in shell.command("run hello")
    assert re.search(r"brk\(start\) +0 +0 +0 ", shell.command("run heap"))
    assert "SIGSEGV" in shell.command("run hostile store-kernel")
    assert shell.command("echo abd" + LEFT + BACKSPACE + "c").strip() == "acd"
    assert "validators passed" in shell.command("check")
    shell.send("poweroff\r")


@pytest.mark.xdist_group("session-iso")
def test_session_from_the_iso():
    with qemu_shell(iso=ISO) as shell:
        assert "GRUB" in shell.command("memmap")
        short_session(shell)
        shell.child.expect(r"(?s).*\Z|$")
        wait_until(lambda: not shell.child.isalive())
        assert shell.child.exitstatus == 0


@pytest.mark.bochs
@pytest.mark.xdist_group("session-bochs")
def test_session_in_bochs():
    with bochs_shell() as shell:
        short_session(shell)
        assert shell.process.wait(60) == 0


@pytest.mark.xdist_group("session-small")
def test_session_on_a_small_old_machine():
    with qemu_shell(Machine("4M", "486,-pse")) as shell:
        assert shell.fields("meminfo")["MemTotal"] < 4096
        assert "Hello from ring 3." in shell.command("run hello")
        assert "validators passed" in shell.command("check")


@pytest.mark.xdist_group("session-poweroff")
def test_poweroff_ends_the_machine():
    with qemu_shell() as shell:
        shell.send("poweroff\r")
        wait_until(lambda: not shell.child.isalive())
        assert shell.child.exitstatus == 0


@pytest.mark.xdist_group("session-poweroff")
def test_panic_command():
    with qemu_shell(append="panic=poweroff") as shell:
        shell.send("panic of the test\r")
        output, _ = shell.expect("look further")
        assert "KERNEL PANIC: of the test" in output
        assert re.search(r"#1 +0xc\w+ \w+\+0x", output)


def test_vmstat_of_one_program(shell):
    """Faults by cause, in one address space."""
    shell.send("run memhog 1M 60 &\r")
    shell.wait_prompt()
    pid = re.search(r"^ *(\d+) .*memhog", shell.command("ps"), re.MULTILINE)[1]
    wait_until(lambda: shell.fields(f"vmstat {pid}")["pgfault_anon"] >= 256)
    space = shell.fields(f"vmstat {pid}")
    assert space["pgfault"] == sum(n for name, n in space.items() if name.startswith("pgfault_"))
    assert 256 < space["nr_resident_pages"] <= space["nr_virtual_pages"]
    assert space["pgfault_file"] > 0 and space["pgfault_bad"] == 0
    shell.command(f"kill {pid}")
    assert "no process" in shell.command(f"vmstat {pid}")
