"""Columns: what all runs have under one name, and writing finished runs into it.

A column has one *variant* for each way its values are encoded; each variant is exact. A variant has an array per part:
dense while all runs have one shape, ragged (padded, with lengths in ``.len``) from the first that differs. The array
``.which`` says which variant a run has; it exists once a complete run has none, or there are two variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xpet.store.hierarchy import Hierarchy
from xpet.store.packets import Field
from xpet.values import canonical

if TYPE_CHECKING:
    from xpet.store.documents import ArrayDoc
    from xpet.values.parts import Labels

NONE = 255


@dataclass(frozen=True, slots=True)
class PartNode:
    """One part of a variant: what it is and the keys of its array and of its lengths."""

    name: str
    dtype: str
    rank: int
    node: str
    lengths: str | None = None


@dataclass(frozen=True, slots=True)
class LabelNode:
    """The coordinate of one dimension of a variant: the same for all runs at ``node``, or a part of its own."""

    dtype: str
    attrs: Mapping[str, Any]
    node: str | None


@dataclass(frozen=True, slots=True)
class Variant:
    """The runs of a column whose values are encoded alike."""

    number: int
    codec: str
    version: int
    meta: Mapping[str, Any]
    parts: tuple[PartNode, ...]
    dims: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    coords: Mapping[str, LabelNode] = field(default_factory=dict)

    @property
    def node(self) -> str:
        """The key of the main part."""
        return self.parts[0].node

    def part(self, name: str) -> PartNode:
        """The part called ``name``."""
        return next(part for part in self.parts if part.name == name)

    def signature(self) -> str:
        """One text for all values that this variant can hold."""
        own = [part for part in self.parts if not part.name.startswith("@")]
        coords = {name: [coord.dtype, dict(coord.attrs)] for name, coord in self.coords.items()}
        return _signature(self.codec, self.version, canonical(self.meta), own, self.dims, self.attrs, coords)


def _signature(
    codec: str,
    version: int,
    meta: str,
    parts: Any,
    dims: tuple[str, ...],
    attrs: Mapping[str, Any],
    coords: Mapping[str, Any],
) -> str:
    shapes = [[part.name, part.dtype, part.rank] for part in parts]
    return canonical({"of": [codec, version, meta, shapes], "dims": list(dims), "attrs": dict(attrs), "coords": coords})


def signature_of(entry: Field) -> str:
    """The signature of the variant that a field of a packet belongs to."""
    labels: Labels = entry.labels
    coords = {name: [coord.values.dtype.str, dict(coord.attrs)] for name, coord in labels.coords.items()}
    return _signature(
        entry.codec, entry.version, entry.meta, entry.parts, tuple(labels.dims), labels.attrs, coords
    )


@dataclass(slots=True)
class Column:
    """One item of a leaf over all runs."""

    template: str
    item: str
    kind: str
    class_name: str
    comment: str
    variants: list[Variant] = field(default_factory=list)
    which: str | None = None

    def variant_of(self, signature: str) -> Variant | None:
        """The variant with a signature, if there is one."""
        return next((variant for variant in self.variants if variant.signature() == signature), None)

    def describe(self, variant: Variant) -> dict[str, Any]:
        """What the document of a variant's main part says of it."""
        return {
            "path": self.template,
            "item": self.item,
            "kind": self.kind,
            "class": self.class_name,
            "comment": self.comment,
            "column": variant.number,
            "codec": variant.codec,
            "version": variant.version,
            "meta": dict(variant.meta),
            "parts": [[part.name, part.dtype, part.rank, part.node, part.lengths] for part in variant.parts],
            "dims": list(variant.dims),
            "attrs": dict(variant.attrs),
            "coords": {name: [each.dtype, dict(each.attrs), each.node] for name, each in variant.coords.items()},
            "which": self.which,
        }


def read_columns(hierarchy: Hierarchy) -> dict[tuple[str, str], Column]:
    """The columns that documents describe, by template and item."""
    out: dict[tuple[str, str], Column] = {}
    for _, doc in sorted(_mains(hierarchy), key=lambda found: found[1].xpet["column"]):
        ours = doc.xpet
        key = (ours["path"], ours["item"])
        column = out.setdefault(key, Column(*key, ours["kind"], ours["class"], ours["comment"], which=ours["which"]))
        column.variants.append(
            Variant(
                number=ours["column"],
                codec=ours["codec"],
                version=ours["version"],
                meta=ours["meta"],
                parts=tuple(PartNode(*part) for part in ours["parts"]),
                dims=tuple(ours["dims"]),
                attrs=ours["attrs"],
                coords={name: LabelNode(*each) for name, each in ours["coords"].items()},
            )
        )
    return out


def _mains(hierarchy: Hierarchy) -> Iterator[tuple[str, ArrayDoc]]:
    return ((key, doc) for key, doc in hierarchy.arrays() if "column" in doc.xpet)


def save_column(hierarchy: Hierarchy, column: Column) -> None:
    """Write what is known of a column into the documents of its main parts."""
    for variant in column.variants:
        doc = hierarchy.array(variant.node)
        hierarchy.put(variant.node, replace(doc, xpet=column.describe(variant)))
