"""Explored values as a coordinate along the runs, and back."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.store.chunks import read_written
from xpet.store.distinct import Distinct, unstack
from xpet.store.hierarchy import TABLE, Hierarchy
from xpet.store.meta import Axes, Coordinate, Kind, Space
from xpet.store.reading import read_encoded
from xpet.values import Encoded, Labelled, Part, canonical, decode, encode
from xpet.values.codecs.times import as_numbers, without_cf
from xpet.values.text import PACKED, to_text

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

_PLAIN = {float: "float64", int: "int64", bool: "bool"}
#: the encoding of pandas' ``NaT``, and what it may be among
_NO_TIME, _MAY_MISS = ("pandas.missing", "NaT"), ({"pandas.Timestamp"}, {"pandas.Timedelta"})
#: the codec of a coordinate that holds positions among values that are stored once
INDEX = "index"


class PointColumn(NamedTuple):
    """The values of one explored parameter: an array along the runs, and how to make values of it.

    With the codec ``index`` the array holds positions in ``distinct``.
    """

    parameter: str
    values: Array
    codec: str
    meta: Mapping[str, Any]
    attrs: Mapping[str, Any]
    distinct: Sequence[Encoded] = ()
    #: what makes plain tools see times in numbers
    cf: Mapping[str, str | float] = MappingProxyType({})

    @property
    def dtype(self) -> str:
        """The zarr data type on disk."""
        return "string" if self.values.dtype == object else self.values.dtype.name


def encode_points(parameter: str, values: Sequence[object], attrs: Mapping[str, Any]) -> PointColumn:
    """The values of an explored parameter as an array.

    Numbers, times and texts of one kind are themselves, others are tagged JSON; what has arrays, several parts or keys
    is stored once, and the array holds positions.
    """
    plain = _encode_plain(parameter, values, attrs)
    if plain is not None:
        return plain
    encodings = _as_times(_encodings(parameter, values))
    if any(type(value) is dict or not _is_single(each) for value, each in zip(values, encodings, strict=True)):
        return _encode_positions(parameter, encodings, attrs, ())
    return _encode_scalars(parameter, values, encodings, attrs) or _encode_texts(parameter, values, attrs)


def encode_alike(parameter: str, values: Sequence[object], like: PointColumn) -> PointColumn | None:
    """Values in the encoding that a coordinate has, new ones behind its distinct ones; None if that cannot be."""
    if like.codec == INDEX:
        return _encode_positions(parameter, _encodings(parameter, values), {}, like.distinct)
    if like.codec in ("json", PACKED):
        made: PointColumn | None = _encode_texts(parameter, values, {}, like.codec)
    else:
        made = _encode_plain(parameter, values, {})
        if made is None:
            encodings = _as_times(_encodings(parameter, values), like)
            if canonical(like.meta) == canonical(without_cf(like.meta)):
                # Beside times that plain tools see as numbers, all are numbers to them.
                encodings = list(map(as_numbers, encodings))
            made = _encode_scalars(parameter, values, encodings, {})
    if made is None or (made.codec, canonical(made.meta)) != (like.codec, canonical(like.meta)):
        return None
    return made


def encode_more_points(parameter: str, values: Sequence[object], like: PointColumn) -> PointColumn:
    """Further values of a parameter that is explored already, in the encoding that its coordinate has."""
    made = encode_alike(parameter, values, like)
    if made is None:
        raise UnsupportedValueError(
            f"{parameter}: the new values, such as {reprlib.repr(values[0])}, do not go into the array of the stored "
            f"ones, whose encoding is {like.codec!r} {canonical(like.meta)}; start a new trajectory"
        )
    return made


def _encode_plain(parameter: str, values: Sequence[object], attrs: Mapping[str, Any]) -> PointColumn | None:
    """Numbers of one of Python's types; None if they are not."""
    import numpy as np

    kinds = set(map(type, values))
    kind = next(iter(kinds))
    if len(kinds) > 1 or kind not in _PLAIN:
        return None
    try:
        return PointColumn(parameter, np.array(values, _PLAIN[kind]), kind.__name__, {}, attrs)
    except OverflowError:
        return None


def _encodings(parameter: str, values: Sequence[object]) -> list[Encoded]:
    """The encoding of each value, made once for each object: those of a product come again and again."""
    kept = list(values)
    made = {id(value): value for value in kept}
    encoded = {key: encode(value, parameter) for key, value in made.items()}
    return [encoded[id(value)] for value in kept]


def _as_times(encodings: Sequence[Encoded], like: PointColumn | None = None) -> Sequence[Encoded]:
    """Encodings with pandas' ``NaT`` as the time that is none, of the kind of the others, or of what is stored."""
    import numpy as np

    missing = [(each.codec, each.parts[0].data) == _NO_TIME for each in encodings]
    known = [each for each, is_missing in zip(encodings, missing, strict=True) if not is_missing]
    if like is not None and not known:
        known = [Encoded(like.codec, (Part(0, attrs=like.cf),), meta=like.meta)]
    if not any(missing) or {each.codec for each in known} not in _MAY_MISS:
        return encodings
    none = known[0]._replace(parts=(known[0].parts[0]._replace(data=np.array(-(2**63), "int64")),))
    return [none if is_missing else each for each, is_missing in zip(encodings, missing, strict=True)]


def _encode_scalars(
    parameter: str, values: Sequence[object], encodings: Sequence[Encoded], attrs: Mapping[str, Any]
) -> PointColumn | None:
    """Values that are all one kind of number, time or text; None if they are not."""
    import numpy as np

    if not all(map(_is_single, encodings)) or Labelled in set(map(type, values)):
        return None
    if len({canonical(each.meta) for each in encodings}) > 1:
        # If they are times, some are too far for plain tools, to which all are numbers then.
        encodings = list(map(as_numbers, encodings))
    if len({(each.codec, canonical(each.meta)) for each in encodings}) > 1:
        return None
    first, data = encodings[0], [each.parts[0].data for each in encodings]
    made = np.array(data, object if isinstance(data[0], str) else None)
    return PointColumn(parameter, made, first.codec, first.meta, attrs, cf=first.parts[0].attrs)


def _encode_texts(
    parameter: str, values: Sequence[object], attrs: Mapping[str, Any], codec: str = "json"
) -> PointColumn:
    """Any values, as tagged JSON; if that cannot hold them, each as the text of its whole encoding."""
    import numpy as np

    from xpet.values.codecs.structure import codec as structure  # with it come many of Python's modules

    texts = np.empty(len(values), object)
    if codec == "json":
        try:
            texts[:] = [structure.encode(value).part() for value in values]
            return PointColumn(parameter, texts, codec, {}, attrs)
        except UnsupportedValueError:
            pass
    texts[:] = [to_text(encode(value, parameter)) for value in values]
    return PointColumn(parameter, texts, PACKED, {}, attrs)


def _encode_positions(
    parameter: str, encodings: Sequence[Encoded], attrs: Mapping[str, Any], known: Sequence[Encoded]
) -> PointColumn:
    """Any values, as their positions among the distinct ones."""
    import numpy as np

    distinct = Distinct(known)
    numbers: dict[int, int] = {}
    for each in encodings:
        if id(each) not in numbers:
            numbers[id(each)] = distinct.number(each)
    positions = np.array([numbers[id(each)] for each in encodings], np.int64)
    return PointColumn(parameter, positions, INDEX, {}, attrs, distinct.encodings)


def _is_single(encoded: Encoded) -> bool:
    """Whether a value is one number or one text."""
    data = encoded.parts[0].data
    plain = isinstance(data, str | bool | int | float | complex) or data.ndim == 0
    return plain and len(encoded.parts) == 1


def decode_points(column: PointColumn) -> list[Any]:
    """The Python values of a coordinate; runs with the same one among distinct values share it."""
    if column.codec in ("float", "int", "bool", "complex", "str"):
        made: list[Any] = column.values.tolist()
        return made
    if column.codec != INDEX:
        return [decode(Encoded(column.codec, (Part(value),), meta=column.meta)) for value in column.values]
    positions = column.values.tolist()
    wrong = next((each for each in positions if not 0 <= each < len(column.distinct)), None)
    if wrong is not None:
        raise CorruptStoreError(
            f"{column.parameter}: a run has the value at {wrong}, and {len(column.distinct)} values are stored; bring "
            "them back from a copy, or start the trajectory again with if_exists='overwrite'"
        )
    values = {each: decode(column.distinct[each]) for each in set(positions)}
    return [values[each] for each in positions]


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


def read_points(place: Place, hierarchy: Hierarchy, name: str, start: int = 0) -> PointColumn:
    """The coordinate called ``name`` in the run table, of the runs from ``start`` on."""
    key = f"{TABLE}/{name}"
    return encoding_of(place, hierarchy, name)._replace(values=read_written(place, key, hierarchy.array(key), start))


def encoding_of(place: Place, hierarchy: Hierarchy, name: str) -> PointColumn:
    """The coordinate called ``name`` in the run table, of no run: its encoding, and its distinct values."""
    import numpy as np

    about = hierarchy.array(f"{TABLE}/{name}").xpet
    try:
        keys = [str(key) for key in about["values"]] if about["codec"] == INDEX else []
        distinct = [each for key in keys for each in unstack(read_encoded(place, hierarchy, key))]
        return PointColumn(str(about["parameter"]), np.empty(0), str(about["codec"]), about["meta"], {}, distinct)
    except (KeyError, TypeError) as error:
        raise CorruptStoreError(f"{place.url}/{TABLE}/{name}: what its document says is damaged ({error!r})") from error
