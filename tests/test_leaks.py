"""Leaks and damage as a person sees them: the commands leaks, slabtop and slab_validate, and the suite
tests/kernel/test_leaks.c with everything tracked."""

import re

import pytest

import ktap
from machine import BUILD, EXIT_PASSED, ROOT, Machine, assert_fits, boot, qemu_shell, unwrapped

pytestmark = pytest.mark.xdist_group("leaks")

SITE = re.compile(r"^ *(\d+) bytes in (\d+) of ([\w-]+), last (?:frame )?0x\w+ "
                  r"at \d+\.\d\d s\n +(\S.*)$", re.MULTILINE)


@pytest.mark.parametrize("machine", [Machine(), Machine("8M", "486,-pse"), Machine("2048M")], ids=str)
def test_suite_with_everything_tracked(machine):
    """What needs slab_debug is not skipped here."""
    result = boot(BUILD / "tests/leaks.elf", machine, "panic=test-exit slab_debug")
    report = ktap.parse(result.output)
    assert sorted(report.cases) == sorted(ktap.listed_cases(ROOT / "tests/kernel/test_leaks.c"))
    assert all(case.passed and not case.skipped for case in report.cases.values()), result.output
    assert result.status == EXIT_PASSED


@pytest.mark.parametrize("suite", ["kmalloc", "buddy", "fork", "pagecache", "thread"])
def test_other_suites_with_users_tracked(suite):
    result = boot(BUILD / f"tests/{suite}.elf", Machine(), "panic=test-exit slab_debug=U")
    report = ktap.parse(result.output)
    assert report.cases and result.status == EXIT_PASSED, result.output[-3000:]


@pytest.mark.parametrize("suite", ["slab", "kmalloc", "vmalloc", "pagecache", "compact", "space", "syscall"])
def test_other_suites_with_everything_checked(suite):
    result = boot(BUILD / f"tests/{suite}.elf", Machine(), "panic=test-exit slab_debug=FZPU")
    report = ktap.parse(result.output)
    assert report.cases and result.status == EXIT_PASSED, result.output[-3000:]


@pytest.mark.parametrize("letters", ["F", "Z", "P", "U", "ZP"])
def test_each_check_of_slabs_by_itself(letters):
    result = boot(BUILD / "tests/slab.elf", Machine(), f"panic=test-exit slab_debug={letters}")
    report = ktap.parse(result.output)
    assert report.cases and result.status == EXIT_PASSED, result.output[-3000:]


@pytest.fixture(scope="module")
def tracked():
    with qemu_shell(append="slab_debug") as shell:
        yield shell


def sites(output):
    return [(int(nbytes), int(count), what, callers)
            for nbytes, count, what, callers in SITE.findall(unwrapped(output))]


def end_of_spin(shell):
    pid = re.search(r"(\d+) +.*spin", shell.command("ps"))[1]
    shell.command(f"kill {pid} KILL; sleep 1")


def test_nothing_is_lost_by_a_program(tracked):
    tracked.command("run hello")
    tracked.command("leaks mark")
    tracked.command("run hello")
    assert tracked.command("leaks").startswith("0 in use since the mark, 0 bytes, of ")


def test_a_running_program_is_listed(tracked):
    """Each structure of it, with the way to its allocation."""
    tracked.command("leaks mark")
    tracked.command("run spin &")
    output = tracked.command("leaks")
    assert_fits(output)
    found = {what: (count, callers) for _, count, what, callers in sites(output)}
    assert {"process", "thread", "space", "vma", "stack", "table", "anon"} <= set(found)
    assert found["process"][0] == 1
    assert re.search(r"process_alloc\+\w+ < process_start\+\w+ < cmd_run\+", found["process"][1])
    nbytes = [row[0] for row in sites(output)]
    assert nbytes == sorted(nbytes, reverse=True)
    total = re.search(r"^(\d+) in use since the mark, (\d+) bytes", output, re.MULTILINE)
    assert int(total[1]) == sum(row[1] for row in sites(output))
    assert int(total[2]) == sum(nbytes)
    end_of_spin(tracked)
    assert tracked.command("leaks").startswith("0 in use")


def test_nothing_is_out_of_reach(tracked):
    tracked.command("run spin &")
    assert re.match(r"0 out of reach, 0 bytes, of \d\d+ looked at", tracked.command("leaks scan"))
    end_of_spin(tracked)


def test_damage_is_reported_with_both_backtraces(tracked):
    """A person damages an object with poke; the validator says whose it is."""
    tracked.command("run hello")
    tracked.command("leaks mark")
    tracked.command("run spin &")
    space = re.search(r" of space, last (0x\w+) at ", tracked.command("leaks"))[1]
    size = int(re.search(r"(\d+) bytes in 1 of space", tracked.command("leaks"))[1])
    where = int(space, 16) + size
    tracked.command(f"poke {where:#x} 0x11223344")
    output = tracked.command("slab_validate space")
    assert_fits(output)
    output = unwrapped(output)
    assert f"slab space: redzone of {space} damaged" in output
    assert f"overwritten at +{size}, byte 1 past its end: 0x44" in output
    assert re.search(rf"slab space: object {space} of {size} bytes, in use", output)
    assert re.search(r"allocated at \d+\.\d\d s by space_alloc\+\w+ < space_create\+", output)
    assert re.search(r"freed at \d+\.\d\d s by \w+", output) or "freed: never" in output
    assert re.search(r"  from \+\d+:.* 44 33 22 11", output)
    assert "probably its own user wrote past its end" in output
    assert "space: damaged" in output
    tracked.command(f"poke {where:#x} 0xcccccccc")
    assert tracked.command("slab_validate space").strip() == "space: sound"
    end_of_spin(tracked)


def test_damage_behind_what_was_asked_for(tracked):
    """Of 32 bytes 20 were asked for; the next one is noticed."""
    where = int(re.search(r"^(0x\w+) +20 ", tracked.command("alloc 20"), re.MULTILINE)[1], 16)
    tracked.command(f"poke {where + 20:#x} 0x41414141")
    for command in ["slab_validate", "check"]:
        output = tracked.command(command)
        assert_fits(output)
        output = unwrapped(output)
        assert f"slab kmalloc-32: redzone of {where:#x} damaged" in output
        assert "  20 bytes were asked for" in output
        assert "overwritten at +20, byte 1 past its end: 0x41" in output
        assert re.search(r"  from \+16: .. .. .. .. 41 41 41 41 cc cc", output)
        assert re.search(r"allocated at \d+\.\d\d s by cmd_alloc\+\w+ < execute_text\+", output)
        assert "probably its own user wrote past its end" in output
    tracked.command(f"poke {where + 20:#x} 0xcccccccc")
    assert tracked.command("slab_validate").strip() == "all caches: sound"
    tracked.command("dealloc all")


def test_validate_all(tracked):
    assert tracked.command("slab_validate").strip() == "all caches: sound"
    assert "there is no cache 'nosuch'" in tracked.command("slab_validate nosuch")


def test_leaks_says_how_to_switch_it_on():
    output = boot(append='run="leaks; leaks mark; leaks scan; leaks nonsense; poweroff"').output
    assert output.count("boot with the kernel parameter slab_debug=U") == 3
    assert "'nonsense' is neither mark nor scan; usage: leaks [mark | scan]" in output


def test_one_cache_only():
    """Objects of other caches and frames are not looked at; they still hold what they point to."""
    output = boot(append='slab_debug=U,vma run="run spin &; leaks; leaks scan; poweroff"').output
    assert {row[2] for row in sites(output)} == {"vma"}
    assert re.search(r"^0 out of reach, 0 bytes, of \d+ looked at", output, re.MULTILINE)


def test_slabtop():
    output = boot(append='run="run hello; slabtop; slabtop 3; poweroff"').output
    totals = re.findall(r"(\d+) caches hold (\d+) kB: (\d+) kB in use, (\d+) kB free, (\d+) kB lost",
                        output)
    assert len(totals) == 2
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+)% +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)% +(\d+%|-) ([\w-]+)$",
                      output, re.MULTILINE)
    assert len(rows) == 20 + 3 and rows[20:] == rows[:3]
    held = [int(row[5]) for row in rows[:20]]
    assert held == sorted(held, reverse=True)
    assert any(int(row[8]) > 0 for row in rows), "no hit in a magazine"
    for row in rows:
        objects, active, _, size, slabs, kb, free, lost, hits = map(int, row[:9])
        assert active <= objects and free + lost <= kb and hits <= 100
        assert objects * size <= kb * 1024
        if row[9] != "-":  # of the bytes given, asked for: more than the next smaller class has
            assert row[10] == f"kmalloc-{size}" and (size == 8 or 50 <= int(row[9][:-1]) <= 100), row
    assert any(row[9] != "-" for row in rows)


def test_slabtop_fits_into_80_columns():
    output = boot(append='run="slabtop; poweroff"').output
    table = output[output.index("caches hold"):]
    assert_fits(table)
