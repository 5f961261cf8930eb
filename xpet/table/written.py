"""Which chunks of a trajectory must be there, because something of a complete run was written into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpet.store.chunks import Touched, read_whole
from xpet.store.columns import Column, PartNode, read_columns
from xpet.store.documents import ArrayDoc
from xpet.store.hierarchy import RUN, name_of
from xpet.store.kept import Kept, in_ragged_rows, in_rows
from xpet.store.snapshot import Snapshot


class Written:
    """Tells whether a chunk that is not there was lost."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._place = snapshot.place
        self._docs = snapshot.hierarchy
        self._complete = snapshot.complete
        self._parts: dict[str, tuple[Column, int, PartNode]] = {}
        for column in read_columns(snapshot.hierarchy).values():
            for variant in column.variants:
                for part in variant.parts:
                    self._parts[part.node] = self._parts[part.lengths or part.node] = (column, variant.number, part)

    def has(self, node: str, index: Sequence[int]) -> bool:
        """Whether a chunk of an array was written for sure."""
        doc = self._docs.array(node)
        if not doc.shape:
            return False
        if doc.dims[0] != RUN or name_of(node) == RUN or "parameter" in doc.xpet:
            return True
        if node not in self._parts:
            # The table has texts of errors only where there are some.
            return name_of(node) != "run_error" and in_rows(doc, self._complete)(index)
        column, number, part = self._parts[node]
        have = self._complete
        if column.which is not None:
            about = self._docs.array(column.which)
            kept = Kept(self._place, column.which, about, in_rows(about, have))
            have = have & (read_whole(kept, column.which, about) == number)
        if part.lengths in (None, node):
            return in_rows(doc, have)(index)
        return in_ragged_rows(self._place, doc, have, part.lengths, self._docs.array(part.lengths))(index)


def touched(doc: ArrayDoc, key: Sequence[Any]) -> Touched:
    """The chunks along each dimension that an outer key of ints, slices and arrays of ints asks for."""
    return [_along(size, length, one) for size, length, one in zip(doc.shape, doc.chunks, key, strict=True)]


def _along(size: int, length: int, key: Any) -> range | set[int]:
    if not isinstance(key, slice):
        return set((np.atleast_1d(key) % max(size, 1) // length).tolist())
    asked = range(size)[key]
    if not asked:
        return range(0)
    first, last = sorted((asked[0], asked[-1]))
    return range(first // length, last // length + 1)
