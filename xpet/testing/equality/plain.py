"""When values of Python's own types, and of classes that nothing is known of, are identical."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        return identical(list(a.items()), list(b.items()))
    if isinstance(a, set | frozenset):
        return _same_set(a, b)
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


def _same_set(a: Collection[Any], b: Collection[Any]) -> bool:
    left = list(b)
    for each in a:
        found = next((k for k, other in enumerate(left) if identical(each, other)), None)
        if found is None:
            return False
        del left[found]
    return not left


def _same_state(a: Any, b: Any) -> bool:
    """Tell whether the attributes are; what shows none is like nothing but itself."""
    state = a.__getstate__()
    return (state is not None or hasattr(a, "__dict__")) and identical(state, b.__getstate__())
