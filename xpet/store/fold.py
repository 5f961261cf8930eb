"""Folding: the results of finished runs go from packets into columns."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.store import layout
from xpet.store.chunks import read_whole, write_rows
from xpet.store.columns import (
    MOST_VARIANTS,
    NONE,
    Column,
    LabelNode,
    PartNode,
    Variant,
    read_columns,
    save_column,
    signature_of,
)
from xpet.store.constants import constant_of, is_constant
from xpet.store.dims import Dims, Naming
from xpet.store.documents import ArrayDoc, itemsize
from xpet.store.fields import COMMENT, GROUP, Field, PartSpec
from xpet.store.hierarchy import RUN, Hierarchy, name_of, parent
from xpet.store.kept import Kept, in_rows
from xpet.store.parts import PartWriter, alike_along, widest
from xpet.store.pieces import Piece, merged, packed, select, text_piece
from xpet.store.unpacking import Batch
from xpet.values import Coord, coords_equal, encode
from xpet.values.attrs import plain_attrs
from xpet.values.coordinates import on_disk, shown_attrs

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

_REPEATED_BYTES = 2**24
#: a constant is given up if copies of it for the runs that have it are no more than this
_SPREAD_BYTES = 2**30


class ColumnWriter:
    """Writes runs into columns and keeps the documents of the columns up to date."""

    def __init__(self, place: Place, hierarchy: Hierarchy, complete: Array) -> None:
        import numpy as np

        self._place = place
        self._docs = hierarchy
        self._dims = Dims(place, hierarchy)
        self._n_runs = len(complete)
        self._parts = PartWriter(place, hierarchy, self._dims, self._n_runs)
        self._columns = read_columns(hierarchy)
        self._comments = {each.template: each.comment for each in self._columns.values() if each.kind != GROUP}
        #: per column, per variant: the runs that have it
        self._have: dict[tuple[str, str], list[Array]] = {}
        for key, column in self._columns.items():
            which = np.zeros(self._n_runs, np.uint8) if column.which is None else self._read(column.which, complete)
            self._have[key] = [complete & (which == variant.number) for variant in column.variants]

    def write(self, batches: Sequence[Batch], runs: Array, complete: Array) -> None:
        """Write the values of the runs that just completed.

        ``runs`` are those, ascending; ``complete`` is which runs will be complete then.
        """
        pieces: dict[tuple[str, str], dict[str, list[Piece]]] = {}
        for batch in batches:
            for piece in self._pieces(batch):
                key = (piece.entry.template, piece.entry.item)
                pieces.setdefault(key, {}).setdefault(signature_of(piece.entry), []).append(piece)
        for found in pieces.values():
            self._write_column(found)
        for column in self._columns.values():
            self._write_which(column, runs, complete)

    def finish(self) -> None:
        """Bring the attributes that depend on completeness up to date, for the documents to be published."""
        for key, column in self._columns.items():
            for variant, have in zip(column.variants, self._have[key], strict=True):
                for part in variant.parts:
                    self._parts.finish(part, bool(have.all()))
            save_column(self._docs, column)
        self._parts.published()

    def _pieces(self, batch: Batch) -> Iterator[Piece]:
        """What the runs of a batch have; their comments too, where those are not what the column says."""
        said = {entry.template for entry in batch.fields if entry.item == COMMENT}
        for entry, data in zip(batch.fields, batch.data, strict=True):
            piece = Piece(entry, batch.runs, data)
            yield piece
            if entry.kind == GROUP:
                continue
            if self._comments.setdefault(entry.template, entry.comment) != entry.comment and entry.template not in said:
                said.add(entry.template)
                comment = encode(entry.comment)
                yield text_piece(piece, COMMENT, comment.codec, [str(comment.part())] * len(batch.runs))

    # One column -------------------------------------------------------------------------------------------------------

    def _write_column(self, found: Mapping[str, Sequence[Piece]]) -> None:
        column = self._column(next(iter(found.values()))[0].entry)
        rest: list[Piece] = []
        for signature, pieces in found.items():
            known = column.variants_of(signature)
            variant = known[-1] if known and not self._is_too_large_to_spread(column, known[-1]) else None
            for each in known if variant is None else known[:-1]:
                pieces = self._write_fitting(column, each, pieces)
            if variant is None and len(column.variants) >= MOST_VARIANTS:
                rest.extend(map(packed, pieces))
            elif pieces:
                self._write_variant(column, variant, pieces)
        if rest:
            known = column.variants_of(signature_of(rest[0].entry))
            self._write_variant(column, known[-1] if known else None, rest)

    def _is_too_large_to_spread(self, column: Column, variant: Variant) -> bool:
        """Whether a constant would become too much data if each run got a copy: other runs then get a variant."""
        docs = [doc for doc in (self._docs.array(part.node) for part in variant.parts) if is_constant(doc)]
        size = sum(math.prod(doc.shape) * itemsize(doc.dtype) for doc in docs)
        return size * int(self._rows_of(column, variant).sum()) > _SPREAD_BYTES

    def _write_fitting(self, column: Column, variant: Variant, pieces: Sequence[Piece]) -> list[Piece]:
        """Write the runs that have the constants of a variant into it; returns the others."""
        import numpy as np

        fitting, rest = [], []
        for piece in pieces:
            fits = np.ones(len(piece.rows), bool)
            for part, values in zip(variant.parts, piece.data, strict=False):
                held = self._parts.holds(part, values)
                fits &= True if held is None else held
            fitting.extend([select(piece, fits)] if fits.any() else [])
            rest.extend([select(piece, ~fits)] if not fits.all() else [])
        if fitting:
            self._write_variant(column, variant, fitting)
        return rest

    def _column(self, entry: Field) -> Column:
        key = (entry.template, entry.item)
        if key not in self._columns:
            comment = "" if entry.kind == GROUP else self._comments[entry.template]
            self._columns[key] = Column(*key, entry.kind, entry.class_name, comment)
            self._have[key] = []
        return self._columns[key]

    def _rows_of(self, column: Column, variant: Variant) -> Array:
        return self._have[column.template, column.item][variant.number]

    def _write_variant(self, column: Column, variant: Variant | None, found: Sequence[Piece]) -> None:
        rows, data = merged(found)
        entry = found[0].entry
        variant = variant or self._new_variant(column, entry, data, _varying(found))
        if entry.labels.coords or any(map(variant.dims_of, variant.parts)):
            self._keep_apart(variant, data)
        for spec, values in zip(entry.parts, data, strict=True):
            variant = self._write_part(column, variant, spec.name, rows, values)
        for dim in variant.coords:
            variant = self._write_coordinate(column, variant, dim, found)
        self._rows_of(column, variant)[rows] = True

    def _write_part(
        self, column: Column, variant: Variant, name: str, rows: Array, values: Array | list[Any]
    ) -> Variant:
        old = variant.part(name)
        new = self._parts.write(old, rows, values, self._rows_of(column, variant))
        if new is old:
            return variant
        return _change(column, variant, parts=tuple(new if part is old else part for part in variant.parts))

    def _new_variant(
        self, column: Column, entry: Field, data: Sequence[Array | list[Any]], varying: Container[str]
    ) -> Variant:
        """Add a variant for such values; ``varying`` are the dims whose labels differ between these runs."""
        import numpy as np

        path, leaf = layout.place_of(entry.template)
        group = self._docs.group_key(path)
        key = self._docs.free_key(group, f"{leaf}.{entry.item.lstrip('@')}" if entry.item else leaf)
        labels = entry.labels
        naming = Naming(self._dims, key, labels.coords)
        parts: list[PartNode] = []
        for spec, values in zip(entry.parts, data, strict=True):
            node = self._docs.free_key(group, f"{name_of(key)}.{spec.name}") if parts else key
            inner, named = widest(values, spec.rank), spec.dims if parts else labels.dims
            alike = zip(named, alike_along(values, spec.rank), strict=False)
            dims = naming.names(node, named, inner, [same and dim not in varying for dim, same in alike])
            attrs = spec.plain() if parts else plain_attrs(labels.attrs, column.comment) | spec.plain()
            constant = constant_of(values)
            parts.append(self._parts.create(node, spec, dims, inner if constant is None else constant, attrs))
        coords = {
            dim: LabelNode(coord.values.dtype.str, dict(coord.attrs), naming.shared.get(dim))
            for dim, coord in labels.coords.items()
        }
        meta = json.loads(entry.meta)
        about = (tuple(parts), tuple(labels.dims), dict(labels.attrs), coords)
        variant = Variant(len(column.variants), entry.codec, entry.version, meta, *about)
        column.variants.append(variant)
        self._have[column.template, column.item].append(np.zeros(self._n_runs, bool))
        return variant

    # Its dims and their coordinates -----------------------------------------------------------------------------------

    def _keep_apart(self, variant: Variant, data: Sequence[Array | list[Any]]) -> None:
        """Give the dims names that are the variant's alone along which these runs differ from those that are there."""
        sizes = {part.name: self._docs.array(part.node).shape for part in variant.parts}
        for part, values in zip(variant.parts, data, strict=False):
            for axis, dim in enumerate(variant.dims_of(part), start=-part.rank):
                size = sizes[part.name][axis]
                if not isinstance(values, list):
                    differ = values.shape[axis] != size
                else:
                    differ = any(value.shape[axis] != size for value in values)
                if differ:
                    self._own_dim(variant, dim)

    def _own_dim(self, variant: Variant, dim: str) -> str:
        """Give a dim of the arrays of a variant a name that is theirs alone and has no labels, unless it has one."""
        with_dim = list(variant.with_dim(dim))
        names = {self._docs.array(part.node).dims[axis] for part, axis in with_dim}
        name = names.pop()
        if names or not self._dims.is_own(parent(variant.node), name):
            name = self._dims.private(variant.node, dim)
            for part, axis in with_dim:
                self._parts.rename_dim(part.node, axis, name)
        return name

    def _write_coordinate(self, column: Column, variant: Variant, dim: str, found: Sequence[Piece]) -> Variant:
        """Check that the labels of these runs are those of all runs; if not, give each run its own."""
        import numpy as np

        known, name = variant.coords[dim].node, f"@{dim}"
        given = [piece.entry.labels.coords[dim] for piece in found]
        if known is not None:
            constant = self._dims.coord(known)
            if all(coords_equal(constant, coord) for coord in given):
                return variant
            variant = self._own_coordinate(column, variant, dim, found)
            variant = self._repeat(column, variant, name, constant)
            self._dims.drop_unused(known)
        elif all(part.name != name for part in variant.parts):
            variant = self._own_coordinate(column, variant, dim, found)
        rows = np.concatenate([piece.rows for piece in found])
        values = [on_disk(coord.values) for coord in given]
        each = [value for piece, value in zip(found, values, strict=True) for _ in range(len(piece.rows))]
        order = np.argsort(rows, kind="stable")
        ordered = [each[i] for i in order]
        same = len({value.shape for value in ordered}) == 1
        return self._write_part(column, variant, name, rows[order], np.stack(ordered) if same else ordered)

    def _own_coordinate(self, column: Column, variant: Variant, dim: str, found: Sequence[Piece]) -> Variant:
        """The coordinate becomes a part: an array over runs and the dim, which it shares its name with."""
        have = self._rows_of(column, variant).copy()
        for piece in found:
            have[piece.rows] = True
        inner: tuple[int, ...] = ()
        for each, axis in variant.with_dim(dim):
            if is_constant(self._docs.array(each.node)):
                self._parts.spread(each, have)
            inner = (self._docs.array(each.node).shape[axis],)
        name, coord = self._own_dim(variant, dim), found[0].entry.labels.coords[dim]
        spec = PartSpec(f"@{dim}", "array", layout.dtype_of(on_disk(coord.values)), 1, dims=(dim,))
        part = self._parts.create(f"{parent(variant.node)}/{name}", spec, (name,), inner, shown_attrs(coord))
        coords = {**variant.coords, dim: variant.coords[dim]._replace(node=None)}
        return _change(column, variant, parts=(*variant.parts, part), coords=coords)

    def _repeat(self, column: Column, variant: Variant, name: str, coord: Coord) -> Variant:
        """Give the runs that are there the coordinate that they had in common, some of them at a time."""
        import numpy as np

        have, values = np.flatnonzero(self._rows_of(column, variant)), on_disk(coord.values)
        part = variant.part(name)
        made, written = part, np.zeros(self._n_runs, bool)
        step = max(1, _REPEATED_BYTES // max(1, values.nbytes))
        for start in range(0, len(have), step):
            rows = have[start : start + step]
            made = self._parts.write(made, rows, np.repeat(values[None], len(rows), axis=0), written)
            written[rows] = True
        return _change(column, variant, parts=tuple(made if each is part else each for each in variant.parts))

    # Which run has which variant --------------------------------------------------------------------------------------

    def _write_which(self, column: Column, runs: Array, complete: Array) -> None:
        import numpy as np

        have, before = self._have[column.template, column.item], complete.copy()
        before[runs] = False
        if column.which is None and len(have) == 1 and not (complete & ~have[0]).any():
            return
        which = np.full(self._n_runs, NONE, np.uint8)
        for number, rows in enumerate(have):
            which[rows] = number
        if column.which is None:
            main = column.variants[0].node
            column.which = self._docs.free_key(parent(main), f"{name_of(main)}.which")
            attrs = {"long_name": f"which variant a run has; {NONE}: none"}
            chunks = (layout.run_chunk("uint8", ()),)
            doc = ArrayDoc((self._n_runs,), "uint8", (RUN,), chunks, NONE, attrs, {"of": main})
            self._parts.add(column.which, doc)
            runs = np.arange(self._n_runs)
        write_rows(self._place, column.which, self._docs.array(column.which), runs, which[runs], before)

    def _read(self, node: str, have: Array) -> Array:
        doc = self._docs.array(node)
        return read_whole(Kept(self._place, node, doc, in_rows(doc, have)), node, doc)


def _varying(found: Sequence[Piece]) -> set[str]:
    """The dims whose labels are not the same in all runs."""
    first, *others = (piece.entry.labels.coords for piece in found)
    return {dim for dim, coord in first.items() if not all(coords_equal(coord, each[dim]) for each in others)}


def _change(column: Column, variant: Variant, **changes: Any) -> Variant:
    made = variant._replace(**changes)
    column.variants[variant.number] = made
    return made
