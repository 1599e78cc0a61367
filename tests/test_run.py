"""`make run` as people and scripts use it."""

import os
import re
import subprocess

import pytest

from machine import BUILD, ROOT, in_root, run

pytestmark = pytest.mark.xdist_group("make")  # two makes must not work in one directory

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}


def make_run(*arguments, stdin=b"", build=BUILD):
    return run(["make", "-s", "run", f"BUILD={in_root(build)}", *arguments], stdin=stdin, env=ENVIRONMENT)


def test_four_mebibytes():
    result = make_run("MEM=4M", 'APPEND=run="meminfo; buddyinfo; slabinfo; check; poweroff"')
    assert result.status == 0, result.output
    assert re.search(r"^MemTotal: +[23]\d{3} kB$", result.output, re.MULTILINE)
    assert "validators passed" in result.output


def test_more_than_a_gigabyte():
    """HIGHMEM is really used: a program fills and verifies 1.1 GB."""
    result = make_run("MEM=2048M", 'APPEND=run="run heap; run memhog 1100M; vmstat; check; poweroff"')
    assert result.status == 0, result.output
    assert "memhog: 1100 MiB filled and verified" in result.output
    anonymous = re.search(r"^pgfault_anon (\d+)$", result.output, re.MULTILINE)
    assert int(anonymous[1]) >= 1100 * 256
    assert int(re.search(r"^pgalloc_high (\d+)$", result.output, re.MULTILINE)[1]) > 200000
    assert "validators passed" in result.output


def test_commands_from_a_pipe():
    result = make_run(stdin=b"meminfo\nrun hello\necho piped\npoweroff\n")
    assert result.status == 0
    assert "MemTotal:" in result.output
    assert "Hello from ring 3." in result.output
    assert "\npiped\n" in result.output


def test_end_of_the_pipe_switches_off():
    assert make_run(stdin=b"echo only this\n").status == 0


@pytest.mark.parametrize("command", ["cat", "spin", "reboot"])
def test_end_of_the_pipe_ends_what_is_running(command):
    """End of file for what reads, Ctrl-C for what does not; and a second start ends as well."""
    result = make_run("WAIT=2", stdin=command.encode())
    assert result.status == 0, result.output


def test_end_of_the_pipe_waits_for_a_program_that_is_silent():
    result = make_run("WAIT=8", stdin=b"sleep 3; echo awake")
    assert "\nawake\n" in result.output


def test_panic_in_a_pipe_is_a_failure():
    result = make_run(stdin=b"panic on purpose\n")
    assert "Error 5" in result.output


def test_machine_that_does_not_switch_off():
    result = make_run("WAIT=1", "APPEND=panic=halt", stdin=b"panic on purpose\n")
    assert "did not switch itself off" in result.output
    assert "Error 1" in result.output


@pytest.mark.parametrize("mem", ["", "0", "1M", "64k", "1024K", "08M", "64X", "-4M", "M"])
def test_memory_that_cannot_be(mem):
    result = make_run(f"MEM={mem}")
    assert result.status != 0
    assert f"MEM={mem}: " in result.output


def test_extra_file_that_does_not_exist():
    assert "there is no file /nonexistent" in make_run("EXTRA=/nonexistent").output


def test_leaving_gdb_ends_the_machine_quietly():
    path = os.path.relpath(BUILD, ROOT)
    result = run(["make", "-s", "debug", f"BUILD={path}"], stdin=b"q\n", env=ENVIRONMENT)
    assert result.status == 0, result.output
    assert "Temporary breakpoint 1, kmain" in result.output
    assert "Strata:" not in result.output
    assert "qemu" not in result.output.lower()


def test_processor_and_instruction_counting():
    result = make_run("CPU=486", "ICOUNT=1", 'APPEND=run="cpuinfo; poweroff"')
    assert result.status == 0
    assert "pge" not in result.output


def test_extra_files(tmp_path):
    """A file of the host in the initrd: any static program of Linux that uses our system calls."""
    program = tmp_path / "greet"
    program.write_bytes((BUILD / "user/hello").read_bytes())
    program.chmod(0o755)
    result = make_run("-j2", f"EXTRA={program}", 'APPEND=run="run greet; poweroff"', build=tmp_path)
    assert "Hello from ring 3." in result.output


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    output = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True,
                            env=ENVIRONMENT, check=True).stdout
    assert len(targets) > 10
    for target in targets:
        assert re.search(rf"^  {target} ", output, re.MULTILINE), target


@pytest.mark.parametrize("target", ["run", "run-iso", "run-vga", "iso", "bochs", "bochs-check",
                                    "debug", "check", "bench", "clean", "help"])
def test_promised_targets_exist(target):
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True,
                            env=ENVIRONMENT)
    assert result.returncode == 0, result.stderr
