"""Everything that has no numeric form, as tagged JSON text.

Plain JSON stays plain (``null``, numbers, texts, lists, objects with text keys); whatever JSON
would change carries a tag: ``{"__t": "tuple", "v": [1, 2]}``. The text needs nothing to be read.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.ndarray import is_numeric, safe_dtype
from xpet.values.parts import Encoded, Part, is_utf8

if TYPE_CHECKING:
    import numpy as np

_TAG = "__t"
#: Reading nested data takes several frames of Python's stack a level, so that what is written must leave room for it.
_DEEPEST = 100
#: Text arrays are as wide as their widest text, and mostly empty; beyond this, few bytes would ask for much memory.
_WIDE_BYTES, _WIDE_RATIO = 2**28, 256


def _tagged(tag: str, value: object, **more: object) -> dict[str, object]:
    return {_TAG: tag, "v": value, **more}


def _pack(value: Any, depth: int = 0) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return value if is_utf8(value) else _tagged("str", value.encode("unicode_escape").decode())
    if kind is int:
        return value if -(2**63) <= value < 2**63 else _tagged("int", hex(value))
    if kind is float:
        return value if value - value == 0 else _tagged("float", repr(value))
    if kind is complex:
        return _tagged("complex", [_pack(value.real), _pack(value.imag)])
    if kind is bytes:
        return _tagged("bytes", base64.b64encode(value).decode())
    if kind in (list, tuple, set, frozenset, dict):
        if depth == _DEEPEST:
            raise UnsupportedValueError(f"it is nested more than {_DEEPEST} levels deep, or holds itself")
        return _pack_container(value, depth + 1)
    return _pack_numpy(value)


def _pack_container(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is dict:
        if all(type(key) is str and is_utf8(key) for key in value) and _TAG not in value:
            return {key: _pack(item, depth) for key, item in value.items()}
        return _tagged("dict", [[_pack(key, depth), _pack(item, depth)] for key, item in value.items()])
    items = [_pack(item, depth) for item in value]
    if kind is list:
        return items
    # The order of a set is not its own: equal sets must have equal texts.
    return _tagged(kind.__name__, items if kind is tuple else sorted(items, key=json.dumps))


def _pack_numpy(value: Any) -> Any:
    import numpy as np

    kind = type(value)
    if kind is np.str_:
        # Not str(value), which drops NULs at the end.
        return _tagged("numpy.str", _pack(value[:]))
    if kind is np.ndarray or (isinstance(value, np.generic) and value.dtype.type is kind):
        tag = "ndarray" if kind is np.ndarray else "numpy"
        dtype = value.dtype
        if is_numeric(dtype):
            data = base64.b64encode(value.tobytes()).decode()
            return _tagged(tag, data, dtype=dtype.str, shape=list(value.shape))
        if kind is np.ndarray and dtype.kind == "U":
            texts = value.ravel().tolist()
            if _is_too_wide(texts, value.nbytes):
                raise UnsupportedValueError(
                    f"a text array of {value.nbytes} bytes that are nearly all empty cannot be kept; store it as a list"
                )
            return _tagged("text", [_pack(text) for text in texts], dtype=dtype.str, shape=list(value.shape))
    note = f" of dtype {value.dtype}" if hasattr(value, "dtype") else ""
    raise UnsupportedValueError(
        f"a {kind.__module__}.{kind.__qualname__}{note} in it cannot be kept without loss; "
        "turn it into numbers, texts, arrays of them, or lists, tuples and dicts"
    )


def _is_too_wide(texts: list[str], size: int) -> bool:
    return size > _WIDE_BYTES + _WIDE_RATIO * sum(map(len, texts))


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if isinstance(value, dict):
        if _TAG in value:
            return _unpack_tagged(value[_TAG], value["v"], value)
        return {key: _unpack(item) for key, item in value.items()}
    return value


def _unpack_tagged(tag: object, value: Any, node: dict[str, Any]) -> Any:
    if tag in ("ndarray", "numpy"):
        return _unpack_array(node)
    if tag == "text":
        return _unpack_texts(node)
    if tag == "numpy.str":
        import numpy as np

        return np.str_(_unpack(value))
    if not isinstance(tag, str) or tag not in _BUILTIN:
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is unknown; it needs a newer xpet")
    return _BUILTIN[tag](value)


_BUILTIN: dict[str, Any] = {
    "str": lambda value: value.encode("ascii").decode("unicode_escape"),
    "float": float,
    "int": lambda value: int(value, 16),
    "tuple": lambda value: tuple(_unpack(value)),
    "set": lambda value: set(_unpack(value)),
    "frozenset": lambda value: frozenset(_unpack(value)),
    "dict": lambda value: {_unpack(key): _unpack(item) for key, item in value},
    "complex": lambda value: complex(*(_unpack(item) for item in value)),
    "bytes": lambda value: base64.b64decode(value, validate=True),
}


def _unpack_array(node: dict[str, Any]) -> Any:
    import numpy as np

    data = np.frombuffer(base64.b64decode(node["v"]), safe_dtype(node["dtype"])).reshape(_shape(node))
    return data.copy() if node[_TAG] == "ndarray" else data[()]


def _unpack_texts(node: dict[str, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    texts, dtype = [_unpack(text) for text in node["v"]], node["dtype"]
    if dtype[:2] not in ("<U", ">U") or _is_too_wide(texts, 4 * int(dtype[2:]) * len(texts)):
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored text array does not fit its texts")
    return np.array(texts, dtype).reshape(_shape(node))


def _shape(node: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in node["shape"])


class Structure:
    """None, bytes, big ints, dicts, sets, mixed or nested lists and tuples, text arrays."""

    name = "json"

    def encode(self, value: Any) -> Encoded:
        """One text part."""
        return Encoded(self.name, (Part(json.dumps(_pack(value), ensure_ascii=False, allow_nan=False)),))

    def decode(self, encoded: Encoded) -> Any:
        """The value of the text."""
        return _unpack(json.loads(str(encoded.part())))


codec = Structure()
