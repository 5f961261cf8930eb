"""When two values of a parameter are the same point of an axis."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

_NAN = object()


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; NaN equals NaN, and arrays are compared as wholes."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    equals = getattr(left, "equals", None)
    if callable(equals):
        return bool(equals(right))
    if hasattr(left, "shape") and hasattr(left, "dtype"):
        return _same_arrays(left, right)
    return bool(left == right) or (bool(left != left) and bool(right != right))


def _same_arrays(left: Any, right: Any) -> bool:
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    if hasattr(left, "mask"):
        # What is masked equals anything, and what is compared would be masked.
        return not (left.mask != right.mask).any() and _same_arrays(left.filled(), right.filled())
    equal = (left == right) | ((left != left) & (right != right))
    return bool(equal.all()) if hasattr(equal, "all") else bool(equal)


def codes(values: Iterable[Any]) -> tuple[list[int], list[Any]]:
    """Number the distinct values by first appearance.

    Returns
    -------
    list of int
        The number of every value.
    list
        The distinct values.
    """
    numbers: dict[Hashable, int] = {}
    others: list[tuple[Any, int]] = []
    distinct: list[Any] = []
    out: list[int] = []
    for value in values:
        try:
            key = hashable(value)
            number = numbers.get(key, -1)
        except TypeError:
            key = None
            number = next((known for other, known in others if same(value, other)), -1)
        if number < 0:
            number = len(distinct)
            distinct.append(value)
            if key is None:
                others.append((value, number))
            else:
                numbers[key] = number
        out.append(number)
    return out, distinct


def hashable(value: Any) -> Hashable:
    """Something hashable that is equal for equal values only; ``TypeError`` if there is no such thing."""
    kind = type(value)
    if kind is float or kind is complex:
        return (kind, value) if value == value else _NAN
    if kind in (list, tuple):
        return kind, tuple(map(hashable, value))
    if kind is dict:
        return kind, frozenset((key, hashable(item)) for key, item in value.items())
    if hasattr(value, "tobytes") and hasattr(value, "dtype") and hasattr(value, "shape"):
        if value.dtype.hasobject or kind.__module__ != "numpy":
            raise TypeError("arrays of objects, with masks or with units have no bytes that say what they are")
        plain = value + 0 if value.dtype.kind in "fc" else value  # −0.0 equals 0.0
        return kind, value.dtype, value.shape, plain.tobytes()
    hash(value)
    return kind, value
