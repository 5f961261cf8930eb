"""Folding: the results of finished runs go from packets into columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xpet.store import layout
from xpet.store.chunks import read_rows, read_whole, write_rows
from xpet.store.columns import NONE, Column, LabelNode, PartNode, Variant, read_columns, save_column, signature_of
from xpet.store.dims import Dims, coord_dtype, coord_on_disk, default_dims, without_values
from xpet.store.documents import ArrayDoc
from xpet.store.hierarchy import Hierarchy, parent
from xpet.store.packets import ANNOTATIONS, COMMENT, Batch, Field, PartSpec
from xpet.store.ragged import lengths_of, write_ragged
from xpet.store.relayout import relayout
from xpet.values import Labels, coords_equal

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """The values of one field in the runs of one batch."""

    entry: Field
    rows: Array
    data: tuple[Array | list[Any], ...]


class ColumnWriter:
    """Writes runs into columns and keeps the documents of the columns up to date."""

    def __init__(self, place: Place, hierarchy: Hierarchy, complete: Array) -> None:
        import numpy as np

        self._place = place
        self._docs = hierarchy
        self._dims = Dims(place, hierarchy)
        self._n_runs = len(complete)
        self._columns = read_columns(hierarchy)
        #: per column, per variant: the runs that have it
        self._have: dict[tuple[str, str], list[Array]] = {}
        for key, column in self._columns.items():
            which = np.zeros(self._n_runs, np.uint8) if column.which is None else self._read(column.which)
            self._have[key] = [complete & (which == variant.number) for variant in column.variants]

    def groups(self) -> set[str]:
        """The keys of the groups that hold columns."""
        return {parent(variant.node) for column in self._columns.values() for variant in column.variants}

    def write(self, batches: Sequence[Batch], runs: Array, complete: Array) -> None:
        """Write the values of the runs that just completed.

        ``runs`` are those, ascending; ``complete`` is which runs will be complete then.
        """
        pieces: dict[tuple[str, str], dict[str, list[_Piece]]] = {}
        for batch in batches:
            for entry, data in zip(batch.fields, batch.data, strict=True):
                for piece in self._said(_Piece(entry, batch.runs, data)):
                    key = (piece.entry.template, piece.entry.item)
                    pieces.setdefault(key, {}).setdefault(signature_of(piece.entry), []).append(piece)
        for key, variants in pieces.items():
            for found in variants.values():
                self._write_variant(self._columns[key], found)
        for column in self._columns.values():
            self._write_which(column, runs, complete)

    def finish(self) -> None:
        """Bring the attributes that depend on completeness up to date, for the documents to be published."""
        for key, column in self._columns.items():
            for variant, have in zip(column.variants, self._have[key], strict=True):
                full = bool(have.all())
                for part in variant.parts:
                    self._fill_attribute(part.node, part.dtype, full and part.lengths is None)
                    if part.lengths is not None:
                        self._fill_attribute(part.lengths, "int64", full)
            save_column(self._docs, column)

    def _said(self, piece: _Piece) -> list[_Piece]:
        """A piece, and a second one if its runs have another comment than the column."""
        entry = piece.entry
        key = (entry.template, entry.item)
        column = self._columns.get(key)
        if column is None:
            column = Column(entry.template, entry.item, entry.kind, entry.class_name, entry.comment)
            self._columns[key] = column
            self._have[key] = []
        if entry.comment == column.comment or entry.item in (COMMENT, ANNOTATIONS):
            return [piece]
        said = replace(
            entry, item=COMMENT, comment=column.comment, codec="str", version=1, meta="{}",
            parts=(PartSpec("", "text", "string"),), labels=Labels(),
        )  # fmt: skip
        if entry.item:
            # One comment a leaf: its first item speaks for the others.
            first = next(each for each in self._columns.values() if each.template == entry.template)
            if first.item != entry.item:
                return [piece]
        return [piece, *self._said(_Piece(said, piece.rows, ([entry.comment] * len(piece.rows),)))]

    # One variant ------------------------------------------------------------------------------------------------------

    def _write_variant(self, column: Column, found: Sequence[_Piece]) -> None:
        rows, data = _merge(found)
        variant = column.variant_of(signature_of(found[0].entry)) or self._new_variant(column, found[0].entry, data)
        for part, values in zip(found[0].entry.parts, data, strict=True):
            variant = self._write_part(column, variant, part.name, rows, values)
        for dim in variant.coords:
            variant = self._write_coordinate(column, variant, dim, found)
        self._rows_of(column, variant)[rows] = True

    def _rows_of(self, column: Column, variant: Variant) -> Array:
        return self._have[column.template, column.item][variant.number]

    def _write_part(
        self, column: Column, variant: Variant, name: str, rows: Array, given: Array | list[Any]
    ) -> Variant:
        part = variant.part(name)
        values = _on_disk(given, part)
        inner = _widest(values, part.rank)
        doc = self._docs.array(part.node)
        if part.lengths is None and (isinstance(values, list) or inner != doc.shape[1:]):
            variant = self._make_ragged(column, variant, part, inner)
            part, doc = variant.part(name), self._docs.array(part.node)
        wider = tuple(max(old, new) for old, new in zip(doc.shape[1:], inner, strict=True))
        if wider != doc.shape[1:]:
            doc = replace(doc, shape=(doc.shape[0], *wider))
            self._docs.put(part.node, doc)
        doc = self._spare_fill(column, variant, part, values)
        if part.lengths is None:
            assert not isinstance(values, list)
            write_rows(self._place, part.node, doc, rows, values)
        else:
            each = list(values)
            write_ragged(self._place, part.node, doc, rows, each)
            about = self._docs.array(part.lengths)
            write_rows(self._place, part.lengths, about, rows, lengths_of(each, part.rank))
        return variant

    def _new_variant(self, column: Column, entry: Field, data: Sequence[Array | list[Any]]) -> Variant:
        import numpy as np

        group, leaf = layout.place_of(entry.template)
        suffix = {"": "", COMMENT: ".comment", ANNOTATIONS: ".annotations"}.get(entry.item, f".{entry.item}")
        number = len(column.variants)
        if number >= NONE:
            raise ValueError(f"{entry.template}: more than {NONE} different kinds of value in one column")
        key = self._docs.free_key(group, leaf + suffix)
        labels = entry.labels
        parts: list[PartNode] = []
        for spec, values in zip(entry.parts, data, strict=True):
            node = self._docs.free_key(group, f"{key.rpartition('/')[2]}.{spec.name}") if parts else key
            inner, dense = _widest(values, spec.rank), not isinstance(values, list) or not spec.rank
            dims = default_dims(node, spec.rank) if parts else self._dims.names(key, labels, inner, dense)
            self._new_array(node, spec, dims, inner, layout.plain_attrs(labels.attrs, column.comment))
            parts.append(PartNode(spec.name, spec.dtype, spec.rank, node))
        coords = {}
        for dim, coord in labels.coords.items():
            name = self._docs.array(key).dims[1 + labels.dims.index(dim)]
            shared = self._dims.share(group, name, coord) if not isinstance(data[0], list) else None
            coords[dim] = LabelNode(coord.values.dtype.str, dict(coord.attrs), shared)
        meta = json.loads(entry.meta)
        about = (tuple(parts), tuple(labels.dims), dict(labels.attrs), coords)
        variant = Variant(number, entry.codec, entry.version, meta, *about)
        column.variants.append(variant)
        self._have[column.template, column.item].append(np.zeros(self._n_runs, bool))
        return variant

    def _new_array(
        self, node: str, spec: PartSpec, dims: Sequence[str], inner: tuple[int, ...], attrs: dict[str, Any]
    ) -> None:
        disk = layout.disk_dtype(spec.dtype)
        chunks = layout.inner_chunks(disk, inner, ragged=False)
        doc = ArrayDoc(
            shape=(self._n_runs, *inner),
            dtype=disk,
            dims=(layout.RUN, *dims),
            chunks=(layout.run_chunk(disk, chunks), *chunks),
            fill=layout.default_fill(disk),
            attrs=attrs,
            xpet={"of": node},
        )
        self._docs.put(node, doc)

    def _make_ragged(self, column: Column, variant: Variant, part: PartNode, inner: tuple[int, ...]) -> Variant:
        """From here on the rows of this part may differ in shape; the rows that are there keep the shape they have."""
        import numpy as np

        doc = self._docs.array(part.node)
        have = np.flatnonzero(self._rows_of(column, variant))
        lengths = self._new_lengths(part, doc, have)
        names = variant.dims if variant.dims and not part.name else tuple(f"d{k}" for k in range(part.rank))
        if not part.name.startswith("@"):
            doc = replace(doc, dims=(layout.RUN, *(f"{layout.dotted(part.node)}.{name}" for name in names)))
        wide = tuple(max(old, new) for old, new in zip(doc.shape[1:], inner, strict=True))
        better = layout.inner_chunks(doc.dtype, wide, ragged=True)
        if better != doc.chunks[1:]:
            recut = replace(doc, chunks=(layout.run_chunk(doc.dtype, better), *better))
            doc = relayout(self._place, part.node, doc, recut, have)
        self._docs.put(part.node, doc)
        made = replace(part, lengths=lengths)
        return _change(column, variant, parts=tuple(made if each is part else each for each in variant.parts))

    def _new_lengths(self, part: PartNode, doc: ArrayDoc, have: Array) -> str:
        import numpy as np

        node = self._docs.free_key(parent(part.node), f"{part.node.rpartition('/')[2]}.len")
        one = part.rank == 1
        dims = (layout.RUN,) if one else (layout.RUN, f"{layout.dotted(part.node)}.rank")
        shape = (doc.shape[0],) if one else (doc.shape[0], part.rank)
        chunks = (layout.run_chunk("int64", shape[1:]), *shape[1:])
        about = ArrayDoc(shape, "int64", dims, chunks, -1, {"long_name": "length in each run"}, {"of": part.node})
        self._docs.put(node, about)
        if len(have):
            filled = np.broadcast_to(np.array(doc.shape[1:], np.int64), (len(have), part.rank))
            write_rows(self._place, node, about, have, filled[:, 0] if one else filled)
        return node

    def _spare_fill(self, column: Column, variant: Variant, part: PartNode, values: Array | list[Any]) -> ArrayDoc:
        """The document of an integer part whose fill is a number that no run has, if there is such a number."""
        import numpy as np

        doc = self._docs.array(part.node)
        if not layout.is_integer(doc.dtype) or doc.xpet.get("no_spare") or not _holds(values, doc.fill):
            return doc
        have = np.flatnonzero(self._rows_of(column, variant))
        old = read_rows(self._place, part.node, doc, 0, doc.shape[0])[have] if len(have) else np.empty(0, int)
        for fill in layout.spare_fills(doc.dtype):
            if not _holds(values, fill) and not (old == fill).any():
                made = relayout(self._place, part.node, doc, replace(doc, fill=fill), have)
                break
        else:
            made = replace(doc, xpet={**doc.xpet, "no_spare": True})
        self._docs.put(part.node, made)
        return made

    # Coordinates of its dims ------------------------------------------------------------------------------------------

    def _write_coordinate(self, column: Column, variant: Variant, dim: str, found: Sequence[_Piece]) -> Variant:
        """Check that the labels of these runs are those of all runs; if not, give each run its own."""
        import numpy as np

        known, name = variant.coords[dim].node, f"@{dim}"
        given = [piece.entry.labels.coords[dim] for piece in found]
        if known is not None:
            constant = self._dims.coord(known)
            if all(coords_equal(constant, coord) for coord in given):
                return variant
            have = np.flatnonzero(self._rows_of(column, variant))
            variant = self._own_coordinate(column, variant, dim, found)
            if len(have):
                old = np.repeat(coord_on_disk(constant.values)[None], len(have), axis=0)
                variant = self._write_part(column, variant, name, have, old)
        elif all(part.name != name for part in variant.parts):
            variant = self._own_coordinate(column, variant, dim, found)
        rows = np.concatenate([piece.rows for piece in found])
        values = [coord_on_disk(coord.values) for coord in given]
        each = [value for piece, value in zip(found, values, strict=True) for _ in range(len(piece.rows))]
        order = np.argsort(rows, kind="stable")
        ordered = [each[i] for i in order]
        same = len({value.shape for value in ordered}) == 1
        return self._write_part(column, variant, name, rows[order], np.stack(ordered) if same else ordered)

    def _own_coordinate(self, column: Column, variant: Variant, dim: str, found: Sequence[_Piece]) -> Variant:
        """The coordinate becomes a part: a value in each run."""
        axis, key = 1 + variant.dims.index(dim), variant.node
        doc = self._docs.array(key)
        name = f"{layout.dotted(key)}.{dim}"
        self._docs.put(key, replace(doc, dims=(*doc.dims[:axis], name, *doc.dims[axis + 1 :])))
        node = self._docs.free_key(parent(key), f"{key.rpartition('/')[2]}.{dim}")
        coord = found[0].entry.labels.coords[dim]
        spec = PartSpec(f"@{dim}", "array", coord_dtype(coord), 1)
        inner = (doc.shape[axis],)
        self._new_array(node, spec, (name,), inner, layout.plain_attrs(without_values(coord).attrs))
        part = PartNode(spec.name, spec.dtype, 1, node)
        coords = {**variant.coords, dim: replace(variant.coords[dim], node=None)}
        return _change(column, variant, parts=(*variant.parts, part), coords=coords)

    # Which run has which variant --------------------------------------------------------------------------------------

    def _write_which(self, column: Column, runs: Array, complete: Array) -> None:
        import numpy as np

        if column.item in (COMMENT, ANNOTATIONS):
            # An empty text says that the run has none.
            return
        have = self._have[column.template, column.item]
        if column.which is None and len(have) == 1 and not (complete & ~have[0]).any():
            return
        which = np.full(self._n_runs, NONE, np.uint8)
        for number, rows in enumerate(have):
            which[rows] = number
        if column.which is None:
            main = column.variants[0].node
            column.which = self._docs.free_key(parent(main), f"{main.rpartition('/')[2]}.which")
            attrs = {"long_name": f"which variant a run has; {NONE}: none"}
            chunks = (layout.run_chunk("uint8", ()),)
            doc = ArrayDoc((self._n_runs,), "uint8", (layout.RUN,), chunks, NONE, attrs, {"of": main})
            self._docs.put(column.which, doc)
            runs = np.arange(self._n_runs)
        write_rows(self._place, column.which, self._docs.array(column.which), runs, which[runs])

    def _read(self, node: str) -> Array:
        return read_whole(self._place, node, self._docs.array(node))

    def _fill_attribute(self, node: str, dtype: str, full: bool) -> None:
        """What lets plain tools see that a number is not there, while some are not."""
        doc = self._docs.array(node)
        attrs = {key: value for key, value in doc.attrs.items() if key not in ("_FillValue", "dtype")}
        if full and dtype == "bool":
            attrs["dtype"] = "bool"
        elif not full and layout.is_integer(doc.dtype) and not doc.xpet.get("no_spare"):
            attrs["_FillValue"] = doc.fill
        self._docs.put(node, replace(doc, attrs=attrs))


def _change(column: Column, variant: Variant, **changes: Any) -> Variant:
    made = replace(variant, **changes)
    column.variants[variant.number] = made
    return made


def _merge(found: Sequence[_Piece]) -> tuple[Array, list[Array | list[Any]]]:
    """All rows of the pieces, ascending, and the values of each part in that order."""
    import numpy as np

    rows = np.concatenate([piece.rows for piece in found])
    order = np.argsort(rows, kind="stable")
    data: list[Array | list[Any]] = []
    for parts in zip(*(piece.data for piece in found), strict=True):
        if all(isinstance(part, np.ndarray) for part in parts) and len({part.shape[1:] for part in parts}) == 1:
            data.append(np.concatenate(parts)[order])
        else:
            each = [value for part in parts for value in part]
            data.append([each[i] for i in order])
    return rows[order], data


def _on_disk(values: Array | list[Any], part: PartNode) -> Array | list[Any]:
    """The values of a part as chunks hold them: texts as objects, bools as int8."""
    import numpy as np

    if part.dtype == "string" and part.rank == 0:
        texts = np.empty(len(values), object)
        texts[:] = values
        return texts
    if isinstance(values, list):
        return [value.astype("int8") for value in values] if part.dtype == "bool" else values
    return values.astype("int8") if part.dtype == "bool" else values


def _widest(values: Array | list[Any], rank: int) -> tuple[int, ...]:
    """The inner shape that holds all values."""
    if rank == 0:
        return ()
    if isinstance(values, list):
        return tuple(max(value.shape[axis] for value in values) for axis in range(rank))
    return tuple(values.shape[1:])


def _holds(values: Array | list[Any], number: object) -> bool:
    if isinstance(values, list):
        return any(bool((value == number).any()) for value in values)
    return bool((values == number).any())
