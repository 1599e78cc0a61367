"""Tests of the pure parts, compiled for this machine with address and UB sanitizers."""

import pytest

from machine import BUILD, ROOT, run

NAMES = sorted(path.stem[5:] for path in (ROOT / "tests/host").glob("test_*.c"))
SEEDS = ["1", "2", "3", "12345", "4294967295"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_host(name, seed):
    result = run([str(BUILD / "host" / name), seed], limit=300)
    assert result.status == 0, result.output[-4000:]
