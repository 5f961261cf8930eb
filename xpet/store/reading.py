"""Values out of a published trajectory: of a leaf outside runs, or of one run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, DataNotInStorageError, UnsupportedValueError
from xpet.store.chunks import read_rows, read_whole, read_written
from xpet.store.columns import NONE, Column, LabelNode, PartNode, Variant, read_columns
from xpet.store.constants import is_constant
from xpet.store.dims import Dims
from xpet.store.documents import ArrayDoc
from xpet.store.fields import GROUP
from xpet.store.hierarchy import Hierarchy
from xpet.store.kept import Kept, in_rows
from xpet.store.recent import Recent
from xpet.store.snapshot import Snapshot, check_still
from xpet.values import Coord, Encoded, Labels, Part, decode
from xpet.values.coordinates import as_stored
from xpet.values.parts import NO_LABELS

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def read_static(place: Place, hierarchy: Hierarchy, key: str) -> Any:
    """The value of one item of a leaf outside runs; ``key`` is its main array."""
    return decode(read_encoded(place, hierarchy, key))


def read_encoded(place: Place, hierarchy: Hierarchy, key: str) -> Encoded:
    """The encoding of a value outside runs; ``key`` is its main array."""
    try:
        return _read_encoded(place, hierarchy, hierarchy.array(key).xpet)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, UnsupportedValueError) as error:
        raise CorruptStoreError(f"{place.url}/{key}: what its document says is damaged ({error!r})") from error


def _read_encoded(place: Place, hierarchy: Hierarchy, about: Mapping[str, Any]) -> Encoded:
    parts = []
    for part in [PartNode.from_json(*each) for each in about["parts"]]:
        data = _outside_runs(place, part.node, hierarchy.array(part.node))
        parts.append(_part_of(part, data))
    coords = {name: LabelNode(*each) for name, each in about["coords"].items()}
    dims = Dims(place, hierarchy)
    labels = Labels(
        tuple(about["dims"]),
        {name: _shared(dims, each) for name, each in coords.items() if each.node is not None},
        about["attrs"],
    )
    return Encoded(str(about["codec"]), tuple(parts), int(about["version"]), about["meta"], labels)


def _outside_runs(place: Place, node: str, doc: ArrayDoc) -> Array:
    """An array; a single number, or text that is not long, is its fill, so that nothing is asked for."""
    import numpy as np

    if doc.shape:
        return read_written(place, node, doc)
    if doc.fill == "":
        return read_whole(place, node, doc)
    return np.array(doc.fill, object if doc.dtype == "string" else doc.dtype)


def _part_of(part: PartNode, data: Array) -> Part:
    text = part.dtype == "string" and data.ndim == 0
    return Part(str(data[()]) if text else data, part.name, {}, part.dims)


def _shared(dims: Dims, label: LabelNode) -> Coord:
    assert label.node is not None
    coord = dims.coord(label.node)
    return Coord(_as_given(coord.values, label), label.attrs)


def _as_given(values: Array, label: LabelNode) -> Array:
    return as_stored(values.astype(object) if values.dtype.kind == "U" else values, label.dtype)


class RunReader:
    """Reads what runs left behind, run by run."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._place = snapshot.place
        self._docs = snapshot.hierarchy
        self._complete = snapshot.complete
        self._dims = Dims(snapshot.place, snapshot.hierarchy)
        self._uuid, self._looked = snapshot.meta.uuid, time.monotonic()
        self._which: dict[str, Array] = {}
        self._recent = Recent(snapshot.place)
        self.leaves: dict[str, dict[str, Column]] = {}
        self.groups: dict[str, dict[str, Column]] = {}
        for (template, item), column in read_columns(snapshot.hierarchy).items():
            kind = self.groups if column.kind == GROUP else self.leaves
            kind.setdefault(template, {})[item] = column

    def complete(self) -> Array:
        """Which runs are complete."""
        return self._complete

    def first(self, template: str) -> Column:
        """A column of a leaf, which knows its kind, class and comment."""
        return next(iter(self.leaves[template].values()))

    def runs_with(self, template: str) -> Array:
        """Which runs have the leaf, as bools along the runs."""
        return self._runs_with(self.leaves[template].values())

    def runs_with_group(self, template: str) -> Array:
        """Which runs say something of the group, as bools along the runs."""
        return self._runs_with(self.groups[template].values())

    def differ(self, template: str) -> bool:
        """Whether runs that have the leaf left different values there."""
        have = self.runs_with(template)
        return any(self._differs(column, have) for column in self.leaves[template].values())

    def _differs(self, column: Column, have: Array) -> bool:
        numbers = {int(number) for number in set(self._variant_numbers(column)[have])}
        if len(numbers) != 1:
            return len(numbers) > 1
        variant = next((each for each in column.variants if each.number in numbers), None)
        nodes = [node for part in variant.parts for node in (part.node, part.lengths)] if variant is not None else []
        return any(node is not None and self._rows_differ(node, have) for node in nodes)

    def _rows_differ(self, node: str, have: Array) -> bool:
        import numpy as np

        doc = self._docs.array(node)
        first: Array | None = None
        length = doc.chunks[0]
        for start in range(0, 0 if is_constant(doc) else len(have), length):
            wanted = np.flatnonzero(have[start : start + length])
            if not len(wanted):
                continue
            rows = read_rows(self._place, node, doc, start, min(start + length, doc.shape[0]))[wanted]
            first = rows[:1] if first is None else first
            if not ((rows == first) | ((rows != rows) & (first != first))).all():
                return True
        return False

    def _runs_with(self, columns: Iterable[Column]) -> Array:
        found = self._complete & False
        for column in columns:
            found |= self._complete & (self._variant_numbers(column) != NONE)
        return found

    def _check_still_there(self) -> None:
        """Refuse to pair these documents with the chunks of another trajectory; looks again every second."""
        now = time.monotonic()
        if now - self._looked > 1.0:
            check_still(self._place, self._uuid)
            self._recent.forget()
            self._looked = now

    def items(self, template: str, run: int) -> dict[str, Any]:
        """The items of a leaf in one run; among them its comment and annotations, where the column lacks them."""
        self._check_still_there()
        return self._items(template, self.leaves[template], run)

    def said(self, template: str, run: int) -> dict[str, Any]:
        """The items of a group in one run: what it says of itself, and its links."""
        return self._items(template, self.groups[template], run)

    def _items(self, template: str, columns: Mapping[str, Column], run: int) -> dict[str, Any]:
        if not 0 <= run < len(self._complete) or not self._complete[run]:
            raise DataNotInStorageError(f"{template}: run {run} is not complete; run the trajectory again")
        out = {}
        for item, column in columns.items():
            number = 0 if column.which is None else int(self._variant_numbers(column)[run])
            if number != NONE:
                if number >= len(column.variants):
                    raise CorruptStoreError(f"{column.which}: run {run} has variant {number}, and there is none such")
                out[item] = self._value(column.variants[number], run)
        if not out:
            raise DataNotInStorageError(f"{template}: run {run} has none")
        return out

    def _variant_numbers(self, column: Column) -> Array:
        import numpy as np

        if column.which is None:
            return np.zeros(len(self._complete), np.uint8)
        found = self._which.get(column.which)
        if found is None:
            doc = self._docs.array(column.which)
            found = read_whole(Kept(self._place, column.which, doc, in_rows(doc, self._complete)), column.which, doc)
            self._which[column.which] = found
        return found

    def _value(self, variant: Variant, run: int) -> Any:
        parts: list[Part] = []
        own: dict[str, Array] = {}
        for part in variant.parts:
            data = self._part(part, run)
            if part.name.startswith("@"):
                own[part.name[1:]] = data
            else:
                parts.append(_part_of(part, data))
        labels = NO_LABELS
        if variant.dims or variant.coords or variant.attrs:
            coords = {name: self._coord(each, own.get(name)) for name, each in variant.coords.items()}
            labels = Labels(variant.dims, coords, variant.attrs)
        try:
            encoded = Encoded(variant.codec, tuple(parts), variant.version, variant.meta, labels)
        except UnsupportedValueError as error:
            raise CorruptStoreError(f"{variant.node}: run {run} has parts that do not fit together: {error}") from error
        return decode(encoded)

    def _part(self, part: PartNode, run: int) -> Array:
        import numpy as np

        doc = self._docs.array(part.node)
        inner = doc.shape[1:]
        if part.lengths is not None:
            about = self._docs.array(part.lengths)
            lengths = np.atleast_1d(self._recent.row(part.lengths, about, run, about.shape[1:]))
            inner = tuple(int(size) for size in lengths)
            most = doc.shape[1:]
            if len(inner) != len(most) or any(not 0 <= size <= limit for size, limit in zip(inner, most, strict=True)):
                raise CorruptStoreError(f"{part.lengths}: the lengths {inner} of run {run} do not fit {doc.shape[1:]}")
        if is_constant(doc):
            row = read_written(self._place, part.node, doc)
        else:
            row = self._recent.row(part.node, doc, run, inner)
        return row.astype(bool) if part.dtype == "bool" else row

    def _coord(self, label: LabelNode, own: Array | None) -> Coord:
        if own is None:
            return _shared(self._dims, label)
        return Coord(_as_given(own, label), label.attrs)


def static_leaves(hierarchy: Hierarchy) -> dict[str, dict[str, tuple[str, Mapping[str, Any]]]]:
    """The leaves outside runs: path -> item -> (key of its main array, what its document says)."""
    out: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    for key, doc in hierarchy.arrays():
        if "column" not in doc.xpet and isinstance(doc.xpet.get("path"), str) and isinstance(doc.xpet.get("item"), str):
            out.setdefault(doc.xpet["path"], {})[doc.xpet["item"]] = (key, doc.xpet)
    return out
