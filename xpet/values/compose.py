"""Values made of other values: their parts are those of what they are made of, under names of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.attrs import plain_attrs
from xpet.values.coordinates import as_stored
from xpet.values.nesting import deeper
from xpet.values.parts import NO_LABELS, Coord, Data, Encoded, Labels, Part
from xpet.values.registry import decode_whole, encode

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: where the meta of a composed encoding says what it is made of, and what else its codec wants to know
_OF, _MORE = "of", "more"
#: reading a value in another one takes about as much of Python's stack as this many levels of a list
_LEVELS_EACH = 3
#: what stems are not made of
_NO_STEM = re.compile(r"[^A-Za-z0-9_.-]")


def compose(
    codec: str,
    values: Mapping[str, object],
    meta: Mapping[str, Any] | None = None,
    version: int = 1,
    one_space: bool = False,
) -> Encoded:
    """An encoding of some values by their names; that of the name ``''`` is its main part.

    Where none has that name, the main part is a text that says what the value is made of. ``meta`` is what the codec
    needs besides; :func:`more_of` returns it. With ``one_space`` dims of the same name are one dim in all values; else
    each value has its own.
    """
    with deeper(_LEVELS_EACH):
        encodings = [(name, encode(value, name)) for name, value in _main_first(values)]
    parts: list[Part] = []
    of: list[dict[str, Any]] = []
    taken: set[str] = set()
    labels, coords = NO_LABELS, dict[str, Coord]()
    for name, (inner, its_parts, its_version, its_meta, own) in encodings:
        names = [part.name for part in its_parts]
        stem = _stem(name, taken, names)
        entry: dict[str, Any] = {"name": name, "stem": stem, "codec": inner, "version": its_version}
        entry |= {"meta": dict(its_meta), "parts": names}
        of.append(entry)
        if name == "":
            labels = own
            coords.update(own.coords)
            parts.extend(its_parts)
            continue
        # No stem has a slash, so that dims of values in values have names unlike all others.
        space = "" if one_space else f"{stem}/"
        parts.extend(_within(its_parts, own, stem, space))
        entry["labels"] = {"dims": list(own.dims), "attrs": dict(own.attrs), "coords": list(own.coords), "in": space}
        for dim, each in own.coords.items():
            coords[space + dim] = each
    if coords:
        labels = labels._replace(coords=coords)
    if "" not in values:
        # The texts of parts are UTF-8, names need not be.
        said = ", ".join(values).encode(errors="replace").decode()
        parts.insert(0, Part(f"{codec} of {said}" if said else codec))
    return Encoded(codec, tuple(parts), version, {_OF: of, **({_MORE: dict(meta)} if meta else {})}, labels)


def decompose(encoded: Encoded) -> dict[str, Any]:
    """The values of :func:`compose`, by their names.

    Raises
    ------
    UnknownCodec
        If one of them cannot be read here.
    """
    data, dims = {}, {}
    for part in encoded.parts:
        data[part.name] = part.data
        if part.dims:
            dims[part.name] = part.dims
    out: dict[str, Any] = {}
    for entry in encoded.meta[_OF]:
        stem, node = str(entry["stem"]), entry.get("labels")
        # Each part is used up, so that a few bytes cannot ask for the same large one again and again.
        parts = tuple([Part(data.pop(_below(stem, name)), name) for name in map(str, entry["parts"])])
        if dims and node is not None:
            parts = tuple([_as_within(part, dims.get(_below(stem, part.name), ()), node) for part in parts])
        labels = _own(encoded.labels) if node is None else _gathered(node, data, encoded.labels)
        inner = Encoded(str(entry["codec"]), parts, int(entry["version"]), entry["meta"], labels)
        out[str(entry["name"])] = decode_whole(inner)
    return out


def more_of(encoded: Encoded) -> Mapping[str, Any]:
    """What was given to :func:`compose` as ``meta``."""
    more = encoded.meta.get(_MORE, {})
    if not isinstance(more, Mapping):
        raise CorruptStoreError(f"what the encoding {encoded.codec!r} says of a stored value is damaged: {more!r}")
    return more


def _main_first(values: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    return sorted(values.items(), key=lambda each: each[0] != "") if "" in values else values.items()


def _below(stem: str, name: str) -> str:
    return f"{stem}.{name}" if stem and name else stem or name


def _stem(name: str, taken: set[str], parts: Sequence[str] = ("",)) -> str:
    """A stem for the names of parts: of letters, digits, ``_``, ``-`` and ``.``.

    The names that it makes are unlike all that are taken, in whatever case; then they are taken, too.
    """
    stem = wanted = name and (_NO_STEM.sub("_", name)[:64].strip(".") or "_")
    k = 0
    while not taken.isdisjoint(made := [_below(stem, part).lower() for part in parts]):
        k += 1
        stem = f"{wanted}-{k}"
    taken.update(made)
    return stem


def _within(parts: Sequence[Part], labels: Labels, stem: str, space: str) -> Iterator[Part]:
    """The parts of a value, which has these labels, as those of one that holds it."""
    for k, (data, name, attrs, dims) in enumerate(parts):
        if k == 0:
            attrs = {**plain_attrs(labels.attrs), **attrs} if labels.attrs else attrs
            dims = labels.dims if len(labels.dims) == getattr(data, "ndim", 0) else ()
        yield Part(data, _below(stem, name), attrs, tuple([space + dim for dim in dims]) if dims else ())


def _as_within(part: Part, dims: Sequence[str], node: Mapping[str, Any]) -> Part:
    """A part with its dims as they are called within the value that it is of."""
    space = str(node.get("in", ""))
    return part._replace(dims=tuple(dim.removeprefix(space) for dim in dims))


def _own(labels: Labels) -> Labels:
    """The labels without those of dims that the main part does not have."""
    if len(labels.coords) <= len(labels.dims):
        return labels
    return labels._replace(coords={dim: labels.coords[dim] for dim in labels.dims if dim in labels.coords})


def _gathered(node: Mapping[str, Any], data: Mapping[str, Data], around: Labels) -> Labels:
    """The labels of a value within one that has the labels ``around``."""
    coords: Mapping[str, Any] | Sequence[str] = node["coords"]
    if isinstance(coords, Mapping):
        # As it once was, each is a part.
        found = {
            dim: Coord(_values(data[each["part"]], each["dtype"]), each["attrs"]) for dim, each in coords.items()
        }
    else:
        found = {dim: around.coords[f"{node['in']}{dim}"] for dim in coords}
    return Labels(tuple(map(str, node["dims"])), found, node["attrs"])


def _values(data: Data, dtype: object) -> Array:
    import numpy as np

    return as_stored(np.asarray(data), dtype)
