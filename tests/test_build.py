"""What is built, and how: by both compilers, without warnings, and no more of it than needed."""

import os
import re
import subprocess

import pytest

from machine import BUILD, ISO, KERNEL, ROOT, Machine, boot, in_root

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}


def make(*arguments):
    return subprocess.run(["make", *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True,
                          text=True)


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True,
                          check=True).stdout


def kernels():
    yield KERNEL
    yield from sorted((BUILD / "tests").glob("*.elf"))


def test_kernel_is_multiboot():
    for kernel in kernels():
        subprocess.run(["grub-file", "--is-x86-multiboot", kernel], check=True)


def test_no_segment_is_writable_and_executable():
    programs = [path for path in (BUILD / "user").iterdir() if path.is_file() and
                os.access(path, os.X_OK)]
    assert len(programs) > 5
    for path in [*kernels(), *programs]:
        flags = re.findall(r"^ +LOAD .* ([RWE ]{3}) 0x", readelf("-l", path), re.MULTILINE)
        assert flags
        assert not [f for f in flags if "W" in f and "E" in f], path


def test_no_code_of_a_newer_processor():
    """-march=i486: no CMOV, no SSE in the kernel, not even from a library."""
    code = subprocess.run(["objdump", "-d", KERNEL], capture_output=True, text=True,
                          check=True).stdout
    assert not re.search(r"\tcmov\w+ |%xmm\d|\tmovaps ", code)


def test_no_undefined_and_no_host_symbols():
    symbols = subprocess.run(["nm", KERNEL], capture_output=True, text=True, check=True).stdout
    assert " U " not in symbols


def test_initrd_has_the_programs():
    listing = subprocess.run(["cpio", "-t", "--quiet"], stdin=(BUILD / "initrd.cpio").open("rb"),
                             capture_output=True, text=True, check=True).stdout.split()
    for source in (ROOT / "user/bin").glob("*.c"):
        assert f"bin/{source.stem}" in listing


@pytest.mark.xdist_group("build")
def test_clean_parallel_build_is_silent(tmp_path):
    result = make("-j2", f"BUILD={tmp_path}", "all", "test-kernels")
    assert result.returncode == 0, result.stderr
    assert "warning" not in (result.stdout + result.stderr).lower()
    again = make(f"BUILD={tmp_path}", "all", "test-kernels")
    assert not re.search(r"^  (CC|AS|LD) ", again.stdout, re.MULTILINE), again.stdout

    # A header: what includes it is built again, and nothing else.
    header = ROOT / "shell/history.h"
    times = header.stat()
    try:
        os.utime(header)
        output = make(f"BUILD={tmp_path}", "all").stdout
    finally:
        os.utime(header, ns=(times.st_atime_ns, times.st_mtime_ns))
    built = re.findall(r"^  CC +(\S+)", output, re.MULTILINE)
    assert "shell/history.c" in built and "mm/buddy.c" not in built
    assert re.search(r"^  LD .*strata.elf", output, re.MULTILINE)


@pytest.mark.xdist_group("build")
def test_two_makes_in_one_directory(tmp_path):
    command = ["make", "-s", "-j2", f"BUILD={tmp_path}", "all", "iso"]
    makes = [subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for process in makes:
        output = process.communicate()[0]
        assert process.returncode == 0, output
        assert output == ""  # "make -s" says nothing
    assert not [*tmp_path.rglob("*.new*")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "flags", "initrd.cpio", "obj", "parts", "strata.elf", "strata.iso", "strata.iso.grub.cfg", "user"]


@pytest.mark.xdist_group("build")
def test_same_sources_same_kernel(tmp_path):
    images = []
    for name in ("a", "b"):
        assert make("-j2", f"BUILD={tmp_path / name}", "all").returncode == 0
        images.append([(tmp_path / name / file).read_bytes() for file in
                       ("strata.elf", "initrd.cpio")])
    assert images[0][1] == images[1][1]
    assert len(images[0][0]) == len(images[1][0])


@pytest.mark.xdist_group("build-llvm")
@pytest.mark.parametrize("machine", [Machine(), Machine("4M", "486,-pse")], ids=str)
def test_clang_builds_a_kernel_that_works(machine):
    folder = BUILD / "llvm"
    result = make("-j2", "LLVM=1", f"BUILD={in_root(folder)}", "all")
    assert result.returncode == 0, result.stderr
    assert "warning" not in (result.stdout + result.stderr).lower()
    result = boot(folder / "strata.elf", machine, 'run="run hello; run heap; check; poweroff"',
                  initrd=folder / "initrd.cpio")
    assert result.status == 0
    assert "Hello from ring 3." in result.output
    assert "validators passed" in result.output


def test_iso_is_bootable():
    listing = subprocess.run(["xorriso", "-indev", ISO, "-find", "/boot", "-name", "strata.elf"],
                             capture_output=True, text=True).stdout
    assert "strata.elf" in listing
