"""Large arrays in the journal become chunks of columns, without being decoded where that can be.

Their objects are copied, which moves no bytes, and deleted after the fold is published, so that a fold that was cut
off is repeated from where it began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xpet.store.attempts import take
from xpet.store.carried import CHUNKS, Carried
from xpet.store.chunks import chunk_key
from xpet.store.documents import ArrayDoc, Fill
from xpet.store.journal import DAMAGED, PACKETS, discard
from xpet.store.unpacking import Batch, Packet

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def as_chunks(
    value: object, node: str, doc: ArrayDoc, row: int | None = None, spared: bool = False
) -> list[tuple[str, str]] | None:
    """Which objects become which chunks of an array, if a value is a row of it, or all of it; None if none can.

    ``spared``: the fill of the array must be none of the numbers in it.
    """
    at = () if row is None else (row,)
    if not isinstance(value, Carried) or doc.chunks != (*(1 for _ in at), *value.cut):
        return None
    if doc.shape[len(at) :] != value.shape or doc.dtype != value.doc.dtype or (spared and _may_hold(value, doc.fill)):
        return None
    has_rest = any(size % length for size, length in zip(value.shape, value.cut, strict=True))
    # behind the values of an array chunks have its fill
    if has_rest and repr(doc.fill) != repr(value.doc.fill):
        return None
    targets = [f"{node}/{chunk_key(doc, (*at, *index))}" for index in value.indices()]
    return list(zip(value.chunk_keys(), targets, strict=True))


def _may_hold(value: Carried, fill: Fill) -> bool:
    # as plain tools compare them
    return value.ends is None or float(value.ends[0]) <= fill <= float(value.ends[1])  # type: ignore[operator]  # a number


class Arriving:
    """What a fold finds of the arrays that its packets tell of."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sizes: dict[str, int] | None = None

    def whole(self, packet: Packet, complete: Array) -> Packet:
        """A packet without runs that lack chunks and are not complete; damaged if there were such."""
        batches = [self._whole(batch, complete) for batch in packet.batches]
        if all(one is other for one, other in zip(batches, packet.batches, strict=True)):
            return packet
        return packet._replace(batches=tuple(batch for batch in batches if len(batch.runs)), damaged=True)

    def _whole(self, batch: Batch, complete: Array) -> Batch:
        import numpy as np

        kept = np.ones(len(batch.runs), bool)
        for values in _lists(batch):
            for i, value in enumerate(values):
                if isinstance(value, Carried) and not self._is_there(value):
                    run = batch.runs[i]
                    kept[i] &= 0 <= run < len(complete) and complete[run]
        return batch if kept.all() else take(batch, np.flatnonzero(kept))

    def _is_there(self, value: Carried) -> bool:
        if self._sizes is None:
            # all that the packets of this fold tell of was written before them
            self._sizes = self._place.sizes(CHUNKS)
        if not self._is_listed(value, self._sizes):
            # a network's file system may show an older list; what nobody looked at before it does not remember
            self._sizes.update(self._place.sizes(value.node))
        return self._is_listed(value, self._sizes)

    def _is_listed(self, value: Carried, sizes: Mapping[str, int]) -> bool:
        return [sizes.get(key) for key in value.chunk_keys()] == list(value.sizes)


def keys_of_chunks(packets: Sequence[Packet]) -> list[str]:
    """The keys of all chunks that packets tell of."""
    values = {
        value.node: value
        for packet in packets
        for batch in packet.batches
        for some in _lists(batch)
        for value in some
        if isinstance(value, Carried)
    }
    return [key for value in values.values() for key in value.chunk_keys()]


def drop_untold(place: Place) -> None:
    """Delete chunks that no packet tells of, as their worker died before it did; no worker may be left."""
    left = place.list(CHUNKS)
    # what is told of in a packet that waits, or that was damaged and may tell of more than can be read, stays
    if left and not place.list(PACKETS) and not place.list(DAMAGED):
        discard(place, left)


def _lists(batch: Batch) -> Iterator[list[object]]:
    for entry, parts in zip(batch.fields, batch.data, strict=True):
        for spec, values in zip(entry.parts, parts, strict=True):
            if spec.form == "blob" and isinstance(values, list):
                yield values
