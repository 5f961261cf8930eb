"""Chunks that were written for sure: one that is missing was lost, and must not be taken for fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from xpet.store.chunks import Keys, chunk_index, lost, read_rows
from xpet.store.documents import ArrayDoc

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: whether the chunk of an index was written for sure
Must: TypeAlias = Callable[[Sequence[int]], bool]


class Kept:
    """The objects of a place, of which those chunks of an array must be there that were written.

    Parameters
    ----------
    place
        The objects.
    node, doc
        The array.
    must
        Which of its chunks were written.
    """

    def __init__(self, place: Keys, node: str, doc: ArrayDoc, must: Must) -> None:
        self._place = place
        self._node = node
        self._doc = doc
        self._must = must

    def read_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The objects that exist; raises CorruptStoreError if one does not that must."""
        found = self._place.read_many(keys)
        for key in keys:
            if key not in found:
                index = chunk_index(self._doc, key[len(self._node) + 1 :])
                if index is not None and self._must(index):
                    raise lost(self._doc, key)
        return found

    def write_many(self, items: Mapping[str, bytes]) -> None:
        """Write each object whole."""
        self._place.write_many(items)

    def list(self, prefix: str = "") -> Sequence[str]:
        """The keys of all objects below a prefix."""
        return self._place.list(prefix)


def in_rows(doc: ArrayDoc, have: Array) -> Must:
    """The chunks of an array in which one of the rows ``have``, bools along the runs, is."""
    length = doc.chunks[0]
    return lambda index: bool(have[index[0] * length :][:length].any())


def in_ragged_rows(place: Keys, doc: ArrayDoc, have: Array, lengths: str, about: ArrayDoc) -> Must:
    """The same of a ragged array, whose rows reach as far as the array ``lengths`` with the document ``about`` says."""
    kept, in_one = Kept(place, lengths, about, in_rows(about, have)), in_rows(doc, have)

    def must(index: Sequence[int]) -> bool:
        import numpy as np

        if not in_one(index):
            return False
        start = index[0] * doc.chunks[0]
        rows = have[start : start + doc.chunks[0]]
        sizes = read_rows(kept, lengths, about, start, start + len(rows)).reshape(len(rows), -1)
        return bool((rows & (sizes > np.multiply(index[1:], doc.chunks[1:])).all(axis=1)).any())

    return must
