"""Names of inner dimensions, and the coordinates along them that all runs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xpet.store import layout
from xpet.store.chunks import read_written, write_whole
from xpet.store.documents import ArrayDoc, Fill
from xpet.store.hierarchy import Hierarchy, below, bounded, name_of, parent
from xpet.store.relayout import drop_chunks, retire
from xpet.values import Coord, coords_equal
from xpet.values.coordinates import as_stored, on_disk, shown_attrs

if TYPE_CHECKING:
    from xpet.store.place import Place


class Dims:
    """Finds names for inner dims and writes shared coordinates."""

    def __init__(self, place: Place, hierarchy: Hierarchy) -> None:
        self._place = place
        self._docs = hierarchy
        self._known: dict[str, Coord] = {}
        #: shared coordinates that no reader has seen
        self._unpublished: set[str] = set()

    def default(self, key: str, rank: int) -> tuple[str, ...]:
        """The dims of an array that nobody named."""
        return tuple(self.private(key, f"d{k}") for k in range(rank))

    def private(self, key: str, dim: str) -> str:
        """A name for a dim of the array at ``key`` that no array around it has, neither as its name nor as a dim."""
        name = stem = bounded(f"{layout.dotted(key)}.{dim.replace('/', '.')}")
        group, k = parent(key), 0
        names = {name_of(other) for other, _ in self._docs.related(group)}
        while name in names or self._docs.has_dim(group, name) or self._docs.is_taken(below(group, name)):
            k += 1
            name = f"{stem}.{k}"
        return name

    def is_own(self, group: str, dim: str) -> bool:
        """Whether a dim belongs to one value alone, as the names that users give have no dot, and has no labels."""
        labels = below(group, dim)
        return "." in dim and not (labels in self._docs and self._docs.array(labels).dims == (dim,))

    def share(self, group: str, dim: str, coord: Coord) -> str:
        """The key of the coordinate of ``dim`` in a group, written if it is not there."""
        node = below(group, dim)
        if node not in self._docs:
            values = on_disk(coord.values)
            dtype, size = layout.dtype_of(values), len(values)
            fill: Fill = "" if dtype == "string" else False if dtype == "bool" else 0
            chunks = layout.inner_chunks(dtype, (size,), ragged=False)
            about = {"of": node, "dtype": coord.values.dtype.str, "attrs": dict(coord.attrs)}
            doc = ArrayDoc((size,), dtype, (dim,), chunks, fill, shown_attrs(coord), about)
            write_whole(self._place, node, doc, values)
            self._docs.put(node, doc)
            self._known[node] = coord
            self._unpublished.add(node)
        return node

    def drop_unused(self, node: str) -> None:
        """Forget a shared coordinate that no array has any more: it would be taken for that of others."""
        if not any(name_of(node) in doc.dims for key, doc in self._docs.related(parent(node)) if key != node):
            self._known.pop(node, None)
            if node in self._unpublished:
                self._unpublished.discard(node)
                drop_chunks(self._place, node, self._docs.array(node).keys)
                self._docs.drop(node)
            else:
                retire(self._docs, node)

    def published(self) -> None:
        """From now on readers look at all coordinates."""
        self._unpublished.clear()

    def coord(self, node: str) -> Coord:
        """The shared coordinate at a node, as it was given."""
        known = self._known.get(node)
        if known is None:
            doc = self._docs.array(node)
            values = read_written(self._place, node, doc)
            dtype = doc.xpet.get("dtype")
            known = Coord(values if dtype is None else as_stored(values, dtype), doc.xpet.get("attrs", {}))
            self._known[node] = known
        return known

    def is_free(self, key: str, dim: str, size: int, coord: Coord | None) -> bool:
        """Whether the array at ``key`` may call a dimension ``dim``, along which it has these labels, or none.

        It may if every array around it that has such a dim has the same size and the same labels along it, and
        nothing else is called so.
        """
        group = parent(key)
        node = below(group, dim)
        if name_of(key) == dim or bounded(dim) != dim:
            return False
        if self._docs.is_reserved(dim) or self._docs.has_group(group, dim):
            return False
        same: dict[str, bool] = {}
        for other, doc in self._docs.related(group):
            if name_of(other) == dim:
                same[other] = doc.dims == (dim,) and coord is not None and coords_equal(self.coord(other), coord)
                if not same[other]:
                    return False
        if node not in same and self._docs.is_taken(node):
            return False
        labelled = same[node] = coord is not None
        return all(
            doc.shape[doc.dims.index(dim)] == size and same.get(below(parent(other), dim), False) == labelled
            for other, doc in self._docs.related(group)
            if dim in doc.dims
        )


class Naming:
    """The names in the store of the dims of one value, and the coordinates that it shares with others."""

    def __init__(self, dims: Dims, key: str, coords: Mapping[str, Coord]) -> None:
        self._dims = dims
        self._key = key
        self._coords = coords
        self._names: dict[str, str] = {}
        #: the keys of shared coordinates
        self.shared: dict[str, str] = {}

    def names(self, node: str, dims: Sequence[str], inner: Sequence[int], alike: Sequence[bool]) -> tuple[str, ...]:
        """The names of the inner dims of the array at ``node``, which is part of the value.

        ``alike`` is False for dims along which runs differ in size: those are never shared with other values.
        """
        if not dims:
            return self._dims.default(node, len(inner))
        for dim, size, shared in zip(dims, inner, alike, strict=True):
            if dim not in self._names:
                # What is before the slash says of which value within this one it is.
                wanted, coord = dim.rpartition("/")[2], self._coords.get(dim)
                free = shared and self._dims.is_free(node, wanted, size, coord)
                self._names[dim] = wanted if free else self._dims.private(self._key, dim)
                if coord is not None and shared:
                    self.shared[dim] = self._dims.share(parent(self._key), self._names[dim], coord)
        return tuple(self._names[dim] for dim in dims)
