"""What a store may claim, and what comes of it: an error or an opaque value, never an import, a crash or memory."""

from __future__ import annotations

import json
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpet.errors import CorruptStoreError
from xpet.testing import identical, values
from xpet.values import Encoded, Labels, Opaque, Part, canonical, decode, encode, same_value
from xpet.values.text import PACKED, from_text, to_text


def forged(codec: str, data: Any, **meta: Any) -> Encoded:
    return Encoded(codec, (Part(data),), meta=meta)


def tagged(tag: Any, value: Any, **more: Any) -> Encoded:
    return forged("json", json.dumps({"__t": tag, "v": value, **more}))


PLAIN = {"codec": "float", "version": 1, "meta": {}, "parts": {}}
LABELS = {"dims": ["a"], "attrs": {}}
WIDE = {"dtype": "<U999999999", "data": [""]}
FORGED = {
    "dtype of objects": forged("numpy.ndarray", np.zeros(2), dtype="|O"),
    "dtype that is none": forged("numpy.ndarray", np.zeros(2), dtype="<f3"),
    "dtype of records": forged("numpy.ndarray", np.zeros(2), dtype="<f8,<f8"),
    "dtype that is a list": forged("numpy.ndarray", np.zeros(2), dtype=["<f8"]),
    "no dtype": forged("numpy.ndarray", np.zeros(2)),
    "text for numbers": forged("numpy.ndarray", "os.system", dtype="<f8"),
    "no parts": Encoded("float", ()),
    "array for a float": forged("float", np.zeros(3)),
    "text for an int": forged("int", "9" * 5000),
    "unknown sequence": forged("sequence", np.zeros(2), type="deque", of="float"),
    "sequence of objects": forged("sequence", np.zeros(2), type="list", of="object"),
    "not JSON": forged("json", "{"),
    "deep JSON": forged("json", "[" * 100_000 + "]" * 100_000),
    "unknown tag": tagged("pickle", "gASVAAAA"),
    "tag that is a list": tagged(["tuple"], []),
    "no value": forged("json", '{"__t": "int"}'),
    "hex that is none": tagged("int", "__import__('os')"),
    "bytes that are none": tagged("bytes", "§"),
    "set of lists": tagged("set", [[1], [2]]),
    "dict of one": tagged("dict", [[1]]),
    "huge shape": tagged("ndarray", "", dtype="<f8", shape=[2**62, 2**62]),
    "shape that does not fit": tagged("ndarray", "AAAA", dtype="|u1", shape=[4]),
    "huge empty shape": tagged("ndarray", "", dtype="<f8", shape=[0, 10**30]),
    "array of objects": tagged("ndarray", "AAAAAAAAAAA=", dtype="|O", shape=[1]),
    "wide texts": tagged("text", [""] * 1000, dtype="<U10000000", shape=[1000]),
    "texts with a dtype of numbers": tagged("text", ["1"], dtype="<f8", shape=[1]),
    "packed that is not": forged(PACKED, "{}"),
    "packed wide labels": forged(PACKED, json.dumps({**PLAIN, "labels": {**LABELS, "coords": {"a": WIDE}}})),
    "DataArray without its dims": forged("xarray.DataArray", np.zeros(2), array={"dtype": "<f8"}),
    "DataArray with labels that are not there": Encoded(
        "xarray.DataArray",
        (Part(np.zeros(2)),),
        meta={"array": {"dtype": "<f8"}, "dims": ["x"], "coords": {"x": "{}"}, "name": "null", "attrs": "{}"},
        labels=Labels(("x",)),
    ),
}


@pytest.mark.parametrize("encoded", FORGED.values(), ids=FORGED)
def test_forged(encoded: Encoded):
    modules = set(sys.modules)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptStoreError):
            decode(encoded)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert {name.partition(".")[0] for name in set(sys.modules) - modules} <= {"xpet", "xarray", "pandas", "numpy"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["__t", "v", "dtype", "a"]), inner),
    max_leaves=10,
)
TAGS = ("tuple", "dict", "set", "int", "float", "bytes", "complex", "ndarray", "numpy", "text", "str", "numpy.str")


@settings(deadline=None)
@given(JSON, st.sampled_from(TAGS))
def test_forged_json_is_a_value_or_an_error(value: Any, tag: str):
    for text in (json.dumps(value), json.dumps({"__t": tag, "v": value, "dtype": "<f8", "shape": [1]})):
        try:
            decode(forged("json", text))
        except CorruptStoreError:
            pass


OPAQUE = {
    "unknown codec": Encoded("os:system", (Part(np.arange(3)), Part("é", "note")), 2, {"a": [1]}, Labels(("x",))),
    "newer version": Encoded("float", (Part(np.array(1.5)),), 2),
}


@pytest.mark.parametrize("encoded", OPAQUE.values(), ids=OPAQUE)
def test_what_is_not_known_is_kept(encoded: Encoded):
    value = decode(encoded)
    assert isinstance(value, Opaque)
    assert encode(value) is encoded
    assert encoded.codec in repr(value)
    assert same_value(value, decode(from_text(to_text(encoded))))


@settings(deadline=None)
@given(values())
def test_as_one_text(value: Any):
    text = to_text(encode(value))
    assert identical(decode(from_text(text)), value)
    assert identical(decode(Encoded(PACKED, (Part(text),))), value)


def test_canonical_is_the_same_for_equal_metas():
    assert canonical({"a": 1, "b": [1, {"d": 2, "c": 3}]}) == canonical({"b": [1, {"c": 3, "d": 2}], "a": 1})


@pytest.mark.parametrize("version", ["json", None, 1.0, True])
def test_a_version_that_is_none(version):
    with pytest.raises(CorruptStoreError, match="its version is"):
        decode(Encoded("float", (Part(1.0),), version))
