"""Whether two values are the same, type and labels included."""

from __future__ import annotations

from typing import Any

from xpet.values.parts import Coord, Encoded, Labels
from xpet.values.registry import canonical, encode


def same_value(a: object, b: object) -> bool:
    """Whether two values are equal, have the same type and the same labels; NaN equals NaN.

    Examples
    --------
    >>> same_value(1, 1.0), same_value(float('nan'), float('nan'))
    (False, True)
    """
    return same_encoded(encode(a), encode(b))


def same_encoded(a: Encoded, b: Encoded) -> bool:
    """Whether two encodings are of the same value."""
    if (a.codec, a.version, canonical(a.meta)) != (b.codec, b.version, canonical(b.meta)):
        return False
    if [part.name for part in a.parts] != [part.name for part in b.parts]:
        return False
    parts = zip(a.parts, b.parts, strict=True)
    return all(_same_data(x.data, y.data) for x, y in parts) and labels_equal(a.labels, b.labels)


def _same_data(a: Any, b: Any) -> bool:
    import numpy as np

    if isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype == y.dtype and x.dtype.kind in "mM":
        x, y = x.view("i8"), y.view("i8")
    if x.dtype != y.dtype or x.shape != y.shape or not np.array_equal(x, y, equal_nan=x.dtype.kind in "fc"):
        return False
    if x.dtype.kind == "c":
        return _same_signs(x.real, y.real) and _same_signs(x.imag, y.imag)
    return x.dtype.kind != "f" or _same_signs(x, y)


def _same_signs(x: Any, y: Any) -> bool:
    """Whether zeros have the same sign; that of NaN is not kept."""
    import numpy as np

    return bool((np.isnan(x) | (np.signbit(x) == np.signbit(y))).all())


def labels_equal(a: Labels, b: Labels) -> bool:
    """Whether two labels say the same."""
    if a is b:
        return True
    if a.dims != b.dims or a.attrs != b.attrs or a.coords.keys() != b.coords.keys():
        return False
    return all(coords_equal(coord, b.coords[name]) for name, coord in a.coords.items())


def coords_equal(a: Coord, b: Coord) -> bool:
    """Whether two coordinates have the same values, dtype and attributes; NaN equals NaN."""
    if a.values is b.values:
        return a.attrs == b.attrs
    return a.attrs == b.attrs and _same_data(a.values, b.values)
