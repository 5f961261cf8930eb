"""Packets: the results of finished runs on their way from a worker into the columns.

A packet is a sequence of records, each framed by its length and CRC-32, so that a torn tail is seen and dropped. The
first record says what the packet is; a *schema* record describes the values of the runs that follow, once; a *run*
record then holds numbers only. What a schema says of a value is a :class:`Field`.

Layout of a run record, little-endian: kind ``u1``, schema ``u4``, run ``i8``, attempt ``i8``, started ``f8``,
duration ``f8``; all scalars of the schema in order, packed; then for each array its shape (``u8`` each) and its bytes,
for each text its length (``u8``) and its UTF-8;
for each array of texts its shape (``u8`` each), the length of each text in bytes (``u8``), and their UTF-8. An array
that is large is a *blob*, a record of its own, so that runs which have the same one hold only its number (``u8``).
Of one that has chunks of its own in a column that record only says where these are.
"""

from __future__ import annotations

import json
import struct
import threading
import zlib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

from xpet.errors import UnsupportedValueError
from xpet.store.blobs import FRAME, LARGE, Blob, Blobs, frame
from xpet.store.carried import Cargo, Carrier
from xpet.store.fields import ANNOTATIONS, COMMENT, GROUP, Field, Form, PartSpec
from xpet.values import Encoded, Labels, Part, array_code, canonical, encode, labels_equal
from xpet.values.parts import MOST_DIMS

__all__ = ["ANNOTATIONS", "COMMENT", "LeafData", "Packer", "Sink", "frame"]

#: the newest layout of packets; most are of the one before, which knows no carried arrays
VERSION = 2
HEAD, SCHEMA, RUN, FAILED = 1, 2, 3, 4
RUN_HEAD = struct.Struct("<BIqqdd")
FAIL_HEAD = struct.Struct("<Bqqdd")
COUNT = struct.Struct("<Q")
_INT64 = 2**63
_LARGEST, _ROOM = 2**32 - 1, 1024
_KNOWN = 1024
_SHAPES = [struct.Struct(f"<{rank}Q").pack for rank in range(MOST_DIMS + 1)]
#: Python scalars: their codec, their part's dtype, their struct code
_FAST: dict[type, tuple[str, str, str]] = {
    float: ("float", "float64", "d"),
    int: ("int", "int64", "q"),
    bool: ("bool", "bool", "?"),
}


class LeafData(NamedTuple):
    """A leaf that a run added: where it belongs, and its items; the item named like the leaf is ``''``."""

    template: str
    kind: str
    class_name: str
    comment: str
    items: Mapping[str, object]
    annotations: Mapping[str, object]


class Sink(Protocol):
    """Where a packet goes."""

    def open(self, block: int, first_run: int) -> None:
        """Begin the packet of a block."""
        ...

    def append(self, data: bytes) -> bool:
        """Add records; True if the packet is now closed, and the next record begins another."""
        ...

    def close(self) -> None:
        """Everything appended is durable when this returns."""
        ...


class _Schema:
    """A schema in use by a packer: its number, its record, and how scalars are packed."""

    __slots__ = ("number", "pack", "record")

    def __init__(self, number: int, fields: Sequence[Field], codes: str) -> None:
        self.number = number
        body = json.dumps([entry.to_json() for entry in fields], separators=(",", ":")).encode()
        self.record = frame(struct.pack("<BI", SCHEMA, number) + body)
        self.pack = struct.Struct("<BIqqdd" + codes).pack


def head(trajectory: str, version: int = 1) -> bytes:
    """The first record of a packet: its version, and the uuid of the trajectory that it is of."""
    return frame(bytes([HEAD]) + json.dumps({"packet": version, "trajectory": trajectory}).encode())


class Packer:
    """Writes what runs leave behind into packets; one per worker.

    What a sink holds back is written by a thread when its time has come, however long the next run takes. If that
    fails, the next call raises the error.

    Parameters
    ----------
    sink
        Where the packets go.
    attempt
        The number that makes a later record of a run win over an earlier one.
    trajectory
        The uuid of the trajectory: one of the same name may take its place while a worker goes on.
    flush_interval
        In seconds: how long a record may wait in the sink; ``None``: until the block is done, or the sink holds back
        nothing anyway.
    carrier
        What takes arrays that are too large for packets.
    """

    def __init__(
        self, sink: Sink, attempt: int = 0, trajectory: str = "", flush_interval: float | None = None,
        carrier: Carrier | None = None,
    ) -> None:  # fmt: skip
        self._sink = sink
        self._interval = flush_interval
        # the sink, and what follows from what it has
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._late: Exception | None = None
        self._first = head(trajectory)
        # who does not know what follows must leave the packet alone
        self._newer = head(trajectory, VERSION)
        self._carrier = carrier
        self._attempt = attempt
        self._head = b""
        self._schemas: dict[Any, _Schema] = {}
        self._written: set[int] = set()
        self._blobs = Blobs()
        self._bases: dict[tuple[str, str], tuple[int, Labels]] = {}
        self._comments: dict[str, str] = {}
        self._n_schemas = 0

    def begin(self, block: int, first_run: int) -> None:
        """Start the packet of a block."""
        with self._lock:
            self._sink.open(block, first_run)
            self._renew()

    def end(self) -> None:
        """Finish the block: all its records are durable when this returns."""
        with self._lock:
            self._flush()
            self._raise_late()

    def complete(self, run: int, leaves: Sequence[LeafData], started: float, duration: float, attempt: int = 0) -> int:
        """Record a run that finished; returns the bytes of its arrays that are not in the packet.

        Raises what :func:`xpet.values.encode` refuses, before anything is written.
        """
        key: list[Any] = []
        scalars: list[Any] = []
        tail: list[bytes] = []
        blobs: list[Blob | Cargo] = []
        for leaf in leaves:
            template, class_name = leaf.template, leaf.class_name
            for item, value in self._items(leaf).items():
                kind = type(value)
                if kind is float or kind is bool or (kind is int and -_INT64 <= value < _INT64):
                    key.append((template, item, kind, class_name))
                    scalars.append(value)
                elif (code := array_code(value)) and value.nbytes < LARGE:
                    key.append((template, item, code, value.ndim, class_name))
                    tail += _SHAPES[value.ndim](*value.shape), value.tobytes()
                else:
                    encoded = encode(value, _where(leaf, item))
                    key.append(self._describe(leaf, item, encoded, tail, blobs))
        schema = self._schemas.get(found := tuple(key))
        if schema is None:
            schema = self._schemas[found] = self._new_schema(leaves)
        payload = schema.pack(RUN, schema.number, run, self._attempt + attempt, started, duration, *scalars)
        if tail:
            payload = b"".join((payload, *tail))
            size = max([len(payload), *(len(blob.data) for blob in blobs if isinstance(blob, Blob))])
            if size > _LARGEST - _ROOM:
                raise UnsupportedValueError(
                    f"run {run}: its results have {size} bytes, and {_LARGEST} is the most; store less in a run"
                )
        record = FRAME.pack(len(payload), zlib.crc32(payload)) + payload
        self._emit(record, schema, blobs, (run, self._attempt + attempt))
        return sum(blob.array.nbytes for blob in blobs if isinstance(blob, Cargo)) if blobs else 0

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        """Record a run that failed, with its traceback."""
        head = FAIL_HEAD.pack(FAILED, run, self._attempt + attempt, started, duration)
        self._emit(frame(head + error.encode("utf-8", "backslashreplace")))

    def _emit(
        self, record: bytes, schema: _Schema | None = None, blobs: Sequence[Blob | Cargo] = (),
        of: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        with self._lock:
            unknown = schema if schema is not None and schema.number not in self._written else None
            if unknown is not None:
                record = unknown.record + record
            more = self._blobs.missing(blobs) if blobs else ()
            # each copy of a large array takes as long as writing it
            large = [piece for blob in more for piece in self._large_record(blob, of)]
            if self._sink.append(b"".join([self._head, *large, record]) if large else self._head + record):
                self._renew()
                return
            self._head = b""
            if unknown is not None:
                self._written.add(unknown.number)
            if more:
                self._blobs.wrote(more)
            if self._interval is not None:
                self._see_to_it(self._interval)

    def _large_record(self, blob: Blob | Cargo, of: tuple[int, int]) -> tuple[bytes, ...]:
        """The record of a large array of a run and an attempt, in pieces."""
        if isinstance(blob, Cargo):
            assert self._carrier is not None
            return self._newer, frame(self._carrier.write(*of, blob).payload())
        return blob.record()

    def _see_to_it(self, interval: float) -> None:
        """Have what the sink holds back written in time."""
        if interval == 0:
            self._flush()
        elif self._timer is None:
            self._timer = threading.Timer(interval, self._flush_late)
            self._timer.daemon = True
            self._timer.start()
        self._raise_late()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sink.close()
        self._renew()

    def _flush_late(self) -> None:
        with self._lock:
            # a timer that was cancelled a moment too late has nothing to say
            if self._timer is threading.current_thread():
                try:
                    self._flush()
                except Exception as error:
                    self._late = error

    def _raise_late(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            raise late

    def _renew(self) -> None:
        """What follows is in another packet, and must say everything again."""
        self._written = set()
        self._blobs.renew()
        if self._carrier is not None:
            self._carrier.renew()
        self._head = self._first

    def _items(self, leaf: LeafData) -> Mapping[str, Any]:
        """The items, and what this run says of the leaf that other runs do not."""
        if leaf.kind == GROUP:
            return leaf.items
        comment = self._comments.setdefault(leaf.template, leaf.comment)
        if comment == leaf.comment and leaf.items and not leaf.annotations:
            return leaf.items
        items = dict(leaf.items)
        # A leaf without items is there by its comment.
        if comment != leaf.comment or not items:
            items[COMMENT] = leaf.comment
        if leaf.annotations:
            items[ANNOTATIONS] = dict(leaf.annotations)
        return items

    def _describe(
        self, leaf: LeafData, item: str, encoded: Encoded, tail: list[bytes], blobs: list[Blob | Cargo]
    ) -> tuple[Any, ...]:
        specs = []
        for part in encoded.parts:
            spec = _spec(part)
            specs.append(spec)
            if spec.form == "text":
                raw = str(part.data).encode()
                tail.append(COUNT.pack(len(raw)) + raw)
            elif spec.dtype == "string":
                tail.append(_pack_texts(part.data))
            else:
                import numpy as np

                # Scalars from codecs ride with the arrays, as arrays of rank 0: the packed part stays uniform.
                data = np.asarray(part.data, spec.dtype)
                if spec.form == "blob":
                    place = (leaf.template, item, part.name)
                    if self._carrier is not None and self._carrier.takes(spec.dtype, data.shape):
                        blobs.append(Cargo(self._blobs.number(), place, spec.dtype, data))
                    else:
                        blobs.append(self._blobs.take(place, data))
                    tail.append(COUNT.pack(blobs[-1].number))
                    continue
                tail += _SHAPES[data.ndim](*data.shape), data.tobytes()
        labels = self._labels_number(leaf.template, item, encoded.labels)
        meta = _meta_text(encoded.meta)
        return (leaf.template, item, encoded.codec, encoded.version, meta, tuple(specs), labels, leaf.class_name)

    def _labels_number(self, template: str, item: str, labels: Labels) -> int:
        """A number that is equal exactly for equal labels of one item."""
        if not (labels.dims or labels.attrs or labels.coords):
            return 0
        number, last = self._bases.get((template, item), (0, None))
        if last is None or not labels_equal(last, labels):
            number += 1
            self._bases[template, item] = (number, labels)
        return number

    def _new_schema(self, leaves: Sequence[LeafData]) -> _Schema:
        fields, codes = [], ""
        found = [(leaf, item, value) for leaf in leaves for item, value in self._items(leaf).items()]
        if len({(leaf.template, item) for leaf, item, _ in found}) < len(found):
            raise ValueError(f"a run has two leaves at one path, of {', '.join(leaf.template for leaf, _, _ in found)}")
        for leaf, item, value in found:
            if type(value) in _FAST and not _is_long(value):
                codec, dtype, code = _FAST[type(value)]
                codes += code
                parts: tuple[PartSpec, ...] = (PartSpec("", "scalar", dtype),)
                encoded = Encoded(codec, ())
            else:
                encoded = encode(value, _where(leaf, item))
                parts = tuple(map(_spec, encoded.parts))
            meta = _meta_text(encoded.meta)
            fields.append(
                Field(leaf.template, item, leaf.kind, leaf.class_name, self._comments.get(leaf.template, ""),
                      encoded.codec, encoded.version, meta, parts, encoded.labels)
            )  # fmt: skip
        if len(self._schemas) >= 1000:
            # Runs that each bring labels of their own must not fill the memory.
            self._schemas.clear()
        self._n_schemas += 1
        return _Schema(self._n_schemas, fields, codes)


def _is_long(value: Any) -> bool:
    return type(value) is int and not -_INT64 <= value < _INT64


def _pack_texts(texts: Any) -> bytes:
    raw = [text.encode() for text in texts.ravel().tolist()]
    lengths = struct.pack(f"<{texts.ndim + len(raw)}Q", *texts.shape, *map(len, raw))
    return lengths + b"".join(raw)


def _where(leaf: LeafData, item: str) -> str:
    return f"{leaf.template}.{item}" if item else leaf.template


def _spec(part: Part) -> PartSpec:
    data, name, attributes, dims = part
    attrs = canonical(attributes) if attributes else "{}"
    if isinstance(data, str):
        return PartSpec(name, "text", "string", 0, attrs, dims)
    if isinstance(data, complex):
        return PartSpec(name, "array", "complex128", 0, attrs, dims)
    if isinstance(data, bool | int | float):
        return PartSpec(name, "array", _FAST[type(data)][1], 0, attrs, dims)
    if data.dtype == object:
        return PartSpec(name, "array", "string", data.ndim, attrs, dims)
    form: Form = "blob" if data.nbytes >= LARGE else "array"
    dtype = _dtype_name(data.dtype.char) if data.dtype.isbuiltin == 1 else data.dtype.name
    return PartSpec(name, form, dtype, data.ndim, attrs, dims)


# What follows is asked for every array of every run, and seldom has another answer than the last time.


@cache
def _dtype_name(code: str) -> str:
    import numpy as np

    return np.dtype(code).name


def _meta_text(meta: Mapping[str, Any]) -> str:
    if len(meta) == 1:
        ((name, value),) = meta.items()
        if type(value) is str:
            return _single(name, value)
    return canonical(meta) if meta else "{}"


@lru_cache(_KNOWN)
def _single(name: str, value: str) -> str:
    return canonical({name: value})
