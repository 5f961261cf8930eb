"""Everything that has no numeric form, as tagged JSON text.

Plain JSON stays plain (``null``, numbers, texts, lists, objects with text keys); whatever JSON
would change carries a tag: ``{"__t": "tuple", "v": [1, 2]}``. The text needs nothing to be read.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.ndarray import safe_dtype
from xpet.values.parts import Encoded, Part

if TYPE_CHECKING:
    import numpy as np

_TAG = "__t"


def _tagged(tag: str, value: object, **more: object) -> dict[str, object]:
    return {_TAG: tag, "v": value, **more}


def _pack(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else _tagged("int", hex(value))
    if kind is float:
        return value if value - value == 0 else _tagged("float", repr(value))
    if kind is list:
        return [_pack(item) for item in value]
    if kind is tuple or kind is set or kind is frozenset:
        return _tagged(kind.__name__, [_pack(item) for item in value])
    if kind is dict:
        if all(type(key) is str for key in value) and _TAG not in value:
            return {key: _pack(item) for key, item in value.items()}
        return _tagged("dict", [[_pack(key), _pack(item)] for key, item in value.items()])
    if kind is complex:
        return _tagged("complex", [_pack(value.real), _pack(value.imag)])
    if kind is bytes:
        return _tagged("bytes", base64.b64encode(value).decode())
    return _pack_numpy(value)


def _pack_numpy(value: Any) -> Any:
    import numpy as np

    kind = type(value)
    if kind is np.str_:
        return _tagged("numpy.str", str(value))
    if kind is np.ndarray or (isinstance(value, np.generic) and value.dtype.type is kind):
        tag = "ndarray" if kind is np.ndarray else "numpy"
        dtype = value.dtype
        if dtype.kind in "biufc" and dtype.itemsize <= 16 and dtype.str[1:] not in ("f16", "f12"):
            data = base64.b64encode(value.tobytes()).decode()
            return _tagged(tag, data, dtype=dtype.str, shape=list(value.shape))
        if kind is np.ndarray and dtype.kind == "U":
            return _tagged("text", value.ravel().tolist(), dtype=dtype.str, shape=list(value.shape))
    raise UnsupportedValueError(
        f"a {kind.__module__}.{kind.__qualname__}{_dtype_note(value)} in it cannot be kept without loss; "
        "turn it into numbers, texts, arrays of them, or lists, tuples and dicts"
    )


def _dtype_note(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return "" if dtype is None else f" of dtype {dtype}"


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if isinstance(value, dict):
        if _TAG in value:
            return _unpack_tagged(value)
        return {key: _unpack(item) for key, item in value.items()}
    return value


def _unpack_tagged(node: dict[str, Any]) -> Any:
    tag, value = node[_TAG], node["v"]
    if tag in ("ndarray", "numpy", "text"):
        return _unpack_array(tag, node)
    if tag == "numpy.str":
        import numpy as np

        return np.str_(value)
    try:
        return _BUILTIN[tag](value)
    except KeyError:
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is unknown; it needs a newer xpet") from None


_BUILTIN: dict[str, Any] = {
    "float": float,
    "int": lambda value: int(value, 16),
    "tuple": lambda value: tuple(_unpack(value)),
    "set": lambda value: set(_unpack(value)),
    "frozenset": lambda value: frozenset(_unpack(value)),
    "dict": lambda value: {_unpack(key): _unpack(item) for key, item in value},
    "complex": lambda value: complex(*(_unpack(item) for item in value)),
    "bytes": base64.b64decode,
}


def _unpack_array(tag: str, node: dict[str, Any]) -> Any:
    import numpy as np

    shape = tuple(int(size) for size in node["shape"])
    if tag == "text":
        return _texts(node["v"], node["dtype"]).reshape(shape)
    data = np.frombuffer(base64.b64decode(node["v"]), safe_dtype(node["dtype"])).reshape(shape)
    return data.copy() if tag == "ndarray" else data[()]


def _texts(values: list[str], dtype: str) -> np.ndarray[Any, Any]:
    import numpy as np

    width = int(dtype[2:])
    if dtype[:2] not in ("<U", ">U") or width > max((len(text) for text in values), default=0) + 2**16:
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored text array does not fit its texts")
    return np.array(values, dtype)


class Structure:
    """None, bytes, big ints, dicts, sets, mixed or nested lists and tuples, text arrays."""

    name = "json"

    def encode(self, value: Any) -> Encoded:
        """One text part."""
        try:
            packed = _pack(value)
            text = json.dumps(packed, ensure_ascii=False, allow_nan=False)
        except RecursionError:
            raise UnsupportedValueError("it is nested too deeply, or holds itself") from None
        try:
            text.encode()
        except UnicodeEncodeError:
            text = json.dumps(packed, allow_nan=False)
        return Encoded(self.name, (Part(text),))

    def decode(self, encoded: Encoded) -> Any:
        """The value of the text."""
        try:
            return _unpack(json.loads(str(encoded.part())))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorruptStoreError(f"a stored value is not the tagged JSON it should be: {error}") from error


codec = Structure()
