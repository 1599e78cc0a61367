"""Programs from other hands: where they are, and how one command runs on Linux and on Strata."""

import re
import subprocess
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import pexpect
import pyte
import pytest

from machine import BUILD, ROOT, Machine, qemu_shell, seen_on_this_machine
import test_programs

ARCHIVE = BUILD / "foreign.cpio"
PROGRAMS = BUILD / "foreign/bin"
BUSYBOX = PROGRAMS / "busybox"
FRESH = ROOT / "tools/foreign/etc/fresh"
ROWS, COLUMNS = 25, 80
CTRL_C = "\x03"
SILENCE = 0.3  # seconds after which a program on Linux has shown all it had to show
SCREEN_LIMIT = 30  # seconds until Strata's screen has become the expected one

needed = pytest.mark.skipif(not ARCHIVE.exists(), reason="there is no foreign.cpio: make foreign")

# System calls whose absence is an answer: the C library or BusyBox has another way.
MISSED_BY_NOBODY = {}


@contextmanager
def foreign_shell(mem="128M", append="loglevel=1"):
    with qemu_shell(Machine(mem), append=append, initrd=ARCHIVE, extra=["-no-shutdown"]) as shell:
        yield shell


@lru_cache
def linux_path():
    """A directory with a link for each applet and each program: what /bin is on Strata."""
    links = BUILD / "foreign/links"
    links.mkdir(exist_ok=True)
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    targets = {name: BUSYBOX for name in applets.stdout.split()}
    targets.update((path.name, path) for path in PROGRAMS.iterdir())
    for name, target in targets.items():
        with suppress(FileExistsError):
            (links / name).symlink_to(target)
    return str(links)


def linux_argv(*words):
    """A 3 GiB address space, as on a 32-bit machine."""
    setarch = next(path for path in ("/usr/bin/setarch", "/bin/setarch") if Path(path).exists())
    return [setarch, "i686", "-3", *map(str, words)]


def linux_environment():
    return {"PATH": linux_path(), "HOME": "/", "TERM": "linux"}


def on_linux(words, cwd="/"):
    return seen_on_this_machine(linux_argv(*words), env=linux_environment(), cwd=cwd,
                                stdin=subprocess.DEVNULL)


def quoted(text):
    """One word for Strata's shell."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def fresh_on_linux(command, folder):
    words = [BUSYBOX, "sh", FRESH, command, folder / "fresh", linux_path()]
    return on_linux(words)[0].replace(str(folder / "fresh"), "/tmp/fresh")


def on_strata(shell, program):
    """Output and status; a program that does not end is interrupted, so that the next one runs."""
    assert not getattr(shell, "lost", ""), f"no prompt since {shell.lost}"
    shell.lost = program
    try:
        result = test_programs.on_strata(shell, program, "")
    except pexpect.TIMEOUT:
        shell.send(CTRL_C)
        shell.wait_prompt(timeout=10)
        shell.lost = ""
        raise AssertionError(f"{program}: not finished\n{shell.child.before}") from None
    shell.lost = ""
    return result


def fresh_on_strata(shell, command):
    return on_strata(shell, f"busybox sh /etc/fresh {quoted(command)}")[0]


@lru_cache
def call_names():
    """Linux's names of the i386 system calls, if its headers are here."""
    for header in ("/usr/include/x86_64-linux-gnu/asm/unistd_32.h", "/usr/include/asm/unistd_32.h"):
        if Path(header).exists():
            return {int(number): name for name, number in
                    re.findall(r"^#define __NR_(\w+) (\d+)$", Path(header).read_text(),
                               re.MULTILINE)}
    return {}


def missing_calls(shell):
    """The log's lines on system calls that are not there, with their names."""
    lines = re.findall(r"(\S+\[\d+\]): system call (\d+) is not implemented",
                       shell.command("dmesg"))
    return [(int(number), f"{who}: {number} {call_names().get(int(number), '')}")
            for who, number in lines]


def assert_same(shell, output, expected):
    """With a reason that helps: the calls the kernel did not have, if there were any."""
    same = output.rstrip() == expected.rstrip()
    missed = [] if same else not_implemented(shell)
    assert output.rstrip() == expected.rstrip(), f"not implemented so far: {missed}"


def not_implemented(shell):
    """The system calls that are not there and matter."""
    return sorted({text for number, text in missing_calls(shell) if number not in MISSED_BY_NOBODY})


def assert_nothing_was_missed(shell):
    assert not_implemented(shell) == []


class Terminal:
    """What a person would see: a child's bytes on an emulated terminal that answers queries."""

    def __init__(self, child):
        self.child = child
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.screen.write_process_input = child.send
        self.stream = pyte.Stream(self.screen)

    def pump(self, seconds):
        """Show what arrives within some seconds; False if nothing did."""
        try:
            self.stream.feed(self.child.read_nonblocking(65536, timeout=seconds))
            return True
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False

    def settle(self):
        """Show everything until the program is silent."""
        while self.pump(SILENCE):
            pass
        return self.seen()

    def seen(self):
        """The rows and the cursor."""
        return [row.rstrip() for row in self.screen.display], \
            (self.screen.cursor.y, self.screen.cursor.x)

    def wait_for(self, condition):
        """Show what comes until condition(rows, cursor) holds."""
        deadline = time.monotonic() + SCREEN_LIMIT
        while not condition(*self.seen()):
            assert time.monotonic() < deadline, "the screen stayed:\n" + "\n".join(self.seen()[0])
            self.pump(0.1)

    def wait_until_it_shows(self, rows, cursor):
        """The whole screen, row by row."""
        deadline = time.monotonic() + SCREEN_LIMIT
        while self.seen() != (rows, cursor) and time.monotonic() < deadline:
            self.pump(0.1)
        assert self.seen()[0] == rows
        assert self.seen()[1] == cursor


@contextmanager
def linux_terminal(words, cwd):
    command = linux_argv(*words)
    child = pexpect.spawn(command[0], command[1:], env=linux_environment(), cwd=str(cwd),
                          encoding="utf-8", dimensions=(ROWS, COLUMNS), timeout=SCREEN_LIMIT)
    child.delaybeforesend = None
    try:
        yield child
    finally:
        child.close(force=True)
