"""Whatever is kept comes back equal, type included."""

from __future__ import annotations

import math
from collections import OrderedDict, namedtuple
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import example, given, settings

from xpet.errors import NoSuchServiceError, UnsupportedValueError
from xpet.testing import identical, values
from xpet.testing.strategies.arrays import NUMBERS
from xpet.values import Encoded, decode, encode, same_value


@settings(deadline=None)
@given(values())
def test_comes_back(value: Any):
    encoded = encode(value)
    assert identical(decode(encoded), value)
    assert same_value(value, decode(encoded))


@settings(deadline=None)
@given(values())
@example(pd.DataFrame({"\udcff": [1], ("a", "\ud83d"): [2]}))
@example({"\udcff": np.zeros(2)})
@example(xr.Dataset({"\udcff": 1}))
def test_parts_are_plain(value: Any):
    encoded = encode(value)
    for part in encoded.parts:
        if isinstance(part.data, np.ndarray):
            if part.data.dtype == object:
                "".join(part.data.ravel().tolist()).encode()
                continue
            assert part.data.dtype.str[1:].replace("b1", "?") in NUMBERS
            assert part.data.dtype.isnative
        else:
            assert type(part.data) in (bool, int, float, complex, str)
        if isinstance(part.data, str):
            part.data.encode()
    main = encoded.parts[0].data
    assert len(encoded.labels.dims) in (0, np.ndim(main) if not isinstance(main, str) else 0)


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        pytest.param(1, "int", id="int"),
        pytest.param(2**63, "json", id="big int"),
        pytest.param(True, "bool", id="bool"),
        pytest.param(1j, "complex", id="complex"),
        pytest.param("a\0", "str", id="str"),
        pytest.param("\udcff", "json", id="surrogate"),
        pytest.param([1.0, 2.0], "sequence", id="list of floats"),
        pytest.param((1, 2), "sequence", id="tuple of ints"),
        pytest.param([1, 2.0], "json", id="mixed list"),
        pytest.param([True, 1], "json", id="bools among ints"),
        pytest.param([2**63], "json", id="list of a big int"),
        pytest.param([], "json", id="empty list"),
        pytest.param(np.int8(3), "numpy.scalar", id="numpy scalar"),
        pytest.param(np.zeros((2, 0)), "numpy.ndarray", id="empty array"),
        pytest.param(np.array(["a"]), "numpy.fixed_texts", id="text array"),
        pytest.param(b"a\0", "bytes", id="bytes"),
        pytest.param(np.str_("a"), "numpy.str_", id="numpy text"),
    ],
)
def test_codec_of(value: Any, codec: str):
    assert encode(value).codec == codec


class Number(IntEnum):
    ONE = 1


class Sub(dict):  # type: ignore[type-arg]
    pass


Point = namedtuple("Point", "x y")
holds_itself: list[Any] = []
holds_itself.append(holds_itself)


class SubArray(np.ndarray):  # type: ignore[type-arg]
    pass


object_array_of_itself = np.zeros(2, object)
object_array_of_itself[0] = [{"a": object_array_of_itself}]
LONG = np.dtype(np.longdouble).itemsize > 8
LONGEST = np.finfo(np.longdouble).max


def da(values: Any, **kwargs: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), **kwargs)


REFUSED = {
    "object": object(),
    "class": Fraction,
    "enum": Number.ONE,
    "subclass of dict": Sub(a=1),
    "ordered dict": OrderedDict(a=1),
    "named tuple": Point(1, 2),
    "holds itself": holds_itself,
    "deep inside": {"a": [1, (object(),)]},
    "function": len,
    "object array of objects": np.array([object()], object),
    "object array that holds itself": object_array_of_itself,
    "memory map": np.zeros(2).view(np.memmap),
    "subclass of an array": np.zeros(2).view(SubArray),
    "fields that overlap beside objects": np.zeros(
        2, {"names": ["a", "b", "c"], "formats": ["O", "i4", "f4"], "offsets": [0, 8, 8]}
    ),
    "long doubles that overlap": np.zeros(2, {"names": ["a", "b"], "formats": ["g", "i4"], "offsets": [0, 4]})
    if LONG
    else object(),
    "empty elements of many bytes": np.zeros(0, {"names": [], "formats": [], "itemsize": 2**28}),
    "fields far apart": np.zeros(2**16, {"names": ["a"], "formats": ["i1"], "itemsize": 2**16}),
    "title that is no text": np.zeros(2, [((1, "a"), "i8")]),
    "texts of no characters": np.full(2, 2**31 - 1, "u4").view("U1"),
    "missing text of an odd kind": np.array(["a"], np.dtypes.StringDType(na_object=object())),
    "long double beyond double": np.array([1], np.longdouble) * LONGEST if LONG else object(),
    "long double scalar": LONGEST if LONG else object(),
    "wide text array": np.zeros(2**20, "U1000"),
    "DataArray with odd attributes": da([1.0], attrs={"a": object()}),
    "DataArray with dims that are no texts": da([1.0], dims=[1]),
    "Dataset with dims that are no texts": xr.Dataset({"a": (("x", 1), [[1.0]])}),
    "Dataset with odd attributes": xr.Dataset(attrs={"a": object()}),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_refused(value: object):
    with pytest.raises(UnsupportedValueError) as caught:
        encode(value, "results.runs.$.z")
    kind = type(value)
    assert "results.runs.$.z" in str(caught.value)
    assert f"{kind.__module__}.{kind.__qualname__}" in str(caught.value)
    assert isinstance(caught.value, NoSuchServiceError)


def test_nesting_that_is_kept_is_read_from_a_deep_stack():
    value: Any = 1.5
    for k in range(100):
        value = [(value,), {"a": value}, {1: value}, (value,)][k % 2] if k % 3 else (value,)

    def deeper(frames: int) -> Any:
        return decode(encode(value)) if not frames else deeper(frames - 1)

    assert deeper(200) == value


@pytest.mark.parametrize("make", [set, frozenset])
def test_equal_sets_are_equal_in_any_order(make: type):
    texts = [str(k) for k in range(50)]
    assert encode(make(texts)).part() == encode(make(reversed(texts))).part()


def test_decoded_arrays_can_be_written_to():
    for value in (np.arange(3), [np.arange(3)], {"a": np.arange(3)}):
        back = decode(encode(value))
        array = back if isinstance(back, np.ndarray) else back[0] if isinstance(back, list) else back["a"]
        array[0] = 7


def test_nan_payloads_do_not_matter():
    odd = np.array([0x7FF8000000000001], "u8").view("f8")
    assert same_value(odd, np.array([math.nan]))


def test_encodings_do_not_share_state():
    a, b = encode([1.0]), encode([1.0])
    assert isinstance(a, Encoded)
    assert a is not b
