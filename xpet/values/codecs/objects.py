"""NumPy arrays of objects that can be kept."""

from __future__ import annotations

import math
from typing import Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.compose import compose, decompose
from xpet.values.parts import Encoded

#: Each array in another one makes the text of the innermost longer, and what is written must leave room for reading it.
_DEEPEST = 10


class Objects:
    """Arrays of dtype object, of any rank."""

    name = "numpy.objects"

    def encode(self, value: Any) -> Encoded | None:
        """The list of what is in it as main part, and the shape."""
        import numpy as np

        if value.dtype.kind != "O":
            return None
        if not _fits(value):
            raise UnsupportedValueError(f"more than {_DEEPEST} arrays of objects are in each other, or it holds itself")
        return compose(self.name, {"": value.ravel().tolist(), "shape": np.array(value.shape, "i8")})

    def decode(self, encoded: Encoded) -> Any:
        """The array of the list."""
        import numpy as np

        values = decompose(encoded)
        items, shape = values[""], [int(size) for size in values["shape"]]
        if type(items) is not list or math.prod(shape) != len(items):
            raise CorruptStoreError(f"a stored array of objects of shape {shape} does not have as many of them")
        out = np.empty(len(items), object)
        for k, item in enumerate(items):
            out[k] = item
        return out.reshape(shape)


def _fits(value: Any) -> bool:
    """Whether there are not too many arrays in each other, however many lists and dicts are around them."""
    todo: list[tuple[Any, int]] = [(value, _DEEPEST)]
    # with room for how many arrays each was looked at; kept, so that no other one gets its id
    seen: dict[int, tuple[Any, int]] = {}
    while todo:
        this, room = todo.pop()
        items, arrays = _within(this)
        room -= arrays
        if room < 0:
            return False
        if items and seen.get(id(this), (None, -1))[1] < room:
            seen[id(this)] = this, room
            todo += [(item, room) for item in items]
    return True


def _within(value: Any) -> tuple[list[Any], int]:
    """What is in a value, and whether it is an array."""
    import numpy as np

    if isinstance(value, dict):
        return [*value, *value.values()], 0
    if isinstance(value, list | tuple | set | frozenset):
        return list(value), 0
    if isinstance(value, np.ndarray | np.void) and value.dtype.hasobject:
        return np.asarray(value).ravel().tolist(), 1
    return [], 0


codec = Objects()
