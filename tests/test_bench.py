"""The benchmark: complete, and nothing slower than in the teaching kernels that came before."""

import json

import pytest

import bench
from machine import BUILD

pytestmark = pytest.mark.xdist_group("bench")


@pytest.fixture(scope="module")
def table():
    bench.main()
    return json.loads((BUILD / "bench.json").read_text())


def test_every_row_is_there(table):
    assert list(table) == list(bench.ANCHORS)
    for name, row in table.items():
        assert 0 < row["min"] <= row["median"], name
        assert row["net"] > 0, name


@pytest.mark.parametrize("name", bench.TEACHING_KERNELS)
def test_not_slower_than_xv6_and_fiwix(table, name):
    assert table[name]["median"] <= bench.TEACHING_KERNELS[name]


def test_figures_repeat(table):
    """The same instructions each time: what differs is a bug in the measurement."""
    again = bench.measure()
    for name, row in table.items():
        assert abs(again[name]["median"] - row["median"]) <= row["median"] // 50 + 1, name
