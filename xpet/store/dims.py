"""Names of inner dimensions, and the coordinates along them that all runs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xpet.store import layout
from xpet.store.chunks import read_whole, write_whole
from xpet.store.documents import ArrayDoc, Fill
from xpet.store.hierarchy import Hierarchy, parent
from xpet.values import Coord, Labels, coords_equal

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def default_dims(key: str, rank: int) -> tuple[str, ...]:
    """The dims of an array that nobody named: no other array has them."""
    return tuple(f"{layout.dotted(key)}.d{k}" for k in range(rank))


def coord_dtype(coord: Coord) -> str:
    """The zarr data type of a coordinate."""
    return "string" if coord.values.dtype.kind == "U" else coord.values.dtype.name


def coord_on_disk(values: Array) -> Array:
    """The values of a coordinate as chunks hold them: texts as objects."""
    return values.astype(object) if values.dtype.kind == "U" else values


class Dims:
    """Finds names for inner dims and writes shared coordinates."""

    def __init__(self, place: Place, hierarchy: Hierarchy) -> None:
        self._place = place
        self._docs = hierarchy
        self._known: dict[str, Coord] = {}

    def names(self, key: str, labels: Labels, inner: Sequence[int], shared: bool) -> tuple[str, ...]:
        """The names of the inner dims of the array at ``key``.

        ``shared`` is False where runs differ in shape: their dims are never shared with other arrays.
        """
        if not labels.dims:
            return default_dims(key, len(inner))
        out = []
        for dim, size in zip(labels.dims, inner, strict=True):
            coord = labels.coords.get(dim)
            free = shared and layout.dim_is_free(self._docs, key, dim, size, self._same(key, dim, coord))
            out.append(dim if free else f"{layout.dotted(key)}.{dim}")
        return tuple(out)

    def share(self, group: str, dim: str, coord: Coord) -> str:
        """The key of the coordinate of ``dim`` in a group, written if it is not there."""
        node = f"{group}/{dim}"
        if node not in self._docs:
            dtype, size = coord_dtype(coord), len(coord.values)
            fill: Fill = "" if dtype == "string" else False if dtype == "bool" else 0
            chunks = layout.inner_chunks(dtype, (size,), ragged=False)
            about = {"of": node, "dtype": coord.values.dtype.str, "attrs": dict(coord.attrs)}
            doc = ArrayDoc((size,), dtype, (dim,), chunks, fill, layout.plain_attrs(coord.attrs), about)
            write_whole(self._place, node, doc, coord_on_disk(coord.values))
            self._docs.put(node, doc)
            self._known[node] = coord
        return node

    def coord(self, node: str) -> Coord:
        """The shared coordinate at a node, as it was given."""
        known = self._known.get(node)
        if known is None:
            doc = self._docs.array(node)
            values = read_whole(self._place, node, doc)
            dtype = doc.xpet.get("dtype")
            known = Coord(values if dtype is None else values.astype(dtype), doc.xpet.get("attrs", {}))
            self._known[node] = known
        return known

    def _same(self, key: str, dim: str, coord: Coord | None) -> dict[str, bool]:
        """Of the arrays called ``dim`` around ``key``, which hold the values of ``coord``; empty without one."""
        if coord is None:
            return {}
        found = {f"{parent(key)}/{dim}": True}
        for other, doc in layout.related(self._docs, parent(key)):
            if other.rpartition("/")[2] == dim and doc.dims == (dim,):
                found[other] = coords_equal(self.coord(other), coord)
        return found


def without_values(coord: Coord) -> Labels:
    """Labels that carry the attributes of a coordinate, for an array that holds its values."""
    return replace(Labels(), attrs=dict(coord.attrs))
