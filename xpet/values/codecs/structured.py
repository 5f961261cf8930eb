"""NumPy's structured arrays, a part for each field, and arrays of raw bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.longdouble import safe_long_dtype
from xpet.values.codecs.ndarray import dtype_text, is_numeric, safe_dtype
from xpet.values.codecs.times import safe_time_dtype
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part, is_utf8

if TYPE_CHECKING:
    import numpy as np

_OTHERS = re.compile(r"[<>]U\d{1,9}|\|[SV]\d{1,9}|\|O")
#: What a record has beyond its fields is empty; beyond this, few bytes would ask for much memory.
_PADDING_BYTES, _PADDING_RATIO = 2**24, 1024


class Structured:
    """Arrays with named fields, of any nesting; ``numpy.record`` is kept as the type of their elements."""

    name = "numpy.structured"

    def encode(self, value: Any) -> Encoded | None:
        """A part for each field; the dtype with offsets, titles and alignment. What lies between fields is not data."""
        if value.dtype.names is None:
            return None
        described = _describe(value.dtype)
        fields = {name: value[name] for name in value.dtype.names}
        if _is_mostly_padding(value.dtype, value.size, fields):
            raise UnsupportedValueError(
                f"a structured array of {value.nbytes} bytes that are nearly all between its fields cannot be kept; "
                "use numpy.lib.recfunctions.repack_fields"
            )
        return compose(self.name, fields, {"dtype": described})

    def decode(self, encoded: Encoded) -> Any:
        """The array of the fields."""
        import numpy as np

        fields, dtype = decompose(encoded), _dtype(more_of(encoded)["dtype"])
        names = dtype.names or ()
        first = fields[names[0]]
        shape = first.shape[: first.ndim - dtype[names[0]].ndim]
        for name in names:
            if fields[name].dtype != dtype[name].base or fields[name].shape != shape + dtype[name].shape:
                raise CorruptStoreError(f"the field {name!r} of a stored structured array does not fit its dtype")
        if _is_mostly_padding(dtype, first.size, fields):
            raise CorruptStoreError(f"an element of a stored structured array has {dtype.itemsize} bytes, most empty")
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


def _is_mostly_padding(dtype: np.dtype[Any], size: int, fields: Mapping[str, Any]) -> bool:
    held: int = sum(field.nbytes for field in fields.values())
    return dtype.itemsize * max(size, 1) > _PADDING_BYTES + _PADDING_RATIO * held


def _describe(dtype: np.dtype[Any]) -> Any:
    """A dtype as JSON."""
    import numpy as np

    if dtype.subdtype is not None:
        return {"base": _describe(dtype.base), "shape": list(dtype.shape)}
    if dtype.names is None:
        return dtype_text(dtype) if is_numeric(dtype) else dtype.str
    if dtype.type not in (np.void, np.record):
        raise UnsupportedValueError(f"the elements of a structured array are of the type {dtype.type}; use numpy.void")
    if not dtype.names:
        raise UnsupportedValueError("a structured array without fields cannot be kept")
    of_names: Mapping[str, Any] = dtype.fields or {}
    fields, ends = [], []
    for name in dtype.names:
        of, offset, *title = of_names[name]
        if not all(isinstance(text, str) and is_utf8(text) for text in (name, *title)):
            raise UnsupportedValueError(f"the field {name!r} of a structured array, or its title, is not UTF-8 text")
        fields.append({"name": name, "of": _describe(of), "offset": offset, "title": title[0] if title else None})
        ends.append((offset, offset + of.itemsize))
    if any(end > start for (_, end), (start, _) in pairwise(sorted(ends))):
        raise UnsupportedValueError(f"a structured array whose fields {dtype.names} overlap cannot be kept")
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
