"""Explored values as a coordinate along the runs, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xpet.errors import UnsupportedValueError
from xpet.store.hierarchy import Hierarchy
from xpet.store.meta import Axes, Coordinate, Kind, Space
from xpet.values import Encoded, Labelled, Part, canonical, decode, encode
from xpet.values.codecs.structure import codec as structure
from xpet.values.text import PACKED, to_text

if TYPE_CHECKING:
    from xpet.values.parts import Array

_PLAIN = {float: "float64", int: "int64", bool: "bool"}


@dataclass(frozen=True, slots=True, eq=False)
class PointColumn:
    """The values of one explored parameter: an array along the runs, and how to make values of it."""

    parameter: str
    values: Array
    codec: str
    meta: Mapping[str, Any]
    attrs: Mapping[str, Any]

    @property
    def dtype(self) -> str:
        """The zarr data type on disk."""
        return "string" if self.values.dtype == object else self.values.dtype.name


def encode_points(parameter: str, values: Sequence[object], attrs: Mapping[str, Any]) -> PointColumn:
    """The values of an explored parameter as an array; what has no number or text of its own becomes tagged JSON."""
    return _encode_scalars(parameter, values, attrs) or _encode_texts(parameter, values, attrs)


def encode_more_points(parameter: str, values: Sequence[object], codec: str, meta: Mapping[str, Any]) -> PointColumn:
    """Further values of a parameter that is explored already, in the encoding that its coordinate has."""
    texts = codec in ("json", PACKED)
    made = _encode_texts(parameter, values, {}, codec) if texts else _encode_scalars(parameter, values, {})
    if made is None or (made.codec, canonical(made.meta)) != (codec, canonical(meta)):
        raise UnsupportedValueError(
            f"{parameter}: the new values cannot be kept as {codec}, as the stored ones are; start a new trajectory"
        )
    return made


def _encode_scalars(parameter: str, values: Sequence[object], attrs: Mapping[str, Any]) -> PointColumn | None:
    """Values that are all one kind of number or text; None if they are not."""
    import numpy as np

    kinds = set(map(type, values))
    if len(kinds) == 1:
        kind = next(iter(kinds))
        if kind in _PLAIN:
            try:
                return PointColumn(parameter, np.array(values, _PLAIN[kind]), kind.__name__, {}, attrs)
            except OverflowError:
                return None
        if kind is not Labelled:
            encoded = [encode(value, parameter) for value in values]
            first = encoded[0]
            alike = {(each.codec, canonical(each.meta)) for each in encoded}
            data = [each.parts[0].data for each in encoded]
            if len(alike) == 1 and len(first.parts) == 1 and all(_is_single(each) for each in data):
                made = np.array(data, object if isinstance(data[0], str) else None)
                return PointColumn(parameter, made, first.codec, first.meta, attrs)
    return None


def _encode_texts(
    parameter: str, values: Sequence[object], attrs: Mapping[str, Any], codec: str = "json"
) -> PointColumn:
    """Any values, as tagged JSON; if that cannot hold them, each as the text of its whole encoding."""
    import numpy as np

    texts = np.empty(len(values), object)
    if codec == "json":
        try:
            texts[:] = [structure.encode(value).part() for value in values]
            return PointColumn(parameter, texts, codec, {}, attrs)
        except UnsupportedValueError:
            pass
    texts[:] = [to_text(encode(value, parameter)) for value in values]
    return PointColumn(parameter, texts, PACKED, {}, attrs)


def _is_single(data: object) -> bool:
    return isinstance(data, str | bool | int | float | complex) or getattr(data, "ndim", 1) == 0


def decode_points(values: Array, codec: str, meta: Mapping[str, Any]) -> list[Any]:
    """The Python values of a coordinate."""
    if codec in ("float", "int", "bool", "complex", "str"):
        made: list[Any] = values.tolist()
        return made
    return [decode(Encoded(codec, (Part(value),), meta=meta)) for value in values]


def coordinate_names(parameters: Sequence[str], everything: Sequence[str]) -> list[str]:
    """The names of explored parameters as coordinates: the last segment where it is theirs alone.

    ``everything`` is the paths of all parameters of the trajectory.
    """
    last = [path.rpartition(".")[2].lower() for path in everything]
    out = []
    for path in parameters:
        short = path.rpartition(".")[2]
        out.append(short if last.count(short.lower()) <= 1 else path.partition(".")[2])
    return out


def space_of(points: Sequence[tuple[str, PointColumn]], names: Sequence[str], kind: Kind, axes: Axes) -> Space:
    """The space of explored values whose coordinates wanted the names in ``points`` and got ``names``."""
    named = {wanted: name for (wanted, _), name in zip(points, names, strict=True)}
    coordinates = (Coordinate(column.parameter, name) for (_, column), name in zip(points, names, strict=True))
    return Space(kind, tuple((named.get(name, name), size) for name, size in axes), tuple(coordinates))


def read_points(hierarchy: Hierarchy, name: str) -> tuple[str, Mapping[str, Any]]:
    """The codec and its meta of the coordinate called ``name`` in the run table."""
    about = hierarchy.array(f"runs/{name}").xpet
    return about["codec"], about["meta"]
