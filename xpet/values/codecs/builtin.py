"""Values of classes of Python's library as tagged JSON: exact numbers, dates and times, UUIDs, paths, ranges."""

from __future__ import annotations

import datetime as dt
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.parts import UnknownCodec

_PATHS: dict[str, type[pathlib.PurePath]] = {
    each.__name__: each
    for each in (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
}

#: Python makes no decimal text of integers beyond a length that may be set, to 640 digits at the least.
_SHORT_BITS = 2048
_FRACTION = re.compile(r"-?[0-9]+(/[0-9]+)?")


def _zone_to_json(zone: dt.tzinfo | None) -> Any:
    if zone is None:
        return None
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return {"key": zone.key}
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        return {"offset": _timedelta_to_json(offset), "name": zone.tzname(None)}
    raise UnsupportedValueError(
        f"a time zone of type {type(zone).__module__}.{type(zone).__qualname__} cannot be kept; use zoneinfo.ZoneInfo "
        "or datetime.timezone"
    )


def _zone_from_json(node: Any) -> dt.tzinfo | None:
    if node is None:
        return None
    if "key" in node:
        key = str(node["key"])
        try:
            return zoneinfo.ZoneInfo(key)
        except zoneinfo.ZoneInfoNotFoundError:
            raise UnknownCodec("json", f"the time zone {key!r} is not known here; pip install tzdata") from None
    offset, name = _timedelta_from_json(node["offset"]), str(node["name"])
    zone = dt.timezone(offset)
    if zone == dt.UTC and name == "UTC":
        return dt.UTC
    return zone if zone.tzname(None) == name else dt.timezone(offset, name)


def _time_to_json(value: dt.datetime | dt.time) -> dict[str, Any]:
    return {"iso": value.replace(tzinfo=None).isoformat(), "fold": value.fold, "zone": _zone_to_json(value.tzinfo)}


def _time_from_json(kind: Any, node: Mapping[str, Any]) -> Any:
    return kind.fromisoformat(str(node["iso"])).replace(fold=int(node["fold"]), tzinfo=_zone_from_json(node["zone"]))


def _timedelta_to_json(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _timedelta_from_json(node: Any) -> dt.timedelta:
    days, seconds, microseconds = map(int, node)
    return dt.timedelta(days, seconds, microseconds)


def _fraction_to_json(value: Fraction) -> str | list[int]:
    parts = [value.numerator, value.denominator]
    return str(value) if max(map(int.bit_length, parts)) <= _SHORT_BITS else parts


def _fraction_from_json(node: Any) -> Fraction:
    if isinstance(node, list):
        numerator, denominator = map(int, node)
        return Fraction(numerator, denominator)
    # An exponent would let a few characters make a number that no memory holds.
    if not _FRACTION.fullmatch(str(node)):
        raise CorruptStoreError(f"{str(node)[:100]!r} of a stored fraction is none; the store is damaged")
    return Fraction(str(node))


def _path_from_json(node: Mapping[str, Any]) -> pathlib.PurePath:
    kind = _PATHS.get(str(node["kind"]))
    if kind is None:
        raise CorruptStoreError(f"{node['kind']!r} of a stored path is no class of paths; it needs a newer xpet")
    try:
        return kind(str(node["path"]))
    except NotImplementedError:
        # A path of another system can be looked at here, but not used.
        return (pathlib.PureWindowsPath if "Windows" in kind.__name__ else pathlib.PurePosixPath)(str(node["path"]))


#: type -> tag, to JSON, from JSON
_KINDS: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    Fraction: ("fraction", _fraction_to_json, _fraction_from_json),
    Decimal: ("decimal", str, lambda node: Decimal(str(node))),
    dt.datetime: ("datetime", _time_to_json, lambda node: _time_from_json(dt.datetime, node)),
    dt.time: ("time", _time_to_json, lambda node: _time_from_json(dt.time, node)),
    dt.date: ("date", dt.date.isoformat, lambda node: dt.date.fromisoformat(str(node))),
    dt.timedelta: ("timedelta", _timedelta_to_json, _timedelta_from_json),
    uuid.UUID: ("uuid", str, lambda node: uuid.UUID(str(node))),
    range: ("range", lambda value: [value.start, value.stop, value.step], lambda node: range(*map(int, node))),
    **{
        kind: ("path", lambda value: {"kind": type(value).__name__, "path": str(value)}, _path_from_json)
        for kind in _PATHS.values()
    },
}
#: by tag: from JSON
FROM_JSON = {tag: read for tag, _, read in _KINDS.values()}


def to_tag(value: object) -> tuple[str, Any] | None:
    """The tag of a value, and its JSON; None if its type is not one of these."""
    kind = _KINDS.get(type(value))
    return None if kind is None else (kind[0], kind[1](value))
