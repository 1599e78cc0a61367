"""Boots kernels in emulators: once to the end (boot), or as a conversation (Shell)."""

import os
import re
import signal
import subprocess
import time
import tty
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pexpect.fdpexpect

ROOT = Path(__file__).resolve().parent.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
KERNEL = BUILD / "strata.elf"
INITRD = BUILD / "initrd.cpio"
ISO = BUILD / "strata.iso"
PROMPT = "strata> "

TIME_LIMIT = 180  # seconds; a healthy boot takes one, a busy machine may need many
ANSWER_LIMIT = 60  # seconds until the shell has answered
EXIT_PASSED = 1  # isa-debug-exit turns code N into status 2N+1
EXIT_FAILED = 3
EXIT_PANIC = 5

SIGNALS = {number.value: number.name for number in signal.Signals}
END_OF_FILE, CTRL_U = "\x04", "\x15"

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Machine:
    mem: str = "64M"
    cpu: str = "max"

    def __str__(self):
        return f"{self.mem}-{self.cpu}".replace(",", "")

    @property
    def kib(self):
        return int(self.mem[:-1]) * {"K": 1, "M": 1024}[self.mem[-1]]


@dataclass
class Result:
    status: int
    output: str


def plain(text):
    """What a person would read: no escape sequences, no carriage returns."""
    return ANSI.sub("", text).replace("\r", "")


def in_root(path):
    """Seen from ROOT: make, and QEMU for modules, take a path to end at the first blank."""
    path = Path(path)
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def qemu_command(kernel=KERNEL, machine=Machine(), append="", initrd=INITRD, iso=None, extra=()):
    """To be run in ROOT; `initrd`: a file, several, or none."""
    modules = initrd if isinstance(initrd, list) else [initrd] if initrd else []
    command = ["qemu-system-i386", "-machine", "pc", "-m", machine.mem, "-cpu", machine.cpu]
    command += ["-display", "none", "-no-reboot", "-nodefaults", "-vga", "std"]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    command += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    if iso:
        command += ["-cdrom", in_root(iso), "-boot", "d"]
    else:
        command += ["-kernel", in_root(kernel), "-append", append]
        command += ["-initrd", ",".join(map(in_root, modules))] if modules else []
    return command + list(extra)


def run(command, limit=TIME_LIMIT, stdin=b"", cwd=ROOT, env=None):
    """Run to the end; a timeout is a failure that shows what was printed until then."""
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(stdin, timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the emulator below make and sh, too
        output, _ = process.communicate()
        text = plain(output.decode("utf-8", "replace"))
        raise AssertionError(f"not finished after {limit} s: {command}\n{text}") from None
    return Result(process.returncode, plain(output.decode("utf-8", "replace")))


def boot(kernel=KERNEL, machine=Machine(), append="", limit=TIME_LIMIT, **options):
    """Boot until the machine switches itself off."""
    return run(qemu_command(kernel, machine, append, **options), limit)


class Shell:
    """A conversation with the shell."""

    def __init__(self, child):
        self.child = child
        child.delaybeforesend = None

    def wait_prompt(self, timeout=ANSWER_LIMIT):
        self.child.expect(r"\n(?:\x1b\[[0-9;?]*[A-Za-z])*" + PROMPT, timeout=timeout)
        return plain(self.child.before)

    def send(self, keys):
        self.child.send(keys)

    def expect(self, pattern, timeout=ANSWER_LIMIT):
        self.child.expect(pattern, timeout=timeout)
        return plain(self.child.before), self.child.match

    def command(self, line):
        """Type a line; its output, without the echo."""
        self.send(line + "\r")
        _, _, output = self.wait_prompt().partition("\n")
        return output

    def fields(self, command):
        """Lines "Name: 123 kB" or "name 123" as numbers."""
        rows = re.findall(r"^(\w+):?\s+(\d+)(?: kB)?$", self.command(command), re.MULTILINE)
        return {name: int(value) for name, value in rows}


@contextmanager
def qemu_shell(machine=Machine(), append="", **options):
    command = qemu_command(machine=machine, append=append, **options)
    child = pexpect.spawn(command[0], command[1:], encoding="utf-8", codec_errors="replace",
                          timeout=TIME_LIMIT, echo=False, dimensions=(25, 80), cwd=str(ROOT))
    try:
        shell = Shell(child)
        shell.wait_prompt()
        yield shell
    finally:
        child.close(force=True)


@contextmanager
def bochs_shell(iso=ISO):
    """The same under Bochs, whose COM1 is one end of a pseudo terminal."""
    master, slave = os.openpty()
    tty.setraw(slave)
    command = [ROOT / "tools/bochs", "--headless", "--serial", os.ttyname(slave), iso, KERNEL]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    child = pexpect.fdpexpect.fdspawn(master, encoding="utf-8", codec_errors="replace",
                                      timeout=TIME_LIMIT)
    try:
        shell = Shell(child)
        shell.wait_prompt()
        shell.process = process
        yield shell
    finally:
        process.terminate()
        process.wait(20)
        os.close(slave)
        child.close()


def unwrapped(output):
    """The way to an allocation in one line: "take+0x1c < work+0x40" goes on in the next with "< "."""
    return re.sub(r"\n(?:\[ *\d+\.\d+\])? +(?=< )", " ", output)


def assert_fits(output):
    """A screen of 80 columns."""
    assert [line for line in output.splitlines() if len(line) > 79] == []


def wait_until(condition, limit=30):
    """Poll for something that another machine does in its own time."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"not so after {limit} s")


# What the kernel's shell gives to a program (kernel/proc/start.c).
ENVIRONMENT = {"PATH": "/bin", "HOME": "/root", "TERM": "linux", "PWD": "/", "USER": "root",
               "SHELL": "/bin/sh"}


def seen_on_this_machine(command, **options):
    """The output of a program, and its status as a shell shows it.

    It has a session of its own, as after a login.  The tests themselves may run in the session of
    process 1; there it is a parent that could continue stopped jobs, and Linux has other answers
    about orphaned groups."""
    result = subprocess.run(command, start_new_session=True, timeout=60, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **options)
    status = result.returncode if result.returncode >= 0 else 128 - result.returncode
    return result.stdout.decode("utf-8", "replace"), status


def on_linux(program, stdin="", folder=BUILD / "user"):
    """Run a program of Strata's on this machine: its output and its status.

    The address space is one of 3 GiB, as on a 32-bit machine; the stack may have 8 MiB of it."""
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {program}"], capture_output=True,
                           text=True, check=True).stdout.split("\n")[:-1]
    command = ["/usr/bin/prlimit", "--core=0", "--stack=8388608:", "/usr/bin/setarch", "i686", "-3",
               str(folder / words[0]), *words[1:]]
    output, status = seen_on_this_machine(command, input=stdin.encode(), env=ENVIRONMENT)
    return output.replace(str(folder) + "/", ""), status


def on_strata(shell, program, stdin=""):
    """The same from the shell, which shows the status in its own words at the end."""
    shell.send(f"run {program}\r")
    if stdin:
        shell.send(stdin.replace("\n", "\r") + END_OF_FILE)
    _, _, output = shell.wait_prompt().partition("\n")
    status = 0
    ending = re.search(r"\[(?:exit status (\d+)|killed by (\w+))\]\n?$", output)
    if ending:
        output = output[:ending.start()]
        status = int(ending[1]) if ending[1] else 128 + signal.Signals[ending[2]].value
    if stdin:
        for line in stdin.splitlines(keepends=True):  # the terminal's echo
            output = output.replace(line, "", 1)
        drop_what_was_not_read(shell)
    return output, status


def drop_what_was_not_read(shell):
    """Typed lines that the program left go to the shell: wait until it has seen them."""
    shell.send(CTRL_U + "echo synchronised\r")
    shell.expect(r"\nsynchronised\r*(?=\n)")
    shell.wait_prompt()
