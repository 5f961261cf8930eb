"""Arrays that need no encoding, told without making one."""

from __future__ import annotations

import sys

from xpet.values.parts import MOST_DIMS
from xpet.values.registry import codecs_of, encode

_CODES = frozenset("?bhilqBHILQefdFD")
_ARRAY = "numpy.ndarray"
_OWN = codecs_of(_ARRAY)


def array_code(value: object) -> str:
    """NumPy's character for the numbers of an array that is kept as it is; empty for any other value.

    With the number of dimensions it says all that the encoding of the array does.
    """
    np = sys.modules.get("numpy")
    if np is None or type(value) is not np.ndarray:
        return ""
    dtype = value.dtype  # type: ignore[attr-defined]  # an array
    if dtype.isbuiltin != 1 or codecs_of(_ARRAY) is not _OWN or value.ndim > MOST_DIMS:  # type: ignore[attr-defined]  # so
        return ""
    code: str = dtype.char
    return code if code in _CODES else ""


def check_value(value: object, where: str) -> None:
    """Raise what :func:`encode` raises for a value."""
    if not array_code(value):
        encode(value, where)
