"""Flat lists and tuples of one kind of number: an array, so that plain tools can compute with them."""

from __future__ import annotations

from typing import Any

from xpet.values.parts import Encoded, Part

_DTYPES = {float: "f8", int: "i8", bool: "?", complex: "c16"}
_KINDS = {kind.__name__: kind for kind in _DTYPES}
_TYPES: dict[str, type] = {"list": list, "tuple": tuple}


class Sequence:
    """A non-empty ``list`` or ``tuple`` of only floats, only ints, only bools or only complex numbers."""

    name = "sequence"

    def encode(self, value: Any) -> Encoded | None:
        """One 1-D part. Mixed, nested, empty and text sequences are another codec's."""
        import numpy as np

        kind = type(value[0]) if value else None
        if kind not in _DTYPES or set(map(type, value)) != {kind}:
            return None
        try:
            data = np.array(value, _DTYPES[kind])
        except OverflowError:
            return None
        return Encoded(self.name, (Part(data),), meta={"type": type(value).__name__, "of": kind.__name__})

    def decode(self, encoded: Encoded) -> Any:
        """The list or tuple of Python numbers."""
        import numpy as np

        kind = _KINDS[encoded.meta["of"]]
        return _TYPES[encoded.meta["type"]](map(kind, np.asarray(encoded.part()).tolist()))


codec = Sequence()
