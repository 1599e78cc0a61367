"""Address spaces as the shell shows them: nothing is loaded before it is touched, data is not
executable, and places differ from run to run."""

import re

import pytest

from machine import qemu_shell
from memory import kernel, shell, start_until_it_sleeps

pytestmark = pytest.mark.xdist_group("address-space")

PARTS = ["text", "constants", "data", "zeros"]
RANGE = re.compile(r"^([0-9a-f]{8})-([0-9a-f]{8}) (\S{4})([! ]) ([0-9a-f]{8}) +\d+ (\S*) +(\d+) kB$",
                   re.MULTILINE)


def ranges(shell, pid):
    """(start, end, rights, mark, offset, name, kB resident) of each, and where code ends."""
    output = shell.command(f"maps {pid}")
    rows = [(int(start, 16), int(end, 16), rights, mark, int(offset, 16), name, int(kib))
            for start, end, rights, mark, offset, name, kib in RANGE.findall(output)]
    return rows, int(re.search(r"code ends at ([0-9a-f]{8})$", output, re.MULTILINE)[1], 16)


# --- laziness ----------------------------------------------------------------------------------


def test_nothing_is_there_before_it_is_touched(shell):
    """The program looks at its own /proc/self/pagemap."""
    rows = re.findall(r"^(\w+) +(\d+) pages, (\d+) present at the start, (\d+) after one touch$",
                      shell.command("lazy"), re.MULTILINE)
    assert [row[0] for row in rows] == PARTS
    assert all(int(pages) >= 16 for _, pages, _, _ in rows)
    assert all(row[2:] == ("0", "1") for row in rows)


def test_the_second_start_reads_nothing(shell):
    """What the first one has read is in the page cache, and shared."""
    shell.command("lazy all")
    before = shell.fields("vmstat")
    shell.command("lazy all")
    after = shell.fields("vmstat")
    assert after["pagecache_fill"] == before["pagecache_fill"]
    assert after["pagecache_hit"] > before["pagecache_hit"] + 3 * 16
    shell.command("pagecache drop")
    shell.command("lazy all")
    assert shell.fields("vmstat")["pagecache_fill"] > after["pagecache_fill"] + 3 * 16


def test_two_of_a_kind_share_their_pages(shell):
    """Text is there once; only what was written to is twice."""
    for pid in [start_until_it_sleeps(shell, "memhog 4K 100000") for _ in range(2)]:
        text = shell.command(f"smaps {pid}").split("\n0")[0]
        figures = dict(re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE))
        assert int(figures["Rss"]) > 0
        assert figures["Shared_Clean"] == figures["Rss"]
        assert int(figures["Pss"]) == int(figures["Rss"]) // 2


# --- data is not code --------------------------------------------------------------------------


def test_code_ends_behind_the_text(shell):
    """What QEMU does not check, the table shows; Bochs does check it (test_programs.py)."""
    rows, end = ranges(shell, start_until_it_sleeps(shell, "memhog 4K 100000"))
    executable = [row for row in rows if "x" in row[2]]
    assert [row[5] for row in executable] == ["/bin/memhog"]
    assert end == executable[0][1]
    assert all(row[3] == " " for row in rows)
    assert {"[heap]", "[stack]"} <= {row[5] for row in rows if row[0] >= end}


def test_who_maps_code_high_loses_it(shell):
    rows, end = ranges(shell, start_until_it_sleeps(shell, "exechigh"))
    assert end == 0xB8001000
    marked = [row for row in rows if row[3] == "!"]
    assert marked and all("x" not in row[2] and row[0] < end for row in marked)
    assert "rw-p" in [row[2] for row in marked]  # its data
    assert all(row[3] == " " for row in rows if "x" in row[2] or row[0] >= end)


# --- addresses ---------------------------------------------------------------------------------


def places(shell):
    return dict(re.findall(r"^(\w+) 0x([0-9a-f]+)$", shell.command("places"), re.MULTILINE))


def test_places_differ(shell):
    """Three runs: that two are the same by chance may happen to one of them, but not to all."""
    runs = [places(shell) for _ in range(3)]
    for part in "heap", "mmap", "stack":
        assert len({run[part] for run in runs}) > 1
    assert len({run["text"] for run in runs}) == 1  # it is not position-independent


def test_places_are_the_same_if_that_is_wanted():
    with qemu_shell(append="loglevel=1 norandmaps") as shell:
        first = places(shell)
        assert set(first) == {"text", "heap", "mmap", "stack"}
        assert all(places(shell) == first for _ in range(3))
