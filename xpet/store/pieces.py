"""What the runs of one batch have under one name, as it is sorted into columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.store.carried import loaded
from xpet.store.fields import Field, PartSpec
from xpet.values import Encoded, Labels, Part
from xpet.values.text import PACKED, to_text

if TYPE_CHECKING:
    from xpet.values.parts import Array


class Piece(NamedTuple):
    """The values of one field in the runs of one batch: for each part an array over the runs, or one value each."""

    entry: Field
    rows: Array
    data: tuple[Array | list[Any], ...]


def text_piece(like: Piece, item: str, codec: str, texts: list[str]) -> Piece:
    """Texts for the runs of a piece, as another item of its leaf."""
    entry = like.entry._replace(
        item=item, codec=codec, version=1, meta="{}", parts=(PartSpec("", "text", "string"),),
        labels=Labels(),
    )  # fmt: skip
    return Piece(entry, like.rows, (texts,))


def packed(piece: Piece) -> Piece:
    """A piece whose values are all texts, one for each whole encoding."""
    entry, meta = piece.entry, json.loads(piece.entry.meta)
    texts = []
    for values in zip(*piece.data, strict=True):
        parts = tuple(
            Part(loaded(value), spec.name, {}, spec.dims) for spec, value in zip(entry.parts, values, strict=True)
        )
        texts.append(to_text(Encoded(entry.codec, parts, entry.version, meta, entry.labels)))
    return text_piece(piece, entry.item, PACKED, texts)


def select(piece: Piece, which: Array) -> Piece:
    """Some of the runs of a piece."""
    import numpy as np

    at = np.flatnonzero(which)
    data = tuple([values[i] for i in at] if isinstance(values, list) else values[at] for values in piece.data)
    return Piece(piece.entry, piece.rows[at], data)


def merged(pieces: Sequence[Piece]) -> tuple[Array, list[Array | list[Any]]]:
    """All rows of some pieces, ascending, and the values of each part in that order."""
    import numpy as np

    if len(pieces) == 1 and bool((np.diff(pieces[0].rows) > 0).all()):
        # large arrays must not be copied for nothing
        return pieces[0].rows, list(pieces[0].data)
    rows = np.concatenate([piece.rows for piece in pieces])
    order = np.argsort(rows, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    data: list[Array | list[Any]] = []
    for parts in zip(*(piece.data for piece in pieces), strict=True):
        if all(isinstance(part, np.ndarray) for part in parts) and len({part.shape[1:] for part in parts}) == 1:
            data.append(_gathered(parts, place))
        else:
            each = [value for part in parts for value in part]
            data.append([each[i] for i in order])
    return rows[order], data


def _gathered(parts: Sequence[Array], place: Array) -> Array:
    """The values of some arrays, each at its place; copied once."""
    import numpy as np

    made = np.empty((len(place), *parts[0].shape[1:]), np.result_type(*(part.dtype for part in parts)))
    start = 0
    for part in parts:
        made[place[start : start + len(part)]] = part
        start += len(part)
    return made
