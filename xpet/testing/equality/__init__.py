"""An equality that sees every difference, and knows nothing of how values are stored."""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib import import_module
from types import GeneratorType
from typing import Any

#: top-level packages whose values have rules of their own, and the modules with a function ``same`` that know them
_RULES = {
    "numpy": "xpet.testing.equality.arrays",
    "pandas": "xpet.testing.equality.frames",
    "scipy": "xpet.testing.equality.sparse",
    "xarray": "xpet.testing.equality.labelled",
    "pint": "xpet.testing.equality.units",
    "brian2": "xpet.testing.equality.units",
}
_PYTHON = "xpet.testing.equality.plain"
#: What compares values that are made of others: yields pairs, is sent whether these are identical, returns the answer.
Steps = Generator[tuple[object, object], bool, bool]


def identical(a: object, b: object) -> bool:
    """Tell whether nothing tells two values apart; NaN equals NaN, whatever its bits.

    Types, dtypes, byte orders, shapes, masks, signs of zero, names, dims, attributes, kinds and frequencies of indexes,
    time zones and the order of keys and columns matter. How an array lies in memory, the order of coordinates and what
    xarray calls ``encoding`` do not. Values of a class without ``==``, and those of a dataclass, are identical if their
    attributes are.

    Parameters
    ----------
    a, b : object
        Values of any type.

    Examples
    --------
    >>> identical([1, float("nan")], [1, float("nan")])
    True
    >>> identical(1, True), identical(0.0, -0.0), identical({"a": 1, "b": 2}, {"b": 2, "a": 1})
    (False, False, False)
    """
    # Structures may be deeper than functions may call each other.
    running: list[Steps] = []
    told = _begin(a, b)
    while running or isinstance(told, GeneratorType):
        try:
            if isinstance(told, GeneratorType):
                running.append(told)
                pair = next(told)
            else:
                pair = running[-1].send(bool(told))
        except StopIteration as done:
            running.pop()
            told = done.value
        else:
            told = _begin(*pair)
    return bool(told)


def _begin(a: object, b: object) -> bool | Steps:
    return a is b or (_same_type(type(a), type(b)) and _rule(type(a))(a, b))


def _same_type(a: type, b: type) -> bool:
    if a.__module__.partition(".")[0] == "pint":
        # Each registry has classes of its own.
        return (a.__module__, a.__qualname__) == (b.__module__, b.__qualname__)
    return a is b


def _rule(kind: type) -> Callable[[Any, Any], bool | Steps]:
    packages = (base.__module__.partition(".")[0] for base in kind.__mro__)
    module = import_module(next(filter(None, map(_RULES.get, packages)), _PYTHON))
    rule: Callable[[Any, Any], bool | Steps] = module.same
    return rule
