"""Arrays of texts and of times along the runs, as they are read back and as plain xarray shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixtures_columns import do, leaf, memory, plain, read_runs, read_statics, start

from xpet.store.leaves import StaticLeaf
from xpet.store.packets import Packer
from xpet.store.unpacking import read_packet
from xpet.testing import identical


def array(values: Any, dtype: Any = None) -> Any:
    return np.array(values, dtype)


COLUMNS: dict[str, list[Any]] = {
    "texts of one shape": [array(["a", "bé"]), array(["", "\0x"]), array(["😀", "d"])],
    "texts of many shapes": [array([], "U3"), array(["abc"]), array(["x"] * 70)],
    "texts of rank 2": [array([["a", "b"]]), array([["c"], ["d"]]), array([[], []], "U1")],
    "times": [array(["2020", "NaT"], "M8[s]"), array(["1999", "2001"], "M8[s]"), array(["2020", "2021"], "M8[s]")],
    "times of many shapes": [array([], "M8[D]"), array(["NaT"], "M8[D]"), array(["2020-02-02"] * 3, "M8[D]")],
    "times in and out of reach": [array(["2020"], "M8[D]"), array(["0001"], "M8[D]"), array(["2021"], "M8[D]")],
    "differences": [array([1, "NaT"], "m8[ms]"), array([2, 3], "m8[ms]"), array([4, 5], "m8[ms]")],
    "single times": [np.datetime64("2020", "us"), np.datetime64("NaT", "us"), np.datetime64(-1, "us")],
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("folds", [1, 3])
def test_comes_back(values: list[Any], folds: int):
    place = memory()
    with start(place, 4) as writer:
        for part in np.array_split(np.arange(3), folds):
            do(place, writer, {int(run): [leaf("results.runs.$.v", values[run])] for run in part}, attempt=int(part[0]))
            writer.fold()
            plain(place)
    found = read_runs(place)
    assert all(identical(found[run]["results.runs.$.v"][0][""], value) for run, value in enumerate(values))


def test_plain_xarray_shows_times():
    place = memory()
    with start(place, 4) as writer:
        for run in range(3):
            names = {"t": "times", "d": "differences", "r": "times of many shapes"}
            left = [leaf(f"results.runs.$.{short}", COLUMNS[name][run]) for short, name in names.items()]
            do(place, writer, {run: left}, attempt=run)
        writer.fold()
    results = plain(place)["results"]
    for name, column in (("t", "times"), ("d", "differences")):
        assert results[name].dtype.kind == COLUMNS[column][0].dtype.kind
        np.testing.assert_array_equal(results[name].values[:3], np.array(COLUMNS[column]))
        assert np.isnat(results[name].values[3]).all()
    np.testing.assert_array_equal(results.r.values[2], COLUMNS["times of many shapes"][2])
    assert np.isnat(results.r.values[:2]).all()


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_outside_runs(values: list[Any]):
    place = memory()
    leaves = [StaticLeaf(f"config.v{k}", "config", "", "", {}, {"": value}) for k, value in enumerate(values)]
    start(place, 2, leaves).lease.release()
    found = read_statics(place)
    assert all(identical(found[f"config.v{k}"][""], value) for k, value in enumerate(values))
    plain(place)


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.data = b""

    def open(self, block: int, first_run: int) -> None:
        pass

    def append(self, data: bytes) -> bool:
        self.data += data
        return False

    def close(self) -> None:
        pass


def test_texts_cut_off_in_a_packet_cost_that_run_alone():
    sink = Kept()
    packer = Packer(sink)
    packer.begin(0, 0)
    for run in range(2):
        packer.complete(run, [leaf("results.runs.$.v", array(["a", "b"]))], 0.0, 0.0)
    packer.end()
    whole = read_packet(sink.data)
    assert [batch.runs.tolist() for batch in whole.batches] == [[0, 1]]
    for cut in range(1, 40, 3):
        found = read_packet(sink.data[:-cut])
        assert [batch.runs.tolist() for batch in found.batches] == [[0]]
        assert found.torn
