"""Rows read one after the other: each chunk is read once, and what is handed out is the reader's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixtures_columns import memory

from xpet.errors import CorruptStoreError
from xpet.store import recent
from xpet.store.chunks import read_row, write_rows
from xpet.store.documents import ArrayDoc
from xpet.store.layout import default_fill
from xpet.store.recent import Recent


class Counting:
    """Objects that count what is read of them."""

    def __init__(self) -> None:
        self.place, self.read = memory(), list[str]()

    def read_many(self, keys: Any) -> Any:
        self.read += keys
        return self.place.read_many(keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.place, name)


def stored(dtype: str, inner: tuple[int, ...], chunks: tuple[int, ...], n: int = 10) -> tuple[Any, ArrayDoc, Any]:
    size = n * int(np.prod(inner))
    data = np.arange(size).astype(dtype) if dtype != "string" else np.array([f"t{k}\0" for k in range(size)], object)
    data = data.reshape((n, *inner))
    dims = ("run", *(f"d{k}" for k in range(len(inner))))
    doc = ArrayDoc((n, *inner), dtype, dims, chunks, default_fill(dtype), {}, {})
    place = Counting()
    write_rows(place, "a", doc, np.arange(n), data)
    place.read.clear()
    return place, doc, data


@pytest.mark.parametrize("dtype", ["float64", "int8", "complex128", "string"])
@pytest.mark.parametrize(
    ("inner", "chunks", "asked"),
    [((), (4,), ()), ((3,), (4, 3), (3,)), ((3,), (4, 5), (2,)), ((2, 3), (4, 2, 2), (2, 3)), ((3,), (1, 3), (3,)),
     ((3,), (4, 3), (0,))],
    ids=["scalars", "rows", "short rows", "rows of several chunks", "a chunk each", "empty rows"],
)  # fmt: skip
def test_a_row_is_what_it_is_when_read_alone(dtype, inner, chunks, asked):
    place, doc, data = stored(dtype, inner, chunks)
    recently = Recent(place)
    for row in [*range(10), 0, 9]:
        found, alone = recently.row("a", doc, row, asked), read_row(place, "a", doc, row, asked)
        assert (found.dtype, found.dtype.byteorder, found.shape) == (alone.dtype, alone.dtype.byteorder, alone.shape)
        assert found.tolist() == alone.tolist() == data[row : row + 1, *map(slice, asked)].reshape(asked).tolist()


def test_each_chunk_is_read_once_and_anew_when_all_is_forgotten():
    place, doc, _ = stored("float64", (), (4,))
    recently = Recent(place)
    for row in range(10):
        recently.row("a", doc, row, ())
    assert place.read == ["a/c/0", "a/c/1", "a/c/2"]
    recently.row("a", doc, 9, ())
    recently.forget()
    recently.row("a", doc, 9, ())
    assert place.read[3:] == ["a/c/2"]


def test_who_changes_a_row_changes_no_other_reading_of_it():
    place, doc, data = stored("float64", (3,), (4, 3))
    recently = Recent(place)
    recently.row("a", doc, 1, (3,))[:] = -1
    assert recently.row("a", doc, 1, (3,)).tolist() == data[1].tolist()


@pytest.mark.parametrize(("dtype", "most"), [("float64", 40), ("string", 70)])
def test_what_is_kept_is_limited(monkeypatch, dtype, most):
    place, doc, data = stored(dtype, (), (4,))
    monkeypatch.setattr(recent, "MOST_BYTES", most)
    recently = Recent(place)
    write_rows(place, "b", doc, np.arange(10), data)
    place.read.clear()
    for node in ("a", "a", "b", "b", "a"):
        recently.row(node, doc, 0, ())
    assert place.read == ["a/c/0", "b/c/0", "a/c/0"]


def test_a_chunk_that_was_lost_is_named():
    place, doc, _ = stored("float64", (), (4,))
    place.delete(["a/c/1"])
    with pytest.raises(CorruptStoreError, match="the chunk of runs 4 to 7 is missing"):
        Recent(place).row("a", doc._replace(), 5, ())
