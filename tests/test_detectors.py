"""Alarms that end the machine: the whole report is checked, from the outside."""

import re

from machine import BUILD, EXIT_FAILED, EXIT_PANIC, Machine, assert_fits, boot, unwrapped


def crash(suite, case, machine=Machine()):
    result = boot(BUILD / f"tests/{suite}.elf", machine, f"panic=test-exit test={case}")
    assert f"\nok 1 {case}" not in result.output
    return result


def check_report(output):
    assert re.search(r"#0 +0xc[0-9a-f]{7} \w+\+", output), "no backtrace"
    assert re.search(r"memory: \d+ KiB, free \d+ \(.*\n.*memory: slab \d.*\n.*memory: anon \d", output)
    assert "look further" in output
    message = output.index("KERNEL PANIC")  # may be of any length
    assert_fits(output[output.index("\n", message):])


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


def crime(case, parameters=""):
    """The report on an object, which fits a screen, and on the panic; backtraces are in one line each."""
    result = boot(BUILD / "tests/detectors.elf", Machine(), f"panic=test-exit test={case} {parameters}")
    report = result.output[result.output.index("] slab "):]
    assert_fits(report[:report.index("\n", report.index("KERNEL PANIC"))])
    return unwrapped(result.output)


def check_object(output, case, size=40):
    """The report on an object begins with what is known of it; the victims were taken in one place."""
    assert re.search(rf"slab crime: object 0xc\w+ of {size} bytes, (free|in use)\n", output)
    assert re.search(rf"allocated at \d+\.\d\d s by take_victims\+\w+ < {case}\+", output)
    check_report(output)


def test_overflow_by_one():
    output = crime("overflow_by_one")
    check_object(output, "overflow_by_one")
    assert "overwritten at +40, byte 1 past its end: 0x42" in output
    assert re.search(r" from \+32: 00 00 00 00 00 00 00 00 42 cc cc cc ", output)
    assert "probably its own user wrote past its end" in output
    assert "freed: never, as far as is known" in output
    assert re.search(r"KERNEL PANIC: slab crime: redzone of 0xc\w+ damaged\n", output)
    assert re.search(r"#\d+ +0xc\w+ give_victim\+", output), "not who freed it"


def test_overflow_of_what_was_asked_for():
    """Of 32 bytes 20 were asked for: the next one is not the caller's."""
    output = crime("overflow_of_what_was_asked_for", "slab_debug=FZU")
    assert re.search(r"slab kmalloc-32: object 0xc\w+ of 32 bytes, in use\n.*  20 bytes were asked for\n", output)
    for event in ["allocated", "freed"]:
        assert re.search(rf"{event} at \d+\.\d\d s by take_20_bytes\+\w+ < overflow_of_what_was_asked_for\+", output)
    assert "overwritten at +20, byte 1 past its end: 0x42" in output
    assert " from +16: 42 42 42 42 42 cc cc cc " in output
    assert "probably its own user wrote past its end" in output
    assert re.search(r"KERNEL PANIC: slab kmalloc-32: redzone of 0xc\w+ damaged\n", output)
    check_report(output)


def test_overflow_into_a_sized_neighbour():
    """Damage that begins where its own user could have run over: but the redzone in front is gone, too."""
    output = crime("overflow_into_a_sized_neighbour", "slab_debug=Z")
    assert "byte 1 past its end: 0x41" in output
    assert "probably the user of the object in front wrote past its end" in output
    assert re.search(r"that object is 0xc\w+, in use:", output)


def test_overflow_into_the_neighbour():
    """The object that is damaged and the one that it came from, each with its history."""
    output = crime("overflow_into_the_neighbour")
    check_object(output, "overflow_into_the_neighbour")
    victim = int(re.search(r"slab crime: object (0xc\w+)", output)[1], 16)
    assert re.search(r"freed at \d+\.\d\d s by give_victim\+\w+ < overflow_into_the_neighbour\+", output)
    assert " from +0: 41 41 41 41 41 41 41 41 6b 6b" in output
    assert "probably the user of the object in front wrote past its end" in output
    culprit, = re.findall(r"that object is (0xc\w+), in use:", output)
    assert 40 < victim - int(culprit, 16) < 64
    assert output.count("allocated at") == 2 and output.count("by take_victims+") == 2


def test_underflow_into_the_neighbour():
    output = crime("underflow_into_the_neighbour")
    check_object(output, "underflow_into_the_neighbour")
    assert "the mark at +46 is neither free nor used: 0x5e10" in output
    assert "probably the user of the object behind wrote before its start" in output
    assert re.search(r"that object is 0xc\w+, in use:", output)
    assert re.search(r"PANIC: .*slab crime: state of 0xc\w+ overwritten", output)


def test_write_after_free():
    output = crime("write_after_free")
    check_object(output, "write_after_free")
    assert re.search(r"freed at \d+\.\d\d s by give_victim\+\w+ < write_after_free\+", output)
    assert "probably its last user wrote after the free" in output
    assert re.search(r"KERNEL PANIC: slab crime: write after free of 0xc\w+\n", output)
    assert "overwritten at +12: 0x42" in output


def test_double_free():
    output = crime("double_free")
    check_object(output, "double_free")
    assert re.search(r"freed at \d+\.\d\d s by give_victim\+\w+ < double_free\+", output)
    assert re.search(r"PANIC: .*slab crime: double free of 0xc", output)


def test_double_free_of_a_frame():
    output = boot(BUILD / "tests/detectors.elf", Machine(),
                  "panic=test-exit slab_debug test=double_free_of_a_frame").output
    assert re.search(r"block last allocated at \d+\.\d\d s by double_free_of_a_frame\+", output)
    assert re.search(r"PANIC: .*double free of pfn 0x\w+ \(order 1\)", output)
    check_report(output)
