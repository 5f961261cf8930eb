"""Chunks: their keys, their bytes, and reading and writing rows of an array through them."""

from __future__ import annotations

import itertools
import math
import re
import struct
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from xpet.errors import CorruptStoreError
from xpet.store import blosc
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

    def list(self, prefix: str = "") -> Sequence[str]:
        """The keys of all objects below a prefix."""
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


def key_form(key: str) -> str:
    """How the key of a chunk below its array is written; ``''`` if it is none."""
    return key[1:2] or "/" if key.startswith("c") else "v2" if key[:1].isdigit() else ""


def encode_chunk(doc: ArrayDoc, chunk: Array) -> bytes:
    """The bytes of a whole chunk, of which ``chunk`` are all rows or the first; the others are fill."""
    if doc.dtype == "string":
        from numcodecs import Zstd
        from numcodecs.vlen import VLenUTF8

        packed = VLenUTF8().encode(_filled(doc, chunk).ravel())
        data = bytes(Zstd(1).encode(packed))
        # Readers refuse what is too small for what it claims to hold; a skippable frame makes it large enough.
        lacking = -(-(len(packed) - _FREE_BYTES) // _RATIO) - len(data)
        return data + struct.pack("<II", _SKIPPED, lacking) + bytes(lacking) if lacking > 0 else data
    import numpy as np

    flat = np.ascontiguousarray(chunk, _little_endian(doc.dtype)).reshape(-1)
    if chunk.shape == doc.chunks:
        return blosc.compress(flat)
    return blosc.compress_filled(flat, doc.fill, math.prod(doc.chunks))


def decode_chunk(doc: ArrayDoc, data: bytes, key: str) -> Array:
    """A chunk from its bytes, writable; ``key`` is for errors."""
    try:
        if doc.dtype == "string":
            from numcodecs.vlen import VLenUTF8

            texts: Array = VLenUTF8().decode(_unpacked(doc, data))
            return texts.reshape(doc.chunks)
        return blosc.decompress(data, doc.chunks, _little_endian(doc.dtype), _check_numbers(doc, data))
    except _DAMAGE as error:
        raise _damaged(doc, key, error) from error


@cache
def _little_endian(dtype: str) -> np.dtype[Any]:
    """The dtype of an array as its chunks have it."""
    import numpy as np

    return np.dtype(dtype).newbyteorder("<")


def check_chunk(doc: ArrayDoc, data: bytes, key: str) -> None:
    """Refuse a chunk that claims to hold more, or other, than its document says, before anybody believes it."""
    try:
        if doc.dtype == "string":
            _unpacked(doc, data)
        else:
            _check_numbers(doc, data)
    except _DAMAGE as error:
        raise _damaged(doc, key, error) from error


def is_encoded(data: bytes) -> bool:
    """Whether some bytes are, by their head, those of a chunk as :func:`encode_chunk` makes it."""
    return blosc.is_frame(data) or int.from_bytes(data[:4], "little") == _ZSTD


_DAMAGE = (ValueError, RuntimeError, TypeError, MemoryError)
_ADVICE = "bring it back from a copy, or start the trajectory again with if_exists='overwrite'"
#: texts may take as much memory as this, and as this for each compressed byte
_FREE_BYTES, _RATIO = 2**26, 256
_ZSTD, _SKIPPED = 0xFD2FB528, 0x184D2A50


def chunk_index(doc: ArrayDoc, key: str) -> tuple[int, ...] | None:
    """Which chunk has a key below its array; None if it is none that this document speaks of."""
    index = tuple(map(int, re.findall(r"\d+", key)))
    return index if key_form(key) == doc.keys and len(index) == len(doc.shape) else None


def lost(doc: ArrayDoc, key: str) -> CorruptStoreError:
    """What to raise for a chunk that was written and is not there."""
    return CorruptStoreError(f"{key}: the chunk{_runs_of(doc, key)} is missing; {_ADVICE}")


def _damaged(doc: ArrayDoc, key: str, error: Exception) -> CorruptStoreError:
    return CorruptStoreError(f"{key}: the chunk{_runs_of(doc, key)} is damaged ({error}); {_ADVICE}")


def _runs_of(doc: ArrayDoc, key: str) -> str:
    found = re.search(r"/(?:c[./])?(\d+)[0-9./]*$", key)
    if not found or doc.dims[:1] != ("run",):
        return ""
    first = int(found[1]) * doc.chunks[0]
    return f" of runs {first} to {min(first + doc.chunks[0], doc.shape[0]) - 1}"


def _expect(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise ValueError(f"{found} {what} instead of {wanted}")


def _check_numbers(doc: ArrayDoc, data: bytes) -> int:
    """The size that a chunk of numbers has, and says that it has."""
    size = itemsize(doc.dtype) * math.prod(doc.chunks)
    _expect(blosc.size_of(data), size, "bytes")
    return size


def _unpacked(doc: ArrayDoc, data: bytes) -> bytes:
    """The texts of a chunk behind each other; the codecs believe what the bytes claim, so that is checked first."""
    from numcodecs import Zstd

    size, most = _frame_size(data), _FREE_BYTES + _RATIO * len(data)
    if size > most:
        raise ValueError(f"{size} bytes in {len(data)} compressed ones, where at most {most} can be")
    packed = bytes(Zstd().decode(data))
    _expect(len(packed), size, "bytes")
    _expect(int.from_bytes(packed[:4], "little"), math.prod(doc.chunks), "texts")
    return packed


def _frame_size(data: bytes) -> int:
    """The size that the frame of Zstandard in ``data`` has when it is unpacked (RFC 8878, 3.1.1.1)."""
    head = data[4] if int.from_bytes(data[:4], "little") == _ZSTD and len(data) > 4 else 0
    single = head & 0x20
    width = (1 if single else 0, 2, 4, 8)[head >> 6]
    start = 5 + (not single) + (0, 1, 2, 4)[head & 3]
    if not width or len(data) < start + width:
        raise ValueError("no frame of Zstandard that says its size")
    return int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)


def _empty(doc: ArrayDoc) -> Array:
    import numpy as np

    return np.full(doc.chunks, doc.fill, numpy_dtype(doc))


def _filled(doc: ArrayDoc, chunk: Array) -> Array:
    """A chunk with fill where it lacks something along some dimensions."""
    if chunk.shape == doc.chunks:
        return chunk
    whole = _empty(doc)
    whole[tuple(slice(0, size) for size in chunk.shape)] = chunk
    return whole


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


def write_rows(
    place: Keys, node: str, doc: ArrayDoc, rows: Array, data: Array | list[Array], have: Array | None = None
) -> None:
    """Put ``data[i]`` into row ``rows[i]`` of an array whose first dimension is the run.

    ``rows`` is ascending without repeats; ``data`` may be shorter than the array along inner dimensions, whose rest
    becomes fill. If it is a list, its arrays have one shape. Chunks that ``rows`` cover are written without being read.
    ``have`` tells which rows were written before, as bools: a chunk with such rows that is not there was lost, and must
    not become fill.
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
            before = _Written(place, doc) if have is not None and have[number * length :][:length].any() else place
            old: Mapping[str, bytes] = {} if covered else before.read_many([key for key, _ in some])
            out = {}
            for key, here in some:
                source = _some_rows(data, start, stop, here)
                first = key not in old and local[-1] == len(local) - 1
                if first and source.shape[1:] == doc.chunks[1:]:
                    out[key] = encode_chunk(doc, source)
                    continue
                chunk = decode_chunk(doc, old[key], key) if key in old else _empty(doc)
                chunk[local] = doc.fill
                target: tuple[Any, ...] = (local, *(slice(0, size) for size in source.shape[1:]))
                chunk[target] = source
                out[key] = encode_chunk(doc, chunk)
            place.write_many(out)


def _some_rows(data: Array | list[Array], start: int, stop: int, here: tuple[slice, ...]) -> Array:
    """Some rows, cut along the inner dimensions; a copy only where several arrays become one."""
    import numpy as np

    if isinstance(data, np.ndarray):
        return data[(slice(start, stop), *here)]
    return data[start][here][None] if stop == start + 1 else np.stack([row[here] for row in data[start:stop]])


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
        chunk = source if source.shape[1:] == doc.chunks[1:] else _filled(doc, source)
        place.write_many({f"{node}/{chunk_key(doc, index)}": encode_chunk(doc, chunk)})


def read_rows(place: Keys, node: str, doc: ArrayDoc, start: int, stop: int) -> Array:
    """Rows ``start`` to ``stop`` of an array; reads only the chunks they are in."""
    return _read(place, node, doc, start, stop, doc.shape[1:])


def read_row(place: Keys, node: str, doc: ArrayDoc, row: int, inner: tuple[int, ...]) -> Array:
    """The first ``inner`` items of each inner dimension of one row that was written, 0-d for a scalar.

    Reads only their chunks; one that is missing was lost.
    """
    check_reach(place, node, doc, math.prod(inner))
    # Reshaped, not indexed: a text that leaves its array would come back without the NULs at its end.
    return _read(_Written(place, doc), node, doc, row, row + 1, inner).reshape(inner)


def read_chunk(place: Keys, node: str, doc: ArrayDoc, number: int) -> Array:
    """The first chunk along the inner dimensions, of the rows that are in chunk ``number``; missing, it was lost."""
    key = f"{node}/{chunk_key(doc, (number, *(0 for _ in doc.chunks[1:])))}"
    return decode_chunk(doc, _Written(place, doc).read_many([key])[key], key)


class _Written:
    """A place of which no chunk may be missing, as they are known to have been written."""

    def __init__(self, place: Keys, doc: ArrayDoc) -> None:
        self._place = place
        self._doc = doc

    def read_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """All of the objects."""
        found = self._place.read_many(keys)
        missing = set(keys) - found.keys()
        if missing:
            raise lost(self._doc, min(missing))
        return found


def _read(place: Keys | _Written, node: str, doc: ArrayDoc, start: int, stop: int, inner: tuple[int, ...]) -> Array:
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


def check_reach(place: Keys, node: str, doc: ArrayDoc, n_items: int) -> None:
    """Refuse to make room for very many items of an array whose chunks do not reach as far as its shape does.

    The widest row was written, so that along each dimension but the run there is a chunk at the end.
    """
    if n_items * (16 if doc.dtype == "string" else itemsize(doc.dtype)) <= _FREE_BYTES:
        return
    found = [index for key in place.list(node) if (index := chunk_index(doc, key[len(node) + 1 :])) is not None]
    for axis, (dim, size, length) in enumerate(zip(doc.dims, doc.shape, doc.chunks, strict=True)):
        reach = length * max((index[axis] + 1 for index in found), default=0)
        if reach < size and dim != "run":
            raise CorruptStoreError(
                f"{node}: its shape is {doc.shape} by its document, but along {dim!r} there are only the first {reach} "
                f"items; {_ADVICE}"
            )


def find_damage(place: Keys, node: str, doc: ArrayDoc, touched: Touched) -> None:
    """Raise what is wrong with the first damaged one of some chunks of an array, if one is."""
    for key in place.list(node):
        if is_touched(chunk_index(doc, key[len(node) + 1 :]), touched):
            for data in place.read_many([key]).values():
                decode_chunk(doc, data, key)


#: along each dimension the numbers of chunks
Touched: TypeAlias = Sequence[Container[int]]


def is_touched(index: Sequence[int] | None, touched: Touched) -> bool:
    """Whether a chunk is among some."""
    return index is not None and all(i in some for i, some in zip(index, touched, strict=True))


def read_whole(place: Keys, node: str, doc: ArrayDoc) -> Array:
    """A whole array of any rank."""
    import numpy as np

    if not doc.shape:
        # A 0-d array without a chunk is its fill value.
        data = place.read_many([f"{node}/{chunk_key(doc, ())}"])
        for key, raw in data.items():
            return decode_chunk(doc, raw, key)
        return np.array(doc.fill, numpy_dtype(doc))
    check_reach(place, node, doc, math.prod(doc.shape))
    return read_rows(place, node, doc, 0, doc.shape[0])


def read_written(place: Keys, node: str, doc: ArrayDoc, start: int = 0) -> Array:
    """The rows from ``start`` on of an array all of which was written; a chunk that is missing was lost."""
    check_reach(place, node, doc, max(0, doc.shape[0] - start) * math.prod(doc.shape[1:]))
    return _read(_Written(place, doc), node, doc, start, doc.shape[0], doc.shape[1:])
