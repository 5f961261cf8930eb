"""NumPy arrays of objects that can be kept."""

from __future__ import annotations

import math
from typing import Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.compose import compose, decompose
from xpet.values.parts import Encoded

#: As lists are: what is written must leave room on Python's stack for reading it. An array takes as much as some lists.
_DEEPEST, _LIST, _ARRAY = 100, 1, 10


class Objects:
    """Arrays of dtype object, of any rank."""

    name = "numpy.objects"

    def encode(self, value: Any) -> Encoded | None:
        """The list of what is in it as main part, and the shape."""
        import numpy as np

        if value.dtype.kind != "O":
            return None
        if not _fits(value, _DEEPEST):
            raise UnsupportedValueError(
                f"it is nested more than {_DEEPEST} levels deep, of which an array is {_ARRAY}, or holds itself"
            )
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


def _fits(value: Any, room: int) -> bool:
    import numpy as np

    if isinstance(value, dict):
        items, cost = [*value, *value.values()], _LIST
    elif isinstance(value, list | tuple | set | frozenset):
        items, cost = list(value), _LIST
    elif isinstance(value, np.ndarray | np.void) and value.dtype.hasobject:
        items, cost = np.asarray(value).ravel().tolist(), _ARRAY
    else:
        return True
    return room >= cost and all(_fits(item, room - cost) for item in items)


codec = Objects()
