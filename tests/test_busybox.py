"""BusyBox as Debian built it: the same commands on Linux and on Strata; vi, less and sh at the
console."""

import re
import shlex
import time
from contextlib import contextmanager

import pexpect
import pytest

from applets import DIRECT, SAME, SHELL
from foreign import (BUSYBOX, SCREEN_LIMIT, Terminal, assert_nothing_was_missed, assert_same,
                     foreign_shell, fresh_on_linux, fresh_on_strata, linux_terminal, needed,
                     on_linux, on_strata, quoted)
from machine import ANSWER_LIMIT, PROMPT, plain

pytestmark = [needed, pytest.mark.xdist_group("busybox")]

CTRL_B, CTRL_C, CTRL_D, CTRL_F, CTRL_Z, ESCAPE = "\x02\x03\x04\x06\x1a\x1b"
UP, LEFT = "\x1b[A", "\x1b[D"
LINE_MAX = 255  # bytes that Strata's shell takes


@pytest.fixture(scope="module")
def shell():
    """One kernel for all commands."""
    with foreign_shell() as shell:
        yield shell


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What is /tmp in DIRECT, on Linux."""
    return tmp_path_factory.mktemp("direct")


# --- commands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command, check", DIRECT, ids=[row[0] for row in DIRECT])
def test_at_the_prompt(shell, folder, command, check):
    """Output straight to the console."""
    output, status = on_strata(shell, f"busybox {command}")
    if check == SAME:
        words = shlex.split(command.replace("/tmp/", f"{folder}/"))
        expected, expected_status = on_linux([BUSYBOX, *words])
        assert_same(shell, output, expected.replace(f"{folder}/", "/tmp/"))
        assert status == expected_status
    else:
        assert status == 0, output
        check(output.strip())


@pytest.mark.parametrize("command, check", SHELL, ids=[row[0] for row in SHELL])
def test_in_its_shell(shell, tmp_path, command, check):
    """Files, pipes, children; the last line is "= " and the status."""
    output = fresh_on_strata(shell, command)
    if check == SAME:
        assert_same(shell, output, fresh_on_linux(command, tmp_path))
    else:
        text, _, status = output.rstrip().rpartition("\n= ")
        assert status == "0", output
        check(text.strip())


def test_nothing_was_missed(shell):
    """No command wanted a system call that is not there and mattered."""
    assert_nothing_was_missed(shell)


def test_the_kernel_is_well(shell):
    assert "validators passed" in shell.command("check")
    assert not re.search(r"\b(busybox|sh|sleep)\b", shell.command("ps"))


def test_commands_fit_into_a_line():
    for command, _ in SHELL:
        assert len(f"run busybox sh /etc/fresh {quoted(command)}") <= LINE_MAX, command
    assert len(DIRECT) + len(SHELL) > 150


# --- the screen: every state of it is the same as on Linux --------------------------------------


@pytest.fixture(scope="module")
def console():
    """Another kernel, with a person before it."""
    with foreign_shell() as shell:
        yield shell


POEM = "Roses are red,\rViolets are blue,\rA page fault is minor,\rand so are you."
VI_EDITS = [
    "i", POEM, ESCAPE, "1G", "x", "u", "dd", "p", "yy", "3p", "1G", "/page\r", "cwframe", ESCAPE,
    ":s/minor/major/\r", UP, "A (sic)", ESCAPE, "0", LEFT + LEFT, "Rviolets", ESCAPE, "J", "G",
    "oThe end", ESCAPE, "$", "3h", "D", "u", "ma1Gy'a", "P", "u",
    ":2,3d\r", "u", ":nonsense\r", ":w\r",
]
VI_MOVES = [CTRL_F, CTRL_F, CTRL_B, "100G", "zz", "\x05", "\x19", "H", "M", "L", "G", "1G", "/77\r",
            "n", "?5$\r", ":150\r", "50dd", "p", ":q\r"]
LESS_KEYS = [" ", " ", "b", "G", "g", "/50\r", "n", "j", "k"]


def seen_on_linux(words, keys, folder):
    """The screen after the start and after each key, and nothing after the last."""
    with linux_terminal([BUSYBOX, *words], folder) as child:
        terminal = Terminal(child)
        terminal.pump(SCREEN_LIMIT)  # it may take a while to start
        screens = [terminal.settle()]
        for key in keys:
            child.send(key)
            screens.append(terminal.settle())
    return screens


def compare_screens(console, command, keys, folder, last):
    """The same on Strata; `last` is typed to leave the program."""
    screens = seen_on_linux(command.split(), keys, folder)
    terminal = Terminal(console.child)
    console.send(f"run busybox {command}\r")
    for key, screen in zip(["", *keys], screens):
        console.send(key)
        terminal.wait_until_it_shows(*screen)
    leave(console, terminal, last)


def at_prompt(rows, cursor):
    return rows[cursor[0]].startswith(PROMPT.rstrip())


def leave(console, terminal, keys):
    terminal.screen.reset()
    console.send(keys)
    terminal.wait_for(at_prompt)


@pytest.mark.xdist_group("busybox-console")
def test_vi_writes_a_file(console, tmp_path):
    compare_screens(console, "vi poem", VI_EDITS, tmp_path, ":q\r")
    written = (tmp_path / "poem").read_text()
    assert "violets" in written and "(sic)" in written
    assert on_strata(console, "busybox cat /poem")[0].rstrip() == written.rstrip()


@pytest.mark.xdist_group("busybox-console")
def test_vi_scrolls(console, tmp_path):
    (tmp_path / "numbers").write_text("".join(f"{n}\n" for n in range(1, 201)))
    console.command("run busybox sh -c 'seq 200 >/numbers'")
    compare_screens(console, "vi numbers", VI_MOVES, tmp_path, ":q!\r")
    assert on_strata(console, "busybox tail -n 1 /numbers")[0].strip() == "200"


@pytest.mark.xdist_group("busybox-console")
def test_less(console, tmp_path):
    (tmp_path / "numbers").write_text("".join(f"{n}\n" for n in range(1, 201)))
    console.command("run busybox sh -c 'seq 200 >/numbers'")
    compare_screens(console, "less numbers", LESS_KEYS, tmp_path, "q")


def test_a_job_keeps_its_terminal_settings_to_itself(shell):
    """Stopped, gone on with, killed: the next command of the line finds a terminal as at the prompt."""
    output = shell.command("busybox sh -c 'stty -icanon; kill -STOP $$; stty -a; kill -KILL $$'; "
                           "busybox stty -a; fg; busybox stty -a")
    assert re.findall(r"(-?)icanon", output) == ["", "-", ""]


@pytest.mark.xdist_group("busybox-console")
def test_top_redraws(console):
    terminal = Terminal(console.child)
    console.send("run busybox top -d 1\r")
    shown = set()

    def two_updates(rows, cursor):
        if rows[0].startswith("Mem: ") and any(" top -d 1" in row for row in rows):
            shown.add(tuple(rows))
        return len(shown) >= 2

    terminal.wait_for(two_updates)
    leave(console, terminal, "q")


@pytest.mark.xdist_group("busybox-console")
def test_ctrl_c_ends_watch(console):
    terminal = Terminal(console.child)
    console.send("run busybox watch -n 1 'echo watched'\r")
    terminal.wait_for(lambda rows, _: rows[0].startswith("Every 1.0s: ") and "watched" in rows)
    # While the command runs, system(3) ignores SIGINT: only the command ends then.
    terminal.screen.reset()
    for _ in range(TRIES):
        console.send(CTRL_C)
        terminal.pump(2)
        if at_prompt(*terminal.settle()):
            return
    raise AssertionError("watch does not end")


# --- an interactive sh: the same transcript as on Linux -----------------------------------------

# (line, keys typed once it runs).  Each is answered until the next prompt.
TALK = [
    ("echo hello", ""),
    ("ech\tcompleted", ""),
    (UP, ""),
    ("sleep 3 &", ""),
    ("jobs", ""),
    ("wait; echo $?", ""),
    ("jobs", ""),
    ("sleep 60", CTRL_C),
    ("echo $?", ""),
    ("sleep 60", CTRL_Z),
    ("echo $?", ""),
    ("jobs", ""),
    ("bg", ""),
    ("jobs", ""),
    ("fg", CTRL_C),
    ("jobs; echo $?", ""),
    ("sleep 60 | cat", CTRL_Z),
    ("jobs", ""),
    ("fg %1", CTRL_C),
    ("while :; do :; done", CTRL_C),
    ("echo $?", ""),
    ("(sleep 60; echo not reached)", CTRL_C),
    ("cat", "typed\rtwice\r" + CTRL_D),
    ("cat >f", "a line\r" + CTRL_D),
    ("cat f; rm f", ""),
    ("read x y; echo $y, $x", "one two\r"),
    ("PS1='inner> ' sh", CTRL_D),
    ("sh -c 'kill -TERM $$'; echo $?", ""),
    ("stty -echo; stty echo; stty -a | grep -o ' echo '", ""),
    ("test -t 1 && echo a terminal", ""),
    ("sleep 0.1 & sleep 0.5; jobs", ""),
    ("seq 3 | while read i; do echo $i; done | sort -r", ""),
]
SH_PROMPT = "sh> "
TRIES = 5


class Talk:
    """Lines and answers."""

    def __init__(self, child):
        self.child = child
        self.lost = ""
        child.expect(r"[#$] (?:\x1b\[6n)?$", timeout=ANSWER_LIMIT)
        self.ask(f"PS1='{SH_PROMPT}'")

    def ask(self, line, keys=""):
        """The answer, without what the terminal echoes for a control key."""
        assert not self.lost, f"no answer since {self.lost!r}"
        self.lost = line
        self.child.send(line + "\r")
        for key in re.findall(r"[^\r]*\r|[\x03\x04\x1a]", keys):
            time.sleep(1)  # until the command runs, and reads
            self.child.send(key)
        self.wait_prompt(keys == CTRL_C)
        self.lost = ""
        _, _, answer = plain(self.child.before).partition("\n")
        return re.sub(r"\^[CDZ]", "", answer).strip()


    def wait_prompt(self, interrupted):
        """A shell that calculates can miss a Ctrl-C, on Linux too: then it is typed again."""
        prompt = r"\n(?:\x1b\[[0-9;]*[A-Za-z])*" + SH_PROMPT + r"(?:\x1b\[6n)?$"
        for _ in range(TRIES if interrupted else 0):
            if self.child.expect([prompt, pexpect.TIMEOUT], timeout=ANSWER_LIMIT / TRIES) == 0:
                return
            self.child.send(CTRL_C)
        self.child.expect(prompt, timeout=ANSWER_LIMIT)


@contextmanager
def talk_on_linux(folder):
    with linux_terminal([BUSYBOX, "sh", "-i"], folder) as child:
        yield Talk(child)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What Linux says to all of TALK."""
    with talk_on_linux(tmp_path_factory.mktemp("talk")) as talk:
        return [talk.ask(*row) for row in TALK]


@pytest.fixture(scope="module")
def talk():
    with foreign_shell() as shell:
        shell.send("run busybox sh -i\r")
        talk = Talk(shell.child)
        talk.shell = shell
        yield talk


@pytest.mark.xdist_group("busybox-talk")
@pytest.mark.parametrize("number", range(len(TALK)), ids=lambda n: f"{n}-{TALK[n][0]!r}")
def test_interactive_shell(talk, answers, number):
    assert talk.ask(*TALK[number]) == answers[number]


@pytest.mark.xdist_group("busybox-talk")
def test_interactive_shell_ends(talk):
    talk.child.send("exit 5\r")
    assert "[exit status 5]" in talk.shell.wait_prompt()
    assert_nothing_was_missed(talk.shell)
    assert "validators passed" in talk.shell.command("check")
