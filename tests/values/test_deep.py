"""Lists, tuples, dicts and sets in each other come back from any depth, and no store makes the interpreter end."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.values import Encoded, Part, decode, encode, same_value
from xpet.values.codecs import packing

LEVELS = 10_000


def deep(innermost: Any, *around: Any, levels: int = LEVELS) -> Any:
    for k in range(levels):
        innermost = around[k % len(around)](innermost)
    return innermost


def listed(value: Any) -> Any:
    return [value]


def paired(value: Any) -> Any:
    return (1, value)


def named(value: Any) -> Any:
    return {"a": value, "b": 0.5}


def keyed(value: Any) -> Any:
    return {1: value, (2, None): "x"}


DEEP = {
    "lists": deep(1, listed),
    "tuples": deep((), paired),
    "dicts": deep({}, named),
    "dicts with other keys": deep(None, keyed),
    "all of them": deep("x", listed, named, paired, keyed),
    "an array": deep(np.arange(3), listed, named, paired, keyed),
    "a number under names": deep(1.5, lambda value: {"a": value}),
    "sets": deep(frozenset(), lambda value: frozenset([value, 1])),
    "arrays at all levels": deep(
        1, lambda value: [value, np.arange(2)], lambda value: {"of": value, "at": np.zeros(1)}, levels=500
    ),
    "two branches": [deep(1, listed), {"a": deep(np.arange(2), named)}],
    "a key of tuples": {deep(1, lambda value: (value,), levels=900): 1},
    "an array of objects": deep(np.array([[1, None], ["x", (2,)]], object), listed, named),
    "in an array of objects": np.array([deep(1, paired), None], object),
}


@pytest.mark.parametrize("name", DEEP)
def test_comes_back(name: str):
    value = DEEP[name]
    encoded = encode(value)
    back = decode(encoded)
    assert identical(value, back)
    assert same_value(value, back)


@pytest.mark.parametrize("name", ["lists", "dicts", "sets", "all of them"])
def test_one_that_is_not_the_same(name: str):
    other = {
        "lists": deep(2, listed),
        "dicts": deep({"a": 1}, named),
        "sets": deep(frozenset([2]), lambda value: frozenset([value, 1])),
        "all of them": deep("y", listed, named, paired, keyed),
    }[name]
    assert not identical(DEEP[name], other)
    assert not same_value(DEEP[name], other)


def test_what_is_not_deep_is_one_text():
    for value in (deep(1, listed, levels=100), deep(1, paired, levels=100)):
        assert encode(value).version == 1
        assert '"deep"' not in str(encode(value).part())
    assert encode(deep(1, listed, levels=101)).version == 2


def test_arrays_are_parts():
    assert {part.data.shape for part in encode(DEEP["an array"]).parts if part.name} == {(3,)}
    assert encode(deep([np.arange(2.0)] * 3, listed)).codec == "nested"


def twins(order: int) -> Any:
    """Sets whose elements differ in their innermost values only, put in in another order."""
    made = [deep(k, lambda value: frozenset([value]), levels=300) for k in range(4)]
    return frozenset([*made[order:], *made[:order], *map(str, range(order, 4)), *map(str, range(order))])


def test_equal_sets_are_equal_in_any_order():
    assert len({str(encode([twins(order)]).part()) for order in range(4)}) == 1
    assert identical(twins(0), decode(encode(twins(1))))


def branching() -> list[Any]:
    made: list[Any] = []
    made += [made, made]
    return made


def in_the_depth() -> list[Any]:
    inner: dict[str, Any] = {}
    inner["a"] = outer = deep(inner, listed, levels=1000)
    return [outer]


@pytest.mark.parametrize("make", [branching, in_the_depth, lambda: (branching(),), lambda: {"a": {"b": branching()}}])
def test_what_holds_itself_is_refused(make: Any):
    with pytest.raises(UnsupportedValueError, match=r"^results\.z of type .*: a (list|dict) in it holds itself; store"):
        encode(make(), "results.z")


def test_what_is_there_twice_does_not_hold_itself():
    inner = [1]
    value = deep([inner, inner, (), ()], listed)
    assert identical(value, decode(encode(value)))


@pytest.mark.parametrize("levels", [40, 300])
@pytest.mark.parametrize(
    "twice",
    [lambda a: [a, a], lambda a: (a, a), lambda a: {"x": a, "y": a}, lambda a: frozenset([a, frozenset([a])])],
    ids=["list", "tuple", "dict", "set"],
)
def test_what_doubles_at_every_level_is_refused(twice: Any, levels: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packing, "_MOST_ITEMS", 2**12)
    for innermost in (1.5, np.zeros(2)) if type(twice(0)) is not frozenset else (1.5,):
        value = deep(innermost, twice, levels=levels)
        with pytest.raises(UnsupportedValueError, match=r"z of type .*(several places|levels deep)"):
            encode(value, "z")


def test_what_is_shared_and_small_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packing, "_MOST_ITEMS", 2**12)
    row = list(range(20))
    for value in ([row] * 500, {"a": row, "b": [row, {"c": row}]}, deep(row, lambda a: [a, a], levels=7)):
        assert identical(value, decode(encode(value)))
    value = [[k] for k in range(2**13)]
    assert identical(value, decode(encode(value)))


def test_keys_that_cannot_be_hashed_safely_are_refused():
    with pytest.raises(UnsupportedValueError, match="more than 1000 tuples in each other"):
        encode({deep(1, lambda value: (value,), levels=1100): 1})


def pieces(*nodes: Any) -> str:
    return json.dumps({"__t": "deep", "v": nodes})


def at(k: Any) -> dict[str, Any]:
    return {"__t": "at", "v": k}


FORGED = {
    "brackets": "[" * 10**6 + "]" * 10**6,
    "itself": pieces([at(0)]),
    "each other": pieces([at(1)], [at(0)]),
    "an earlier one": pieces([at(2)], [1], [at(1)], [at(2)]),
    "twice": pieces([at(1), at(1)], [1]),
    "not there": pieces([at(5)]),
    "not used": pieces([1], [2]),
    "no number": pieces([at("x")]),
    "a list": pieces([at([])]),
    "none": pieces(),
    "no list": json.dumps({"__t": "deep", "v": 3}),
    "elsewhere": json.dumps([{"__t": "deep", "v": [[1]]}]),
    "a piece elsewhere": json.dumps([at(0)]),
    "a key of tuples": pieces(
        {"__t": "dict", "v": [[at(1), 1]]},
        *({"__t": "tuple", "v": [at(k)]} for k in range(2, 200_000)),
        {"__t": "tuple", "v": []},
    ),
    "a set of tuples": pieces(
        {"__t": "set", "v": [at(1)]}, *({"__t": "tuple", "v": [at(k)]} for k in range(2, 5000)), 1
    ),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("codec", ["json", "nested"])
def test_forged(name: str, codec: str):
    meta = {"of": [{"name": "", "stem": "", "codec": "str", "version": 1, "meta": {}, "parts": [""]}]}
    with pytest.raises(CorruptStoreError, match="stored value"):
        decode(Encoded(codec, (Part(FORGED[name]),), 2, meta if codec == "nested" else {}))


def test_a_forged_value_that_is_deep_is_only_deep():
    text = pieces(*([at(k)] for k in range(1, 100_000)), None)
    found = decode(Encoded("json", (Part(text),), 2))
    for _ in range(99_999):
        (found,) = found
    assert found is None
