"""Values in values in values: what is too deep is refused, and what is kept can be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xpet
from xpet.errors import UnsupportedValueError
from xpet.values import Encoded, Part, decode, encode, registry


class Node:
    def __init__(self, value: Any, nxt: Any = None) -> None:
        self.value, self.nxt = value, nxt


class NodeCodec:
    name = "tests.Node"

    def encode(self, value):
        return {"value": value.value, "nxt": value.nxt}

    def decode(self, parts):
        return Node(parts["value"], parts["nxt"])


class Stubborn(NodeCodec):
    """Never comes to an end by itself."""

    def encode(self, value):
        return encode(value)


@pytest.fixture(autouse=True)
def _registered():
    with registry.codecs_apart():
        xpet.register_codec(NodeCodec(), Node)
        yield


def chain(length: int) -> Node:
    node = Node(0)
    for k in range(1, length):
        node = Node(k, node)
    return node


def test_a_chain_that_is_kept_is_read_from_a_deep_stack():
    def deeper(frames: int) -> Any:
        return decode(encode(chain(32))) if not frames else deeper(frames - 1)

    node, found = deeper(200), []
    while node is not None:
        found.append(node.value)
        node = node.nxt
    assert found == list(range(31, -1, -1))


def itself() -> Node:
    node = Node(0)
    node.nxt = node
    return node


def mixed(depth: int) -> Any:
    """Arrays of objects in lists that are too long for parts of their own."""
    made: Any = 1
    for _ in range(depth):
        array = np.empty((), object)
        array[()] = [made] * 2
        made = {1: [[[[[[[[[[array]]]]]]]]]], **{k: np.zeros(1) for k in range(2, 70)}}
    return made


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (chain(40), "Node"),
        (itself(), "Node"),
        ({"a": itself()}, "dict"),
        (mixed(9), "dict"),
    ],
    ids=["chain", "holds itself", "in a dict", "arrays in lists"],
)
def test_too_deep(value: Any, kind: str):
    with pytest.raises(UnsupportedValueError) as caught:
        encode(value, "results.runs.$.z")
    assert str(caught.value).startswith("results.runs.$.z of type ")
    assert f"{kind}: " in str(caught.value)
    assert "it is nested more than" in str(caught.value)


def test_levels_of_lists_around_arrays_are_kept():
    value = mixed(3)
    assert xpet.values.same_value(value, decode(encode(value)))


def test_a_codec_that_does_not_end(monkeypatch):
    xpet.register_codec(Stubborn(), Node, replace=True)
    with pytest.raises(UnsupportedValueError, match=r"^results\.z of type .*Node: it is nested .* or holds itself"):
        encode(Node(1), "results.z")


def test_parts_of_one_name_are_refused():
    with pytest.raises(UnsupportedValueError, match=r"'tests\.x' have one name, of '', 'a', 'a'"):
        Encoded("tests.x", (Part(1), Part(2, "a"), Part(3, "a")))


@pytest.mark.parametrize(
    "value",
    [
        {"a": Node(np.arange(2)), "a.value": np.arange(3)},
        {"a.value": np.arange(3), "a": Node(np.arange(2))},
        {"A": Node(np.arange(2)), "a.VALUE": np.arange(3), "a.value": np.arange(4)},
        {"a": Node(np.arange(2)), "a.value": Node(np.arange(3)), "a.value.value": np.arange(4)},
        {"a": xpet.label(np.arange(2), "x", {"x": [1.0, 2.0]}).value, "a-x": np.arange(4)},
        {"": np.arange(3), "_": np.arange(4)},
        {"": np.arange(3)},
    ],
    ids=lambda value: ", ".join(value),
)
def test_names_of_parts_differ(value: dict[str, Any]):
    encoded = encode(value)
    assert len({part.name.lower() for part in encoded.parts}) == len(encoded.parts)
    back = decode(encoded)
    assert list(back) == list(value)
    for name, each in value.items():
        found = back[name]
        one, other = (each.value, found.value) if isinstance(each, Node) else (each, found)
        assert xpet.values.same_value(one, other)


def test_a_value_beside_the_parts_of_the_main_value(monkeypatch):
    class Main(NodeCodec):
        def encode(self, value):
            return {"": Node(1, 2), "value": value.value}

        def decode(self, parts):
            return Node(parts["value"], parts[""].nxt)

    class Other(Node):
        pass

    codec = Main()
    codec.name = "tests.Main"
    xpet.register_codec(codec, Other)
    found = decode(encode(Other(7)))
    assert (found.value, found.nxt) == (7, 2)
