"""Values as the JSON that :mod:`xpet.values.codecs.structure` reads.

Plain JSON stays plain; whatever JSON would change carries a tag: ``{"__t": "tuple", "v": [1, 2]}``. A structure that is
deeper than a reader may recurse is cut into pieces, ``{"__t": "deep", "v": [piece, …]}``, in which ``{"__t": "at",
"v": k}`` stands for the piece ``k``, a later one; the first piece is the value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from xpet.errors import UnsupportedValueError
from xpet.names import is_valid_name
from xpet.values.codecs.builtin import to_tag
from xpet.values.codecs.ndarray import dtype_text, is_numeric
from xpet.values.codecs.sequence import codec as sequence
from xpet.values.nesting import DEEPEST, deeper, levels
from xpet.values.parts import is_utf8
from xpet.values.registry import encode
from xpet.values.structures import STRUCTURES, structures_in
from xpet.values.text import is_too_wide
from xpet.values.text import to_text as encoding_to_text

TAG = "__t"
_NUMBERS = (float, int, bool, complex)
_INT64 = range(-(2**63), 2**63)
#: how many levels a piece has, and at least has if it is deep in other values
_PIECE, _LEAST = 50, 10
#: A structure that is in others at many places is written at each of them. So many items may come of that, or so many
#: for each one that there is; what doubles at every level would take more time than there is.
_MOST_ITEMS, _MOST_REPEATS = 2**18, 256
#: Python hashes tuples in tuples without a look at how much of its stack is left.
_DEEPEST_KEY = 1000

#: where in a structure a value is; None: in a key or a set, where no value is an array of its own
_Path = tuple[str | int, ...] | None


class Full(Exception):
    """There are more parts than may be."""


def document(value: object, room: int) -> tuple[Any, dict[str, Any], int]:
    """The JSON of a value, what is taken out of it to be parts, at most ``room``, and the version of that encoding.

    Raises
    ------
    Full
        If there is more to be taken out than there is room for.
    """
    packing = Packing(room)
    try:
        return packing.whole(value), packing.taken, 1
    except _Deep:
        pieces = _Pieces(room)
        return pieces.whole(value), pieces.taken, 2


def check_key(key: object) -> None:
    """Refuse tuples in tuples as a key, or in a set, that are so deep that to hash them may end the interpreter."""
    inner: list[Any] = [key]
    for _ in range(_DEEPEST_KEY):
        inner = [item for each in inner if type(each) is tuple for item in each]
        if not inner:
            return
    raise UnsupportedValueError(f"a key, or what is in a set, has more than {_DEEPEST_KEY} tuples in each other")


def _is_name(step: str | int) -> bool:
    return type(step) is str and is_valid_name(step)


def _tagged(tag: str, value: object, **more: object) -> dict[str, Any]:
    return {TAG: tag, "v": value, **more}


def _below(path: _Path, step: str | int) -> _Path:
    return None if path is None else (*path, step)


class _Deep(Exception):
    """There are more levels than may be in one piece."""


class Packing:
    """Values as JSON; what is an array of its own is taken out, as long as there is room."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._most = DEEPEST
        self._value: Any = None
        #: how many items were written, and may be before it is looked at how many there are
        self._items, self._limit = 0, _MOST_ITEMS
        self.taken: dict[str, object] = {}

    def whole(self, value: object) -> Any:
        """The JSON of all of a value."""
        self._value = value
        return self.pack(value, (), levels())

    def pack(self, value: Any, path: _Path = None, depth: int = 0) -> Any:
        """The JSON of a value, or of what is in it."""
        kind = type(value)
        if value is None:
            return value
        if kind is str:
            return value if is_utf8(value) else _tagged("str", value.encode("unicode_escape").decode())
        if kind in STRUCTURES:
            if depth >= self._most:
                return self._cut(value, path)
            if kind in (list, tuple) and self._is_column(path) and sequence.encode(value) is not None:
                return self._take(value, path)
            return self._pack_container(value, path, depth + 1)
        if self._is_column(path) and _is_number(value):
            return self._take(value, path)
        if kind is bool:
            return value
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
        return _tagged(tag, self.pack(node))

    def _cut(self, value: Any, path: _Path) -> Any:
        """What stands for a structure that is too deep to be here."""
        raise _Deep

    def _is_column(self, path: _Path) -> bool:
        """Whether a number is worth an array: if only names lead to it, other runs probably have it too."""
        # In a list all paths end in a number, so that this is seen first.
        return bool(self._room and path) and all(map(_is_name, reversed(path or ())))

    def _pack_container(self, value: Any, path: _Path, depth: int) -> Any:
        kind = type(value)
        self._items += len(value)
        if self._items > self._limit:
            self._check_repeats()
        if kind is dict:
            if _are_texts(value) and TAG not in value:
                return {key: self.pack(item, _below(path, key), depth) for key, item in value.items()}
            return _tagged("dict", [
                [self._pack_key(key, depth), self.pack(item, _below(path, k), depth)]
                for k, (key, item) in enumerate(value.items())
            ])  # fmt: skip
        if kind in (set, frozenset):
            return _tagged(kind.__name__, self._pack_set(value, depth))
        items = [self.pack(item, _below(path, k), depth) for k, item in enumerate(value)]
        return items if kind is list else _tagged("tuple", items)

    def _check_repeats(self) -> None:
        there_are = sum(map(len, structures_in(self._value)))
        self._limit = max(_MOST_ITEMS, _MOST_REPEATS * there_are)
        if self._items > self._limit:
            raise UnsupportedValueError(
                f"it has {there_are} items, but more than {self._limit} as lists, tuples, dicts and sets that it has "
                "at several places are written at each; store what is shared once, under a name of its own"
            )

    def _pack_key(self, key: object, depth: int) -> Any:
        check_key(key)
        return self.pack(key, None, depth)

    def _pack_set(self, items: Iterable[Any], depth: int) -> list[Any]:
        # The order of a set is not its own: equal sets must have equal texts.
        return sorted((self._pack_key(item, depth) for item in items), key=json.dumps)

    def _pack_other(self, value: Any, path: _Path, depth: int) -> Any:
        import numpy as np

        kind = type(value)
        if kind is np.str_:
            # Not str(value), which drops NULs at the end.
            return _tagged("numpy.str", self.pack(value[:]))
        if self._room and path and not isinstance(value, np.generic):
            return self._take(value, path)
        if (kind is np.ndarray or _is_numpy_scalar(value)) and is_numeric(value.dtype):
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

    def _take(self, value: object, path: _Path) -> Any:
        if len(self.taken) == self._room:
            raise Full
        # That without a name is the text itself.
        name = stem = ".".join(map(str, path or ())) or "_"
        k = 0
        while name in self.taken:
            k += 1
            name = f"{stem}-{k}"
        self.taken[name] = value
        return _tagged("part", name)


class _Waiting(NamedTuple):
    """What was cut off: its place in the piece that it is of, and what is around it there."""

    value: Any
    place: dict[str, Any]
    path: _Path
    around: tuple[int, ...]


class _Pieces(Packing):
    """Structures of any depth as JSON in pieces."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self._most = levels() + (_PIECE if levels() + _PIECE <= DEEPEST else _LEAST)
        self._waiting: list[_Waiting] = []
        #: the structures around the present one, by their ids; and those of them that are in this piece
        self._around: set[int] = set()
        self._here: list[int] = []

    def whole(self, value: object) -> Any:
        """The JSON of all of a value."""
        self._value = value
        pieces: list[Any] = []
        todo: list[_Waiting | tuple[int, ...]] = [_Waiting(value, {}, (), ())]
        while todo:
            this = todo.pop()
            if not isinstance(this, _Waiting):
                self._around.difference_update(this)
                continue
            self._around.update(this.around)
            this.place["v"] = len(pieces)
            # Paths do not go on, or they would be as long as the structure is deep.
            path = (len(pieces),) if this.path else this.path
            pieces.append(self.pack(this.value, path, levels()))
            todo += [this.around, *reversed(self._waiting)]
            self._waiting = []
        return _tagged("deep", pieces)

    def _cut(self, value: Any, path: _Path) -> Any:
        self._check_around(value)
        place = _tagged("at", 0)
        self._waiting.append(_Waiting(value, place, path, tuple(self._here)))
        return place

    def _pack_container(self, value: Any, path: _Path, depth: int) -> Any:
        self._check_around(value)
        self._around.add(id(value))
        self._here.append(id(value))
        made = super()._pack_container(value, path, depth)
        self._around.remove(self._here.pop())
        return made

    def _check_around(self, value: Any) -> None:
        if id(value) in self._around:
            raise UnsupportedValueError(
                f"a {type(value).__name__} in it holds itself; store what it is made of under names of its own"
            )

    def _pack_set(self, items: Iterable[Any], depth: int) -> list[Any]:
        # Which piece is which must not depend on the order in the set either.
        before, packed = self._waiting, []
        for item in items:
            self._waiting = []
            node = self._pack_key(item, depth)
            packed.append((json.dumps(node), node, item, self._waiting))
        texts = [text for text, *_ in packed]
        packed.sort(key=lambda each: (each[0], _text(each[2]) if each[3] and texts.count(each[0]) > 1 else ""))
        self._waiting = before + [waiting for *_, inner in packed for waiting in inner]
        return [node for _, node, *_ in packed]


def _text(value: object) -> str:
    """What tells a structure from others that begin as it does."""
    return json.dumps(_Pieces(0).whole(value))


def _are_texts(keys: Mapping[Any, Any]) -> bool:
    """Whether all keys are texts that are UTF-8."""
    return set(map(type, keys)) <= {str} and is_utf8("".join(keys))


def _is_number(value: Any) -> bool:
    kind = type(value)
    if kind in _NUMBERS:
        return kind is not int or value in _INT64
    return _is_numpy_scalar(value) and is_numeric(value.dtype)


def _is_numpy_scalar(value: Any) -> bool:
    """Whether a value is a scalar of NumPy's own."""
    import numpy as np

    return isinstance(value, np.generic) and value.dtype.type is type(value)
