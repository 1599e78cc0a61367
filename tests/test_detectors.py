"""Alarms that end the machine: the whole report is checked, from the outside."""

import re

from machine import BUILD, EXIT_FAILED, EXIT_PANIC, Machine, boot


def crash(suite, case, machine=Machine()):
    result = boot(BUILD / f"tests/{suite}.elf", machine, f"panic=test-exit test={case}")
    assert f"\nok 1 {case}" not in result.output
    return result


def check_report(output):
    assert re.search(r"#0 +0xc[0-9a-f]{7} \w+\+", output), "no backtrace"
    assert re.search(r"memory: .*\d", output), "no line on memory"
    assert "look further" in output


def test_panic_report():
    result = crash("detectors", "panic_report")
    assert result.status == EXIT_PANIC
    output = result.output
    assert "KERNEL PANIC: a test of the report, number 42" in output
    assert re.search(r"#0 +0xc[0-9a-f]{7} panic_report\+", output)
    check_report(output)


def test_panic_over_a_broken_free_list():
    result = crash("detectors", "panic_over_a_broken_free_list")
    assert result.status == EXIT_PANIC
    check_report(result.output)


def test_write_to_kernel_text():
    output = crash("detectors", "fatal_write_to_text").output
    assert re.search(r"KERNEL PANIC: page fault: kernel write to a read-only page at 0xc0", output)
    assert re.search(r"cr2 c0[0-9a-f]{6}", output)
    check_report(output)


def test_write_to_kernel_text_on_a_486():
    output = crash("detectors", "fatal_write_to_text", Machine("16M", "486,-pse")).output
    assert "kernel write to a read-only page" in output


def test_stack_overflow():
    """No triple fault, but a report: the double fault has a stack of its own."""
    output = crash("thread", "stack_overflow").output
    assert "kernel stack overflow" in output
    assert re.search(r"recurse\+0x", output)
    check_report(output)


def test_leak():
    result = crash("detectors", "leak")
    assert result.status == EXIT_FAILED
    assert "not ok 1 leak" in result.output
    assert "+4 frames of kind test" in result.output
    assert re.search(r"\+1 objects of cache kmalloc-128", result.output)


def test_leak_with_the_name_of_who_did_it():
    output = boot(BUILD / "tests/detectors.elf", Machine(), "slab_debug=U test=leak").output
    assert re.search(r"# leak: 1 of test by leak\+", output)
    assert re.search(r"# leak: 1 of kmalloc-128 by leak\+", output)


def check_object(output, case, size=40):
    """The report on an object begins with what is known of it; the victims were taken in one place."""
    assert re.search(rf"slab crime: object 0xc\w+ of {size} bytes, (free|in use)\n", output)
    assert re.search(rf"allocated at \d\.\d\d s by take_victims\+\w+ < {case}\+", output)
    check_report(output)


def test_overflow_by_one():
    output = crash("detectors", "overflow_by_one").output
    check_object(output, "overflow_by_one")
    assert re.search(r"bytes from \+32: 00 00 00 00 00 00 00 00 42 cc cc cc ", output)
    assert "probably its own user wrote past its end" in output
    assert "freed: never, as far as is known" in output
    assert re.search(r"PANIC: .*slab crime: redzone of object 0xc\w+ overwritten at \+40: 0x42", output)
    assert re.search(r"#\d+ +0xc\w+ give_victim\+", output), "not who freed it"


def test_overflow_into_the_neighbour():
    """The object that is damaged and the one that it came from, each with its history."""
    output = crash("detectors", "overflow_into_the_neighbour").output
    check_object(output, "overflow_into_the_neighbour")
    victim = int(re.search(r"slab crime: object (0xc\w+)", output)[1], 16)
    assert re.search(r"freed at \d\.\d\d s by give_victim\+\w+ < overflow_into_the_neighbour\+", output)
    assert "bytes from +0: 41 41 41 41 41 41 41 41 6b 6b" in output
    assert "probably the user of the object in front wrote past its end" in output
    culprit, = re.findall(r"that object is (0xc\w+), in use:", output)
    assert 40 < victim - int(culprit, 16) < 64
    assert output.count("allocated at") == 2 and output.count("by take_victims+") == 2


def test_underflow_into_the_neighbour():
    output = crash("detectors", "underflow_into_the_neighbour").output
    check_object(output, "underflow_into_the_neighbour")
    assert "probably the user of the object behind wrote before its start" in output
    assert re.search(r"that object is 0xc\w+, in use:", output)
    assert re.search(r"PANIC: .*slab crime: state of object 0xc\w+ overwritten", output)


def test_write_after_free():
    output = crash("detectors", "write_after_free").output
    check_object(output, "write_after_free")
    assert re.search(r"freed at \d\.\d\d s by give_victim\+\w+ < write_after_free\+", output)
    assert "probably its last user wrote after the free" in output
    assert re.search(r"written after it was freed, at \+12: 0x42", output)


def test_double_free():
    output = crash("detectors", "double_free").output
    check_object(output, "double_free")
    assert re.search(r"freed at \d\.\d\d s by give_victim\+\w+ < double_free\+", output)
    assert re.search(r"PANIC: .*slab crime: double free of object 0xc", output)


def test_double_free_of_a_frame():
    output = boot(BUILD / "tests/detectors.elf", Machine(),
                  "panic=test-exit slab_debug test=double_free_of_a_frame").output
    assert re.search(r"block last allocated at \d\.\d\d s by double_free_of_a_frame\+", output)
    assert re.search(r"PANIC: .*double free of pfn 0x\w+ \(order 1\)", output)
    check_report(output)
