"""Lists, tuples, dicts and sets in each other, deeper than functions may call each other."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

#: structures as flat as can be: their class, what is in them, and where among that are numbers of earlier ones
Flat = list[tuple[type, list[Any], list[int]]]

STRUCTURES = (list, tuple, dict, set, frozenset)
_DEEP = 50


def items_of(structure: Any) -> list[Any]:
    """What is in a structure: of a dict, the keys and then the values."""
    return [*structure, *structure.values()] if type(structure) is dict else list(structure)


def is_deep(value: object) -> bool:
    """Whether a value is a structure of so many levels that walking through it by recursion may fail."""
    level = {id(value): value}
    for _ in range(_DEEP):
        found = [item for each in level.values() if type(each) in STRUCTURES for item in items_of(each)]
        level = {id(item): item for item in found if type(item) in STRUCTURES}
        if not level:
            return False
    return True


def structures_in(value: object) -> list[Any]:
    """Each structure in a value once, and the value itself if it is one; what is in one comes before it."""
    found: dict[int, Any] = {}
    begun: set[int] = set()
    todo: list[tuple[Any, bool]] = [(value, False)]
    while todo:
        this, is_whole = todo.pop()
        if is_whole:
            found[id(this)] = this
        elif type(this) in STRUCTURES and id(this) not in begun:
            begun.add(id(this))
            todo.append((this, True))
            todo += [(item, False) for item in items_of(this)]
    return list(found.values())


def copy_of(value: Any, copies: dict[int, Any]) -> Any:
    """:func:`copy.deepcopy`, however deep the value is."""
    before = dict(copies)
    try:
        return deepcopy(value, copies)
    except RecursionError:
        copies.clear()
        copies.update(before)
    # Each finds what is in it among the copies.
    for each in structures_in(value):
        copies[id(each)] = deepcopy(each, copies)
    return deepcopy(value, copies)


def flattened(value: object) -> Flat | None:
    """The structures in a value, each without those in it; None if one holds itself."""
    numbers: dict[int, int] = {}
    out: Flat = []
    for each in structures_in(value):
        items = items_of(each)
        at = [k for k, item in enumerate(items) if type(item) in STRUCTURES]
        for k in at:
            number = numbers.get(id(items[k]))
            if number is None:
                return None
            items[k] = number
        numbers[id(each)] = len(out)
        out.append((type(each), items, at))
    return out


def made_of(flat: Flat) -> Any:
    """The value of :func:`flattened`."""
    made: list[Any] = []
    for kind, items, at in flat:
        for k in at:
            items[k] = made[items[k]]
        half = len(items) // 2
        made.append(dict(zip(items[:half], items[half:], strict=True)) if kind is dict else kind(items))
    return made[-1]


def shown(value: object) -> str:
    """The ``repr`` of a value, or what is instead where it is too deep for that, or fails."""
    try:
        return repr(value)
    except RecursionError:
        return f"<{type(value).__name__} of many levels>"
    except Exception as error:
        # Python itself refuses integers of more than 4300 digits.
        return f"<{type(value).__name__} that cannot be shown, {type(error).__name__}>"
