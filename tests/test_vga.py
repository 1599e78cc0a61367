"""The screen: keys come from the PS/2 keyboard, and the text is read out of the video memory."""

import re
import subprocess
import time

import pytest

from machine import PROMPT, ROOT, TIME_LIMIT, Machine, qemu_command

COLUMNS, ROWS = 80, 25
SCREEN = COLUMNS * ROWS * 2  # bytes: a character and its colours each
KEY_NAMES = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", ";": "semicolon"}


class Screen:
    """QEMU's monitor on standard input and output: sendkey types, pmemsave photographs."""

    def __init__(self, folder):
        command = qemu_command(machine=Machine(), append="console=vga")
        start = command.index("-chardev")
        command[start:start + 4] = ["-monitor", "stdio", "-serial", "null"]
        self.photo = folder / "screen"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=ROOT,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def monitor(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def type(self, text):
        for character in text:
            key = KEY_NAMES.get(character, character)
            self.monitor(f"sendkey {'shift-' + key.lower() if key.isupper() else key} 20")
            time.sleep(0.05)

    def memory(self):
        self.photo.unlink(missing_ok=True)
        self.monitor(f'pmemsave 0xb8000 {SCREEN} "{self.photo}"')
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.photo.exists() and self.photo.stat().st_size == SCREEN:
                return self.photo.read_bytes()
            time.sleep(0.05)
        raise AssertionError("QEMU saved no screen")

    def lines(self):
        text = self.memory()[::2].decode("cp437")
        return [text[i:i + COLUMNS].rstrip(" \0") for i in range(0, len(text), COLUMNS)]

    def wait_for(self, condition):
        deadline = time.monotonic() + TIME_LIMIT
        while time.monotonic() < deadline:
            lines = self.lines()
            if condition(lines):
                return lines
            time.sleep(0.2)
        raise AssertionError("not on the screen:\n" + "\n".join(lines))


def at_prompt(lines):
    used = [line for line in lines if line]
    return bool(used) and used[-1] == PROMPT.rstrip()


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    screen = Screen(tmp_path_factory.mktemp("vga"))
    try:
        screen.wait_for(at_prompt)
        yield screen
    finally:
        screen.process.kill()
        screen.process.wait(20)


def test_keys_and_output(screen):
    screen.type("echo Strata 4-5\n")
    screen.wait_for(lambda lines: "Strata 4-5" in lines and at_prompt(lines))


def test_meminfo_is_on_the_screen(screen):
    screen.type("meminfo\n")
    lines = screen.wait_for(lambda lines: any("Initrd:" in line for line in lines))
    free = [line for line in lines if line.startswith("MemFree:") or line.startswith("Slab:")]
    assert free and free[0].endswith(" kB")


def test_watch_shows_all_of_meminfo(screen):
    screen.type("watch meminfo\n")
    screen.wait_for(lambda lines: all(any(name in line for line in lines) for name in
                                      ("MemTotal:", "DirectMap4M:", "Initrd:", "any key ends")))
    screen.type("q")
    screen.wait_for(at_prompt)


def test_watch_counts_what_does_not_fit(screen):
    """vmstat has more rows than two halves of the screen."""
    screen.type("watch vmstat\n")
    screen.wait_for(lambda lines: re.search(r"any key ends   rows left out: [1-9]\d*$", lines[0]))
    screen.type("q")
    screen.wait_for(at_prompt)


def test_help_fits_on_the_screen(screen):
    screen.type("clear\n")
    screen.type("help\n")
    lines = screen.wait_for(lambda lines: at_prompt(lines) and any("tells more" in line for line in lines))
    assert lines[0] == PROMPT + "help" and lines[1].startswith("Physical memory")
    assert any(line.startswith("Programs: ") for line in lines)


def test_scrolling_keeps_the_last_lines(screen):
    screen.type("help\n")
    screen.type("echo bottom\n")
    lines = screen.wait_for(lambda lines: "bottom" in lines and at_prompt(lines))
    assert lines[-1] == PROMPT.rstrip() and lines[-2] == "bottom"


def test_line_editing_on_the_keyboard(screen):
    screen.type("echo abd")
    for key in ("left", "backspace", "c", "home", "delete", "e", "end", "x", "ret"):
        screen.monitor(f"sendkey {key} 20")
        time.sleep(0.05)
    screen.wait_for(lambda lines: "acdx" in lines and at_prompt(lines))
