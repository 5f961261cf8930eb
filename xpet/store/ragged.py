"""Rows of different shape: padded into an array as wide as the widest, chunk by chunk."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xpet.store.chunks import Keys, chunk_key, decode_chunk, encode_chunk, numpy_dtype
from xpet.store.documents import ArrayDoc, Fill

if TYPE_CHECKING:
    from xpet.values.parts import Array


def write_ragged(place: Keys, node: str, doc: ArrayDoc, rows: Array, data: Sequence[Array]) -> None:
    """Put the array ``data[i]`` into row ``rows[i]``; what it does not reach is fill.

    ``rows`` is ascending without repeats. Only chunks that some row reaches are written: one long row among short ones
    costs its own chunks and no others.
    """
    length = doc.chunks[0]
    numbers = (rows // length).tolist()
    for number, group in itertools.groupby(range(len(numbers)), key=numbers.__getitem__):
        members = list(group)
        widest = [max(data[i].shape[axis] for i in members) for axis in range(len(doc.chunks) - 1)]
        reach = [range(-(-size // n)) for size, n in zip(widest, doc.chunks[1:], strict=True)]
        for index in itertools.product(*reach):
            _write_chunk(place, node, doc, (number, *index), [(int(rows[i]), data[i]) for i in members])


def _write_chunk(
    place: Keys, node: str, doc: ArrayDoc, index: tuple[int, ...], members: Sequence[tuple[int, Array]]
) -> None:
    import numpy as np

    key = f"{node}/{chunk_key(doc, index)}"
    starts = [i * n for i, n in zip(index, doc.chunks, strict=True)]
    found = place.read_many([key])
    chunk = decode_chunk(doc, found[key], key) if key in found else np.full(doc.chunks, doc.fill, numpy_dtype(doc))
    for row, values in members:
        piece = values[tuple(slice(start, start + n) for start, n in zip(starts[1:], doc.chunks[1:], strict=True))]
        target = chunk[row - starts[0]]
        target[...] = doc.fill
        target[tuple(slice(0, size) for size in piece.shape)] = piece
    place.write_many({key: encode_chunk(doc, chunk)})


def lengths_of(data: Sequence[Array], rank: int) -> Array:
    """The shapes of the rows: a number each for rank 1, else ``rank`` numbers each."""
    import numpy as np

    shapes = np.array([values.shape for values in data], np.int64).reshape(len(data), rank)
    return shapes[:, 0] if rank == 1 else shapes


def blank(rows: Array, lengths: Array, fill: Fill) -> None:
    """Make fill of what lies beyond the lengths of each row."""
    import numpy as np

    for axis, sizes in enumerate(lengths.reshape(len(rows), -1).T, start=1):
        shape = [1] * rows.ndim
        shape[0], shape[axis] = -1, rows.shape[axis]
        beyond = (np.arange(rows.shape[axis])[None] >= sizes[:, None]).reshape(shape)
        rows[np.broadcast_to(beyond, rows.shape)] = fill
