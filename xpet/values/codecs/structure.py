"""Structures of Python's own types as tagged JSON text, and with the arrays in them as parts.

Plain JSON stays plain (``null``, numbers, texts, lists, objects with text keys); whatever JSON
would change carries a tag: ``{"__t": "tuple", "v": [1, 2]}``. The text needs nothing to be read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.names import is_valid_name
from xpet.values.codecs.builtin import FROM_JSON, to_tag
from xpet.values.codecs.ndarray import dtype_text, is_numeric, safe_dtype
from xpet.values.codecs.sequence import codec as sequence
from xpet.values.compose import compose, decompose
from xpet.values.nesting import DEEPEST, TooDeep, deeper, levels
from xpet.values.parts import Encoded, Part, is_utf8
from xpet.values.registry import decode_whole, encode
from xpet.values.text import from_text as encoding_from_text
from xpet.values.text import is_too_wide
from xpet.values.text import to_text as encoding_to_text

if TYPE_CHECKING:
    import numpy as np

_TAG = "__t"
#: More parts than this would be more arrays than a reader of the store can look through.
_MOST_PARTS = 64
_NUMBERS = (float, int, bool, complex)
_INT64 = range(-(2**63), 2**63)
_CONTAINERS = (list, tuple, set, frozenset, dict)


def _tagged(tag: str, value: object, **more: object) -> dict[str, object]:
    return {_TAG: tag, "v": value, **more}


class _Full(Exception):
    """There are more parts than may be."""


class _Packing:
    """Values as JSON; what is an array of its own is taken out, as long as there is room."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.taken: dict[str, object] = {}

    def pack(self, value: Any, path: tuple[str | int, ...] = (), depth: int = 0) -> Any:
        """The JSON of a value; ``path`` says where in the structure it is."""
        kind = type(value)
        if kind in _CONTAINERS:
            if depth >= DEEPEST:
                raise TooDeep
            if self._is_column(path) and kind in (list, tuple) and sequence.encode(value) is not None:
                return self._take(value, path)
            return self._pack_container(value, path, depth + 1)
        if self._is_column(path) and _is_number(value):
            return self._take(value, path)
        if value is None or kind is bool:
            return value
        if kind is str:
            return value if is_utf8(value) else _tagged("str", value.encode("unicode_escape").decode())
        if kind is int:
            return value if value in _INT64 else _tagged("int", hex(value))
        if kind is float:
            return value if value - value == 0 else _tagged("float", repr(value))
        if kind is complex:
            return _tagged("complex", [self.pack(value.real), self.pack(value.imag)])
        if kind is bytes:
            return _tagged("bytes", base64.b64encode(value).decode())
        tagged = to_tag(value)
        if tagged is None:
            return self._pack_other(value, path, depth)
        tag, node = tagged
        # Paths and the names of zones may be texts that are no UTF-8.
        return _tagged(tag, _PLAIN.pack(node))

    def _is_column(self, path: tuple[str | int, ...]) -> bool:
        """Whether a number is worth an array: if only names lead to it, other runs probably have it too."""
        return bool(self._room and path) and all(isinstance(step, str) and is_valid_name(step) for step in path)

    def _pack_container(self, value: Any, path: tuple[str | int, ...], depth: int) -> Any:
        kind = type(value)
        if kind is dict:
            if all(type(key) is str and is_utf8(key) for key in value) and _TAG not in value:
                return {key: self.pack(item, (*path, key), depth) for key, item in value.items()}
            items = [
                [_PLAIN.pack(key, depth=depth), self.pack(item, (*path, k), depth)]
                for k, (key, item) in enumerate(value.items())
            ]
            return _tagged("dict", items)
        if kind in (set, frozenset):
            # The order of a set is not its own: equal sets must have equal texts.
            return _tagged(kind.__name__, sorted((_PLAIN.pack(item, depth=depth) for item in value), key=json.dumps))
        items = [self.pack(item, (*path, k), depth) for k, item in enumerate(value)]
        return items if kind is list else _tagged("tuple", items)

    def _pack_other(self, value: Any, path: tuple[str | int, ...], depth: int) -> Any:
        import numpy as np

        kind = type(value)
        if kind is np.str_:
            # Not str(value), which drops NULs at the end.
            return _tagged("numpy.str", self.pack(value[:]))
        if self._room and path and not isinstance(value, np.generic):
            return self._take(value, path)
        if (kind is np.ndarray or is_numpy_scalar(value)) and is_numeric(value.dtype):
            data = base64.b64encode(value.tobytes()).decode()
            tag = "ndarray" if kind is np.ndarray else "numpy"
            return _tagged(tag, data, dtype=dtype_text(value.dtype), shape=list(value.shape))
        if kind is np.ndarray and value.dtype.kind == "U":
            texts = value.ravel().tolist()
            if is_too_wide(texts, value.nbytes):
                raise UnsupportedValueError(
                    f"a text array of {value.nbytes} bytes that are nearly all empty cannot be kept; store it as a list"
                )
            return _tagged("text", [self.pack(text) for text in texts], dtype=value.dtype.str, shape=list(value.shape))
        # The depth counts what is around the value, too.
        with deeper(max(0, depth - levels())):
            return _tagged("packed", json.loads(encoding_to_text(encode(value))))

    def _take(self, value: object, path: tuple[str | int, ...]) -> Any:
        if len(self.taken) == self._room:
            raise _Full
        # That without a name is the text itself.
        name = stem = ".".join(map(str, path)) or "_"
        k = 0
        while name in self.taken:
            k += 1
            name = f"{stem}-{k}"
        self.taken[name] = value
        return _tagged("part", name)


_PLAIN = _Packing(room=0)


def _is_number(value: Any) -> bool:
    kind = type(value)
    if kind in _NUMBERS:
        return kind is not int or value in _INT64
    return is_numpy_scalar(value) and is_numeric(value.dtype)


def is_numpy_scalar(value: Any) -> bool:
    """Whether a value is a scalar of NumPy's own."""
    import numpy as np

    return isinstance(value, np.generic) and value.dtype.type is type(value)


def _unpack(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, parts) for item in value]
    if isinstance(value, dict):
        if _TAG in value:
            return _unpack_tagged(value[_TAG], value["v"], value, parts)
        return {key: _unpack(item, parts) for key, item in value.items()}
    return value


def _unpack_tagged(tag: object, value: Any, node: dict[str, Any], parts: Mapping[str, Any]) -> Any:
    if not isinstance(tag, str):
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is not one")
    if tag in _CONTAINERS_OF:
        return _CONTAINERS_OF[tag](_unpack(item, parts) for item in value)
    if tag in ("ndarray", "numpy"):
        return _unpack_array(node)
    if tag in _PLAIN_TAGS:
        return _PLAIN_TAGS[tag](value)
    if tag == "dict":
        return {_unpack(key, parts): _unpack(item, parts) for key, item in value}
    if tag == "part":
        return parts[value]
    if tag == "packed":
        return decode_whole(encoding_from_text(json.dumps(value)))
    if tag == "text":
        return _unpack_texts(node)
    if tag == "numpy.str":
        import numpy as np

        return np.str_(_unpack(value, parts))
    if tag not in FROM_JSON:
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is unknown; it needs a newer xpet")
    return FROM_JSON[tag](_unpack(value, {}))


_CONTAINERS_OF: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_PLAIN_TAGS: dict[str, Any] = {
    "str": lambda value: value.encode("ascii").decode("unicode_escape"),
    "float": float,
    "int": lambda value: int(value, 16),
    "complex": lambda value: complex(*(_unpack(item, {}) for item in value)),
    "bytes": lambda value: base64.b64decode(value, validate=True),
}


def _unpack_array(node: dict[str, Any]) -> Any:
    import numpy as np

    data = np.frombuffer(base64.b64decode(node["v"]), safe_dtype(node["dtype"])).reshape(_shape(node))
    return data.copy() if node[_TAG] == "ndarray" else data[()]


def _unpack_texts(node: dict[str, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    texts, dtype = [_unpack(text, {}) for text in node["v"]], node["dtype"]
    if dtype[:2] not in ("<U", ">U") or is_too_wide(texts, 4 * int(dtype[2:]) * len(texts)):
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored text array does not fit its texts")
    return np.array(texts, dtype).reshape(_shape(node))


def _shape(node: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in node["shape"])


class Json:
    """None, larger ints, other texts, mixed lists and tuples, sets, dates: everything as one text."""

    name = "json"

    def encode(self, value: Any) -> Encoded:
        """One text part."""
        return Encoded(self.name, (Part(_dumps(_PLAIN.pack(value, depth=levels()))),))

    def decode(self, encoded: Encoded) -> Any:
        """The value of the text."""
        return _unpack(json.loads(str(encoded.part())), {})


class Nested:
    """Lists, tuples and dicts with arrays in them, or with numbers under names: these are parts of their own."""

    name = "nested"

    def encode(self, value: Any) -> Encoded | None:
        """The text of the structure, and a part for each array. What has very many is another codec's."""
        packing = _Packing(_MOST_PARTS)
        try:
            text = _dumps(packing.pack(value, depth=levels()))
        except _Full:
            return None
        return compose(self.name, {"": text, **packing.taken}) if packing.taken else Encoded(codec.name, (Part(text),))

    def decode(self, encoded: Encoded) -> Any:
        """The structure with its arrays."""
        parts = decompose(encoded)
        return _unpack(json.loads(parts.pop("")), parts)


def _dumps(node: object) -> str:
    return json.dumps(node, ensure_ascii=False, allow_nan=False)


codec = Json()
nested_codec = Nested()
