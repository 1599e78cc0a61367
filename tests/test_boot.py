"""The product on machines of every size and age: boots, shows true figures, checks itself."""

import re
import subprocess

import pytest

from machine import INITRD, KERNEL, ROOT, Machine, boot

SIZES = ["4M", "5M", "8M", "16M", "17M", "64M", "896M", "1024M", "2048M", "3584M", "4096M"]
PROCESSORS = ["486", "486,-pse", "pentium", "qemu32", "max"]
MACHINES = [Machine(mem, "max") for mem in SIZES] + \
           [Machine(mem, cpu) for cpu in PROCESSORS[:-1] for mem in ("4M", "64M", "2048M")]
COMMANDS = 'run="meminfo; buddyinfo; slabinfo; run hello; check; poweroff"'


def fields(output):
    return {k: int(v) for k, v in re.findall(r"^(\w+): +(\d+) kB$", output, re.MULTILINE)}


def expect_healthy(result, ram_kib):
    assert result.status == 0, result.output
    info = fields(result.output)
    assert info["MemTotal"] + info["Reserved"] <= ram_kib
    assert info["MemTotal"] > ram_kib - 2100 - ram_kib // 100  # image, initrd, mem_map, BIOS
    assert info["MemFree"] <= info["MemTotal"]
    assert info["HighTotal"] == 0 or ram_kib > 896 * 1024
    rows = re.findall(r"zone +\w+ ((?: *\d+)+)", result.output)
    assert sum(int(n) << k for row in rows for k, n in enumerate(row.split())) * 4 == \
        info["MemFree"]
    assert "Hello from ring 3." in result.output
    assert "validators passed" in result.output
    assert "PANIC" not in result.output
    return info


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_boot(machine):
    result = boot(machine=machine, append=COMMANDS)
    # QEMU's PC has a hole for PCI below 4 GiB: what does not fit is above, out of our reach.
    visible = min(machine.kib, 3 * 1024 * 1024) if machine.kib >= 3584 * 1024 else machine.kib
    info = expect_healthy(result, visible)
    large_pages = "-pse" not in machine.cpu
    assert (info["DirectMap4M"] > 0) == (large_pages and machine.kib > 4096)


@pytest.mark.parametrize("mem", ["2M", "3M"])
def test_less_than_promised(mem):
    """Below 4 MiB there is no room for much, but the kernel is whole."""
    result = boot(machine=Machine(mem), append='run="run hello; check; poweroff"')
    assert "Hello from ring 3." in result.output
    assert "validators passed" in result.output


def test_part_of_the_initrd_finds_no_memory():
    """What is missing is told, and no file has a part that is not there."""
    output = boot(machine=Machine("2M"), append='run="meminfo; run hostile LIST; poweroff"').output
    there, whole = map(int, re.search(
        r'initrd: of module ".*" only (\d+) of (\d+) KiB are in memory, files are missing', output).groups())
    assert whole == INITRD.stat().st_size // 1024
    assert there == fields(output)["Initrd"] < whole
    assert f"files in {there} KiB" in output
    assert "damaged" not in output
    assert "no such program in /bin" in output


def test_memory_is_counted_once():
    """What memmap calls usable in the end is what buddy manages."""
    output = boot(append='run="memmap; meminfo; poweroff"').output
    final = output[output.index("What became of it"):]
    usable = sum(int(kib) for kib in re.findall(r"\] +(\d+) kB +usable", final))
    assert usable == fields(output)["MemTotal"]


def test_bad_parameters_are_told():
    output = boot(append='foo=bar panic=x console=y loglevel=0 slab_debug=FQ run=poweroff').output
    for message in ["'foo=bar' is not known", "panic=x: expected", "console=y: expected",
                    "loglevel=0: expected 1 to 8", "'Q' is none of F, Z, P and U"]:
        assert message in output


def test_short_programs_in_the_background():
    """They are over before the shell has their number; with poison, a stale one would show."""
    output = boot(append='slab_debug run="run hello &; run hello &; sleep 1; check; poweroff"').output
    assert re.findall(r"^\[(\d+)\] started", output, re.MULTILINE) == ["2", "3"]
    assert "validators passed" in output


def test_loader_without_a_memory_map(tmp_path):
    """tests/boot/nommap.S hides the map from the kernel: only mem_lower and mem_upper are left."""
    loader = tmp_path / "nommap.elf"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-I.", "-Wl,-Ttext=0x800000",
                    "-Wl,--build-id=none", "-Wl,-e,nommap_entry", "tests/boot/nommap.S", "-o",
                    loader], cwd=ROOT, check=True)
    result = boot(kernel=loader, append=COMMANDS, initrd=[KERNEL, INITRD])
    expect_healthy(result, 64 * 1024)


def test_every_slab_debug_check():
    result = boot(append=COMMANDS + " slab_debug")
    expect_healthy(result, 64 * 1024)
    assert "slab: debug checks" in result.output


def test_console_serial_only():
    expect_healthy(boot(append=COMMANDS + " console=serial"), 64 * 1024)


def test_log_level():
    assert "initrd:" in boot(append=COMMANDS).output
    assert "initrd:" not in boot(append=COMMANDS + " loglevel=3").output


def test_same_run_same_figures():
    """Instruction counting makes the whole machine deterministic."""
    runs = [boot(append=COMMANDS, extra=["-icount", "shift=0,sleep=off"]).output for _ in "12"]
    assert runs[0] == runs[1]
