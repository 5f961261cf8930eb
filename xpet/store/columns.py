"""Columns: what all runs have under one name, and writing finished runs into it.

A column has one *variant* for each way its values are encoded; each variant is exact. A variant has an array per part:
dense while all runs have one shape, ragged (padded, with lengths in ``.len``) from the first that differs. The array
``.which`` says which variant a run has; it exists once a complete run has none, or there are two variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.errors import CorruptStoreError
from xpet.store.fields import Field
from xpet.store.hierarchy import Hierarchy
from xpet.values import Labels, canonical

if TYPE_CHECKING:
    from xpet.store.documents import ArrayDoc

NONE = 255
#: values that come in more ways than this share one variant of text: each variant costs an array
MOST_VARIANTS = 64
#: what an array's document says of its chunks, whatever column it belongs to
_OF_CHUNKS = ("retired", "no_spare")


class PartNode(NamedTuple):
    """One part of a variant: what it is, the keys of its array and of its lengths, and what its dims are called.

    Those of the main part are the variant's.
    """

    name: str
    dtype: str
    rank: int
    node: str
    lengths: str | None = None
    dims: tuple[str, ...] = ()

    def to_json(self) -> list[Any]:
        """The part as documents have it."""
        return [self.name, self.dtype, self.rank, self.node, self.lengths, *([list(self.dims)] if self.dims else [])]

    @staticmethod
    def from_json(name: str, dtype: str, rank: int, *more: Any) -> PartNode:
        """The part of a document; what may be missing comes last."""
        node, lengths, dims = (*more, ())[:3]
        return PartNode(name, dtype, rank, node, lengths, tuple(dims))


class LabelNode(NamedTuple):
    """The coordinate of one dimension of a variant: the same for all runs at ``node``, or a part of its own."""

    dtype: str
    attrs: Mapping[str, Any]
    node: str | None


class Variant(NamedTuple):
    """The runs of a column whose values are encoded alike."""

    number: int
    codec: str
    version: int
    meta: Mapping[str, Any]
    parts: tuple[PartNode, ...]
    dims: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = {}
    coords: Mapping[str, LabelNode] = {}

    @property
    def node(self) -> str:
        """The key of the main part."""
        return self.parts[0].node

    def part(self, name: str) -> PartNode:
        """The part called ``name``."""
        return next(part for part in self.parts if part.name == name)

    def dims_of(self, part: PartNode) -> tuple[str, ...]:
        """What the inner dims of a part are called; nothing if they have no names."""
        return part.dims if part.name else self.dims

    def with_dim(self, dim: str) -> Iterator[tuple[PartNode, int]]:
        """The parts that have a dim, each with the position of it from the end."""
        for part in self.parts:
            dims = self.dims_of(part)
            if dim in dims:
                yield part, dims.index(dim) - len(dims)

    def signature(self) -> str:
        """One text for all values that this variant can hold."""
        own = [part for part in self.parts if not part.name.startswith("@")]
        coords = {name: [coord.dtype, dict(coord.attrs)] for name, coord in self.coords.items()}
        labels = Labels(self.dims, attrs=self.attrs)
        return _signature((self.codec, self.version, canonical(self.meta)), own, labels, coords)


def _signature(encoding: tuple[str, int, str], parts: Any, labels: Labels, coords: Mapping[str, Any]) -> str:
    shapes = [[part.name, part.dtype, part.rank, *([list(part.dims)] if part.dims else [])] for part in parts]
    of = {"of": [*encoding, shapes], "dims": list(labels.dims), "attrs": dict(labels.attrs), "coords": coords}
    return canonical(of)


def signature_of(entry: Field) -> str:
    """The signature of the variant that a field of a packet belongs to."""
    coords = {name: [coord.values.dtype.str, dict(coord.attrs)] for name, coord in entry.labels.coords.items()}
    return _signature((entry.codec, entry.version, entry.meta), entry.parts, entry.labels, coords)


class Column:
    """One item of a leaf over all runs."""

    def __init__(
        self, template: str, item: str, kind: str, class_name: str, comment: str, which: str | None = None
    ) -> None:
        self.template = template
        self.item = item
        self.kind = kind
        self.class_name = class_name
        self.comment = comment
        self.which = which
        self.variants: list[Variant] = []
        self._by_signature: dict[str, list[int]] = {}

    def variants_of(self, signature: str) -> list[Variant]:
        """The variants with a signature: of several all but the last are constants that not all runs have."""
        known = sum(map(len, self._by_signature.values()))
        for variant in self.variants[known:]:
            self._by_signature.setdefault(variant.signature(), []).append(variant.number)
        return [self.variants[number] for number in self._by_signature.get(signature, ())]

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
            "parts": [part.to_json() for part in variant.parts],
            "dims": list(variant.dims),
            "attrs": dict(variant.attrs),
            "coords": {name: [each.dtype, dict(each.attrs), each.node] for name, each in variant.coords.items()},
            "which": self.which,
        }


def read_columns(hierarchy: Hierarchy) -> dict[tuple[str, str], Column]:
    """The columns that documents describe, by template and item."""
    out: dict[tuple[str, str], Column] = {}
    for key, doc in _mains(hierarchy):
        try:
            _read_variant(out, doc.xpet)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptStoreError(f"{key}: what its document says of the column is damaged ({error!r})") from error
    return out


def _read_variant(out: dict[tuple[str, str], Column], ours: Mapping[str, Any]) -> None:
    if not all(isinstance(ours[name], str) for name in ("path", "item", "kind", "class", "comment", "codec")):
        raise TypeError("a text is of another type")
    key = (ours["path"], ours["item"])
    column = out.setdefault(key, Column(*key, ours["kind"], ours["class"], ours["comment"], which=ours["which"]))
    variant = Variant(
        number=ours["column"],
        codec=ours["codec"],
        version=ours["version"],
        meta=ours["meta"],
        parts=tuple(PartNode.from_json(*part) for part in ours["parts"]),
        dims=tuple(ours["dims"]),
        attrs=ours["attrs"],
        coords={name: LabelNode(*each) for name, each in ours["coords"].items()},
    )
    texts = [text for part in variant.parts for text in (part.name, part.dtype, part.node, *part.dims)]
    texts.extend(variant.dims)
    keys = [column.which, *(part.lengths for part in variant.parts), *(each.node for each in variant.coords.values())]
    if not all(isinstance(text, str) for text in [*texts, *(key for key in keys if key is not None)]):
        raise TypeError("the name of a part or a dimension, or a key, is no text")
    if variant.number != len(column.variants) or not variant.parts:
        raise ValueError(f"variant {variant.number} of {key}")
    column.variants.append(variant)


def _mains(hierarchy: Hierarchy) -> list[tuple[str, ArrayDoc]]:
    found = [(key, doc) for key, doc in hierarchy.arrays() if isinstance(doc.xpet.get("column"), int)]
    return sorted(found, key=lambda each: each[1].xpet["column"])


def save_column(hierarchy: Hierarchy, column: Column) -> None:
    """Write what is known of a column into the documents of its main parts."""
    for variant in column.variants:
        doc = hierarchy.array(variant.node)
        kept = {name: doc.xpet[name] for name in _OF_CHUNKS if name in doc.xpet}
        hierarchy.put(variant.node, doc._replace(xpet={**column.describe(variant), **kept}))
