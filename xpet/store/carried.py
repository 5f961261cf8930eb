"""Large arrays that do not travel in packets: their worker writes the chunks, and a fold gives these their place.

A record of the packet says where the chunks are, how the array is cut, and what a fold must know of the values.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.store import layout
from xpet.store.chunks import chunk_key, read_written, write_whole
from xpet.store.documents import DTYPES, ArrayDoc, itemsize
from xpet.store.hierarchy import HIDDEN

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

CHUNKS = f"{HIDDEN}/journal/chunk"
#: the kind of the record that tells of such an array
CARRIED = 6
_CODEC = "blosc"
_LARGEST_CHUNK, _LARGEST = 2**28, 2**50
_SAID = ("number", "node", "shape", "dtype", "cut", "sizes", "check", "ends")


class Cargo(NamedTuple):
    """A large array to be carried: its number in the packets of a worker, its place in a run, its dtype."""

    number: int
    place: tuple[str, str, str]
    dtype: str
    array: Array


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """A large array whose chunks are in the journal.

    Attributes
    ----------
    number
        What run records call it.
    node
        The key below which the chunks are, as if it were an array's.
    shape, dtype
        Those of the value.
    cut
        The shape of a chunk.
    sizes
        How many bytes each chunk has, in C order.
    check
        The CRC-32 of the values, chunk by chunk.
    ends
        Of integers and bools, the least and the greatest one.
    place
        Where the journal is.
    """

    number: int
    node: str
    shape: tuple[int, ...]
    dtype: str
    cut: tuple[int, ...]
    sizes: tuple[int, ...]
    check: int
    ends: tuple[int, int] | None
    place: Place | None = None

    @property
    def nbytes(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * itemsize(self.dtype)

    @property
    def doc(self) -> ArrayDoc:
        """The document that an array of these chunks would have."""
        disk = layout.disk_dtype(self.dtype)
        dims = tuple(f"d{k}" for k in range(len(self.shape)))
        return ArrayDoc(self.shape, disk, dims, self.cut, layout.default_fill(disk))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """The chunks, in C order."""
        return itertools.product(*(range(-(-size // n)) for size, n in zip(self.shape, self.cut, strict=True)))

    def chunk_keys(self) -> list[str]:
        """The keys of the chunks, in the same order."""
        doc = self.doc
        return [f"{self.node}/{chunk_key(doc, index)}" for index in self.indices()]

    def load(self) -> Array:
        """The array."""
        import numpy as np

        assert self.place is not None
        return read_written(self.place, self.node, self.doc).astype(np.dtype(self.dtype), copy=False)

    def may_be(self, other: Carried) -> bool:
        """Whether two arrays may be the same; if not, they are cut otherwise, or not the same."""
        return (self.shape, self.dtype, self.cut, self.check) == (other.shape, other.dtype, other.cut, other.check)

    def payload(self) -> bytes:
        """The record."""
        about = {name: getattr(self, name) for name in _SAID} | {"codec": _CODEC}
        return bytes([CARRIED]) + json.dumps(about, separators=(",", ":")).encode()


def carried_number(payload: memoryview) -> int:
    """The number of the array in a record."""
    return int(json.loads(bytes(payload[1:]))["number"])


def carried_of(payload: memoryview, dtype: str, rank: int, place: Place | None) -> Carried:
    """The array that a record tells of.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it tells of none.
    """
    said: Mapping[str, Any] = json.loads(bytes(payload[1:]))
    shape, cut, sizes = (_naturals(said[name]) for name in ("shape", "cut", "sizes"))
    ends = said["ends"]
    if ends is not None:
        low, high = ends
        ends = int(low), int(high)
    number, node, check = int(said["number"]), str(said["node"]), int(said["check"])
    made = Carried(number, node, shape, dtype, cut, sizes, check, ends, place)
    if (said["codec"], said["dtype"]) != (_CODEC, dtype) or dtype not in DTYPES or not node.startswith(f"{CHUNKS}/"):
        raise ValueError(f"a large array with the codec {said['codec']} and the dtype {said['dtype']} at {node}")
    is_cut = len(shape) == len(cut) == rank and 0 not in (*shape, *cut) and made.nbytes <= _LARGEST
    if not is_cut or math.prod(cut) * itemsize(dtype) > _LARGEST_CHUNK:
        raise ValueError(f"a large array of the shape {shape} in chunks of the shape {cut}")
    if len(sizes) != math.prod(-(-size // n) for size, n in zip(shape, cut, strict=True)):
        raise ValueError(f"a large array of the shape {shape} in {len(sizes)} chunks of the shape {cut}")
    return made


def _naturals(given: Any) -> tuple[int, ...]:
    found = tuple(given)
    if not all(type(each) is int and each >= 0 for each in found):
        raise TypeError(f"{found} where natural numbers were expected")
    return found


def loaded(value: Any) -> Any:
    """A value, in memory if it is one of those that are in the journal."""
    return value.load() if isinstance(value, Carried) else value


def same_bytes(one: Array | Carried, other: Array | Carried) -> bool:
    """Whether two arrays of one dtype are the same, byte for byte."""
    import numpy as np

    if one.shape != other.shape:
        return False
    if isinstance(one, Carried) and isinstance(other, Carried):
        if one.node == other.node:
            return True
        if one.cut == other.cut and one.check != other.check:
            return False
    elif isinstance(other, Carried) and check_of(loaded(one), other) != other.check:
        return False
    a, b = loaded(one), loaded(other)
    a, b = (np.ascontiguousarray(each, a.dtype).reshape(-1).view(np.uint8) for each in (a, b))
    return bool(np.array_equal(a, b))


def check_of(array: Array, like: Carried) -> int:
    """The checksum that an array has if it is cut like another one of its shape."""
    import numpy as np

    check, disk = 0, np.dtype(like.doc.dtype).newbyteorder("<")
    for index in like.indices():
        cut = array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, like.cut, strict=True))]
        check = zlib.crc32(np.ascontiguousarray(cut, disk).reshape(-1).view(np.uint8).data, check)
    return check


class Carrier:
    """Writes the large arrays of a worker into the journal, each before the record that tells of it.

    Parameters
    ----------
    place
        The trajectory.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._worker = uuid.uuid4().hex[:8]
        #: what the present packet tells of: what others tell of is deleted when they are folded
        self._told: dict[tuple[str, str, str], Carried] = {}

    def takes(self, dtype: str, shape: Sequence[int]) -> bool:
        """Whether an array of numbers is one to carry: in a column it has chunks of its own."""
        disk = layout.disk_dtype(dtype)
        return len(shape) > 0 and layout.run_chunk(disk, layout.inner_chunks(disk, shape, ragged=False)) == 1

    def write(self, run: int, attempt: int, cargo: Cargo) -> Carried:
        """Write the chunks of an array, unless the packet tells of the same one in the same place.

        Raises
        ------
        OSError
            They cannot be written, and nothing is left of them.
        """
        node = f"{CHUNKS}/{run:010d}-{attempt:08d}-{self._worker}/{cargo.number}"
        made, last = _described(cargo, node, self._place), self._told.get(cargo.place)
        if last is not None and last.may_be(made) and same_bytes(last, cargo.array):
            made = replace(last, number=cargo.number)
        else:
            weighed = _Weighed(self._place)
            try:
                write_whole(weighed, node, made.doc, cargo.array.view(made.doc.dtype))
            except BaseException:
                with contextlib.suppress(OSError):
                    self._place.delete(weighed.sizes)
                raise
            made = replace(made, sizes=tuple(weighed.sizes.values()))
        self._told[cargo.place] = made
        return made

    def renew(self) -> None:
        """What follows is in another packet."""
        self._told.clear()


def _described(cargo: Cargo, node: str, place: Place) -> Carried:
    array, disk = cargo.array, layout.disk_dtype(cargo.dtype)
    cut = layout.inner_chunks(disk, array.shape, ragged=False)
    ends = (int(array.min()), int(array.max())) if layout.is_integer(disk) else None
    made = Carried(cargo.number, node, array.shape, cargo.dtype, cut, (), 0, ends, place)
    return replace(made, check=check_of(array, made))


class _Weighed:
    """A place that is written to, and how many bytes that was by key."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.sizes: dict[str, int] = {}

    def read_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The objects that exist."""
        return self._place.read_many(keys)

    def write_many(self, items: Mapping[str, bytes]) -> None:
        """Write each object whole."""
        self.sizes.update({key: len(data) for key, data in items.items()})
        self._place.write_many(items)

    def list(self, prefix: str = "") -> Sequence[str]:
        """The keys of all objects below a prefix."""
        return self._place.list(prefix)
