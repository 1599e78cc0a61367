"""The proofs of tests/cbmc (docs/proofs.md): by CBMC, and natively for every sequence of choices."""

import re

import pytest

from machine import BUILD, ROOT, run

SOURCES = sorted((ROOT / "tests/cbmc").glob("proof_*.c"))
COMMON = ["-DSTRATA_HOST", "-I", "tests/host/shim", "-I", ".", "--function", "proof",
          "--no-standard-checks", "--unwinding-assertions"]
SECONDS_MAX = 240  # of the processor, for one proof


def header(source, key):
    """What follows "// KEY:" in the lines at the file's beginning, as words, one list a line."""
    lines = source.read_text().splitlines()[:5]
    return [line.split(":", 1)[1].split() for line in lines if line.startswith(f"// {key}:")]


def cbmc(source, options):
    return ["/usr/bin/prlimit", f"--cpu={SECONDS_MAX}", str(BUILD / "cbmc/cbmc"), *COMMON,
            *options, str(source.relative_to(ROOT)), "tests/cbmc/stubs.c",
            *header(source, "sources")[0]]


@pytest.mark.parametrize("source, options", [
    pytest.param(source, options, id=f"{source.stem[6:]}-{i}")
    for source in SOURCES for i, options in enumerate(header(source, "cbmc"))])
def test_cbmc(source, options):
    result = run(cbmc(source, options), limit=600)
    assert result.status == 0, result.output[-4000:]
    assert re.search(r"^VERIFICATION SUCCESSFUL$", result.output, re.MULTILINE)


@pytest.mark.parametrize("source", [
    pytest.param(source, id=source.stem[6:]) for source in SOURCES if header(source, "every")])
def test_every_sequence(source):
    result = run([str(BUILD / "proofs" / source.stem[6:])], limit=300)
    assert result.status == 0, result.output[-4000:]
    assert re.fullmatch(r"[1-9]\d+ sequences\n", result.output)


def test_a_false_claim_is_found():
    """A proof that says yes to everything would be worth nothing: here the answer is no."""
    source = ROOT / "tests/cbmc/proof_orders.c"
    options = [*header(source, "cbmc")[0], "-DFALSE_CLAIM", "--stop-on-fail"]
    result = run(cbmc(source, options), limit=600)
    assert result.status == 10, result.output[-2000:]
    assert "order < 31" in result.output and "VERIFICATION FAILED" in result.output
