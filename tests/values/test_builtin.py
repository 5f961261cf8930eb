"""Values of Python's library, and structures with arrays in them."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import json
import pathlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.testing.strategies.plain import BERLIN, LIBRARY
from xpet.values import Encoded, Opaque, Part, decode, encode, same_value


@given(LIBRARY)
def test_comes_back(value: Any):
    assert identical(value, decode(encode(value)))
    assert identical(value, decode(encode([value, 1]))[0])
    assert identical(value, decode(encode({"a": {"b": value}}))["a"]["b"])
    assert same_value(value, decode(encode(value)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (decimal.Decimal("1.5"), decimal.Decimal("1.50")),
        (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1)),
        (dt.datetime(2020, 10, 25, 2, tzinfo=BERLIN, fold=1), dt.datetime(2020, 10, 25, 2, tzinfo=BERLIN)),
        (dt.timezone(dt.timedelta(0)), dt.timezone(dt.timedelta(0), "here")),
        (fractions.Fraction(1), 1),
        (pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a")),
        (range(3), [0, 1, 2]),
    ],
)
def test_tells_apart(a: Any, b: Any):
    if isinstance(a, dt.timezone):
        a, b = dt.datetime(2020, 1, 1, tzinfo=a), dt.datetime(2020, 1, 1, tzinfo=b)
    assert not same_value(a, b)


def test_a_zone_that_is_not_known():
    class Zone(dt.tzinfo):
        pass

    with pytest.raises(UnsupportedValueError, match=r"^x of .*: a time zone of type .*Zone cannot be kept.*ZoneInfo"):
        encode(dt.datetime(2020, 1, 1, tzinfo=Zone()), "x")


def test_a_zone_from_a_store_is_no_path():
    text = '{"__t": "datetime", "v": {"iso": "2020-01-01", "fold": 0, "zone": {"key": "../../etc/passwd"}}}'
    with pytest.raises(CorruptStoreError):
        decode(Encoded("json", (Part(text),)))


def stored(tag: str, node: Any) -> Any:
    return decode(Encoded("json", (Part(json.dumps({"__t": tag, "v": node})),)))


@pytest.mark.parametrize(
    "value", [10**5000, fractions.Fraction(10**5000, 3), fractions.Fraction(-1, 10**5000)], ids=["int", "long", "small"]
)
def test_numbers_that_have_no_decimal_text(value: Any):
    assert identical([value], decode(encode([value])))


@pytest.mark.parametrize("text", ["1e999999999999", "1.5", "1/0", " 1", "", "1_0"])
def test_a_fraction_from_a_store_is_two_integers(text: str):
    with pytest.raises(CorruptStoreError):
        stored("fraction", text)


def test_a_zone_that_is_not_installed_is_named():
    found = stored("datetime", {"iso": "2020-01-01", "fold": 0, "zone": {"key": "Atlantis/Capital"}})
    assert isinstance(found, Opaque)
    assert "'Atlantis/Capital' is not known here; pip install tzdata" in repr(found)


def test_what_a_newer_version_may_write_is_told():
    with pytest.raises(CorruptStoreError, match=r"'CloudPath' of a stored path is no class of paths; .*newer xpet"):
        stored("path", {"kind": "CloudPath", "path": "a"})
    with pytest.raises(CorruptStoreError, match=r"the tag 'quaternion' of a stored value is unknown; .*newer xpet"):
        stored("quaternion", 1)


@pytest.mark.parametrize(
    "value",
    [
        pathlib.PurePosixPath("a/\udcff"),
        [pathlib.PureWindowsPath("\udcff")],
        {"at": dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "\udcff"))},
        range(2**70, 2**71, 2**65),
    ],
    ids=repr,
)
def test_texts_that_are_no_utf_8(value: Any):
    encoded = encode(value)
    str(encoded.part()).encode()
    assert identical(value, decode(encoded))


def test_a_path_of_another_system():
    other = "WindowsPath" if isinstance(pathlib.Path(), pathlib.PosixPath) else "PosixPath"
    found = decode(Encoded("json", (Part(f'{{"__t": "path", "v": {{"kind": "{other}", "path": "a/b"}}}}'),)))
    assert found == (pathlib.PureWindowsPath if other == "WindowsPath" else pathlib.PurePosixPath)("a/b")


def names(value: object) -> list[str]:
    return [part.name for part in encode(value).parts]


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ({"a": 1, "b": 2.5, "c": True, "d": 1j, "e": np.int8(3)}, ["", "a", "b", "c", "d", "e"]),
        ({"a": {"b": [1, 2], "c": "text"}}, ["", "a.b"]),
        ({"a": [1, "x"], "b": None}, [""]),
        ({"my key": 1, "my array": np.zeros(2)}, ["", "my_array"]),
        ([np.zeros(2), [np.ones(3)]], ["", "0", "1.0"]),
        ({1: np.zeros(2)}, ["", "0"]),
        ({"a.b": np.zeros(1), "a": {"b": np.zeros(2)}}, ["", "a.b", "a.b-1"]),
        ([1, 2.5], [""]),
        ({"": np.zeros(2)}, ["", "_"]),
        ({}, [""]),
        ({"a": 2**70}, [""]),
        ([np.zeros(2)] * 65, [""]),
        ({f"k{i}": i for i in range(65)}, [""]),
    ],
)
def test_parts_of_a_structure(value: Any, parts: list[str]):
    assert names(value) == parts
    assert identical(value, decode(encode(value)))


def test_the_text_of_a_structure_can_be_read():
    assert encode({"tau": 1.5, "mode": "fast"}).part() == '{"tau": {"__t": "part", "v": "tau"}, "mode": "fast"}'
