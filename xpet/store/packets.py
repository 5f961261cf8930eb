"""Packets: the results of finished runs on their way from a worker into the columns.

A packet is a sequence of records, each framed by its length and CRC-32, so that a torn tail is seen and dropped. The
first record says what the packet is; a *schema* record describes the values of the runs that follow, once; a *run*
record then holds numbers only. What a schema says of a value is a :class:`Field`.

Layout of a run record, little-endian: kind ``u1``, schema ``u4``, run ``i8``, attempt ``i8``, started ``f8``,
duration ``f8``; all scalars of the schema in order, packed; then for each array its shape (``u8`` each) and its bytes,
for each text its length (``u8``) and its UTF-8.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from xpet.errors import CorruptStoreError
from xpet.values import Coord, Encoded, Labels, canonical, encode, labels_equal

if TYPE_CHECKING:
    from xpet.values.parts import Array

HEAD, SCHEMA, RUN, FAILED = 1, 2, 3, 4
FRAME = struct.Struct("<II")
RUN_HEAD = struct.Struct("<BIqqdd")
FAIL_HEAD = struct.Struct("<Bqqdd")
_COUNT = struct.Struct("<Q")
_INT64 = 2**63
#: what a leaf of one run says that the same leaf of other runs does not, as items beside its own
COMMENT, ANNOTATIONS = "@comment", "@annotations"
#: Python scalars: their codec, their part's dtype, their struct code
_FAST: dict[type, tuple[str, str, str]] = {
    float: ("float", "float64", "d"),
    int: ("int", "int64", "q"),
    bool: ("bool", "bool", "?"),
    complex: ("complex", "complex128", "dd"),
}


class LeafData(NamedTuple):
    """A leaf that a run added: where it belongs, and its items; the item named like the leaf is ``''``."""

    template: str
    kind: str
    class_name: str
    comment: str
    items: Mapping[str, object]
    annotations: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PartSpec:
    """What is the same for a part in all runs of a schema."""

    name: str
    form: Literal["scalar", "array", "text"]
    dtype: str
    rank: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One item of a leaf, as a schema describes it."""

    template: str
    item: str
    kind: str
    class_name: str
    comment: str
    codec: str
    version: int
    meta: str
    parts: tuple[PartSpec, ...]
    labels: Labels = field(default_factory=Labels)

    def to_json(self) -> dict[str, Any]:
        """The field as its schema record has it."""
        out: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        out["parts"] = [[part.name, part.form, part.dtype, part.rank] for part in self.parts]
        out["labels"] = labels_to_json(self.labels)
        return out

    @staticmethod
    def from_json(node: Mapping[str, Any]) -> Field:
        """The field of a schema record."""
        parts = tuple(PartSpec(*part) for part in node["parts"])
        plain = {name: node[name] for name in _PLAIN}
        return Field(**plain, parts=parts, labels=labels_from_json(node["labels"]))


_PLAIN = ("template", "item", "kind", "class_name", "comment", "codec", "version", "meta")


def labels_to_json(labels: Labels) -> dict[str, Any]:
    """Labels as JSON, coordinate values included."""
    coords = {}
    for name, coord in labels.coords.items():
        text = coord.values.dtype.kind == "U"
        data = coord.values.tolist() if text else base64.b64encode(coord.values.tobytes()).decode()
        coords[name] = {"dtype": coord.values.dtype.str, "data": data, "attrs": dict(coord.attrs)}
    return {"dims": list(labels.dims), "coords": coords, "attrs": dict(labels.attrs)}


def labels_from_json(node: Mapping[str, Any]) -> Labels:
    """The labels of :func:`labels_to_json`."""
    import numpy as np

    coords = {}
    for name, given in node["coords"].items():
        if isinstance(given["data"], list):
            values = np.array(given["data"], given["dtype"])
        else:
            values = np.frombuffer(base64.b64decode(given["data"]), given["dtype"])
        coords[name] = Coord(values, given["attrs"])
    return Labels(tuple(node["dims"]), coords, node["attrs"])


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


def frame(payload: bytes) -> bytes:
    """A record."""
    return FRAME.pack(len(payload), zlib.crc32(payload)) + payload


class Packer:
    """Writes what runs leave behind into packets; one per worker.

    Parameters
    ----------
    sink
        Where the packets go.
    attempt
        The number that makes a later record of a run win over an earlier one.
    """

    def __init__(self, sink: Sink, attempt: int = 0) -> None:
        self._sink = sink
        self._attempt = attempt
        self._head = b""
        self._schemas: dict[Any, _Schema] = {}
        self._written: set[int] = set()
        self._bases: dict[tuple[str, str], tuple[int, Labels]] = {}
        self._comments: dict[str, str] = {}
        self._n_schemas = 0

    def begin(self, block: int, first_run: int) -> None:
        """Start the packet of a block."""
        self._sink.open(block, first_run)
        self._written = set()
        self._head = frame(bytes([HEAD]) + json.dumps({"packet": 1, "block": block}).encode())

    def end(self) -> None:
        """Finish the block: all its records are durable when this returns."""
        self._sink.close()

    def complete(
        self, run: int, leaves: Sequence[LeafData], started: float, duration: float, attempt: int = 0
    ) -> None:
        """Record a run that finished. Raises what :func:`xpet.values.encode` refuses, before anything is written."""
        key: list[Any] = []
        scalars: list[Any] = []
        tail: list[bytes] = []
        fields: list[tuple[LeafData, str, Encoded | type]] = []
        for leaf in leaves:
            template, class_name = leaf.template, leaf.class_name
            for item, value in self._items(leaf).items():
                kind = type(value)
                if kind is float or kind is bool or (kind is int and -_INT64 <= value < _INT64):
                    key.append((template, item, kind, class_name))
                    scalars.append(value)
                    fields.append((leaf, item, kind))
                else:
                    encoded = encode(value, _where(leaf, item))
                    key.append(self._describe(leaf, item, encoded, tail))
                    fields.append((leaf, item, encoded))
        schema = self._schemas.get(found := tuple(key))
        if schema is None:
            schema = self._schemas[found] = self._new_schema(fields)
        payload = schema.pack(RUN, schema.number, run, self._attempt + attempt, started, duration, *scalars)
        if tail:
            payload += b"".join(tail)
        record = FRAME.pack(len(payload), zlib.crc32(payload)) + payload
        self._emit(record if schema.number in self._written else schema.record + record)
        self._written.add(schema.number)

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        """Record a run that failed, with its traceback."""
        head = FAIL_HEAD.pack(FAILED, run, self._attempt + attempt, started, duration)
        self._emit(frame(head + error.encode("utf-8", "backslashreplace")))

    def _emit(self, record: bytes) -> None:
        if self._head:
            record, self._head = self._head + record, b""
        if self._sink.append(record):
            self._written = set()
            self._head = frame(bytes([HEAD]) + b'{"packet":1}')

    def _items(self, leaf: LeafData) -> Mapping[str, Any]:
        """The items, and what this run says of the leaf that other runs do not."""
        comment = self._comments.setdefault(leaf.template, leaf.comment)
        if comment == leaf.comment and not leaf.annotations:
            return leaf.items
        items = dict(leaf.items)
        if comment != leaf.comment:
            items[COMMENT] = leaf.comment
        if leaf.annotations:
            items[ANNOTATIONS] = dict(leaf.annotations)
        return items

    def _describe(self, leaf: LeafData, item: str, encoded: Encoded, tail: list[bytes]) -> tuple[Any, ...]:
        specs = []
        for part in encoded.parts:
            spec = _spec(part.name, part.data)
            specs.append((spec.name, spec.form, spec.dtype, spec.rank))
            if spec.form == "text":
                raw = str(part.data).encode()
                tail.append(_COUNT.pack(len(raw)) + raw)
            else:
                import numpy as np

                # Scalars from codecs ride with the arrays, as arrays of rank 0: the packed part stays uniform.
                data = np.asarray(part.data, spec.dtype)
                tail.append(struct.pack(f"<{data.ndim}Q", *data.shape) + data.tobytes())
        labels = self._labels_number(leaf.template, item, encoded.labels)
        meta = canonical(encoded.meta) if encoded.meta else "{}"
        return (leaf.template, item, encoded.codec, meta, tuple(specs), labels, leaf.class_name)

    def _labels_number(self, template: str, item: str, labels: Labels) -> int:
        """A number that is equal exactly for equal labels of one item."""
        if not (labels.dims or labels.attrs):
            return 0
        number, last = self._bases.get((template, item), (0, None))
        if last is None or not labels_equal(last, labels):
            number += 1
            self._bases[template, item] = (number, labels)
        return number

    def _new_schema(self, found: Sequence[tuple[LeafData, str, Encoded | type]]) -> _Schema:
        fields, codes = [], ""
        for leaf, item, encoded in found:
            if isinstance(encoded, type):
                codec, dtype, code = _FAST[encoded]
                codes += code
                parts: tuple[PartSpec, ...] = (PartSpec("", "scalar", dtype),)
                encoded = Encoded(codec, ())
            else:
                parts = tuple(_spec(part.name, part.data) for part in encoded.parts)
            meta = canonical(encoded.meta)
            fields.append(
                Field(leaf.template, item, leaf.kind, leaf.class_name, self._comments[leaf.template], encoded.codec,
                      encoded.version, meta, parts, encoded.labels)
            )  # fmt: skip
        if len(self._schemas) >= 1000:
            # Runs that each bring labels of their own must not fill the memory.
            self._schemas.clear()
        self._n_schemas += 1
        return _Schema(self._n_schemas, fields, codes)


def _where(leaf: LeafData, item: str) -> str:
    return f"{leaf.template}.{item}" if item else leaf.template


def _spec(name: str, data: object) -> PartSpec:
    if isinstance(data, str):
        return PartSpec(name, "text", "string")
    fast = _FAST.get(type(data))
    if fast is not None:
        return PartSpec(name, "array", fast[1])
    return PartSpec(name, "array", data.dtype.name, data.ndim)  # type: ignore[attr-defined]  # what is left is an array


# Reading -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """All complete runs of one schema in one packet: scalars as arrays over the runs, the rest run by run."""

    fields: tuple[Field, ...]
    runs: Array
    attempts: Array
    started: Array
    duration: Array
    #: per field, per part: an array over the runs (scalars, arrays of one shape), or a list of arrays or texts
    data: tuple[tuple[Array | list[Any], ...], ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run."""

    run: int
    attempt: int
    started: float
    duration: float
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """What a packet holds; ``torn`` if its end was cut off."""

    batches: tuple[Batch, ...]
    failures: tuple[Failure, ...]
    torn: bool


def records(data: bytes) -> Iterator[memoryview]:
    """The payloads of the whole records at the start of ``data``."""
    view, at, size = memoryview(data), 0, len(data)
    while at + 8 <= size:
        length, check = FRAME.unpack_from(view, at)
        payload = view[at + 8 : at + 8 + length]
        if len(payload) < length or zlib.crc32(payload) != check:
            return
        yield payload
        at += 8 + length


def finished_runs(data: bytes) -> dict[int, str | None]:
    """The runs that a packet records: None for a complete one, the error for a failed one."""
    out: dict[int, str | None] = {}
    for payload in records(data):
        if payload[0] == RUN:
            out[RUN_HEAD.unpack_from(payload)[2]] = None
        elif payload[0] == FAILED:
            out[FAIL_HEAD.unpack_from(payload)[1]] = str(payload[FAIL_HEAD.size :], "utf-8", "replace")
    return out


def read_packet(data: bytes, key: str) -> Packet:
    """What a packet holds; ``key`` is for errors. A torn tail is dropped."""
    schemas: dict[int, tuple[Field, ...]] = {}
    rows: dict[int, list[memoryview]] = {}
    failures = []
    read = 0
    try:
        for payload in records(data):
            read += 8 + len(payload)
            kind = payload[0]
            if kind == RUN:
                rows[RUN_HEAD.unpack_from(payload)[1]].append(payload)
            elif kind == SCHEMA:
                number = int.from_bytes(payload[1:5], "little")
                schemas[number] = tuple(Field.from_json(node) for node in json.loads(bytes(payload[5:])))
                rows.setdefault(number, [])
            elif kind == FAILED:
                _, run, attempt, started, duration = FAIL_HEAD.unpack_from(payload)
                text = str(payload[FAIL_HEAD.size :], "utf-8", "replace")
                failures.append(Failure(run, attempt, started, duration, text))
        batches = tuple(_batch(schemas[number], found) for number, found in rows.items() if found)
    except (KeyError, ValueError, TypeError, struct.error) as error:
        raise CorruptStoreError(f"{key}: the packet is damaged ({type(error).__name__}: {error})") from error
    return Packet(batches, tuple(failures), read < len(data))


def _batch(fields: tuple[Field, ...], found: Sequence[memoryview]) -> Batch:
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
                take: Callable[..., Any] = _take_text if spec.form == "text" else _take_array
                column = [take(payload, cursors, i, spec) for i, payload in enumerate(found)]
                same = spec.form == "array" and len({value.shape for value in column}) == 1
                parts.append(np.stack(column) if same else column)
        data.append(tuple(parts))
    return Batch(
        fields, head["run"].copy(), head["attempt"].copy(), head["started"].copy(), head["duration"].copy(), tuple(data)
    )


def _take_text(payload: memoryview, cursors: list[int], i: int, spec: PartSpec) -> str:
    (length,) = _COUNT.unpack_from(payload, cursors[i])
    start = cursors[i] + 8
    cursors[i] = start + length
    if cursors[i] > len(payload):
        raise ValueError(f"the text of part {spec.name!r} is longer than its record")
    return str(payload[start : cursors[i]], "utf-8")


def _take_array(payload: memoryview, cursors: list[int], i: int, spec: PartSpec) -> Array:
    import numpy as np

    shape = struct.unpack_from(f"<{spec.rank}Q", payload, cursors[i])
    start = cursors[i] + 8 * spec.rank
    dtype = np.dtype(spec.dtype).newbyteorder("<")
    count = 1
    for size in shape:
        count *= size
    cursors[i] = start + count * dtype.itemsize
    return np.frombuffer(payload, dtype, count, start).reshape(shape)
