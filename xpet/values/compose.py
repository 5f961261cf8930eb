"""Values made of other values: their parts are those of what they are made of, under names of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.nesting import deeper
from xpet.values.parts import Coord, Data, Encoded, Labels, Part
from xpet.values.registry import decode_whole, encode
from xpet.values.text import as_stored

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: where the meta of a composed encoding says what it is made of, and what else its codec wants to know
_OF, _MORE = "of", "more"
#: reading a value in another one takes about as much of Python's stack as this many levels of a list
_LEVELS_EACH = 3


def compose(
    codec: str, values: Mapping[str, object], meta: Mapping[str, Any] | None = None, version: int = 1
) -> Encoded:
    """An encoding of some values by their names; that of the name ``''`` is its main part.

    Where none has that name, the main part is a text that says what the value is made of. ``meta`` is what the codec
    needs besides; :func:`more_of` returns it.
    """
    parts: list[Part] = []
    of: list[dict[str, Any]] = []
    taken: set[str] = set()
    labels = Labels()
    for name, value in sorted(values.items(), key=lambda each: each[0] != ""):
        with deeper(_LEVELS_EACH):
            encoded = encode(value, name)
        stem = _stem(name, taken, [part.name for part in encoded.parts])
        entry = {"name": name, "stem": stem, "codec": encoded.codec, "version": encoded.version}
        of.append({**entry, "meta": dict(encoded.meta), "parts": [part.name for part in encoded.parts]})
        parts.extend(replace(part, name=_below(stem, part.name)) for part in encoded.parts)
        if name == "":
            labels = encoded.labels
        else:
            of[-1]["labels"], coords = _spread(encoded.labels, stem, taken)
            parts.extend(coords)
    if "" not in values:
        # The texts of parts are UTF-8, names need not be.
        names = ", ".join(values).encode(errors="replace").decode()
        parts.insert(0, Part(f"{codec} of {names}" if names else codec))
    return Encoded(codec, tuple(parts), version, {_OF: of, **({_MORE: dict(meta)} if meta else {})}, labels)


def decompose(encoded: Encoded) -> dict[str, Any]:
    """The values of :func:`compose`, by their names.

    Raises
    ------
    UnknownCodec
        If one of them cannot be read here.
    """
    data = {part.name: part.data for part in encoded.parts}
    out: dict[str, Any] = {}
    for entry in encoded.meta[_OF]:
        name, stem = str(entry["name"]), str(entry["stem"])
        # Each part is used up, so that a few bytes cannot ask for the same large one again and again.
        parts = tuple(Part(data.pop(_below(stem, part)), part) for part in map(str, entry["parts"]))
        labels = _gathered(entry["labels"], data) if "labels" in entry else encoded.labels
        out[name] = decode_whole(Encoded(str(entry["codec"]), parts, int(entry["version"]), entry["meta"], labels))
    return out


def more_of(encoded: Encoded) -> Mapping[str, Any]:
    """What was given to :func:`compose` as ``meta``."""
    more = encoded.meta.get(_MORE, {})
    if not isinstance(more, Mapping):
        raise CorruptStoreError(f"what the encoding {encoded.codec!r} says of a stored value is damaged: {more!r}")
    return more


def _below(stem: str, name: str) -> str:
    return f"{stem}.{name}" if stem and name else stem or name


def _stem(name: str, taken: set[str], parts: Sequence[str] = ("",)) -> str:
    """A stem for the names of parts: of letters, digits, ``_``, ``-`` and ``.``.

    The names that it makes are unlike all that are taken, in whatever case; then they are taken, too.
    """
    stem = wanted = name and (re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:64].strip(".") or "_")
    k = 0
    while not taken.isdisjoint(made := {_below(stem, part).lower() for part in parts}):
        k += 1
        stem = f"{wanted}-{k}"
    taken |= made
    return stem


def _spread(labels: Labels, stem: str, taken: set[str]) -> tuple[dict[str, Any], list[Part]]:
    """Labels as JSON, and the values of their coordinates as parts."""
    coords, parts = {}, []
    for dim, coord in labels.coords.items():
        own = _stem(f"{stem}-{dim}", taken)
        coords[dim] = {"part": own, "dtype": coord.values.dtype.str, "attrs": dict(coord.attrs)}
        values = coord.values
        parts.append(Part(values.astype(object) if values.dtype.kind == "U" else values, own))
    return {"dims": list(labels.dims), "attrs": dict(labels.attrs), "coords": coords}, parts


def _gathered(node: Mapping[str, Any], data: Mapping[str, Data]) -> Labels:
    coords = {dim: Coord(_values(data[each["part"]], each["dtype"]), each["attrs"]) for dim, each in _coords(node)}
    return Labels(tuple(map(str, node["dims"])), coords, node["attrs"])


def _coords(node: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    coords: Mapping[str, Mapping[str, Any]] = node["coords"]
    return coords.items()


def _values(data: Data, dtype: object) -> Array:
    import numpy as np

    return as_stored(np.asarray(data), dtype)
