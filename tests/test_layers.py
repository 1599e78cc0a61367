"""The architecture as a table: a file may include its own layer and those below it."""

import re
import subprocess
from pathlib import PurePosixPath

import pytest

from machine import ROOT

# Lowest first; what stands in one row is one layer.
LAYERS = [
    ["kernel/lib", "boot/multiboot.h"],
    ["kernel/cpu"],
    ["kernel/dev", "kernel/log", "kernel/panic", "kernel/panic_entry",
     "kernel/symbols", "kernel/ubsan"],
    ["mm"],
    ["kernel/sched"],
    ["kernel/fs"],
    ["kernel/proc"],
    ["kernel/syscall", "kernel/procfs"],
    ["shell"],
    ["kernel/main", "shell/start"],
]
SOURCES = sorted(str(path.relative_to(ROOT)) for folder in ("kernel", "mm", "shell", "boot")
                 for path in (ROOT / folder).rglob("*.[chS]"))
FORMATTED = sorted(str(path.relative_to(ROOT))
                   for folder in ("boot", "kernel", "mm", "shell", "user", "tests", "tools")
                   for path in (ROOT / folder).rglob("*.[ch]"))


def layer_of(path):
    for level, members in reversed(list(enumerate(LAYERS))):
        for member in members:
            if path == member or path.startswith(member + "/") or \
                    str(PurePosixPath(path).with_suffix("")) == member:
                return level
    return None


def includes(path):
    return re.findall(r'^#include "([^"]+)"', (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("source", SOURCES)
def test_no_upward_include(source):
    own = layer_of(source)
    if own is None:
        assert source.startswith("boot/"), f"{source} is in no layer"
        return
    for header in includes(source):
        level = layer_of(header)
        assert level is not None, f"{source} includes {header}, which is in no layer"
        assert level <= own, f"{source} includes {header} from a higher layer"


@pytest.mark.parametrize("source", SOURCES)
def test_includes_name_the_whole_path(source):
    for header in includes(source):
        assert (ROOT / header).exists(), f"{source}: {header} is no path from the root"


def test_inline_assembly_stays_in_cpu():
    for source in SOURCES:
        if source.endswith((".c", ".h")) and not source.startswith("kernel/cpu/"):
            text = (ROOT / source).read_text()
            found = re.findall(r"__asm__ volatile\(\"\s*\w", text)
            assert not found or source.startswith(("mm/uaccess", "kernel/lib/")), source


def test_functions_are_short():
    """A function of more than 60 lines needs to be cut."""
    long = []
    for source in FORMATTED:
        lines = (ROOT / source).read_text().splitlines()
        start = None
        for number, line in enumerate(lines):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start > 60:
                    long.append(f"{source}:{start}: {number - start} lines")
                start = None
    assert not long


def test_format():
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *FORMATTED], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]


def test_no_leftovers():
    """Nothing is disabled, postponed or forgotten in the sources."""
    for source in FORMATTED:
        text = (ROOT / source).read_text()
        assert not re.search(r"^#if 0|TODO|FIXME|XXX", text, re.MULTILINE), source
