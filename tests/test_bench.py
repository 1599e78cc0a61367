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


@pytest.fixture(scope="module")
def overhead(table):
    return json.loads((BUILD / "bench-overhead.json").read_text())


@pytest.mark.parametrize("name", [name for name, row in bench.ANCHORS.items() if row[2]])
def test_target_is_reached(table, name):
    """Without tolerance: the figures are the same on every machine."""
    assert table[name]["median"] <= bench.ANCHORS[name][2]


@pytest.mark.parametrize("name", [name for name, row in bench.ANCHORS.items() if row[0]])
def test_faster_than_linux(table, name):
    assert table[name]["median"] < bench.ANCHORS[name][0]


def test_a_frame_costs_at_most_16_bytes(overhead):
    frames = overhead["frames"]
    assert frames["struct_page"]["bytes"] <= 16
    assert frames["mem_map"]["kib"] <= frames["mem_map"]["ram"] / 4 * 16 / 1024 + 4
    assert frames["direct_map"]["pages_4m"] > 60  # of 256 MiB: tables only for the first 4


def test_boots_in_two_mebibytes(overhead):
    assert overhead["frames"]["smallest_ram"]["kib"] <= 2 * 1024


def test_at_least_as_many_objects_in_a_slab_as_linux(overhead):
    sizes = set()
    for name, row in overhead["caches"].items():
        if row["linux_objects_per_page"] and row["slot"] == row["object"]:
            assert row["objects_per_page"] >= row["linux_objects_per_page"], name
            sizes.add(row["object"])
        assert row["waste_percent"] <= 100 / 8 or row["object"] > bench.PAGE_BYTES, name
    assert sizes == set(bench.LINUX_OBJECTS)


def test_kmalloc_wastes_less_than_a_third(overhead):
    classes = dict(overhead["kmalloc"])
    overall = classes.pop("all")
    first = 1
    for given, row in classes.items():
        assert row["first"] == first and row["last"] == int(given)
        first = row["last"] + 1
    assert first == bench.KMALLOC_SLAB_MAX + 1
    assert overall["uniform_percent"] < 33 and overall["log_percent"] < 33


def test_constructors_save_work(overhead):
    once, each_time = overhead["constructor"]["once"], overhead["constructor"]["each_time"]
    assert once["calls"] < once["allocs"] == each_time["calls"]
    assert once["pair"] < each_time["pair"]


@pytest.mark.parametrize("name", bench.TEACHING_KERNELS)
def test_not_slower_than_xv6_and_fiwix(table, name):
    assert table[name]["median"] <= bench.TEACHING_KERNELS[name]


def test_figures_repeat(table):
    """The same instructions each time: what differs is a bug in the measurement."""
    again = bench.measure()
    for name, row in table.items():
        assert abs(again[name]["median"] - row["median"]) <= row["median"] // 50 + 1, name
