"""Large arrays: workers write the chunks, folds give them their place, and nothing of them is lost on the way."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from fixtures_columns import NAME, Death, Dying, bury, copy, do, forget, leaf, memory, plain, read_runs, start

from xpet.errors import StoreError
from xpet.store import chunks, layout, ragged, writer
from xpet.store.carried import CARRIED, Cargo, Carried, Carrier, carried_of, check_of, same_bytes
from xpet.store.journal import DAMAGED, PACKETS, ObjectSink
from xpet.store.packets import Packer
from xpet.store.place import Place, open_place, resolve
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.trajectory.removing import remove_trajectory
from xpet.values import label, unlabelled

N = 6
LARGE = 2**16
TEMPLATE = "results.runs.$.v"
CHUNKS = f"{NAME}/_xpet/journal/chunk"
RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.random(10_000)
INTS = RANDOM.integers(-1000, 1000, (100, 120))
LOW, HIGH = np.iinfo("i8").min, np.iinfo("i8").max


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have chunks of their own from 64 KiB on, which are cut at twice as much."""
    monkeypatch.setattr(layout, "CHUNK_BYTES", LARGE)
    monkeypatch.setattr(layout, "_LARGEST_CHUNK", 2 * LARGE)


@pytest.fixture(params=["memory", "local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a new place."""
    return memory() if request.param == "memory" else open_place(resolve(tmp_path / "s.zarr"))


def left(place: Place) -> dict[int, Any]:
    return {run: items[TEMPLATE][0][""] for run, items in read_runs(place).items()}


def fold(place: Place, values: dict[int, Any], attempt: int = 0) -> None:
    with open_for_writing(place, NAME) as writer:
        do(place, writer, {run: [leaf(TEMPLATE, value)] for run, value in values.items()}, attempt)
        writer.fold()


def in_journal(place: Place) -> list[str]:
    return [key for key in place.list(f"{NAME}/_xpet/journal") if "/packet/" in key or "/chunk/" in key]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the large chunks that are encoded."""
    found: list[int] = []
    encode = chunks.encode_chunk

    def tell(doc: Any, chunk: Any) -> bytes:
        is_alone = doc.dims[0] == "d0" or (doc.dims[0] == "run" and doc.chunks[0] == 1)
        found.extend([chunk.nbytes] if is_alone and chunk.nbytes >= LARGE // 2 else [])
        return encode(doc, chunk)

    for module in (chunks, ragged):
        monkeypatch.setattr(module, "encode_chunk", tell)
    return found


def ints(run: int, *held: int) -> Any:
    made = INTS + run
    made.ravel()[: len(held)] = held
    return made


#: the values of each run, and whether all are taken over as they are, if they are folded at once
CASES: dict[str, tuple[list[Any], bool]] = {
    "floats": ([FLOATS + run for run in range(N)], True),
    "floats with NaN": ([np.where(run / 8 > FLOATS, np.nan, FLOATS) for run in range(N)], True),
    "small floats": ([(FLOATS + run).repeat(2).astype("f4") for run in range(N)], True),
    "complex": ([FLOATS + 1j * run for run in range(N)], True),
    "big-endian": ([(FLOATS + run).astype(">f8") for run in range(N)], True),
    "bools": ([np.arange(80_000) % (run + 2) == 0 for run in range(N)], True),
    "integers": ([ints(run) for run in range(N)], True),
    "bytes": ([np.full(80_000, run, "u1") for run in range(N)], True),
    "columns first": ([np.asfortranarray(INTS + run) for run in range(N)], True),
    "every other": ([np.arange(run, 20_000.0 + run)[::2] for run in range(N)], True),
    "cut into even chunks": ([RANDOM.random((64, 500)) for run in range(N)], True),
    "cut into chunks that do not fit": ([RANDOM.random((73, 249)) + run for run in range(N)], True),
    "integers in chunks that do not fit": ([RANDOM.integers(0, 99, (73, 249)) + run for run in range(N)], True),
    "of many dimensions": ([RANDOM.random((3, 1, 40, 5, 20)) for run in range(N)], True),
    "with labels": ([label(FLOATS + run, "t", {"t": np.arange(10_000)}, units="V") for run in range(N)], True),
    "the usual fill is a number": ([ints(run, LOW) for run in range(N)], False),
    "the usual fill is one in the last": ([*(ints(run) for run in range(N - 1)), ints(5, LOW)], False),
    "a number between": ([ints(run, LOW, HIGH) for run in range(N)], False),
    "no number is left": ([np.arange(80_000).astype("i1") + np.int8(run) for run in range(N)], False),
    "shapes differ": ([FLOATS[: 9_000 + 100 * run] for run in range(N)], False),
    "shapes differ along two": ([RANDOM.random((100 + run, 90 - run)) for run in range(N)], False),
    "one is small": ([*(FLOATS + run for run in range(N - 1)), FLOATS[:5]], False),
    "all but one are small": ([*(FLOATS[: run + 1] for run in range(N - 1)), FLOATS], False),
    "dtypes differ": ([(FLOATS * 9).astype(["f8", "i8"][run % 2]) + run for run in range(N)], True),
    "no array at all": ([FLOATS + run if run % 3 else f"run {run}" for run in range(N)], True),
    "frames": ([pd.DataFrame({"a": FLOATS + run, "b": np.arange(10_000)}) for run in range(N)], True),
}
each_case = pytest.mark.parametrize(("values", "is_taken"), CASES.values(), ids=CASES)


@each_case
@pytest.mark.parametrize("folds", [[[0, 1, 2, 3, 4, 5]], [[0], [1, 2], [3], [4, 5]], [[5, 0], [4, 3, 2, 1]]], ids=len)
def test_comes_back(values: list[Any], is_taken: bool, folds: list[list[int]], place: Place):
    start(place, N).lease.release()
    for attempt, runs in enumerate(folds):
        fold(place, {run: values[run] for run in runs}, attempt)
        plain(place)
    found = left(place)
    assert len(found) == N
    assert all(identical(found[run], unlabelled(values[run])) for run in range(N))
    assert not in_journal(place)


@each_case
def test_is_encoded_once(values: list[Any], is_taken: bool, encoded: list[int]):
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, value)] for run, value in enumerate(values)})
        by_workers = len(encoded)
        held.fold()
    again = len(encoded) - by_workers
    assert (again == 0) == is_taken


def test_a_file_moves(tmp_path: Path):
    place = open_place(resolve(tmp_path / "s.zarr"))
    start(place, N).lease.release()

    def files(folder: str) -> set[int]:
        return {path.stat().st_ino for path in (tmp_path / "s.zarr" / folder).rglob("*") if path.is_file()}

    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, FLOATS + run)] for run in range(N)})
        written = files(CHUNKS)
        assert len(written) == N
        assert sum(len(place.read(key) or b"") for key in place.list(f"{NAME}/_xpet/journal/packet")) < 10_000
        held.fold()
    assert files(f"{NAME}/results/v/c") == written
    assert not (tmp_path / "s.zarr" / CHUNKS).exists()


def test_small_ones_and_texts_travel_in_packets():
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        values = dict(enumerate([FLOATS[:8000], np.array(["text"] * 20_000, object)]))
        do(place, held, {run: [leaf(TEMPLATE, value)] for run, value in values.items()})
        assert not place.list(CHUNKS)
        held.fold()
    assert all(identical(found, values[run]) for run, found in left(place).items())


@pytest.mark.parametrize(
    "name", ["floats", "cut into chunks that do not fit", "the usual fill is one in the last", "shapes differ", "bools"]
)
def test_in_a_bucket(name: str, bucket_store: Any, encoded: list[int]):
    place = open_place(resolve(bucket_store.url, bucket_store.storage_options))
    values, is_taken = CASES[name]
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, value)] for run, value in enumerate(values[:4])})
        by_workers = len(encoded)
        held.fold()
        assert not is_taken or len(encoded) == by_workers
    fold(place, {4: values[4], 5: values[5]}, attempt=1)
    assert all(identical(found, values[run]) for run, found in left(place).items())
    assert len(left(place)) == N
    assert not in_journal(place)


# ---- the same in several runs ----------------------------------------------------------------------------------------


def test_the_same_one_is_written_once_for_each_packet():
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, FLOATS.copy())] for run in range(4)})
        assert len(place.list(CHUNKS)) == 1
        do(place, held, {run: [leaf(TEMPLATE, FLOATS.copy())] for run in (4, 5)}, attempt=1)
        assert len(place.list(CHUNKS)) == 2
        held.fold()
    assert all(identical(value, FLOATS) for value in left(place).values())
    assert "run" not in plain(place)["results"].v.dims
    assert not in_journal(place)


def test_the_same_one_in_two_places_of_a_run():
    place = memory()
    start(place, 2).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, FLOATS + run, other=FLOATS + run)] for run in range(2)})
        held.fold()
    for run, items in read_runs(place).items():
        assert all(identical(value, FLOATS + run) for value in items[TEMPLATE][0].values())


def test_a_checksum_alone_makes_none_the_same(monkeypatch):
    monkeypatch.setattr("xpet.store.carried.check_of", lambda array, like: 7)
    place = memory()
    start(place, N).lease.release()
    for runs in ([0, 1, 2], [3, 4, 5]):
        fold(place, {run: FLOATS + run // 2 for run in runs})
    assert all(identical(value, FLOATS + run // 2) for run, value in left(place).items())


def test_what_was_the_same_differs():
    place = memory()
    start(place, N).lease.release()
    for run in range(N):
        fold(place, {run: FLOATS + run // 4})
        assert ("run" in plain(place)["results"].v.dims) == (run >= 4)
    assert all(identical(value, FLOATS + run // 4) for run, value in left(place).items())


@pytest.mark.parametrize("other", [FLOATS.copy(), FLOATS + 1, FLOATS[:-1]], ids=["the same", "another", "shorter"])
def test_same_bytes(other: Any):
    place = memory()
    carrier = Carrier(place)
    one, another = (
        carrier.write(0, 0, Cargo(number, ("", "", str(number)), "float64", value))
        for number, value in enumerate((FLOATS, other))
    )
    wanted = other.tobytes() == FLOATS.tobytes()
    for a in (one, one.load(), FLOATS):
        for b in (another, another.load()):
            assert same_bytes(a, b) == wanted


# ---- attempts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["older first", "newer first"])
def test_the_last_attempt_counts(order: tuple[int, int], place: Place):
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        for attempt in order:
            do(place, held, {run: [leaf(TEMPLATE, FLOATS + 10 * attempt + run)] for run in range(3)}, attempt)
        held.fold()
    assert all(identical(value, FLOATS + 10 + run) for run, value in left(place).items())
    assert not in_journal(place)


def test_a_complete_run_stays_as_it_is(place: Place):
    start(place, N).lease.release()
    fold(place, {0: FLOATS, 1: FLOATS + 1})
    fold(place, {0: FLOATS + 10}, attempt=1)
    assert all(identical(value, FLOATS + run) for run, value in left(place).items())
    assert not in_journal(place)


# ---- chunks that are lost, packets that are not for this reader ------------------------------------------------------


def truncate(place: Place, key: str) -> None:
    place.write(key, (place.read(key) or b"")[:-1])


@pytest.mark.parametrize("harm", [lambda place, key: place.delete([key]), truncate], ids=["gone", "cut off"])
def test_a_lost_chunk_costs_its_run(harm: Callable[[Place, str], None], place: Place, caplog):
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {run: [leaf(TEMPLATE, RANDOM.random((64, 1000)))] for run in range(3)})
        harm(place, next(key for key in place.list(CHUNKS) if key.startswith(f"{CHUNKS}/0000000001")))
        with caplog.at_level(logging.WARNING, "xpet"):
            held.fold()
        assert held.missing() == [1, 3, 4, 5]
    assert "is damaged" in caplog.text
    assert len(place.list(f"{NAME}/{DAMAGED}")) == 1
    # what is left of it is kept with what tells of it
    fold(place, {1: FLOATS}, attempt=1)
    assert identical(left(place)[1], FLOATS)


def test_a_list_that_is_older_costs_nothing(monkeypatch):
    place = memory()
    start(place, N).lease.release()
    with open_for_writing(place, NAME) as held:
        do(place, held, {0: [leaf(TEMPLATE, FLOATS)]})
        sizes = Place.sizes
        monkeypatch.setattr(Place, "sizes", lambda *at: {} if at[1].endswith("chunk") else sizes(*at))
        held.fold()
        assert held.missing() == [1, 2, 3, 4, 5]
    assert identical(left(place)[0], FLOATS)


def test_a_reader_that_knows_no_such_packets_waits(monkeypatch, caplog):
    place = memory()
    start(place, N).lease.release()
    with monkeypatch.context() as older, open_for_writing(place, NAME) as held:
        older.setattr(writer, "VERSION", 1)
        do(place, held, {0: [leaf(TEMPLATE, FLOATS)]})
        do(place, held, {1: [leaf("results.runs.$.z", 1.0)]}, attempt=1)
        held.fold()
        assert held.missing() == [0, 2, 3, 4, 5]
        held.recover()
        assert len(place.list(CHUNKS)) == 1
    open_for_writing(place, NAME).lease.release()
    assert identical(read_runs(place)[0][TEMPLATE][0][""], FLOATS)
    assert not in_journal(place)


def test_of_a_trajectory_that_was_here_before(caplog):
    place = memory()
    start(place, N).lease.release()
    remove_trajectory(place, NAME)
    late = Packer(ObjectSink(place.below(NAME), 0), 0, "another", None, Carrier(place.below(NAME)))
    late.begin(0, 0)
    late.complete(0, [leaf(TEMPLATE, FLOATS)], 0.0, 0.0)
    late.end()
    with caplog.at_level(logging.WARNING, "xpet"):
        start(place, N).lease.release()
    assert "is of a trajectory that was here before" in caplog.text
    assert not place.list(f"{NAME}/{PACKETS}")
    assert not left(place)
    remove_trajectory(place, NAME)
    assert not place.list(NAME)


def test_only_chunks_of_a_trajectory_that_was_here_before():
    place = memory()
    Carrier(place.below(NAME)).write(0, 0, Cargo(1, ("", "", ""), "float64", FLOATS))
    start(place, N).lease.release()
    assert not in_journal(place)


# ---- deaths ----------------------------------------------------------------------------------------------------------

DEATHS = ["floats", "cut into chunks that do not fit", "the usual fill is one in the last", "one is small",
          "dtypes differ", "no array at all", "the same", "one differs"]  # fmt: skip
MORE = {"the same": [FLOATS] * N, "one differs": [FLOATS] * (N - 1) + [FLOATS + 1]}


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("before", [0, 1, 3], ids=lambda before: f"{before} before")
@pytest.mark.parametrize("name", DEATHS)
def test_a_fold_dies(name: str, before: int, backwards: bool):
    values = dict(enumerate(MORE[name] if name in MORE else CASES[name][0]))
    base = memory()
    start(base, N).lease.release()
    if before:
        fold(base, {run: values[run] for run in range(before)})
    with open_for_writing(base, NAME) as held:
        for run in range(before, N):
            do(base, held, {run: [leaf(TEMPLATE, values[run])]}, attempt=run)

    def act(place: Place) -> None:
        open_for_writing(place, NAME).lease.release()

    trial = Dying(copy(base), backwards=backwards)
    act(trial)
    for last in range(0, trial.count, 3 if backwards else 1):
        place = copy(base)
        with pytest.raises(Death):
            act(Dying(place, last, backwards))
        bury(place)
        found = left(place)
        assert set(found) >= set(range(before))
        assert all(identical(found[run], values[run]) for run in found)
        plain(place)
        act(place)
        found = left(place)
        assert all(identical(found[run], values[run]) for run in range(N))
        assert not in_journal(place)
        forget(place)


def test_a_fold_dies_twice():
    values = {run: FLOATS + run for run in range(3)}
    base = memory()
    start(base, N).lease.release()
    with open_for_writing(base, NAME) as held:
        do(base, held, {run: [leaf(TEMPLATE, value)] for run, value in values.items()})
    count = _changes(base)
    for first in range(0, count, 3):
        for second in range(0, count, 3):
            place = copy(base)
            for last in (first, second):
                with contextlib.suppress(Death):
                    open_for_writing(Dying(place, last), NAME)
                bury(place)
            open_for_writing(place, NAME).lease.release()
            assert all(identical(found, values[run]) for run, found in left(place).items())
            assert len(left(place)) == 3
            assert not in_journal(place)
            forget(place)


def _changes(base: Place) -> int:
    trial = Dying(copy(base))
    open_for_writing(trial, NAME).lease.release()
    return trial.count


def test_a_worker_dies():
    values = {run: RANDOM.random((64, 1000)) for run in range(3)}

    def work(place: Place) -> None:
        inside = place.below(NAME)
        packing = Packer(ObjectSink(inside, 256), 256, "", None, Carrier(inside))
        for run, value in values.items():
            packing.begin(run, run)
            packing.complete(run, [leaf(TEMPLATE, value)], 0.0, 0.0)
            packing.end()

    base = memory()
    start(base, N).lease.release()
    trial = Dying(copy(base))
    work(trial)
    assert trial.count > 12
    for last in range(trial.count):
        place = copy(base)
        with pytest.raises(Death):
            work(Dying(place, last))
        recorded = len(place.list(f"{NAME}/{PACKETS}"))
        open_for_writing(place, NAME).lease.release()
        found = left(place)
        assert len(found) == recorded
        assert all(identical(value, values[run]) for run, value in found.items())
        assert not in_journal(place)


class Full:
    """A place that has no room for an object after some."""

    def __init__(self, place: Place, room: int) -> None:
        self._place, self._room = place, room

    def write_many(self, items: Mapping[str, bytes]) -> None:
        if self._room == 0:
            raise StoreError(errno.ENOSPC, "no room")
        self._room -= 1
        self._place.write_many(items)

    def delete(self, keys: Iterable[str]) -> None:
        self._place.delete(keys)


def test_what_does_not_fit_leaves_nothing():
    place = memory()
    with pytest.raises(OSError, match="no room"):
        Carrier(cast("Place", Full(place, 3))).write(0, 0, Cargo(1, ("", "", ""), "float64", RANDOM.random((64, 1000))))
    assert not place.list()


# ---- records ---------------------------------------------------------------------------------------------------------


def record(**changes: Any) -> memoryview:
    made = Carried(1, "_xpet/journal/chunk/0-0-a/1", (10, 20), "int64", (10, 10), (5, 6), 7, (0, 9))
    said = json.loads(made.payload()[1:]) | changes
    return memoryview(bytes([CARRIED]) + json.dumps(said).encode())


def test_a_record_comes_back():
    found = carried_of(record(), "int64", 2, None)
    assert (found.number, found.shape, found.cut, found.sizes, found.ends) == (1, (10, 20), (10, 10), (5, 6), (0, 9))
    assert found.chunk_keys() == [f"_xpet/journal/chunk/0-0-a/1/c/0/{i}" for i in (0, 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"codec": "zstd"},
        {"dtype": "float64"},
        {"node": "results/v"},
        {"shape": [10]},
        {"shape": [10, -20]},
        {"shape": [10, 2.0]},
        {"shape": None},
        {"shape": [2**40, 2**40], "cut": [2**40, 2**40], "sizes": [1]},
        {"cut": [2**14, 2**14], "sizes": [1]},
        {"cut": [10, 0]},
        {"sizes": [5]},
        {"sizes": [5, "6"]},
        {"check": None},
        {"ends": [1]},
        {"number": "one"},
    ],
    ids=str,
)
def test_other_records_are_refused(changes: dict[str, Any]):
    with pytest.raises((KeyError, TypeError, ValueError)):
        carried_of(record(**changes), "int64", 2, None)


def test_checksums_follow_the_chunks():
    place = memory()
    value = RANDOM.random((73, 997))
    made = Carrier(place).write(0, 0, Cargo(1, ("", "", ""), "float64", value))
    assert len(made.sizes) == math.prod(-(-n // k) for n, k in zip(value.shape, made.cut, strict=True)) > 1
    assert check_of(value, made) == check_of(np.asfortranarray(value), made) == made.check
    assert identical(made.load(), value)
