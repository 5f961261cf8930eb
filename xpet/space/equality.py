"""When two values of a parameter are the same point of an axis."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

_NAN = object()


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; NaN equals NaN, and arrays are compared as wholes."""
    # Structures may be deeper than functions may call each other.
    todo: list[tuple[Any, Any]] = [(left, right)]
    # With the objects, as what a mapping makes on demand may get the id of one that is gone.
    met: dict[tuple[int, int], tuple[Any, Any]] = {}
    while todo:
        one, other = todo.pop()
        if one is other or (id(one), id(other)) in met:
            continue
        if type(one) is not type(other):
            return False
        if isinstance(one, (list, tuple)):
            if len(one) != len(other):
                return False
            todo += zip(one, other, strict=True)
        elif isinstance(one, Mapping):
            if one.keys() != other.keys():
                return False
            todo += [(one[key], other[key]) for key in one]
        elif not _same_single(one, other):
            return False
        if isinstance(one, (list, tuple, Mapping)):
            met[id(one), id(other)] = one, other
    return True


def _same_single(left: Any, right: Any) -> bool:
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
    inner: dict[Hashable, int] = {}
    others: list[tuple[Any, int]] = []
    distinct: list[Any] = []
    out: list[int] = []
    for value in values:
        try:
            key = _key(value, inner)
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


def _key(value: Any, inner: dict[Hashable, int]) -> Hashable:
    """Something hashable that is equal for equal values only; ``TypeError`` if there is no such thing.

    Structures in the value go by their numbers in ``inner``, as to hash a deep one may end the interpreter.
    """
    if type(value) not in (list, tuple, dict):
        return _key_of_single(value)
    todo: list[tuple[Any, bool]] = [(value, False)]
    around: set[int] = set()
    keys: list[Hashable] = []
    while todo:
        this, is_whole = todo.pop()
        kind = type(this)
        if kind not in (list, tuple, dict):
            keys.append(_key_of_single(this))
        elif not is_whole:
            if id(this) in around:
                raise ValueError(f"a {kind.__name__} among the explored values holds itself; explore something else")
            around.add(id(this))
            todo.append((this, True))
            todo += [(item, False) for item in (this.values() if kind is dict else this)]
        else:
            around.remove(id(this))
            # What came last is first.
            items = [keys.pop() for _ in this]
            made = (kind, frozenset(zip(this, items, strict=True)) if kind is dict else tuple(items))
            keys.append(inner.setdefault(made, len(inner)))
    return keys[0]


def _key_of_single(value: Any) -> Hashable:
    kind = type(value)
    if kind is float or kind is complex:
        return (kind, value) if value == value else _NAN
    if hasattr(value, "tobytes") and hasattr(value, "dtype") and hasattr(value, "shape"):
        if value.dtype.hasobject or kind.__module__ != "numpy":
            raise TypeError("arrays of objects, with masks or with units have no bytes that say what they are")
        plain = value + 0 if value.dtype.kind in "fc" else value  # −0.0 equals 0.0
        return kind, value.dtype, value.shape, plain.tobytes()
    hash(value)
    return kind, value
