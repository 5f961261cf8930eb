"""Which codecs, layouts and changes of layout a suite of tests has come by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xpet.store.columns import Column, read_columns
from xpet.store.constants import is_constant
from xpet.store.documents import ArrayDoc
from xpet.store.hierarchy import Hierarchy
from xpet.values import Encoded
from xpet.values.registry import codec_names, is_built_in
from xpet.values.text import PACKED

#: what columns can be like: the arrays of their parts, and what they have besides
LAYOUTS = frozenset(
    {"dense", "ragged", "text", "dense texts", "ragged texts", "constant"}
    | {"one variant", "variants", "variants in one text", "which", "shared labels", "own labels", "no spare number"}
)
#: what becomes of what when more runs are folded in
CHANGES = frozenset(
    {
        ("dense", "ragged"),
        ("dense texts", "ragged texts"),
        ("constant", "dense"),
        ("constant", "ragged"),
        ("dense", "dense, laid out anew"),
        ("ragged", "ragged, laid out anew"),
        ("one variant", "variants"),
        ("variants", "variants in one text"),
        ("shared labels", "own labels"),
    }
)


class Seen:
    """Counts what was come by; :meth:`missing` says what was not.

    Examples
    --------
    >>> from xpet.testing.seen import Seen
    >>> from xpet.values import encode
    >>> seen = Seen()
    >>> seen.value(encode([1.5, 2.5]))
    >>> sorted(seen.codecs), 'the codec int' in seen.missing()
    (['sequence'], True)
    """

    def __init__(self) -> None:
        self.codecs: set[str] = set()
        self.layouts: set[str] = set()
        self.changes: set[tuple[str, str]] = set()
        self._last: dict[tuple[str, ...], tuple[str, str]] = {}

    def value(self, encoded: Encoded) -> None:
        """Take note of the codecs that made an encoding."""
        self.codecs |= codecs_of(encoded)

    def store(self, where: str, hierarchy: Hierarchy) -> None:
        """Take note of the columns of the trajectory at ``where``, and of what changed since this was called last."""
        for column in read_columns(hierarchy).values():
            self._note((where, column.template, column.item), _variants(column), "")
            if column.which is not None:
                self.layouts.add("which")
            for variant in column.variants:
                self.codecs.add(variant.codec)
                for dim, coord in variant.coords.items():
                    self._note((where, variant.node, dim), "own labels" if coord.node is None else "shared labels", "")
                for part in variant.parts:
                    doc = hierarchy.array(part.node)
                    self._note((where, part.node), _layout(doc, part.rank, part.lengths is not None), doc.keys)
                    self.layouts |= {"no spare number"} if doc.xpet.get("no_spare") else set()

    def missing(self, excused: Iterable[str] = ()) -> list[str]:
        """Return what no test came by, as texts; of the codecs only xpet's own, without those that are ``excused``."""
        codecs = set(filter(is_built_in, codec_names()))
        return [
            *(f"the codec {name}" for name in sorted(codecs - self.codecs - set(excused))),
            *(f"the layout {layout!r}" for layout in sorted(LAYOUTS - self.layouts)),
            *(f"the change from {before!r} to {after!r}" for before, after in sorted(CHANGES - self.changes)),
        ]

    def _note(self, what: tuple[str, ...], layout: str, keys: str) -> None:
        before, old_keys = self._last.get(what, (layout, keys))
        if before != layout:
            self.changes.add((before, layout))
        elif old_keys != keys:
            self.changes.add((layout, f"{layout}, laid out anew"))
        self.layouts.add(layout)
        self._last[what] = (layout, keys)


def _variants(column: Column) -> str:
    if any(variant.codec == PACKED for variant in column.variants):
        return "variants in one text"
    return "variants" if len(column.variants) > 1 else "one variant"


def _layout(doc: ArrayDoc, rank: int, has_lengths: bool) -> str:
    if is_constant(doc):
        return "constant"
    if doc.dtype == "string" and rank == 0:
        return "text"
    return ("ragged" if has_lengths else "dense") + (" texts" if doc.dtype == "string" else "")


def codecs_of(encoded: Encoded) -> set[str]:
    """Return the names of the codecs that an encoding, and what it is made of, needs.

    Examples
    --------
    >>> from xpet.values import encode
    >>> sorted(codecs_of(encode({'a': [1.5, 2.5], 'b': 1})))
    ['int', 'nested', 'sequence', 'str']
    """
    return {encoded.codec, *_within(encoded.meta)}


def _within(meta: Mapping[str, Any]) -> Iterator[str]:
    of = meta.get("of", ())
    for entry in of if isinstance(of, list) else ():
        yield entry["codec"]
        yield from _within(entry["meta"])
