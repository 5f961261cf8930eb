"""Chunks: their keys, their bytes, and reading and writing rows of an array through them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from xpet.errors import CorruptStoreError
from xpet.store.documents import ArrayDoc, itemsize

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array


class Keys(Protocol):
    """What is needed of a place."""

    def read_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The objects that exist."""
        ...

    def write_many(self, items: Mapping[str, bytes]) -> None:
        """Write each object whole."""
        ...


def numpy_dtype(doc: ArrayDoc) -> np.dtype[Any]:
    """The dtype of an array in memory: texts are objects."""
    import numpy as np

    return np.dtype(object if doc.dtype == "string" else doc.dtype)


def chunk_key(doc: ArrayDoc, index: Sequence[int]) -> str:
    """The key of a chunk below its array."""
    if doc.keys == "v2":
        return ".".join(map(str, index)) or "0"
    return doc.keys.join(("c", *map(str, index)))


def encode_chunk(doc: ArrayDoc, chunk: Array) -> bytes:
    """The bytes of a whole chunk."""
    if doc.dtype == "string":
        from numcodecs import Zstd
        from numcodecs.vlen import VLenUTF8

        return bytes(Zstd(1).encode(VLenUTF8().encode(chunk.ravel())))
    import numpy as np
    from numcodecs import blosc

    flat = np.ascontiguousarray(chunk, np.dtype(doc.dtype).newbyteorder("<"))
    return bytes(blosc.compress(flat.reshape(-1), b"lz4", 5, blosc.SHUFFLE))


def decode_chunk(doc: ArrayDoc, data: bytes, key: str) -> Array:
    """A chunk from its bytes, writable; ``key`` is for errors."""
    import numpy as np

    try:
        if doc.dtype == "string":
            from numcodecs import Zstd
            from numcodecs.vlen import VLenUTF8

            packed = Zstd().decode(data)
            # The codecs believe what the bytes claim, so that the claims are checked first.
            _expect(int.from_bytes(packed[:4], "little"), math.prod(doc.chunks), "texts")
            texts: Array = VLenUTF8().decode(packed)
            return texts.reshape(doc.chunks)
        from numcodecs import blosc

        size = itemsize(doc.dtype) * math.prod(doc.chunks)
        _expect(int.from_bytes(data[4:8], "little"), size, "bytes")
        _expect(len(data), int.from_bytes(data[12:16], "little"), "compressed bytes")
        raw = blosc.decompress(data)
        _expect(len(raw), size, "bytes")
        return np.frombuffer(bytearray(raw), np.dtype(doc.dtype).newbyteorder("<")).reshape(doc.chunks)
    except (ValueError, RuntimeError, TypeError) as error:
        raise CorruptStoreError(f"{key}: the chunk is damaged ({error}); {_ADVICE}") from error


_ADVICE = "bring it back from a copy, or start the trajectory again with if_exists='overwrite'"


def _expect(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise ValueError(f"{found} {what} instead of {wanted}")


def _empty(doc: ArrayDoc) -> Array:
    import numpy as np

    return np.full(doc.chunks, doc.fill, numpy_dtype(doc))


_Cut = tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]


def _inner(doc: ArrayDoc, inner: Sequence[int]) -> Iterator[_Cut]:
    """The chunks that hold the first ``inner`` items of each inner dimension: index, place there, place in the data."""
    grids = [range(-(-size // length)) for size, length in zip(inner, doc.chunks[1:], strict=True)]
    for index in itertools.product(*grids):
        there, here = [], []
        for i, size, length in zip(index, inner, doc.chunks[1:], strict=True):
            stop = min(size, (i + 1) * length)
            here.append(slice(i * length, stop))
            there.append(slice(0, stop - i * length))
        yield index, tuple(there), tuple(here)


def write_rows(place: Keys, node: str, doc: ArrayDoc, rows: Array, data: Array) -> None:
    """Put ``data[i]`` into row ``rows[i]`` of an array whose first dimension is the run.

    ``rows`` is ascending without repeats; ``data`` may be shorter than the array along inner dimensions, whose rest
    becomes fill. Chunks that ``rows`` cover are written without being read.
    """
    import numpy as np

    length = doc.chunks[0]
    numbers = rows // length
    bounds = np.flatnonzero(np.diff(numbers)) + 1
    # One row-chunk at a time, so that memory does not grow with the number of runs.
    for start, stop in zip([0, *bounds.tolist()], [*bounds.tolist(), len(rows)], strict=True):
        number = int(numbers[start])
        local = rows[start:stop] - number * length
        covered = stop - start == min(length, doc.shape[0] - number * length)
        plan = {f"{node}/{chunk_key(doc, (number, *i))}": here for i, _, here in _inner(doc, doc.shape[1:])}
        for some in _few(plan.items()):
            old: Mapping[str, bytes] = {} if covered else place.read_many([key for key, _ in some])
            out = {}
            for key, here in some:
                chunk = decode_chunk(doc, old[key], key) if key in old else _empty(doc)
                chunk[local] = doc.fill
                source = data[(slice(start, stop), *here)]
                target: tuple[Any, ...] = (local, *(slice(0, size) for size in source.shape[1:]))
                chunk[target] = source
                out[key] = encode_chunk(doc, chunk)
            place.write_many(out)


def _few(plan: Iterable[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """A few chunks at a time: a large run must not be in memory a second time, compressed."""
    rest = iter(plan)
    while some := list(itertools.islice(rest, 16)):
        yield some


def write_whole(place: Keys, node: str, doc: ArrayDoc, data: Array) -> None:
    """Write an array of any rank, chunk by chunk."""
    grids = [range(-(-size // length)) for size, length in zip(doc.shape, doc.chunks, strict=True)]
    for index in itertools.product(*grids):
        cut = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, doc.chunks, strict=True))
        source = data[cut] if cut else data
        chunk = source
        if source.shape != doc.chunks:
            chunk = _empty(doc)
            chunk[tuple(slice(0, size) for size in source.shape)] = source
        place.write_many({f"{node}/{chunk_key(doc, index)}": encode_chunk(doc, chunk)})


def read_rows(place: Keys, node: str, doc: ArrayDoc, start: int, stop: int) -> Array:
    """Rows ``start`` to ``stop`` of an array; reads only the chunks they are in."""
    return _read(place, node, doc, start, stop, doc.shape[1:])


def read_row(place: Keys, node: str, doc: ArrayDoc, row: int, inner: tuple[int, ...]) -> Array:
    """The first ``inner`` items of each inner dimension of one row that was written, 0-d for a scalar.

    Reads only their chunks; one that is missing was lost.
    """
    # Reshaped, not indexed: a text that leaves its array would come back without the NULs at its end.
    return _read(_Written(place), node, doc, row, row + 1, inner).reshape(inner)


class _Written:
    """A place of which no chunk may be missing, as they are known to have been written."""

    def __init__(self, place: Keys) -> None:
        self._place = place

    def read_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """All of the objects."""
        found = self._place.read_many(keys)
        lost = set(keys) - found.keys()
        if lost:
            raise CorruptStoreError(f"{min(lost)}: the chunk is missing; {_ADVICE}")
        return found


def _read(
    place: Keys | _Written, node: str, doc: ArrayDoc, start: int, stop: int, inner: tuple[int, ...]
) -> Array:
    import numpy as np

    out = np.full((stop - start, *inner), doc.fill, numpy_dtype(doc))
    length = doc.chunks[0]
    for number in range(start // length, -(-stop // length)):
        first, last = max(start, number * length), min(stop, (number + 1) * length)
        plan = {f"{node}/{chunk_key(doc, (number, *i))}": (there, here) for i, there, here in _inner(doc, inner)}
        for key, data in place.read_many(list(plan)).items():
            there, here = plan[key]
            chunk = decode_chunk(doc, data, key)
            rows = slice(first - number * length, last - number * length)
            out[(slice(first - start, last - start), *here)] = chunk[(rows, *there)]
    return out


def read_whole(place: Keys, node: str, doc: ArrayDoc) -> Array:
    """A whole array of any rank."""
    import numpy as np

    if not doc.shape:
        # A 0-d array without a chunk is its fill value.
        data = place.read_many([f"{node}/{chunk_key(doc, ())}"])
        for key, raw in data.items():
            return decode_chunk(doc, raw, key)
        return np.array(doc.fill, numpy_dtype(doc))
    return read_rows(place, node, doc, 0, doc.shape[0])
