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
