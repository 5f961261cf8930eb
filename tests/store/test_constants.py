"""Large arrays that are the same in every run are stored once; what differs is kept all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixtures_columns import Death, Dying, bury, copy, do, forget, leaf, memory, packer, plain, read_runs, start

from xpet.store import fold, layout, unpacking
from xpet.store.packets import Packer
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.values import label

BIG = np.arange(20_000, dtype=float).reshape(100, 200)
BOOLS = np.arange(70_000) % 3 == 0
N = 6


@pytest.fixture(params=["in packets", "carried"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have large arrays travel in packets, or as chunks."""
    if request.param == "carried":
        monkeypatch.setattr(layout, "CHUNK_BYTES", 2**16)


def size(place: Any, name: str = "v") -> int:
    return sum(len(place.read(key)) for key in place.list(f"study/results/{name}") if not key.endswith("zarr.json"))


def journal(place: Any) -> int:
    return sum(len(place.read(key)) for key in place.list("study/_xpet/journal/packet"))


def left(place: Any) -> dict[int, Any]:
    return {run: items["results.runs.$.v"][0][""] for run, items in read_runs(place).items()}


def fill(place: Any, values: dict[int, Any], folds: list[list[int]]) -> None:
    for k, runs in enumerate(folds):
        with open_for_writing(place, "study") as writer:
            do(place, writer, {run: [leaf("results.runs.$.v", values[run])] for run in runs}, attempt=k)
            writer.fold()
        plain(place)


CASES: dict[str, tuple[list[Any], bool]] = {
    "the same": ([BIG] * N, True),
    "equal copies": ([BIG.copy() for _ in range(N)], True),
    "bools": ([BOOLS] * N, True),
    "with the fill in it": ([np.full(70_000, -128, "i1")] * N, True),
    "one differs at the end": ([*[BIG] * (N - 1), BIG + 1], False),
    "one differs at the start": ([BIG + 1, *[BIG] * (N - 1)], False),
    "signs of zero": ([np.zeros(10_000), -np.zeros(10_000)] * 3, False),
    "all differ": ([BIG * k for k in range(N)], False),
    "bools differ": ([BOOLS, *[~BOOLS] * (N - 1)], False),
    "the fill comes later": ([*[np.zeros(70_000, "i1")] * (N - 1), np.full(70_000, -128, "i1")], False),
    "shapes differ": ([*[BIG] * (N - 1), BIG[:50]], False),
    "small ones too": ([*[BIG] * (N - 1), BIG[:5, :5]], False),
    "dtypes differ": ([*[BIG] * (N - 1), BIG.astype("f4")], False),
    "no array at the end": ([*[BIG] * (N - 1), "none"], False),
}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("values", "once"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("folds", [[[0, 1, 2, 3, 4, 5]], [[0], [1, 2], [3], [4, 5]], [[5, 0], [4, 3, 2, 1]]], ids=len)
def test_comes_back(values: list[Any], once: bool, folds: list[list[int]]):
    place = memory()
    start(place, N).lease.release()
    fill(place, dict(enumerate(values)), folds)
    found = left(place)
    assert all(identical(found[run], values[run]) for run in range(N))
    if once:
        assert size(place) < 2 * len(values[0].tobytes())
        assert "run" not in plain(place)["results"].v.dims


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("folds", [[[0, 1, 2, 3, 4, 5]], [[0, 1], [2, 3], [4, 5]]], ids=len)
def test_too_large_to_give_each_run_a_copy(folds: list[list[int]], monkeypatch):
    monkeypatch.setattr(fold, "_SPREAD_BYTES", BIG.nbytes)
    values = {0: BIG, 1: BIG, 2: BIG + 1, 3: BIG, 4: BIG + 2, 5: BIG}
    place = memory()
    start(place, N).lease.release()
    fill(place, values, folds)
    found = left(place)
    assert all(identical(found[run], values[run]) for run in range(N))
    if len(folds) > 1:
        assert "run" not in plain(place)["results"].v.dims
        assert plain(place)["results"]["v.which"].values.tolist() == [0, 0, 1, 0, 1, 0]


@pytest.mark.usefixtures("way")
def test_labels_that_differ_around_the_same_values():
    place = memory()
    start(place, 3).lease.release()
    values = {run: label(BIG, ("a", "b"), {"a": np.arange(100.0) + (run == 2)}, units="mV") for run in range(3)}
    fill(place, values, [[0, 1], [2]])
    results = plain(place)["results"]
    assert results["v"].attrs["units"] == "mV"
    assert all(identical(found, BIG) for found in left(place).values())
    name = next(name for name in results.variables if str(name).endswith("v.a"))
    np.testing.assert_array_equal(results[name].values[:, 0], [0.0, 0.0, 1.0])


@pytest.mark.usefixtures("way")
def test_a_run_without_it():
    place = memory()
    start(place, 3).lease.release()
    with open_for_writing(place, "study") as writer:
        do(place, writer, {0: [leaf("results.runs.$.v", BIG)], 1: [leaf("results.runs.$.z", 1.0)], 2: "it failed"})
        writer.fold()
    found = read_runs(place)
    assert identical(found[0]["results.runs.$.v"][0][""], BIG)
    assert "results.runs.$.v" not in found[1]
    assert set(found) == {0, 1}


def test_one_copy_travels():
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, "study") as writer:
        do(place, writer, {run: [leaf("results.runs.$.v", BIG.copy())] for run in range(N)})
        assert journal(place) < 1.1 * BIG.nbytes
        writer.fold()
    assert len(left(place)) == N


def test_each_packet_has_its_own():
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, "study") as writer:
        packing = packer(place, writer)
        for run in range(N):
            packing.begin(run, run)
            packing.complete(run, [leaf("results.runs.$.v", BIG)], 0.0, 0.0)
            packing.end()
        assert journal(place) > N * BIG.nbytes
        writer.fold()
    assert len(left(place)) == N


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def open(self, block: int, first_run: int) -> None:
        pass

    def append(self, data: bytes) -> bool:
        self.data.append(data)
        return False

    def close(self) -> None:
        pass


def test_a_lost_array_costs_the_runs_that_have_it():
    sink = Kept()
    packing = Packer(sink)
    packing.begin(0, 0)
    for run, value in enumerate([BIG, BIG, BIG + 1, BIG + 1]):
        packing.complete(run, [leaf("results.runs.$.v", value)], 0.0, 0.0)
    packing.end()
    damaged = bytearray(b"".join(sink.data))
    damaged[len(sink.data[0]) // 2] ^= 1
    found = unpacking.read_packet(bytes(damaged))
    assert found.damaged
    assert [batch.runs.tolist() for batch in found.batches] == [[2, 3]]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "name", ["one differs at the end", "the fill comes later", "shapes differ", "no array at the end"]
)
def test_dies_while_a_constant_becomes_one_for_each_run(name: str):
    values = dict(enumerate(CASES[name][0]))
    base = memory()
    start(base, N).lease.release()
    fill(base, values, [list(range(N - 1))])

    def act(place: Any) -> None:
        fill(place, values, [[N - 1]])

    trial = Dying(copy(base))
    act(trial)
    for last in range(trial.count):
        place = copy(base)
        with pytest.raises(Death):
            act(Dying(place, last))
        bury(place)
        found = left(place)
        assert set(found) >= set(range(N - 1))
        assert all(identical(found[run], values[run]) for run in found)
        plain(place)
        if len(found) < N:
            act(place)
        assert all(identical(each, values[run]) for run, each in left(place).items())
        forget(place)
