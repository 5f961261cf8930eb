"""One part of a column: dense while all runs have one shape, ragged from the first that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from xpet.store import layout
from xpet.store.arriving import as_chunks
from xpet.store.carried import Carried, loaded
from xpet.store.chunks import read_rows, write_rows
from xpet.store.columns import PartNode
from xpet.store.constants import Constants, is_constant
from xpet.store.dims import Dims
from xpet.store.documents import ArrayDoc
from xpet.store.fields import PartSpec
from xpet.store.hierarchy import RUN, Hierarchy, name_of, parent
from xpet.store.kept import Kept, in_ragged_rows, in_rows
from xpet.store.ragged import lengths_of, write_ragged
from xpet.store.relayout import Leftovers, beside, drop_chunks, has_room, relayout

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

    #: the values of some runs: an array over them, or one array each, as if they have several shapes or are large
    Values: TypeAlias = "Array | list[Any]"


#: the attribute of the parts of which some numbers are missing within a value
_MISSING = "missing_value"
#: a constant that becomes one value a run is copied into so much memory at a time
_REPEATED_BYTES = 2**24
#: carried arrays that must be decoded are, as long as they have no more than this
_LOADED_BYTES = 2**26


class PartWriter:
    """Writes parts into their arrays and keeps the documents of these up to date."""

    def __init__(self, place: Place, hierarchy: Hierarchy, dims: Dims, n_runs: int) -> None:
        self._place = place
        self._docs = hierarchy
        self._dims = dims
        self._n_runs = n_runs
        self._leftovers = Leftovers(place)
        self._constants = Constants(place)
        #: arrays whose chunks are not those that readers of the published document look at
        self._unpublished: set[str] = set()

    def create(
        self, node: str, spec: PartSpec, dims: Sequence[str], like: Array | Carried | tuple[int, ...],
        attrs: dict[str, Any],
    ) -> PartNode:  # fmt: skip
        """Add the array of a part, which no run has yet: along the runs of an inner shape, or the same one for all."""
        disk = layout.disk_dtype(spec.dtype)
        constant, inner = (None, like) if isinstance(like, tuple) else (like, like.shape)
        chunks = layout.inner_chunks(disk, inner, ragged=False)
        fill = attrs.get(_MISSING, layout.default_fill(disk))
        doc = ArrayDoc(tuple(inner), disk, tuple(dims), chunks, fill, attrs, {"of": node})
        if constant is None:
            self.add(node, self._along_runs(doc))
        else:
            self.add(node, doc)
            self._constants.write(node, doc, constant)
        return PartNode(spec.name, spec.dtype, spec.rank, node, dims=spec.dims)

    def _along_runs(self, doc: ArrayDoc) -> ArrayDoc:
        """The document of an array for one run as that of an array for all."""
        return doc._replace(
            shape=(self._n_runs, *doc.shape),
            dims=(RUN, *doc.dims),
            chunks=(layout.run_chunk(doc.dtype, doc.chunks), *doc.chunks),
        )

    def add(self, node: str, doc: ArrayDoc) -> None:
        """Add an array that is nobody's yet."""
        self._leftovers.clear(node)
        self._docs.put(node, doc)
        self._unpublished.add(node)

    def write(self, part: PartNode, rows: Array, given: Values, have: Array) -> PartNode:
        """Put values into the rows of the runs ``rows``, ascending; ``have`` tells which runs had the part before."""
        doc = self._docs.array(part.node)
        if is_constant(doc):
            if self._constants.hold(part.node, doc, given):
                return part
            doc = self.spread(part, have)
        if isinstance(given, list) and any(isinstance(value, Carried) for value in given):
            return self._bring(part, rows, given, have)
        values = _on_disk(given, part)
        if part.lengths is None and _shapes(values) != {doc.shape[1:]}:
            part = self._make_ragged(part, values, have)
        if part.lengths is None:
            doc = self._spare_fill(part, values, have)
            write_rows(self._place, part.node, doc, rows, values, have)
        else:
            each = list(values)
            self._widen(part, each)
            doc = self._spare_fill(part, each, have)
            write_ragged(self._kept(part, doc, have), part.node, doc, rows, each)
            lengths = lengths_of(each, part.rank)
            write_rows(self._place, part.lengths, self._docs.array(part.lengths), rows, lengths, have)
        return part

    def _bring(self, part: PartNode, rows: Array, given: list[Any], have: Array) -> PartNode:
        """Have the chunks of values that were carried as those of their rows; write what cannot, a few at a time."""
        have, at, is_dense = have.copy(), 0, len(_shapes(given)) == 1
        while at < len(given):
            first, doc, pairs = at, self._docs.array(part.node), []
            spared = _needs_spare(doc)
            while is_dense and part.lengths is None and at < len(given):
                chunks = as_chunks(given[at], part.node, doc, int(rows[at]), spared)
                if chunks is None:
                    break
                pairs += chunks
                at += 1
            self._place.copy_many(pairs)
            if at == first:
                size = 0
                while at < len(given) and (at == first or size <= _LOADED_BYTES):
                    size += given[at].nbytes
                    at += 1
                part = self.write(part, rows[first:at], [loaded(each) for each in given[first:at]], have)
            have[rows[first:at]] = True
        return part

    def holds(self, part: PartNode, values: Values) -> Array | None:
        """Which of some values a constant is; None if the part is none."""
        import numpy as np

        doc = self._docs.array(part.node)
        if not is_constant(doc):
            return None
        return np.array([self._constants.hold(part.node, doc, [value]) for value in values], bool)

    def spread(self, part: PartNode, have: Array) -> ArrayDoc:
        """Make a constant one along the runs, with a copy for each run that has it; returns its document."""
        import numpy as np

        old = self._docs.array(part.node)
        value = self._constants.get(part.node, old)
        made = beside(old, self._along_runs(old))
        drop_chunks(self._place, part.node, made.keys)
        if part.node in self._unpublished:
            drop_chunks(self._place, part.node, old.keys)
            made = made._replace(xpet={**made.xpet, "retired": old.xpet.get("retired", [])})
        self._unpublished.add(part.node)
        self._docs.put(part.node, made)
        self._constants.forget(part.node)
        rows = np.flatnonzero(have)
        step = max(1, _REPEATED_BYTES // max(1, value.nbytes))
        nobody = np.zeros(self._n_runs, bool)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            self.write(part, some, np.repeat(value[None], len(some), axis=0), nobody)
        return self._docs.array(part.node)

    def rename_dim(self, node: str, axis: int, name: str) -> None:
        """Give one dim of an array another name; ``axis`` counts from the end."""
        doc = self._docs.array(node)
        dims = list(doc.dims)
        dims[axis] = name
        self._docs.put(node, doc._replace(dims=tuple(dims)))

    def finish(self, part: PartNode, full: bool) -> None:
        """Bring the attributes that depend on completeness up to date; ``full`` if every run has the part."""
        always = is_constant(self._docs.array(part.node))
        self._fill_attribute(part.node, part.dtype, always or (full and part.lengths is None))
        if part.lengths is not None:
            self._fill_attribute(part.lengths, "int64", full)

    def published(self) -> None:
        """From now on readers look at all arrays as they are."""
        self._unpublished.clear()
        self._dims.published()

    # Rows of different shape ------------------------------------------------------------------------------------------

    def _make_ragged(self, part: PartNode, values: Values, have: Array) -> PartNode:
        """From here on the rows of this part may differ in shape; the rows that are there keep the shape they have."""
        doc = self._docs.array(part.node)
        made = part._replace(lengths=self._new_lengths(part, doc, have))
        wide = [max(sizes) for sizes in zip(doc.shape[1:], widest(values, part.rank), strict=True)]
        inner = layout.inner_chunks(doc.dtype, wide, ragged=True)
        if inner != doc.chunks[1:] and has_room(doc):
            recut = doc._replace(chunks=(layout.run_chunk(doc.dtype, inner), *inner))
            self._relayout(part, doc, recut, have)
        return made

    def _new_lengths(self, part: PartNode, doc: ArrayDoc, have: Array) -> str:
        import numpy as np

        node = self._docs.free_key(parent(part.node), f"{name_of(part.node)}.len")
        one = part.rank == 1
        dims = (RUN,) if one else (RUN, self._dims.private(part.node, "rank"))
        shape = (doc.shape[0],) if one else (doc.shape[0], part.rank)
        chunks = (layout.run_chunk("int64", shape[1:]), *shape[1:])
        about = ArrayDoc(shape, "int64", dims, chunks, -1, {"long_name": "length in each run"}, {"of": part.node})
        self.add(node, about)
        rows = np.flatnonzero(have)
        if len(rows):
            filled = np.broadcast_to(np.array(doc.shape[1:], np.int64), (len(rows), part.rank))
            write_rows(self._place, node, about, rows, filled[:, 0] if one else filled)
        return node

    def _widen(self, part: PartNode, values: list[Array]) -> None:
        """Make room."""
        doc = self._docs.array(part.node)
        wide = [max(sizes) for sizes in zip(doc.shape[1:], widest(values, part.rank), strict=True)]
        self._docs.put(part.node, doc._replace(shape=(doc.shape[0], *wide)))

    # Numbers that mean "not there" ------------------------------------------------------------------------------------

    def _spare_fill(self, part: PartNode, values: Values, have: Array) -> ArrayDoc:
        """The document of an integer part whose fill is a number that no run has, if there is such a number."""
        import numpy as np

        doc = self._docs.array(part.node)
        if not (_needs_spare(doc) and _holds(values, doc.fill)):
            return doc
        new = np.unique(values if isinstance(values, np.ndarray) else np.concatenate([each.ravel() for each in values]))
        spare = list(layout.spare_fills(doc.dtype))
        unused = np.setdiff1d(_as_seen(np.array(spare, doc.dtype)), _as_seen(new))
        unused = self._unused(part, doc, have, unused)
        fill = next((each for each in spare if each in unused), None)
        if fill is None or not has_room(doc):
            return self._without_spare(part.node, doc)
        return self._relayout(part, doc, doc._replace(fill=fill), have)

    def _kept(self, part: PartNode, doc: ArrayDoc, have: Array) -> Kept:
        """The place, in which the chunks of a part must be there that the runs ``have`` reach."""
        must = in_rows(doc, have)
        if part.lengths is not None:
            must = in_ragged_rows(self._place, doc, have, part.lengths, self._docs.array(part.lengths))
        return Kept(self._place, part.node, doc, must)

    def _without_spare(self, node: str, doc: ArrayDoc) -> ArrayDoc:
        made = doc._replace(xpet={**doc.xpet, "no_spare": True})
        self._docs.put(node, made)
        return made

    def _unused(self, part: PartNode, doc: ArrayDoc, have: Array, numbers: Array) -> Array:
        """Those of some numbers that no row holds."""
        import numpy as np

        rows, step, kept = np.flatnonzero(have), doc.chunks[0], self._kept(part, doc, have)
        for number in np.unique(rows // step).tolist():
            start, stop = number * step, min((number + 1) * step, doc.shape[0])
            some = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
            numbers = np.setdiff1d(numbers, _as_seen(read_rows(kept, part.node, doc, start, stop)[some - start]))
        return numbers

    def _relayout(self, part: PartNode, old: ArrayDoc, new: ArrayDoc, have: Array) -> ArrayDoc:
        import numpy as np

        rows = np.flatnonzero(have)
        if len(rows) or part.node not in self._unpublished:
            lengths = None if part.lengths is None else (part.lengths, self._docs.array(part.lengths))
            made = relayout(self._place, part.node, old, new, rows, lengths)
            if part.node in self._unpublished:
                drop_chunks(self._place, part.node, old.keys)
                left = [entry for entry in made.xpet["retired"] if entry["keys"] != old.keys]
                made = made._replace(xpet={**made.xpet, "retired": left})
            new = made
        self._unpublished.add(part.node)
        self._docs.put(part.node, new)
        return new

    def _fill_attribute(self, node: str, dtype: str, full: bool) -> None:
        """What lets plain tools see that a number is not there, while some are not."""
        doc = self._docs.array(node)
        if keeps_fill(doc.attrs):
            self._docs.put(node, doc._replace(attrs={**doc.attrs, "_FillValue": doc.fill}))
            return
        attrs = {key: value for key, value in doc.attrs.items() if key not in ("_FillValue", "dtype")}
        if full and dtype == "bool":
            attrs["dtype"] = "bool"
        elif not full and layout.is_integer(doc.dtype) and not doc.xpet.get("no_spare"):
            attrs["_FillValue"] = doc.fill
        self._docs.put(node, doc._replace(attrs=attrs))


def _needs_spare(doc: ArrayDoc) -> bool:
    """Whether the fill of an array must be a number that no run has."""
    return layout.is_integer(doc.dtype) and not doc.xpet.get("no_spare") and not keeps_fill(doc.attrs)


def keeps_fill(attrs: Mapping[str, Any]) -> bool:
    """Whether plain tools need the fill, complete or not: for NaT in times, and for what is missing within a value."""
    is_time = "calendar" in attrs or str(attrs.get("dtype", "")).startswith("timedelta64")
    return is_time or _MISSING in attrs


def _on_disk(values: Values, part: PartNode) -> Values:
    """The values of a part as chunks hold them: texts as objects, bools as int8."""
    import numpy as np

    if part.dtype == "string" and part.rank == 0:
        texts = np.empty(len(values), object)
        texts[:] = values
        return texts
    if part.dtype != "bool":
        return values
    return values.astype("int8") if isinstance(values, np.ndarray) else [value.astype("int8") for value in values]


def _shapes(values: Values) -> set[tuple[int, ...]]:
    """The inner shapes that there are."""
    return {value.shape for value in values} if isinstance(values, list) else {values.shape[1:]}


def widest(values: Values, rank: int) -> tuple[int, ...]:
    """The inner shape that holds all values."""
    if not isinstance(values, list):
        return tuple(values.shape[1:])
    return tuple(max(value.shape[axis] for value in values) for axis in range(rank))


def alike_along(values: Values, rank: int) -> tuple[bool, ...]:
    """Along which inner axes all values have one size."""
    if not isinstance(values, list):
        return (True,) * rank
    return tuple(len({value.shape[axis] for value in values}) == 1 for axis in range(rank))


def _as_seen(values: Array) -> Array:
    """Integers as plain tools compare them: those of 64 bits as floats."""
    return values.astype("f8") if values.dtype.itemsize == 8 else values


def _holds(values: Values, number: object) -> bool:
    found = values if isinstance(values, list) else [values]
    return any(bool((_as_seen(value) == number).any()) for value in found)
