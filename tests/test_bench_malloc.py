"""tools/bench-malloc: the driver and the counting, with the libraries that need no network."""

import subprocess
import sys

import pytest

from machine import BUILD, ROOT

TOOLS = ROOT / "tools/bench-malloc"
sys.path.insert(0, str(TOOLS))
import measure  # noqa: E402

FLAGS = ["-m32", "-O2", "-g", "-std=gnu17", "-fno-pie", "-D_GNU_SOURCE", f"-I{ROOT}"]
PARTS = ["malloc", "malloc_more"]
# At least this much better than glibc, and these instructions at most: the figures are exact, the
# slack is for other compilers.
LIMITS = {"fixed-pairs": 85, "random-free": 90, "every-second": 175}

PROFILE = """\
fn=(1) bench_malloc
12 5
cfn=(2) malloc
calls=1 40
12 70
fn=(2)
40 30
41 12
cfn=(3) memcpy
calls=1 9
42 900
fn=(3)
9 900
"""


def compiled(name, sources):
    output = BUILD / "tests" / f"bench-malloc-{name}"
    output.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", *FLAGS, "-Dsbrk=bench_sbrk", "-fno-builtin-malloc", "-static", "-no-pie",
                    TOOLS / "driver.c", *sources, "-o", output], check=True)
    return output


@pytest.fixture(scope="module")
def drivers():
    return {"strata": compiled("strata", [ROOT / f"user/lib/{part}.c" for part in PARTS]),
            "glibc": compiled("glibc", [])}


@pytest.fixture(scope="module")
def table(drivers):
    return {name: {row: measure.measure(driver, row) for row in measure.WORKLOADS}
            for name, driver in drivers.items()}


def test_wrappers_and_mem_functions_do_not_count():
    assert measure.instructions(PROFILE) == 42


@pytest.mark.parametrize("workload", LIMITS)
def test_instructions(table, workload):
    strata, glibc = table["strata"][workload], table["glibc"][workload]
    assert strata["instructions"] <= LIMITS[workload]
    assert strata["instructions"] < glibc["instructions"] / 1.5
    if strata["live"] >= measure.SMALLEST_PEAK:
        assert measure.ratio(strata) <= measure.ratio(glibc) * 1.05


@pytest.mark.parametrize("workload", measure.WORKLOADS)
def test_no_row_is_far_from_the_best_that_coalesces(table, workload):
    best = min(measure.RECORDED[workload], table["glibc"][workload]["instructions"])
    assert table["strata"][workload]["instructions"] <= measure.TARGET_ROW * best


def test_memory(table):
    ratios = [measure.ratio(cell) for cell in table["strata"].values()
              if cell["live"] >= measure.SMALLEST_PEAK]
    assert measure.mean(ratios) <= measure.TARGET_MEMORY


@pytest.mark.parametrize("workload", measure.VECTORS)
def test_vectors_grow_in_place(drivers, workload):
    cell = measure.memory(drivers["strata"], workload, {})
    assert cell["moves"] == 0
    assert measure.ratio(cell) < 1.02


def test_counts_are_exact(drivers):
    first, second = (measure.count(drivers["strata"], "lifo", {}) for _ in range(2))
    assert first == second
