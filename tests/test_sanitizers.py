"""Kernels that look for their own bugs: KASAN=1 (each access to memory) and UBSAN=1 (each operation
that C leaves undefined in some cases).  Every suite of test kernels and programs run in them, and the
reports of bugs committed on purpose are compared word by word.  `make sanitizers` builds them."""

import re

import pytest

import ktap
from machine import ANSWER_LIMIT, BUILD, EXIT_PANIC, EXIT_PASSED, INITRD, ROOT, Machine, boot, \
    on_linux, on_strata, qemu_shell, run

MODES = ["kasan", "ubsan"]
SUITES = sorted(path.stem[5:] for path in (ROOT / "tests/kernel").glob("test_*.c"))
SMALL, USUAL, HIGH = Machine("20M", "486,-pse"), Machine("64M"), Machine("1024M")
MEMORY_SUITES = ["buddy", "fault", "kmalloc", "memmap", "page", "paging", "slab", "space", "uaccess",
                 "vmalloc"]


def suite_rows():
    for mode in MODES:
        for suite in [suite for suite in SUITES if suite == mode or suite not in MODES]:
            yield mode, suite, USUAL, ""
        for suite in MEMORY_SUITES + [mode]:
            yield mode, suite, SMALL, ""
    yield "kasan", "kasan", HIGH, ""
    yield "kasan", "leaks", USUAL, "slab_debug"
    yield "kasan", "slab", USUAL, "slab_debug=FZPU"
    yield "kasan", "kasan", USUAL, "slab_debug=FZP"
    yield "ubsan-llvm", "ubsan", USUAL, ""


def in_group(mode, *values):
    return pytest.param(mode, *values, marks=pytest.mark.xdist_group(f"sanitizer-{mode}"))


@pytest.mark.parametrize("mode, suite, machine, parameter",
                         [in_group(*row) for row in suite_rows()], ids=str)
def test_suite(mode, suite, machine, parameter):
    result = boot(BUILD / mode / f"tests/{suite}.elf", machine, f"panic=test-exit {parameter}")
    report = ktap.parse(result.output)
    failed = {name: case.notes for name, case in report.cases.items() if not case.passed}
    assert not failed
    assert result.status == EXIT_PASSED, result.output[-3000:]
    assert sorted(report.cases) == sorted(ktap.listed_cases(ROOT / f"tests/kernel/test_{suite}.c"))


# --- reports ---------------------------------------------------------------------------------------


class Report:
    """A panic, line by line."""

    def __init__(self, mode, case):
        result = boot(BUILD / mode / f"tests/{mode}.elf", USUAL, f"panic=test-exit test={case}")
        assert result.status == EXIT_PANIC, result.output[-3000:]
        self.lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in result.output.splitlines()]
        self.message = next(line for line in self.lines if line.startswith("KERNEL PANIC: "))

    def backtrace(self):
        return re.findall(r"^  #\d+ 0x[0-9a-f]{8} (\w+)", "\n".join(self.lines), re.MULTILINE)

    def trace(self, title):
        """The functions below a title; None: it is not there."""
        if title not in self.lines:
            return None
        names = []
        for line in self.lines[self.lines.index(title) + 1:]:
            entry = re.fullmatch(r"     0x[0-9a-f]{8} (\w+)\+0x[0-9a-f]+", line)
            if not entry:
                return names
            names.append(entry[1])
        return names

    def shadow(self):
        return next(line for line in self.lines if line.startswith("> ")).rstrip()


def object_of(report):
    return int(re.search(r"(?:object|double free of) 0x([0-9a-f]{8})", report.message)[1], 16)


def row(address, values, bad):
    """A row of the shadow, the byte that stands for the address `bad` in brackets."""
    start = address & ~127
    text = "".join(f"[{value:02x}]" if i == (bad - start) // 8 else f" {value:02x} "
                   for i, value in enumerate(values))
    return f"> {start:08x} {text}".rstrip()


CASE = ["start", "run_main", "thread_start"]  # who calls a case


@pytest.mark.parametrize("mode", [in_group("kasan")])
def test_report_of_a_use_after_free(mode):
    report = Report(mode, "report_use_after_free")
    start = object_of(report)
    assert report.message == (
        f"KERNEL PANIC: kasan: use-after-free: write of 1 bytes at {start + 5:#x}, 5 bytes into object "
        f"{start:#x} of 33 bytes (cache kmalloc-64)")
    assert report.backtrace() == ["kasan_report", "__asan_store1_noabort", "report_use_after_free",
                                  *CASE]
    assert report.trace("allocated by:") == ["give_memory", "report_use_after_free", *CASE]
    assert report.trace("freed by:") == ["take_memory", "report_use_after_free", *CASE]
    # (The slots of kmalloc-64 are 128 bytes apart: one of them is one row.)
    assert report.shadow() == row(start, [0xFB] * 8 + [0xFC] * 8, start + 5)


@pytest.mark.parametrize("mode", [in_group("kasan")])
def test_report_of_an_access_out_of_bounds(mode):
    report = Report(mode, "report_out_of_bounds")
    start = object_of(report)
    assert report.message == (
        f"KERNEL PANIC: kasan: slab-out-of-bounds: write of 1 bytes at {start + 33:#x}, 0 bytes behind "
        f"object {start:#x} of 33 bytes (cache kmalloc-64)")
    assert report.backtrace() == ["kasan_report", "__asan_store1_noabort", "report_out_of_bounds",
                                  *CASE]
    assert report.trace("allocated by:") == ["give_memory", "report_out_of_bounds", *CASE]
    assert report.trace("freed by:") is None
    assert report.shadow() == row(start, [0] * 4 + [0x01] + [0xFC] * 11, start + 33)


@pytest.mark.parametrize("mode", [in_group("kasan")])
def test_report_of_a_double_free(mode):
    report = Report(mode, "report_double_free")
    start = object_of(report)
    assert report.message == f"KERNEL PANIC: slab kmalloc-64: double free of {start:#x}"
    assert report.backtrace()[-6:] == ["kfree", "take_memory", "report_double_free", *CASE]
    assert report.trace("allocated by:") == ["give_memory", "report_double_free", *CASE]
    assert report.trace("freed by:") == ["take_memory", "report_double_free", *CASE]
    assert report.shadow() == row(start, [0xFB] * 8 + [0xFC] * 8, start)


@pytest.mark.parametrize("mode", [in_group("kasan")])
def test_report_of_a_freed_frame(mode):
    report = Report(mode, "report_freed_frame")
    at, pfn = (int(number, 16) for number in re.fullmatch(
        r"KERNEL PANIC: kasan: use-after-free: read of 4 bytes at 0x(\w+), in pfn 0x(\w+) \(free\)",
        report.message).groups())
    assert at == 0xC0000000 + pfn * 4096 + 8
    assert report.trace("allocated by:") == ["report_freed_frame", *CASE]
    assert report.trace("freed by:") == ["report_freed_frame", *CASE]
    assert report.shadow() == row(at, [0xFF] * 16, at)


@pytest.mark.parametrize("mode", [in_group("ubsan")])
def test_report_of_an_overflow(mode):
    report = Report(mode, "this_ends_the_machine")
    source = (ROOT / "tests/kernel/test_ubsan.c").read_text().splitlines()
    line = source.index("    result = most + one;") + 1
    assert re.fullmatch(rf"KERNEL PANIC: ubsan: tests/kernel/test_ubsan\.c:{line}:\d+: overflow: "
                        r"2147483647 \+ 1 does not fit into 'int'", report.message)
    assert report.backtrace() == ["report_overflow", "__ubsan_handle_add_overflow_abort",
                                  "this_ends_the_machine", "start", "thread_start"]


# --- programs, in a kernel with both ---------------------------------------------------------------

ABI = ["cow-generations", "exec-fresh", "fd-limit", "file-map-shared", "fork-tree", "fpu-signal",
       "getdents", "mmap-split", "mremap-grow", "pipe-large", "proc-smaps", "select-pipes",
       "shared-anon", "signal-nesting", "stack-growth", "thread-exec", "thread-robust", "user-pager"]
PROGRAMS = ["gc", "memhog 100", "forks 200", "execs 20", "mallocs 1 5000", "lazy all", "heap", "places",
            "failwalk"]
COMMANDS = ["meminfo", "zoneinfo", "buddyinfo", "slabtop", "slabinfo", "vmstat", "memmap", "ps", "maps",
            "pagecache", "syscalls", "cpuinfo", "dmesg", "walk 0xc0100000", "page 0x200",
            "peek 0xc0000000 64", "cat /proc/meminfo"]


programs = pytest.mark.xdist_group("sanitizer-programs")


@pytest.fixture(scope="module")
def shell():
    initrd = BUILD / "kasan-ubsan/programs.cpio"
    run([ROOT / "tools/add-to-initrd", initrd, INITRD, "abi", *(BUILD / "abi" / name for name in ABI)])
    with qemu_shell(Machine("128M"), append="loglevel=1", kernel=BUILD / "kasan-ubsan/strata.elf",
                    initrd=initrd) as shell:
        shell.command("hello")  # for the commands that tell what programs did
        yield shell


def assert_well(shell):
    assert "validators passed" in shell.command("check")


@programs
@pytest.mark.parametrize("name", ABI)
def test_program_as_on_linux(shell, name):
    linux_output, linux_status = on_linux(f"abi/{name}", folder=BUILD)
    output, status = on_strata(shell, f"/bin/abi/{name}")
    assert (output.rstrip(), status) == (linux_output.rstrip(), linux_status)


@programs
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(shell, program):
    assert on_strata(shell, program)[1] == 0
    assert_well(shell)


@programs
@pytest.mark.parametrize("command", COMMANDS)
def test_command(shell, command):
    assert len(shell.command(command)) > 30


@programs
def test_every_crime_of_a_hostile_program(shell):
    names = shell.command("hostile LIST").split()
    assert len(names) > 20
    for name in names:
        on_strata(shell, f"hostile {name}", "typed\n" if name.startswith("read-") else "")
    assert_well(shell)


def fuzz(shell, seed, calls):
    shell.send(f"fuzz {seed} {calls}\r")
    return shell.wait_prompt(timeout=4 * ANSWER_LIMIT)


@programs
@pytest.mark.parametrize("seed", [1, 2])
def test_random_system_calls(shell, seed):
    assert f"fuzz: seed {seed}: 20000 calls, " in fuzz(shell, seed, 20_000)
    assert_well(shell)


@programs
def test_random_system_calls_while_allocations_fail(shell):
    shell.command("inject page,slab:random=150,seed=1")
    fuzz(shell, 3, 10_000)
    shell.command("inject off")
    assert_well(shell)


@pytest.mark.parametrize("mode", [in_group("kasan")])
def test_boot_log_and_too_little_memory(mode):
    output = boot(BUILD / mode / "tests/page.elf", USUAL, "panic=test-exit").output
    assert re.search(r"kasan: each access is checked; the shadow takes \d+ KiB", output)
    output = boot(BUILD / mode / "tests/page.elf", Machine("8M"), "panic=test-exit").output
    assert re.search(r"kasan_init: KASAN needs \d+ KiB of contiguous memory", output)


def test_clang_is_refused():
    result = run(["make", "LLVM=1", "KASAN=1", f"BUILD={BUILD}/kasan-llvm", "all"])
    assert result.status != 0
    assert "KASAN=1 needs gcc" in result.output
