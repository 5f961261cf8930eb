"""Which codec takes which type.

A codec is known by lazy ``'module:name'`` strings, so that no optional package is imported for
a type that never comes. Types are matched exactly: a subclass is another type, and storing it
as its base would lose it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.labels import Labelled
from xpet.values.parts import Data, Encoded, Labels, Part
from xpet.values.text import PACKED, from_text


class Codec(Protocol):
    """Turns values of some types into parts and back; ``decode(encode(v)) == v``, type included."""

    name: str

    def encode(self, value: Any) -> Encoded | None:
        """The parts of a value, or None if another codec must take this one."""
        ...

    def decode(self, encoded: Encoded) -> Any:
        """The value of the parts."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A stored value whose codec is not installed; it can be stored again unchanged."""

    encoded: Encoded

    def __repr__(self) -> str:
        return f"<value in the encoding {self.encoded.codec!r}, for which no codec is installed>"


_SCALARS = "xpet.values.codecs.scalars"
_STRUCTURE = "xpet.values.codecs.structure:codec"
_SEQUENCE = "xpet.values.codecs.sequence:codec"

_NUMPY_SCALARS = (
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)

#: type as 'module.name' -> codecs as 'module:name', tried in order
_BY_TYPE: dict[str, tuple[str, ...]] = {
    "builtins.float": (f"{_SCALARS}:float_codec",),
    "builtins.int": (f"{_SCALARS}:int_codec", _STRUCTURE),
    "builtins.bool": (f"{_SCALARS}:bool_codec",),
    "builtins.complex": (f"{_SCALARS}:complex_codec",),
    "builtins.str": (f"{_SCALARS}:str_codec", _STRUCTURE),
    "builtins.list": (_SEQUENCE, _STRUCTURE),
    "builtins.tuple": (_SEQUENCE, _STRUCTURE),
    **{f"builtins.{name}": (_STRUCTURE,) for name in ("NoneType", "bytes", "dict", "set", "frozenset")},
    **{
        f"numpy.{name}": (f"{_SCALARS}:numpy_codec",)
        for name in _NUMPY_SCALARS
    },
    "numpy.str_": (_STRUCTURE,),
    "numpy.ndarray": ("xpet.values.codecs.ndarray:codec", _STRUCTURE),
    "xarray.core.dataarray.DataArray": ("xpet.values.codecs.dataarray:codec",),
}

_BY_NAME: dict[str, str] = {
    "float": f"{_SCALARS}:float_codec",
    "int": f"{_SCALARS}:int_codec",
    "bool": f"{_SCALARS}:bool_codec",
    "complex": f"{_SCALARS}:complex_codec",
    "str": f"{_SCALARS}:str_codec",
    "numpy.scalar": f"{_SCALARS}:numpy_codec",
    "numpy.ndarray": "xpet.values.codecs.ndarray:codec",
    "sequence": _SEQUENCE,
    "json": _STRUCTURE,
    "xarray.DataArray": "xpet.values.codecs.dataarray:codec",
}

#: the newest version of each encoding that this version of xpet knows
_VERSION = 1

_loaded: dict[str, Codec] = {}


def _codec(target: str) -> Codec:
    found = _loaded.get(target)
    if found is None:
        module, _, name = target.partition(":")
        found = _loaded[target] = getattr(importlib.import_module(module), name)
    return found


def encode(value: object, where: str = "") -> Encoded:
    """The parts of a value; ``where`` is the tree path, for the message of an error."""
    kind = type(value)
    if isinstance(value, Opaque):
        return value.encoded
    if isinstance(value, Labelled):
        encoded = encode(value.value, where)
        if len(value.labels.dims) not in (0, getattr(encoded.parts[0].data, "ndim", 0)):
            raise UnsupportedValueError(
                f"{where or 'value'} of type {_name(type(value.value))} is not kept as an array of numbers, so "
                f"its dims {value.labels.dims} would be lost; give an array of numbers, or leave the dims out"
            )
        return replace(encoded, labels=value.labels)
    for target in _BY_TYPE.get(f"{kind.__module__}.{kind.__qualname__}", ()):
        try:
            found = _codec(target).encode(value)
        except UnsupportedValueError as error:
            raise UnsupportedValueError(f"{where or 'value'} of type {_name(kind)}: {error}") from None
        if found is not None:
            return found
    raise UnsupportedValueError(
        f"{where or 'value'}: a value of type {_name(kind)} cannot be kept without loss; "
        "turn it into numbers, texts, NumPy arrays, or lists, tuples and dicts of them"
    )


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def decode(encoded: Encoded) -> Any:
    """The value of the parts; an :class:`Opaque` if its codec, or this version of it, is not installed.

    Raises
    ------
    CorruptStoreError
        If the parts are not what the codec makes.
    """
    if encoded.codec == PACKED:
        encoded = _guarded(lambda: from_text(str(encoded.part())), encoded)
    target = _BY_NAME.get(encoded.codec)
    if target is None or encoded.version > _VERSION:
        return Opaque(encoded)
    codec = _codec(target)
    return _guarded(lambda: codec.decode(encoded), encoded)


def _guarded(made: Callable[[], Any], encoded: Encoded) -> Any:
    try:
        return made()
    except CorruptStoreError:
        raise
    except Exception as error:
        raise CorruptStoreError(
            f"a stored value in the encoding {encoded.codec!r} is damaged, as it cannot be rebuilt "
            f"({type(error).__name__}: {error}); rerun what made it"
        ) from error


def rebuild(codec: str, version: int, meta: Mapping[str, Any], parts: Mapping[str, Data], labels: Labels) -> Any:
    """The value of an encoding as a store holds it."""
    return decode(Encoded(codec, tuple(Part(data, name) for name, data in parts.items()), version, meta, labels))


def canonical(meta: Mapping[str, Any]) -> str:
    """One text for equal metas, so that encodings can be compared and hashed."""
    return json.dumps(meta, sort_keys=True, separators=(",", ":"))
