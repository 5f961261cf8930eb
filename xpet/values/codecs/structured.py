"""NumPy's structured arrays, a part for each field, or as bytes where fields overlap, and arrays of raw bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.longdouble import is_long, safe_long_dtype
from xpet.values.codecs.ndarray import dtype_text, is_numeric, safe_dtype
from xpet.values.codecs.times import safe_time_dtype
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part, is_utf8

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array

_OTHERS = re.compile(r"[<>]U\d{1,9}|\|[SV]\d{1,9}|\|O")
#: What a record has beyond its fields is empty; beyond this, few bytes would ask for much memory.
_PADDING_BYTES, _PADDING_RATIO = 2**24, 1024


class Structured:
    """Arrays with named fields, of any nesting; ``numpy.record`` is kept as the type of their elements.

    Version 2 is for what is no fields side by side: fields that overlap, or none at all.
    """

    name, version = "numpy.structured", 2

    def encode(self, value: Any) -> Encoded | None:
        """A part for each field, or all bytes, those of no field as zeros; the dtype with offsets, titles and so on."""
        dtype = value.dtype
        if dtype.names is None:
            return None
        described = _describe(dtype)
        raw = _is_raw(dtype)
        fields = {} if raw else {name: value[name] for name in dtype.names}
        if _is_mostly_padding(dtype, value.size, value.nbytes if raw else _bytes_of(fields)):
            raise UnsupportedValueError(
                f"a structured array of {value.nbytes} bytes whose elements of {dtype.itemsize} bytes are nearly all "
                "between its fields cannot be kept; use numpy.lib.recfunctions.repack_fields"
            )
        if not raw:
            return compose(self.name, fields, {"dtype": described}, 1)
        if not _has_plain_bytes(dtype):
            raise UnsupportedValueError(
                f"a structured array whose fields {dtype.names} overlap cannot be kept if objects or long doubles are "
                "among them; store its fields under names of their own"
            )
        return Encoded(self.name, (Part(_bytes(value)),), self.version, {"dtype": described})

    def decode(self, encoded: Encoded) -> Any:
        """The array of the fields, or of the bytes."""
        import numpy as np

        if encoded.version != 1:
            return _from_bytes(np.asarray(encoded.part()), _dtype(encoded.meta["dtype"]))
        fields, dtype = decompose(encoded), _dtype(more_of(encoded)["dtype"])
        names = dtype.names or ()
        first = fields[names[0]]
        shape = first.shape[: first.ndim - dtype[names[0]].ndim]
        for name in names:
            if fields[name].dtype != dtype[name].base or fields[name].shape != shape + dtype[name].shape:
                raise CorruptStoreError(f"the field {name!r} of a stored structured array does not fit its dtype")
        if _is_raw(dtype) or _is_mostly_padding(dtype, first.size, _bytes_of(fields)):
            raise CorruptStoreError(
                f"a stored structured array has elements of {dtype.itemsize} bytes, most empty, or fields that overlap"
            )
        out = np.zeros(shape, dtype)
        for name in names:
            out[name] = fields[name]
        return out


class Void:
    """Arrays of raw bytes, ``V``."""

    name = "numpy.void"

    def encode(self, value: Any) -> Encoded | None:
        """The bytes, along a further dimension."""
        import numpy as np

        if value.dtype.kind != "V" or value.dtype.names is not None:
            return None
        data = np.frombuffer(value.tobytes(), np.uint8)
        return Encoded(self.name, (Part(data.reshape((*value.shape, value.dtype.itemsize))),))

    def decode(self, encoded: Encoded) -> Any:
        """The array of the bytes."""
        import numpy as np

        data = np.asarray(encoded.part())
        if data.dtype != np.uint8:
            raise CorruptStoreError(f"stored bytes are of dtype {data.dtype}")
        return np.ndarray(data.shape[:-1], f"V{data.shape[-1]}", bytearray(data.tobytes()))


def _bytes_of(fields: Mapping[str, Any]) -> int:
    return sum(int(field.nbytes) for field in fields.values())


def _is_mostly_padding(dtype: np.dtype[Any], size: int, held: int) -> bool:
    return dtype.itemsize * max(size, 1) > _PADDING_BYTES + _PADDING_RATIO * held


def _is_raw(dtype: np.dtype[Any]) -> bool:
    """Whether the fields are not side by side: they overlap, or there are none."""
    of_names: Mapping[str, Any] = dtype.fields or {}
    ends = sorted((offset, offset + of.itemsize) for of, offset, *_ in map(of_names.__getitem__, dtype.names or ()))
    return not ends or any(end > start for (_, end), (start, _) in pairwise(ends))


def _innermost(dtype: np.dtype[Any]) -> Iterator[np.dtype[Any]]:
    if dtype.subdtype is not None:
        yield from _innermost(dtype.base)
    elif dtype.names is None:
        yield dtype
    for name in dtype.names or ():
        yield from _innermost(dtype[name])


def _has_plain_bytes(dtype: np.dtype[Any]) -> bool:
    """Whether bytes say what an element is, on every machine, and any bytes are one."""
    return not dtype.hasobject and not any(map(is_long, _innermost(dtype)))


def _covered(dtype: np.dtype[Any]) -> Array:
    """Which bytes of an element are of a field."""
    import numpy as np

    if dtype.subdtype is not None:
        return np.tile(_covered(dtype.base), math.prod(dtype.shape))
    out = np.full(dtype.itemsize, dtype.names is None)
    of_names: Mapping[str, Any] = dtype.fields or {}
    for name in dtype.names or ():
        of, offset = of_names[name][:2]
        out[offset : offset + of.itemsize] |= _covered(of)
    return out


def _bytes(value: Any) -> Array:
    """The bytes of an array, along a further dimension, those of no field as zeros."""
    import numpy as np

    dtype = value.dtype
    made: Array = np.ndarray((*value.shape, dtype.itemsize), np.uint8, bytearray(value.tobytes()))
    made[..., ~_covered(dtype)] = 0
    return made


def _from_bytes(data: Array, dtype: np.dtype[Any]) -> Array:
    import numpy as np

    if data.dtype != np.uint8 or data.shape[-1] != dtype.itemsize or dtype.names is None or not _is_raw(dtype):
        raise CorruptStoreError(f"the bytes of a stored structured array do not fit its dtype, {dtype}")
    shape = data.shape[:-1]
    # Bytes that are taken for objects would be addresses.
    if not _has_plain_bytes(dtype) or _is_mostly_padding(dtype, math.prod(shape), data.nbytes):
        raise CorruptStoreError(f"no stored structured array has fields that overlap like those of {dtype}")
    return np.ndarray(shape, dtype, bytearray(data.tobytes()))


def _describe(dtype: np.dtype[Any]) -> Any:
    """A dtype as JSON."""
    import numpy as np

    if dtype.subdtype is not None:
        return {"base": _describe(dtype.base), "shape": list(dtype.shape)}
    if dtype.names is None:
        return dtype_text(dtype) if is_numeric(dtype) else dtype.str
    if dtype.type not in (np.void, np.record):
        raise UnsupportedValueError(f"the elements of a structured array are of the type {dtype.type}; use numpy.void")
    of_names: Mapping[str, Any] = dtype.fields or {}
    fields = []
    for name in dtype.names:
        of, offset, *title = of_names[name]
        if not all(isinstance(text, str) and is_utf8(text) for text in (name, *title)):
            raise UnsupportedValueError(f"the field {name!r} of a structured array, or its title, is not UTF-8 text")
        fields.append({"name": name, "of": _describe(of), "offset": offset, "title": title[0] if title else None})
    record = dtype.type is np.record
    return {"fields": fields, "itemsize": dtype.itemsize, "aligned": dtype.isalignedstruct, "record": record}


def _dtype(node: Any) -> np.dtype[Any]:
    """The dtype of :func:`_describe`; a store is not trusted to describe others."""
    import numpy as np

    if isinstance(node, str):
        return _plain_dtype(node)
    if "base" in node:
        return np.dtype((_dtype(node["base"]), tuple(int(size) for size in node["shape"])))
    fields = node["fields"]
    made: np.dtype[Any] = np.dtype(
        {
            "names": [str(each["name"]) for each in fields],
            "formats": [_dtype(each["of"]) for each in fields],
            "offsets": [int(each["offset"]) for each in fields],
            "titles": [each["title"] if each["title"] is None else str(each["title"]) for each in fields],
            "itemsize": int(node["itemsize"]),
        },
        align=bool(node["aligned"]),
    )
    return np.dtype((np.record, made)) if node["record"] else made


def _plain_dtype(text: str) -> np.dtype[Any]:
    import numpy as np

    if _OTHERS.fullmatch(text):
        return np.dtype(text)
    if text[1:2] in ("m", "M"):
        return safe_time_dtype(text)
    return safe_long_dtype(text) if text[1:] in ("f12", "f16", "c24", "c32") else safe_dtype(text)


structured_codec = Structured()
void_codec = Void()
