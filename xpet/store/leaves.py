"""Leaves outside runs: parameters, config, and results that belong to no run."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.errors import UnsupportedValueError
from xpet.store import layout
from xpet.store.chunks import write_whole
from xpet.store.columns import LabelNode, PartNode
from xpet.store.dims import Dims, Naming
from xpet.store.documents import ArrayDoc, Doc, Fill, GroupDoc
from xpet.store.hierarchy import RUN, Hierarchy, name_of, parent
from xpet.store.relayout import Leftovers
from xpet.values import Encoded, Part, decode, encode, unlabelled
from xpet.values.attrs import plain_attrs

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

_INLINE_BYTES = 4096
_RESULTS = "results"


class StaticLeaf(NamedTuple):
    """A leaf that belongs to no run, as it is stored; the item named like the leaf is ``''``."""

    path: str
    kind: str
    class_name: str
    comment: str
    annotations: Mapping[str, object]
    items: Mapping[str, object]


class StaticGroup(NamedTuple):
    """What a group says of itself; the path of the trajectory itself is empty. Links are paths by their names."""

    path: str
    comment: str
    annotations: Mapping[str, object]
    links: Mapping[str, str] = {}


def pack_annotations(annotations: Mapping[str, object], where: str) -> str:
    """Annotations as text; empty if there are none."""
    if not annotations:
        return ""
    from xpet.values.codecs.structure import codec as json_codec  # with it come many of Python's modules

    try:
        return str(json_codec.encode(dict(annotations)).part())
    except UnsupportedValueError as error:
        raise UnsupportedValueError(f"{where or 'the trajectory'} (annotations): {error}") from None


def unpack_annotations(text: str) -> dict[str, Any]:
    """The annotations of a text."""
    made: dict[str, Any] = decode(Encoded("json", (Part(text),))) if text else {}
    return made


def write_group(hierarchy: Hierarchy, group: StaticGroup) -> None:
    """Put what a group says of itself into its document."""
    key = hierarchy.group_key(group.path)
    doc = hierarchy.group(key)
    about = {**doc.xpet, "path": group.path, **said_by(group, doc.xpet)}
    hierarchy.put(key, GroupDoc({**doc.attrs, **plain_attrs({}, about["comment"])}, about))


def said_by(group: StaticGroup, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a group now says of itself, where it was told before; who says nothing takes nothing back."""
    packed = pack_annotations(group.annotations, group.path) or told.get("annotations")
    links = {**told.get("links", {}), **group.links}
    said = {"comment": group.comment or told.get("comment", "")}
    return said | ({"annotations": packed} if packed else {}) | ({"links": links} if links else {})


def show_parameters(hierarchy: Hierarchy, leaves: Iterable[StaticLeaf], explored: Container[str]) -> None:
    """Have the scalar parameters that are not explored as attributes, for whoever opens results."""
    shown: dict[str, Any] = {}
    for leaf in leaves:
        if leaf.kind == "parameter" and leaf.path not in explored and "" in leaf.items:
            value = unlabelled(leaf.items[""])
            value = int(value) if isinstance(value, bool) else value
            shown.update(plain_attrs({leaf.path.partition(".")[2]: value}))
    for key, doc in list(hierarchy.groups()):
        if key == _RESULTS or (key.startswith(f"{_RESULTS}/") and f"{key}/{RUN}" in hierarchy):
            hierarchy.put(key, doc._replace(attrs={**shown, **doc.attrs}))


def check_storable(leaves: Iterable[StaticLeaf], groups: Iterable[StaticGroup]) -> None:
    """Raise what storing would raise, before anything is deleted to make room."""
    for leaf in leaves:
        pack_annotations(leaf.annotations, leaf.path)
        for item, value in leaf.items.items():
            encode(value, f"{leaf.path}.{item}" if item else leaf.path)
    for group in groups:
        pack_annotations(group.annotations, group.path)


def retell(hierarchy: Hierarchy, path: str, comment: str, annotations: str) -> None:
    """Say another comment and other annotations, packed, of a leaf that is stored."""
    docs: list[tuple[str, Doc]] = [*hierarchy.arrays(), *hierarchy.groups()]
    for key, doc in docs:
        if doc.xpet.get("path") == path and ("item" in doc.xpet or "empty" in doc.xpet) and "column" not in doc.xpet:
            about = {name: value for name, value in doc.xpet.items() if name != "annotations"} | {"comment": comment}
            about |= {"annotations": annotations} if annotations else {}
            attrs = {name: value for name, value in doc.attrs.items() if name != "comment"}
            hierarchy.put(key, doc._replace(attrs={**attrs, **plain_attrs({}, comment)}, xpet=about))


class LeafWriter:
    """Writes leaves outside runs."""

    def __init__(self, place: Place, hierarchy: Hierarchy) -> None:
        self._place = place
        self._docs = hierarchy
        self._dims = Dims(place, hierarchy)
        self._leftovers = Leftovers(place)

    def write(self, leaf: StaticLeaf) -> None:
        """Write a leaf: an array for each part of each of its items, or a mark if it has none."""
        path, _, name = leaf.path.rpartition(".")
        group = self._docs.group_key(path)
        about = {"path": leaf.path, "kind": leaf.kind, "class": leaf.class_name, "comment": leaf.comment}
        if leaf.annotations:
            about["annotations"] = pack_annotations(leaf.annotations, leaf.path)
        if not leaf.items:
            self._docs.put(self._docs.free_key(group, name), GroupDoc({}, {**about, "empty": True}))
        for item, value in leaf.items.items():
            where = f"{leaf.path}.{item}" if item else leaf.path
            key = self._docs.free_key(group, f"{name}.{item}" if item else name)
            self.write_encoded(key, encode(value, where), {**about, "item": item})

    def write_encoded(self, key: str, encoded: Encoded, about: Mapping[str, Any]) -> None:
        """Write a value at a free key; ``about`` is what its main array says besides, among it its ``comment``."""
        parts: list[PartNode] = []
        labels = encoded.labels
        naming = Naming(self._dims, key, labels.coords)
        for part in encoded.parts:
            data = _array(part.data)
            node = self._docs.free_key(parent(key), f"{name_of(key)}.{part.name}") if parts else key
            dims = naming.names(node, encoded.dims_of(part), data.shape, (True,) * data.ndim)
            dtype = layout.dtype_of(data)
            attrs = {} if parts else plain_attrs(labels.attrs, about["comment"])
            attrs |= part.attrs
            self._write_array(node, dtype, dims, data, attrs)
            parts.append(PartNode(part.name, dtype, data.ndim, node, dims=part.dims))
        coords = {
            dim: LabelNode(coord.values.dtype.str, dict(coord.attrs), naming.shared[dim])
            for dim, coord in labels.coords.items()
        }
        about = {
            **about,
            "codec": encoded.codec,
            "version": encoded.version,
            "meta": dict(encoded.meta),
            "parts": [part.to_json() for part in parts],
            "dims": list(labels.dims),
            "attrs": dict(labels.attrs),
            "coords": {name: [each.dtype, dict(each.attrs), each.node] for name, each in coords.items()},
        }
        self._docs.put(key, self._docs.array(key)._replace(xpet=about))

    def _write_array(
        self, node: str, dtype: str, dims: tuple[str, ...], data: Array, attrs: Mapping[str, Any]
    ) -> None:
        fill, inline = _fill_of(data, dtype)
        chunks = layout.inner_chunks(dtype, data.shape, ragged=False)
        doc = ArrayDoc(data.shape, dtype, dims, chunks, fill, attrs, {"of": node})
        self._leftovers.clear(node)
        if not inline:
            write_whole(self._place, node, doc, data)
        self._docs.put(node, doc)


def _array(data: object) -> Array:
    import numpy as np

    if isinstance(data, str):
        text = np.empty((), object)
        text[()] = data
        return text
    made: Array = np.asarray(data)
    return made


def _fill_of(data: Array, dtype: str) -> tuple[Fill, bool]:
    """The fill of an array, and whether it says all: a small scalar is its own fill and has no chunk."""
    if data.ndim == 0:
        value: Fill = data.item()
        if not isinstance(value, str) or len(json.dumps(value)) <= _INLINE_BYTES:
            return value, True
    if dtype == "bool":
        return False, False
    return (0 if layout.is_integer(dtype) else layout.default_fill(dtype)), False
