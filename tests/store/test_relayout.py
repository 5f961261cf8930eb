"""An array laid out anew, beside the chunks that others still read; and rows of different shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import NAME, do, group, leaf, memory, read_runs, start

from xpet.errors import StoreError
from xpet.store import relayout as module
from xpet.store.chunks import read_whole, write_whole
from xpet.store.documents import ArrayDoc
from xpet.store.points import decode_points, encode_points, read_points
from xpet.store.ragged import blank, lengths_of, write_ragged
from xpet.store.relayout import Leftovers, drop_retired, has_room, relayout
from xpet.store.snapshot import read_snapshot, same_points
from xpet.store.writer import open_for_writing
from xpet.values import encode
from xpet.values.equality import same_encoded


def document(n: int = 7, width: int = 4, chunks: tuple[int, int] = (2, 3), fill: int = -1) -> ArrayDoc:
    return ArrayDoc((n, width), "int16", ("run", "z.d0"), chunks, fill)


ROWS = np.arange(28, dtype="int16").reshape(7, 4)


@pytest.mark.parametrize("chunks", [(1, 1), (2, 3), (5, 4), (100, 100)], ids=str)
def test_readers_of_the_old_layout_are_not_disturbed(chunks: tuple[int, int]):
    place = memory()
    doc = document()
    write_whole(place, "z", doc, ROWS)
    layouts = [doc]
    some = np.array([0, 3, 6])
    expected = ROWS
    for fill in (-2, -3):
        new = relayout(place, "z", layouts[-1], layouts[-1]._replace(chunks=chunks, fill=fill), some)
        expected = np.full_like(ROWS, fill)
        expected[some] = ROWS[some]
        np.testing.assert_array_equal(read_whole(place, "z", new), expected)
        np.testing.assert_array_equal(read_whole(place, "z", layouts[0]), ROWS)
        layouts.append(new)
    assert [each.keys for each in layouts] == ["/", ".", "v2"]
    assert [each["keys"] for each in layouts[-1].xpet["retired"]] == ["/", "."]


def test_the_layout_that_was_left_first_makes_room():
    place = memory()
    doc = document()
    write_whole(place, "z", doc, ROWS)
    seen = []
    for _ in range(7):
        doc = relayout(place, "z", doc, doc, np.arange(7))
        seen.append(doc.keys)
        np.testing.assert_array_equal(read_whole(place, "z", doc), ROWS)
    assert seen == [".", "v2", "/", ".", "v2", "/", "."]
    assert len(doc.xpet["retired"]) == 2


def test_no_room_while_two_sets_of_chunks_may_be_read(monkeypatch: pytest.MonkeyPatch):
    place = memory()
    doc = document()
    write_whole(place, "z", doc, ROWS)
    for _ in range(2):
        assert has_room(doc)
        doc = relayout(place, "z", doc, doc, np.arange(7))
    assert not has_room(doc)
    now = module.time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 3601)
    assert has_room(doc)


def test_readers_of_a_column_that_is_changed_again_and_again_are_not_disturbed():
    place = memory()
    low = np.iinfo("i8").min
    with start(place, 8) as writer:
        seen = []
        # Each number is the fill that the column had got by then.
        for run, number in enumerate([1, low, 2**63 - 4096, low + 4096, 2**63 - 8192]):
            do(place, writer, {run: [leaf("results.runs.$.n", np.int64(number))]})
            writer.fold()
            doc = read_snapshot(place, NAME).hierarchy.array("results/n")
            seen.append((doc, read_whole(place.below(NAME), "results/n", doc)[: run + 1]))
            for old, numbers in seen:
                there = read_whole(place.below(NAME), "results/n", old)[: len(numbers)]
                np.testing.assert_array_equal(there, numbers)
    assert doc.xpet["no_spare"]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_fold_that_needs_several_layouts_leaves_readers_of_each_alone(before: int):
    place = memory()
    low, high = np.iinfo("i1").min, np.iinfo("i1").max
    fills = [low, high][:before]
    seen = []
    with start(place, 8) as writer:
        # Each of the first is the fill that the column had got by then; the last fold becomes ragged and needs another.
        for run, number in enumerate([1, *fills]):
            do(place, writer, {run: [leaf("results.runs.$.v", np.full(100, number, "i1"))]})
            writer.fold()
            doc = read_snapshot(place, NAME).hierarchy.array("results/v")
            seen.append((doc, read_whole(place.below(NAME), "results/v", doc)[: run + 1]))
        last = {4 + k: [leaf("results.runs.$.v", np.full(300, n, "i1"))] for k, n in enumerate([low, high, low + 1])}
        do(place, writer, last)
        writer.fold()
    for old, numbers in seen:
        np.testing.assert_array_equal(read_whole(place.below(NAME), "results/v", old)[: len(numbers)], numbers)
    assert {run: len(left["results.runs.$.v"][0][""]) for run, left in read_runs(place).items() if run > 3} == {
        4: 300, 5: 300, 6: 300
    }


@pytest.mark.parametrize("again", ["as a dimension", "as a result", "again and again"])
def test_readers_of_a_shared_coordinate_that_was_dropped_keep_its_labels(again: str):
    place = memory()
    seen = []

    def see(writer: Any) -> None:
        writer.fold()
        hierarchy = read_snapshot(place, NAME).hierarchy
        if "results/time" in hierarchy:
            doc = hierarchy.array("results/time")
            seen.append((doc, read_whole(place.below(NAME), "results/time", doc)))

    def curve(start: float) -> xr.DataArray:
        return xr.DataArray(np.zeros(3), dims="time", coords={"time": np.arange(3.0) + start})

    with start(place, 12) as writer:
        for k in range(5 if again == "again and again" else 1):
            do(place, writer, {2 * k: [leaf(f"results.runs.$.v{k}", curve(10.0 * k))]})
            see(writer)
            do(place, writer, {2 * k + 1: [leaf(f"results.runs.$.v{k}", curve(10.0 * k + 5))]})
            see(writer)
        value: Any = 7.0 if again == "as a result" else curve(100.0)
        do(place, writer, {10: [leaf("results.runs.$.time" if again == "as a result" else "results.runs.$.w", value)]})
        see(writer)
    assert seen
    for doc, labels in seen:
        found = read_whole(place.below(NAME), "results/time", doc)
        np.testing.assert_array_equal(found[: len(labels)], labels)
    results = group(place)
    assert np.isfinite(results["time.1" if again == "as a result" else "w"][10]).all()
    labels = next(results[name] for name in results.coords if str(name).startswith("v0.time"))
    np.testing.assert_array_equal(labels[:2], [np.arange(3.0), np.arange(3.0) + 5])


def test_a_group_in_the_place_of_a_shared_coordinate_that_was_dropped():
    place = memory()
    with start(place, 3) as writer:
        for run in range(2):
            value = xr.DataArray(np.zeros(3), dims="time", coords={"time": np.arange(3.0) + run})
            do(place, writer, {run: [leaf("results.runs.$.v", value)]})
            writer.fold()
            if not run:
                old = read_snapshot(place, NAME).hierarchy.array("results/time")
        do(place, writer, {2: [leaf("results.time.$.c", 1.0)]})
        writer.fold()
    np.testing.assert_array_equal(read_whole(place.below(NAME), "results/time", old), np.arange(3.0))
    assert read_runs(place)[2]["results.time.$.c"][0] == {"": 1.0}


def test_retired_chunks_go_when_they_are_old(monkeypatch: pytest.MonkeyPatch):
    place = memory()
    old = document()
    write_whole(place, "z", old, ROWS)
    new = relayout(place, "z", old, old, np.arange(7))
    assert drop_retired(place, [("z", new)]) == {}
    np.testing.assert_array_equal(read_whole(place, "z", old), ROWS)
    now = module.time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 3601)
    assert drop_retired(place, [("z", new), ("a", old)]) == {"z": []}
    assert (read_whole(place, "z", old) == -1).all()
    np.testing.assert_array_equal(read_whole(place, "z", new), ROWS)


def test_padding_gets_the_new_fill():
    place = memory()
    doc, lengths = document(n=3), ArrayDoc((3,), "int64", ("run",), (3,), -1)
    values = [np.arange(4, dtype="i2"), np.arange(1, dtype="i2"), np.empty(0, "i2")]
    write_ragged(place, "z", doc, np.arange(3), values)
    write_whole(place, "z.len", lengths, lengths_of(values, 1))
    new = relayout(place, "z", doc, doc._replace(fill=99), np.arange(3), ("z.len", lengths))
    np.testing.assert_array_equal(read_whole(place, "z", new), [[0, 1, 2, 3], [0, 99, 99, 99], [99] * 4])


SHAPES = [[(3,), (0,), (5,), (1,)], [(2, 3), (1, 0), (3, 1), (0, 0)], [(1, 2, 2), (2, 1, 3), (0, 2, 1), (2, 2, 2)]]


@pytest.mark.parametrize("shapes", SHAPES, ids=["1-d", "2-d", "3-d"])
@pytest.mark.parametrize("dtype", ["float64", "int8", "string"])
def test_rows_of_any_shape(dtype: str, shapes: list[Any]):
    place = memory()
    rank = len(shapes[0])
    wide = tuple(np.max(shapes, axis=0).tolist())
    fill: Any = "" if dtype == "string" else -1
    dims = ("run", *(f"d{k}" for k in range(rank)))
    doc = ArrayDoc((9, *wide), dtype, dims, (2, *(2,) * rank), fill)
    rows = np.array([0, 1, 4, 8])
    values = [
        np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(object if fill == "" else dtype) for shape in shapes
    ]
    if fill == "":
        values = [np.vectorize(str, otypes=[object])(each) if each.size else each for each in values]
    for some in (slice(0, 2), slice(2, 4), slice(1, 3)):
        write_ragged(place, "z", doc, rows[some], values[some])
    whole = read_whole(place, "z", doc)
    for row, value in zip(rows, values, strict=True):
        np.testing.assert_array_equal(whole[(row, *map(slice, value.shape))], value)
    assert (whole != fill).sum() == sum(value.size for value in values)
    lengths = lengths_of(values, rank)
    assert lengths.shape == ((4,) if rank == 1 else (4, rank))
    cut = whole[rows].copy()
    cut[:] = "-" if fill == "" else 5
    blank(cut, lengths, fill)
    assert (cut != fill).sum() == sum(value.size for value in values)


def test_what_a_dead_writer_left_is_cleared():
    place = memory()
    place.write_many({"results/z/c/0": b"1", "results/z/c.0": b"2", "results/other/c/0": b"3", "results/zz/c/0": b"4"})
    leftovers = Leftovers(place)
    leftovers.clear("results/z")
    leftovers.clear("results/new")
    assert place.list() == ["results/other/c/0", "results/zz/c/0"]


def test_chunks_that_a_dead_writer_left_under_the_other_keys_are_no_data():
    place = memory()
    doc = document()
    write_whole(place, "z", doc, ROWS)
    write_whole(place, "z", doc._replace(keys="."), ROWS + 100)
    some = np.array([0, 3])
    new = relayout(place, "z", doc, doc._replace(fill=-2), some)
    assert new.keys == "."
    expected = np.full_like(ROWS, -2)
    expected[some] = ROWS[some]
    np.testing.assert_array_equal(read_whole(place, "z", new), expected)


@pytest.mark.parametrize("kind", ["numbers", "texts", "arrays", "different parameters"])
def test_readers_of_every_exploration_within_the_hour_see_its_points(kind: str, monkeypatch: pytest.MonkeyPatch):
    place, seen = memory(), []

    def see() -> None:
        snapshot = read_snapshot(place, NAME)
        names = [each.name for each in snapshot.meta.space.coordinates]
        seen.append((snapshot, {name: [encode(each) for each in points(snapshot, name)] for name in names}))

    def points(snapshot: Any, name: str) -> list[Any]:
        return decode_points(read_points(snapshot.place, snapshot.hierarchy, name))

    def of(k: int) -> list[tuple[str, Any]]:
        values: dict[str, Any] = {
            "numbers": [10.0 * k, 10.0 * k + 1, -1.0],
            "texts": [f"{k}", f"{k}{k}", ""],
            "arrays": [np.arange(3.0) * k, np.ones((k + 1, 2)), {"a": k}],
            "different parameters": [10.0 * k, 10.0 * k + 1, -1.0],
        }
        name = "xyz"[k % 3] if kind == "different parameters" else "x"
        return [(name, encode_points(f"parameters.{name}", values[kind], {}))]

    start(place, {"x": [0.5, 1.5]}).lease.release()
    see()
    told = 0
    for k in range(8):
        with open_for_writing(place, NAME) as writer:
            writer.explore(of(k), 3, "list", ())
        see()
        for snapshot, coordinates in seen:
            for name, values in coordinates.items():
                if snapshot.meta.uuid == seen[-1][0].meta.uuid:
                    assert all(map(same_encoded, map(encode, points(snapshot, name)), values))
                    continue
                told += 1
                with pytest.raises(StoreError, match="another one of its name has taken its place"):  # noqa: SIM117
                    with same_points(snapshot):
                        points(snapshot, name)
    assert 0 < told < 36
    monkeypatch.setattr(module.time, "time", lambda: 4e9)
    uuid = seen[-1][0].meta.uuid
    with open_for_writing(place, NAME) as writer:
        writer.explore(of(20), 3, "list", ())
        assert writer.meta.uuid == uuid
