"""When values of Python's own types, and of classes that nothing is known of, are identical."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from xpet.testing.equality import Steps, identical


def same(a: Any, b: Any) -> bool | Steps:
    """Tell whether two values of one type are identical; of structures, the steps that tell it."""
    if isinstance(a, list | tuple):
        return len(a) == len(b) and _same_items(a, b)
    if isinstance(a, dict):
        return len(a) == len(b) and _same_items([*a, *a.values()], [*b, *b.values()])
    if isinstance(a, set | frozenset):
        return len(a) == len(b) and _same_set(a, b)
    return _same_single(a, b)


def _same_single(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return _same_single(a.real, b.real) and _same_single(a.imag, b.imag)
    if isinstance(a, dt.datetime | dt.time):
        naive = a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.fold == b.fold
        return naive and type(a.tzinfo) is type(b.tzinfo) and repr(a.tzinfo) == repr(b.tzinfo)
    if isinstance(a, Decimal):
        return bool(a.as_tuple() == b.as_tuple())
    if isinstance(a, range):
        return (a.start, a.stop, a.step) == (b.start, b.stop, b.step)
    if hasattr(a, "__dataclass_fields__"):
        fields = dataclasses.fields(a)
        return all(identical(getattr(a, field.name), getattr(b, field.name)) for field in fields)
    own: Any = type(a).__eq__
    return _same_state(a, b) if own is object.__eq__ else bool(a == b)


def _same_items(a: Iterable[Any], b: Iterable[Any]) -> Steps:
    for pair in zip(a, b, strict=True):
        if not (yield pair):
            return False
    return True


def _same_set(a: Collection[Any], b: Collection[Any]) -> Steps:
    left = list(b)
    for each in a:
        for k, other in enumerate(left):
            if (yield each, other):
                del left[k]
                break
        else:
            return False
    return True


def _same_state(a: Any, b: Any) -> bool:
    """Tell whether the attributes are; what shows none is like nothing but itself."""
    state = a.__getstate__()
    return (state is not None or hasattr(a, "__dict__")) and identical(state, b.__getstate__())
