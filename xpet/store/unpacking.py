"""Reading packets: whatever is whole in them, and nothing else.

What a crash or a bad disk did to a packet must cost no more than the records it hit, so that nothing here raises.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.errors import logger
from xpet.store.blobs import BLOB, FRAME, array_of, number_of
from xpet.store.carried import CARRIED, Carried, carried_number, carried_of
from xpet.store.fields import Field, PartSpec
from xpet.store.packets import COUNT, FAIL_HEAD, FAILED, HEAD, RUN, RUN_HEAD, SCHEMA, VERSION

if TYPE_CHECKING:
    import numpy as np

    from xpet.store.place import Place
    from xpet.values.parts import Array

#: arrays of fewer bytes are stacked at once, larger ones not before there is a chunk of them
_SMALL = 512
_ERRORS = (KeyError, ValueError, TypeError, OverflowError, RecursionError, OSError, AttributeError, struct.error)


class Batch(NamedTuple):
    """All complete runs of one schema in one packet: scalars as arrays over the runs, the rest run by run."""

    fields: tuple[Field, ...]
    runs: Array
    attempts: Array
    started: Array
    duration: Array
    #: per field, per part: an array over the runs (scalars, small arrays of one shape), or a list of arrays or texts
    data: tuple[tuple[Array | list[Any], ...], ...]


class Failure(NamedTuple):
    """A failed run."""

    run: int
    attempt: int
    started: float
    duration: float
    error: str


class Packet(NamedTuple):
    """What a packet holds.

    ``torn`` if its end was cut off, ``damaged`` if something before it cannot be read. ``trajectory`` is the uuid of
    the one it is of, empty if it does not say; ``version`` is that of its layout.
    """

    batches: tuple[Batch, ...]
    failures: tuple[Failure, ...]
    torn: bool
    damaged: bool
    trajectory: str = ""
    version: int = VERSION


def records(data: bytes) -> Iterator[memoryview | None]:
    """The payloads of the records in ``data``; None for one that is damaged, and at the end if that was cut off."""
    view, at = memoryview(data), 0
    while at < len(view):
        payload, end = _record(view, at)
        # If its length is right, what follows it is whole.
        if payload is None and (end >= len(view) or _record(view, end)[0] is None):
            end = len(view)
        yield payload
        at = end


def _record(view: memoryview, at: int) -> tuple[memoryview | None, int]:
    if at + FRAME.size > len(view):
        return None, len(view)
    length, check = FRAME.unpack_from(view, at)
    start = at + FRAME.size
    payload = view[start : start + length]
    whole = 0 < length == len(payload) and zlib.crc32(payload) == check
    return (payload if whole else None), start + length


def finished_runs(data: bytes) -> dict[int, str | None]:
    """The runs that a packet records: None for a complete one, the error for a failed one."""
    out: dict[int, str | None] = {}
    for payload in records(data):
        if payload is None:
            continue
        if payload[0] == RUN and len(payload) >= RUN_HEAD.size:
            out[RUN_HEAD.unpack_from(payload)[2]] = None
        elif payload[0] == FAILED and len(payload) >= FAIL_HEAD.size:
            out[FAIL_HEAD.unpack_from(payload)[1]] = _text(payload[FAIL_HEAD.size :])
    return out


def read_packet(data: bytes, place: Place | None = None) -> Packet:
    """What a packet holds, as far as it is whole; ``place`` has what is only named in it."""
    found = _Sorted(place)
    n_bad = 0
    torn = False
    for payload in records(data):
        torn = payload is None
        try:
            n_bad += payload is None or not found.add(payload)
        except _ERRORS as error:
            logger(__name__).debug("a record cannot be read: %r", error)
            n_bad += 1
    batches = []
    for fields, rows in found.rows:
        whole = rows
        try:
            batches.extend([_batch(fields, rows, found.large)] if rows else [])
        except _ERRORS as error:
            logger(__name__).debug("not all runs of a schema can be read: %r", error)
            whole = [row for row in rows if _is_whole(fields, row, found.large)]
            batches.extend([_batch(fields, whole, found.large)] if whole else [])
        n_bad += len(rows) - len(whole)
    return Packet(tuple(batches), tuple(found.failures), torn, n_bad > torn, found.trajectory, found.version)


class _Large:
    """The large arrays of a packet: one object for all runs that have it."""

    def __init__(self, place: Place | None) -> None:
        self._place = place
        self._found: dict[int, memoryview] = {}
        self._made: dict[tuple[int, str], Array | Carried] = {}

    def add(self, payload: memoryview) -> None:
        number = carried_number(payload) if payload[0] == CARRIED else number_of(payload)
        self._found[number] = payload

    def get(self, number: int, spec: PartSpec) -> Array | Carried:
        """An array; raises KeyError if its record was lost."""
        made = self._made.get((number, spec.dtype))
        if made is None:
            found = self._found[number]
            if found[0] == CARRIED:
                made = carried_of(found, spec.dtype, spec.rank, self._place)
            else:
                made = array_of(found, spec.dtype, spec.rank)
            self._made[number, spec.dtype] = made
        return made


class _Sorted:
    """Records by what they are: the runs of each schema, and failures."""

    def __init__(self, place: Place | None) -> None:
        self.rows: list[tuple[tuple[Field, ...], list[memoryview]]] = []
        self.failures: list[Failure] = []
        self._of_schema: dict[int, list[memoryview]] = {}
        self.large = _Large(place)
        self.trajectory, self.version = "", VERSION

    def add(self, payload: memoryview) -> bool:
        """Take a record; False if nothing says what is in it."""
        kind = payload[0]
        if kind == HEAD:
            said = json.loads(bytes(payload[1:]))
            self.trajectory, self.version = str(said.get("trajectory", "")), int(said["packet"])
        elif kind == RUN:
            rows = self._of_schema.get(RUN_HEAD.unpack_from(payload)[1])
            if rows is None:
                return False
            rows.append(payload)
        elif kind == SCHEMA:
            fields = tuple(Field.from_json(entry) for entry in json.loads(bytes(payload[5:])))
            rows = self._of_schema[int.from_bytes(payload[1:5], "little")] = []
            self.rows.append((fields, rows))
        elif kind in (BLOB, CARRIED):
            self.large.add(payload)
        elif kind == FAILED:
            _, run, attempt, started, duration = FAIL_HEAD.unpack_from(payload)
            self.failures.append(Failure(run, attempt, started, duration, _text(payload[FAIL_HEAD.size :])))
        return True


def _text(payload: memoryview) -> str:
    return str(payload, "utf-8", "replace")


def _is_whole(fields: tuple[Field, ...], row: memoryview, large: _Large) -> bool:
    try:
        _batch(fields, [row], large)
    except _ERRORS:
        return False
    return True


def _batch(fields: tuple[Field, ...], found: Sequence[memoryview], large: _Large) -> Batch:
    import numpy as np

    scalars = [spec for entry in fields for spec in entry.parts if spec.form == "scalar"]
    row = np.dtype(
        [("kind", "u1"), ("schema", "<u4"), ("run", "<i8"), ("attempt", "<i8"), ("started", "<f8"), ("duration", "<f8")]
        + [(f"s{i}", np.dtype(spec.dtype).newbyteorder("<")) for i, spec in enumerate(scalars)]
    )
    head = np.frombuffer(b"".join([payload[: row.itemsize] for payload in found]), row)
    cursors = [row.itemsize] * len(found)
    data: list[tuple[Array | list[Any], ...]] = []
    at = 0
    for entry in fields:
        parts: list[Array | list[Any]] = []
        for spec in entry.parts:
            if spec.form == "scalar":
                parts.append(head[f"s{at}"].copy())
                at += 1
            else:
                take = _take(spec)
                column = [take(payload, cursors, i, spec) for i, payload in enumerate(found)]
                if spec.form == "blob":
                    column = [large.get(number, spec) for number in column]
                is_small = spec.form == "array" and column[0].nbytes < _SMALL
                same = is_small and len({value.shape for value in column}) == 1
                parts.append(np.stack(column) if same else column)
        data.append(tuple(parts))
    return Batch(
        fields, head["run"].copy(), head["attempt"].copy(), head["started"].copy(), head["duration"].copy(), tuple(data)
    )


def _take_text(payload: memoryview, cursors: list[int], i: int, spec: PartSpec) -> str:
    (length,) = COUNT.unpack_from(payload, cursors[i])
    start = cursors[i] + COUNT.size
    cursors[i] = start + length
    if cursors[i] > len(payload):
        raise ValueError(f"the text of part {spec.name!r} is longer than its record")
    return str(payload[start : cursors[i]], "utf-8")


def _take_array(payload: memoryview, cursors: list[int], i: int, spec: PartSpec) -> Array:
    import numpy as np

    shape = struct.unpack_from(f"<{spec.rank}Q", payload, cursors[i])
    start = cursors[i] + 8 * spec.rank
    dtype = _little_endian(spec.dtype)
    count = math.prod(shape)
    cursors[i] = start + count * dtype.itemsize
    if not count:
        return np.empty(shape, dtype)
    return np.frombuffer(payload, dtype, count, start).reshape(shape)


@cache
def _little_endian(dtype: str) -> np.dtype[Any]:
    import numpy as np

    return np.dtype(dtype).newbyteorder("<")


def _take_texts(payload: memoryview, cursors: list[int], i: int, spec: PartSpec) -> Array:
    import numpy as np

    shape = struct.unpack_from(f"<{spec.rank}Q", payload, cursors[i])
    at = cursors[i] + 8 * spec.rank
    count = math.prod(shape)
    start = at + 8 * count
    if start > len(payload):
        raise ValueError(f"the texts of part {spec.name!r} are more than fit into their record")
    ends = list(itertools.accumulate(struct.unpack_from(f"<{count}Q", payload, at), initial=start))
    if ends[-1] > len(payload):
        raise ValueError(f"the texts of part {spec.name!r} are longer than their record")
    cursors[i] = ends[-1]
    texts = np.empty(count, object)
    texts[:] = [str(payload[first:last], "utf-8") for first, last in itertools.pairwise(ends)]
    return texts.reshape(shape)


def _take_number(payload: memoryview, cursors: list[int], i: int, _: PartSpec) -> int:
    (number,) = COUNT.unpack_from(payload, cursors[i])
    cursors[i] += COUNT.size
    return int(number)


def _take(spec: PartSpec) -> Callable[..., Any]:
    if spec.form == "blob":
        return _take_number
    if spec.form == "text":
        return _take_text
    return _take_texts if spec.dtype == "string" else _take_array
