"""What the processor remembers, seen from the shell: stale translations (tlb), cache attributes and
flushes (cache), memory by its properties (alloc, free), where the kernel's code ends (maps)."""

import re

import pytest

from machine import Machine, assert_fits, bochs_shell, qemu_shell
from memory import assert_well, in_use

OLD = Machine("16M", "486,-pse")  # no CPUID for caches, no CLFLUSH, no time-stamp counter, no PGE
PAGE = 4096


@pytest.fixture(scope="module")
def old():
    with qemu_shell(OLD, append="loglevel=1") as shell:
        yield shell


# --- tlb ---------------------------------------------------------------------------------------


def stale(output, what):
    """(pages that read the old frame, pages) of each line about `what`."""
    rows = re.findall(rf"^  {what} +(\d+) of (\d+) read", output, re.MULTILINE)
    return [(int(count), int(pages)) for count, pages in rows]


@pytest.mark.parametrize("argument, pages, flush", [
    ("one", 1, "INVLPG of the page"), ("range", 8, "INVLPG of each page"),
    ("all", 8, "CR4.PGE off and on")])
def test_tlb(shell, argument, pages, flush):
    """The old translation answers until it is flushed."""
    output = shell.command(f"tlb {argument}")
    assert stale(output, "entries changed, no flush") == [(pages, pages)]
    assert stale(output, flush) == [(0, pages)]
    assert_fits(output)


def test_tlb_without_global_pages(old):
    output = old.command("tlb")
    assert stale(output, "entries changed, no flush") == [(1, 1), (8, 8), (8, 8)]
    assert stale(output, "CR3 loaded anew") == [(0, 8)]
    assert "CR4" not in output
    assert_well(old)


def test_flushes_are_counted(shell):
    before = shell.fields("vmstat")
    shell.command("tlb range")  # 8 by the experiment, 8 when its pages are unmapped
    after = shell.fields("vmstat")
    assert after["nr_tlb_local_flush_one"] - before["nr_tlb_local_flush_one"] == 16
    shell.command("tlb all")
    assert shell.fields("vmstat")["nr_tlb_local_flush_all"] > after["nr_tlb_local_flush_all"]


def test_the_experiments_leave_nothing(shell):
    before = shell.fields("meminfo")
    for command in ("tlb", "cache", "cache flush"):
        shell.command(command)
    after = shell.fields("meminfo")
    for field in ("MemFree", "PageTables", "VmallocUsed", "Slab"):
        assert after[field] == before[field], field
    assert_well(shell)


# --- cache -------------------------------------------------------------------------------------


def test_cache_types(shell):
    output = shell.command("cache")
    rows = re.findall(r"^(write-back|write-through|uncached) +0x[0-9a-f]{8}  (\S{9}) +"
                      r"(\d+\.\d) +(\d+\.\d) +(\d+)$", output, re.MULTILINE)
    assert [(name, letters[3:5]) for name, letters, *_ in rows] == \
        [("write-back", "--"), ("write-through", "T-"), ("uncached", "TC")]
    assert all(float(ticks) > 0 for row in rows for ticks in row[2:])
    assert re.search(r"^L1 data +\d+ kB, +\d+ ways, lines of \d+ bytes$", output, re.MULTILINE)
    assert "CLFLUSH takes a line of 64 bytes" in output
    assert_fits(output)


def test_cache_on_an_old_processor(old):
    output = old.command("cache")
    assert re.findall(r"^([\w-]+) +0x\w+  PW-(..)AD--$", output, re.MULTILINE) == \
        [("write-back", "--"), ("write-through", "T-"), ("uncached", "TC")]
    assert "no CLFLUSH here" in output and "no time-stamp counter here" in output
    before = old.fields("vmstat")
    assert "WBINVD: no CLFLUSH here" in old.command("cache flush 0xc0100000 4100")
    after = old.fields("vmstat")
    assert (after["wbinvd"] - before["wbinvd"], after["clflush"]) == (1, 0)


@pytest.mark.parametrize("address, nbytes, lines", [
    ("0xc0100000", PAGE, 64), ("0xc0100000", PAGE + 1, 65), ("0xc010003f", 2, 2),
    ("0xc0100001", 1, 1)])
def test_flush_of_a_range(shell, address, nbytes, lines):
    before = shell.fields("vmstat")
    assert shell.command(f"cache flush {address} {nbytes}").strip() == \
        f"{lines} lines of 64 bytes written back and forgotten (CLFLUSH)"
    after = shell.fields("vmstat")
    assert after["clflush"] - before["clflush"] == lines
    assert after["wbinvd"] == before["wbinvd"]


def test_flush_of_everything(shell):
    before = shell.fields("vmstat")
    assert "WBINVD" in shell.command("cache flush")
    after = shell.fields("vmstat")
    assert after["wbinvd"] - before["wbinvd"] == 1
    assert after["clflush"] == before["clflush"]


# --- alloc, free -------------------------------------------------------------------------------


def held(output):
    rows = re.findall(r"^(0x[0-9a-f]{8}) +(\d+)  (0x[0-9a-f]{8})  (\S{9})  (.*)$", output,
                      re.MULTILINE)
    return [(int(address, 16), int(nbytes), int(paddr, 16), letters, words.split())
            for address, nbytes, paddr, letters, words in rows]


@pytest.fixture
def empty(shell):
    shell.command("dealloc all")
    before = in_use(shell)
    yield shell
    shell.command("dealloc all")
    assert in_use(shell) == before
    assert_well(shell)


def test_properties(empty):
    shell = empty
    for command in ("alloc 50", "alloc 300 align=512 dma", "alloc 6000 dma uncached",
                    "alloc 100 write-through zero", "alloc 64K zero align=1048576"):
        assert len(held(shell.command(command))) == 1, command
    output = shell.command("alloc")
    plain, layout, device, through, large = held(output)
    assert plain[4] == ["kmalloc"]
    assert layout[4] == ["kmalloc_aligned", "dma", "align=512"]
    assert layout[0] % 512 == 0 and layout[2] < 16 << 20
    assert device[4] == ["vmalloc", "dma", "uncached"]
    assert device[2] < 16 << 20 and device[3][3:5] == "TC"
    assert through[4] == ["vmalloc", "zero", "write-through"] and through[3][3:5] == "T-"
    assert large[0] % (1 << 20) == large[2] % (1 << 20) == 0
    assert set(re.findall(r"^\w{8}: (.*?)  +\.", shell.command(f"peek {through[0]:#x} 4"),
                          re.MULTILINE)) == {" ".join(["00000000"] * 4)}
    assert "1 given back" in shell.command(f"dealloc {device[0]:#x}")
    assert [row[0] for row in held(shell.command("alloc"))] == \
        [plain[0], layout[0], through[0], large[0]]
    assert f"mapped at 0x{device[0]:08x}" in shell.command(f"peek {device[0]:#x} 1")
    assert "4 given back" in shell.command("dealloc all")
    assert held(shell.command("alloc")) == []
    assert_fits(output)


def test_executable_memory_raises_the_kernels_code_limit(empty):
    shell = empty
    output = shell.command("maps")
    text_end = re.search(r"^\w{8}-(\w{8}) r-x  kernel text", output, re.MULTILINE)[1]
    assert output.strip().endswith(f"code ends at {text_end}")
    above = output.split("kernel text")[1]
    assert "kernel stack" in above and "!" not in above
    [(address, *_)] = held(shell.command("alloc 5000 exec"))
    output = shell.command("maps")
    end = f"{address + 2 * PAGE:08x}"
    assert re.search(rf"^{address:08x}-{end} rwx  vmalloc", output, re.MULTILINE)
    assert output.strip().endswith(f"code ends at {end}")
    assert re.search(r"^\w{8}-\w{8} rw-! kernel data", output, re.MULTILINE)
    assert f"kernel code ends at 0x{text_end}" in shell.command(f"dealloc {address:#x}")
    assert_fits(output)


def test_maps_shows_how_areas_are_cached(empty):
    shell = empty
    shell.command("alloc 4096 uncached")
    shell.command("alloc 4096 write-through")
    assert re.findall(r"vmalloc +4 kB (\S+)", shell.command("maps")) == ["uncached", "write-through"]


def test_only_so_many_are_held(empty):
    for _ in range(16):
        assert len(held(empty.command("alloc 16"))) == 1
    assert "16 pieces are held already" in empty.command("alloc 16")
    assert "16 given back" in empty.command("dealloc all")


def test_no_memory_is_an_answer(empty):
    for command in ("tlb one", "cache", "alloc 4M dma", "alloc 4M exec"):
        empty.command("inject page:every=1")
        assert "not enough memory" in empty.command(command), command
        empty.command("inject off")
    assert held(empty.command("alloc")) == []


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("line, problem", [
    ("tlb some", "'some' is none of one, range and all"),
    ("tlb one all", "'all' is too much"),
    ("cache drop", "'drop' is not flush"),
    ("cache flush 0xc0100000", "BYTES is missing"),
    ("cache flush x 1", "ADDRESS is a number, not 'x'"),
    ("cache flush 0xc0100000 0", "BYTES"),
    ("cache flush 0xc0100000 0xc0000000", "the range ends above 4 GiB"),
    ("cache flush 0 16", "no kernel memory is mapped at 0x00000000; nothing was flushed"),
    ("cache flush 0xfffff000 1", "no kernel memory is mapped at 0xfffff000"),
    ("cache flush 0xc3fff000 8192", "no kernel memory is mapped at 0xc4000000"),
    ("alloc 0", "'0' is no size from 1 to 896M"),
    ("alloc 897M", "'897M' is no size from 1 to 896M"),
    ("alloc 500M", "alloc: not enough memory"),
    ("alloc x", "'x' is no size from 1 to 896M"),
    ("alloc 8 fast", "'fast' is no property"),
    ("alloc 8 align=3", "'3' is no power of two up to 4 MiB"),
    ("alloc 8 align=", "'' is no power of two up to 4 MiB"),
    ("alloc 8 align=0", "'0' is no power of two up to 4 MiB"),
    ("alloc 8 exec align=8192", "a mapping of its own is aligned to 4096 at most"),
    ("dealloc", "ADDRESS | all"),
    ("dealloc x", "ADDRESS is a number, not 'x'"),
    ("dealloc 0xc0100000", "`alloc` holds nothing at 0xc0100000"),
])
def test_refused(empty, line, problem):
    lines = shell_flushes(empty)
    output = empty.command(line)
    assert problem in output
    assert held(empty.command("alloc")) == []
    assert shell_flushes(empty) == lines
    assert_fits(output)


def shell_flushes(shell):
    fields = shell.fields("vmstat")
    return fields["clflush"], fields["wbinvd"]


# --- a machine that does what the manual says ---------------------------------------------------


@pytest.mark.bochs
@pytest.mark.xdist_group("session-bochs")
def test_in_bochs():
    """CR3 spares global pages, and executable memory comes and goes while the kernel runs on."""
    with bochs_shell() as shell:
        output = shell.command("tlb")
        # Bochs' TLB has one place for each page: where the kernel lies decides which two collide.
        for pages in stale(output, "entries changed, no flush") + stale(output, "CR3 loaded anew"):
            assert pages in [(1, 1), (7, 8), (8, 8)]
        assert stale(output, "CR4.PGE off and on") == [(0, 8)]
        assert "lines of 64 bytes" in shell.command("cache")
        text_end = re.search(r"code ends at (\w+)", shell.command("maps"))[1]
        shell.command("alloc 4096 exec")
        assert "Hello from ring 3." in shell.command("hello")
        assert f"kernel code ends at 0x{text_end}" in shell.command("dealloc all")
        assert "Hello from ring 3." in shell.command("hello")
        assert_well(shell)
        shell.send("poweroff\r")
        assert shell.process.wait(60) == 0


def test_a_run_above_4_mib(shell):
    """Frames side by side, no more than asked for."""
    before = shell.fields("meminfo")["MemFree"]
    output = shell.command("alloc 9M zero")
    assert re.search(r"^0x\w+ +9437184  0x\w+  \S+  buddy_alloc_exact zero$", output, re.MULTILINE)
    assert before - shell.fields("meminfo")["MemFree"] == 9 * 1024
    shell.command("dealloc all")
    assert shell.fields("meminfo")["MemFree"] == before
    assert_well(shell)
