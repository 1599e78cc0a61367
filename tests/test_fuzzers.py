"""The fuzz targets of tests/fuzz: the inputs of the corpus again, and a fixed number of new ones.

A run is the same each time: the seed and the number are fixed, addresses are not random (they guide
comparisons of pointers), and the directory is not looked at again each second.  To search for longer:
make fuzzers && build/fuzz/NAME -max_total_time=600 /tmp/new tests/fuzz/corpus/NAME
"""

import pytest

from machine import BUILD, ROOT, run

NAMES = sorted(path.stem[5:] for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
CORPUS = ROOT / "tests/fuzz/corpus"
RUNS = 4000
CORPUS_BYTES_MAX = 8192


def fuzz(name, *arguments):
    return run(["/usr/bin/setarch", "-R", str(BUILD / "fuzz" / name), "-seed=1", "-reload=0",
                "-max_len=400", "-timeout=20", *map(str, arguments)], limit=120)


@pytest.mark.parametrize("name", NAMES)
def test_corpus(name):
    inputs = sorted((CORPUS / name).iterdir())
    assert len(inputs) >= 3
    assert sum(path.stat().st_size for path in inputs) <= CORPUS_BYTES_MAX
    result = fuzz(name, *inputs)
    assert result.status == 0, result.output[-4000:]
    assert result.output.count("Executed ") == len(inputs)


@pytest.mark.parametrize("name", NAMES)
def test_new_inputs(name, tmp_path):
    """The corpus is read only: what is found goes to an own directory, and a crash beside it."""
    (tmp_path / "new").mkdir()
    result = fuzz(name, f"-runs={RUNS}", f"-artifact_prefix={tmp_path}/", "-print_final_stats=1",
                  tmp_path / "new", CORPUS / name)
    assert result.status == 0, result.output[-4000:]
    assert f"stat::number_of_executed_units: {RUNS}" in result.output
