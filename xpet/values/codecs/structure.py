"""Structures of Python's own types as tagged JSON text, and with the arrays in them as parts.

Plain JSON stays plain (``null``, numbers, texts, lists, objects with text keys); the text needs nothing to be read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.codecs.builtin import FROM_JSON
from xpet.values.codecs.ndarray import safe_dtype
from xpet.values.codecs.packing import TAG, Full, check_key, document
from xpet.values.compose import compose, decompose
from xpet.values.parts import Encoded, Part
from xpet.values.registry import decode_whole
from xpet.values.text import from_text as encoding_from_text
from xpet.values.text import is_too_wide

if TYPE_CHECKING:
    import numpy as np

#: More parts than this would be more arrays than a reader of the store can look through.
_MOST_PARTS = 64

#: Gives the part of a name, or the piece of a number, once.
_Give = Callable[[Any], Any]
_NOTHING: _Give = dict[Any, Any]().pop


def _read(text: str, parts: dict[str, Any]) -> Any:
    """The value of a JSON text, and of the parts that belong to it."""
    node, left = json.loads(text), dict[Any, Any](parts)
    if type(node) is not dict or node.get(TAG) != "deep":
        return _unpack(node, left.pop)
    pieces = node["v"]
    # A piece refers to later ones only.
    for k in range(len(pieces) - 1, -1, -1):
        left[k] = _unpack(pieces[k], left.pop)
    value = left.pop(0)
    if left:
        raise CorruptStoreError(f"{len(left)} pieces or parts of a stored value belong to nothing in it")
    return value


def _unpack(value: Any, give: _Give) -> Any:
    if isinstance(value, list):
        return [_unpack(item, give) for item in value]
    if isinstance(value, dict):
        if TAG in value:
            return _unpack_tagged(value[TAG], value["v"], value, give)
        return {key: _unpack(item, give) for key, item in value.items()}
    return value


def _unpack_tagged(tag: object, value: Any, node: dict[str, Any], give: _Give) -> Any:
    if not isinstance(tag, str):
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is not one")
    if tag == "tuple":
        return tuple([_unpack(item, give) for item in value])
    if tag in _SETS:
        return _SETS[tag](_unpack_key(item, give) for item in value)
    if tag in ("ndarray", "numpy"):
        return _unpack_array(node)
    if tag in _PLAIN_TAGS:
        return _PLAIN_TAGS[tag](value)
    if tag == "dict":
        return {_unpack_key(key, give): _unpack(item, give) for key, item in value}
    if tag in ("part", "at"):
        return give(value)
    if tag == "packed":
        return decode_whole(encoding_from_text(json.dumps(value)))
    if tag == "text":
        return _unpack_texts(node)
    if tag == "numpy.str":
        import numpy as np

        return np.str_(_unpack(value, give))
    if tag not in FROM_JSON:
        raise CorruptStoreError(f"the tag {tag!r} of a stored value is unknown; it needs a newer xpet")
    return FROM_JSON[tag](_unpack(value, _NOTHING))


def _unpack_key(node: Any, give: _Give) -> Any:
    key = _unpack(node, give)
    check_key(key)
    return key


_SETS: dict[str, Any] = {"set": set, "frozenset": frozenset}
_PLAIN_TAGS: dict[str, Any] = {
    "str": lambda value: value.encode("ascii").decode("unicode_escape"),
    "float": float,
    "int": lambda value: int(value, 16),
    "complex": lambda value: complex(*(_unpack(item, _NOTHING) for item in value)),
    "bytes": lambda value: base64.b64decode(value, validate=True),
}


def _unpack_array(node: dict[str, Any]) -> Any:
    import numpy as np

    data = np.frombuffer(base64.b64decode(node["v"]), safe_dtype(node["dtype"])).reshape(_shape(node))
    return data.copy() if node[TAG] == "ndarray" else data[()]


def _unpack_texts(node: dict[str, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    texts, dtype = [_unpack(text, _NOTHING) for text in node["v"]], node["dtype"]
    if dtype[:2] not in ("<U", ">U") or is_too_wide(texts, 4 * int(dtype[2:]) * len(texts)):
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored text array does not fit its texts")
    return np.array(texts, dtype).reshape(_shape(node))


def _shape(node: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in node["shape"])


class Json:
    """None, larger ints, other texts, mixed lists and tuples, sets, dates: everything as one text."""

    name, version = "json", 2

    def encode(self, value: Any) -> Encoded:
        """One text part; of version 2, if it is in pieces."""
        node, _, version = document(value, 0)
        return Encoded(self.name, (Part(_dumps(node)),), version)

    def decode(self, encoded: Encoded) -> Any:
        """The value of the text."""
        return _read(str(encoded.part()), {})


class Nested:
    """Lists, tuples and dicts with arrays in them, or with numbers under names: these are parts of their own."""

    name, version = "nested", 2

    def encode(self, value: Any) -> Encoded | None:
        """The text of the structure, and a part for each array. What has very many is another codec's."""
        try:
            node, taken, version = document(value, _MOST_PARTS)
        except Full:
            return None
        text = _dumps(node)
        if not taken:
            return Encoded(codec.name, (Part(text),), version)
        return compose(self.name, {"": text, **taken}, version=version)

    def decode(self, encoded: Encoded) -> Any:
        """The structure with its arrays."""
        parts = decompose(encoded)
        return _read(parts.pop(""), parts)


_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


codec = Json()
nested_codec = Nested()
