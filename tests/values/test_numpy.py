"""What NumPy has besides arrays of numbers: each comes back as what it was, and plain tools see what they can of it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

from xpet.errors import CorruptStoreError
from xpet.testing import identical
from xpet.testing.strategies.nested import LEAVES
from xpet.values import Encoded, Opaque, decode, encode, label, same_value
from xpet.values.text import from_text, to_text

LONG = np.dtype(np.longdouble).itemsize > 8
needs_long = pytest.mark.skipif(not LONG, reason="long doubles are doubles on this machine")
TIMES = np.array(["2020-01-01", "NaT", "1900-01-01T12:00"], "M8[s]")
NESTED = np.array(
    [(1, (2.5, "x"), [3, 4], b"a"), (0, (np.nan, ""), [5, 6], b"")],
    [("a", ">i4"), ("b", [("c", "f8"), ("d", "U3")]), ("e", "i2", (2,)), ("f g", "S2")],
)
SPARSE = np.dtype(
    {"names": ["x", "y"], "formats": ["f8", "i2"], "offsets": [16, 4], "itemsize": 32, "titles": ["X", None]}
)
UNION = np.dtype({"names": ["i", "f", "s"], "formats": [">u4", "f4", "S3"], "offsets": [0, 0, 6], "itemsize": 12})
BOTH = np.ndarray(2, UNION, bytearray(range(24)))
OBJECTS = np.array([[1, "a"], [None, np.arange(2)]], object)
TEXTS = np.array([["a", "é"], ["", "b\0c"]])
FIELDS = np.ma.array([(1, (2.0,)), (3, (4.0,))], [("a", "i4"), ("b", [("c", ">f8")])], mask=[(1, (0,)), (0, (1,))])
MASKED = np.ma.masked_array([1.5, np.nan, 3], [True, False, False], fill_value=-1, hard_mask=True)


@settings(deadline=None)
@given(LEAVES)
def test_comes_back(value: Any):
    encoded = encode(value)
    assert identical(decode(encoded), value)
    assert same_value(decode(encoded), value)
    assert identical(decode(from_text(to_text(encoded))), value)
    # Where there is no room for arrays.
    assert identical(decode(encode({1: [value] * 65}))[1][64], value)


@pytest.mark.parametrize(
    ("value", "codec", "parts"),
    [
        (b"a\0", "bytes", [""]),
        (np.bytes_(b"a\0"), "numpy.bytes_", [""]),
        (np.str_("a\0"), "numpy.str_", [""]),
        (np.str_("\udcff"), "json", [""]),
        (np.longlong(1), "numpy.scalar", [""]),
        (np.datetime64("2020"), "numpy.generic", [""]),
        (NESTED[0], "numpy.generic", ["", "a", "b", "b.c", "b.d", "b.d.width", "e", "f_g", "f_g.width"]),
        (TEXTS, "numpy.fixed_texts", ["", "width"]),
        (np.array(["\udcff"]), "numpy.fixed_texts", ["", "shape", "width"]),
        (TEXTS.astype("T"), "numpy.strings", [""]),
        (np.array(["a", None], np.dtypes.StringDType(na_object=None)), "numpy.strings", ["", "missing", "na"]),
        (TEXTS.astype(object), "numpy.texts", [""]),
        (OBJECTS, "numpy.objects", ["", "3", "shape"]),
        (np.array([b"\xff", b""]), "numpy.fixed_bytes", ["", "width"]),
        (np.zeros(2, "V3"), "numpy.void", [""]),
        (TIMES, "numpy.times", [""]),
        (np.zeros(2, SPARSE), "numpy.structured", ["", "x", "y"]),
        (BOTH, "numpy.structured", [""]),
        (BOTH[0], "numpy.generic", [""]),
        (np.zeros((2, 3), []), "numpy.structured", [""]),
        (np.zeros(2, [("a", UNION), ("b", "i4")]), "numpy.structured", ["", "a", "b"]),
        (np.zeros(2, "i4,f8").view(np.recarray), "numpy.recarray", ["", "f0", "f1"]),
        (np.ones((2, 2)).view(np.matrix), "numpy.matrix", [""]),
        (MASKED, "numpy.ma.MaskedArray", ["", "mask", "nomask", "fill_value"]),
        (np.ma.masked_array([1]), "numpy.ma.MaskedArray", ["", "mask", "nomask"]),
        (np.ma.masked, "numpy.ma.masked", [""]),
        (FIELDS[0], "numpy.ma.mvoid", ["", "a", "b", "b.c", "mask", "mask.a", "mask.b", "mask.b.c", "nomask"]),
        (FIELDS, "numpy.ma.MaskedArray", ["", "a", "b", "b.c", "mask", "mask.a", "mask.b", "mask.b.c", "nomask"]),
        (np.ma.array(BOTH)[0], "numpy.ma.mvoid", ["", "mask", "mask.i", "mask.f", "mask.s", "nomask"]),
        pytest.param(np.longdouble(1) / 3, "numpy.generic", ["", "rest"], marks=needs_long),
        pytest.param(np.ones(2, np.clongdouble) / 3, "numpy.longdouble", ["", "rest"], marks=needs_long),
    ],
)
def test_codec_and_parts(value: Any, codec: str, parts: list[str]):
    encoded = encode(value)
    assert (encoded.codec, [part.name for part in encoded.parts]) == (codec, parts)
    assert identical(decode(encoded), value)


def moved(dtype: Any, offsets: list[int]) -> Any:
    """The same fields elsewhere."""
    formats = [dtype[name] for name in dtype.names]
    return np.dtype({"names": dtype.names, "formats": formats, "offsets": offsets, "itemsize": dtype.itemsize})


NO_MASK, SOME = np.ma.masked_array([1, 2]), np.ma.masked_array([1, 2], [False, False])
NEAR = {
    "units": (TIMES, TIMES.astype("M8[ms]")),
    "times and differences": (np.zeros(1, "M8[s]"), np.zeros(1, "m8[s]")),
    "byte order of times": (TIMES, TIMES.astype(">M8[s]")),
    "NaT and a time": (TIMES, np.where(np.isnat(TIMES), np.datetime64(0, "s"), TIMES)),
    "widths": (np.array(["a"]), np.array(["a"], "U2")),
    "texts and bytes": (np.array(["a"]), np.array([b"a"])),
    "texts and strings": (np.array(["a"]), np.array(["a"], "T")),
    "texts and objects": (np.array(["a"]), np.array(["a"], object)),
    "missing and empty": tuple(np.array([x], np.dtypes.StringDType(na_object=None)) for x in ("", None)),
    "coercion": tuple(np.array(["a"], np.dtypes.StringDType(coerce=coerce)) for coerce in (True, False)),
    "objects of other types": (np.array([1], object), np.array([1.0], object)),
    "shapes of objects": (OBJECTS, OBJECTS.ravel()),
    "names of fields": (np.zeros(1, [("a", "i4")]), np.zeros(1, [("b", "i4")])),
    "offsets": (np.zeros(1, SPARSE), np.zeros(1, [("x", "f8"), ("y", "i2")])),
    "titles": (np.zeros(1, [(("T", "a"), "i4")]), np.zeros(1, [("a", "i4")])),
    "offsets of fields that overlap": (BOTH, np.ndarray(2, moved(UNION, [0, 2, 6]), bytearray(range(24)))),
    "bytes of fields that overlap": (BOTH, np.ndarray(2, UNION, bytearray(range(1, 25)))),
    "sizes of nothing": (np.zeros(2, []), np.zeros(2, {"names": [], "formats": [], "itemsize": 8})),
    "alignment of nothing": (np.zeros(2, []), np.zeros(2, np.dtype([], align=True))),
    "nothing and raw bytes": (np.zeros(2, []), np.zeros(2, "V0")),
    "shapes of nothing": (np.zeros(2, []), np.zeros(3, [])),
    "record and void": (NESTED, NESTED.view(np.recarray).view(np.ndarray)),
    "recarray and array": (NESTED.view(np.recarray), NESTED.view(np.recarray).view(np.ndarray)),
    "matrix and array": (np.ones((1, 1)).view(np.matrix), np.ones((1, 1))),
    "masks": (SOME, np.ma.masked_array([1, 2], [False, True])),
    "no mask and none masked": (NO_MASK, SOME),
    "masks of fields": (FIELDS[0], np.ma.array(FIELDS.data, mask=[(1, (1,)), (0, (1,))])[0]),
    "what is under the mask of a field": (FIELDS[0], np.ma.array([(9, (2.0,))], FIELDS.dtype, mask=[(1, (0,))])[0]),
    "masked records and others": (FIELDS[1], FIELDS.data[1]),
    "masked records and arrays": (FIELDS[0], FIELDS[:1].reshape(())),
    "hard masks of records": (FIELDS[0], np.ma.array(FIELDS.data, mask=FIELDS.mask, hard_mask=True)[0]),
    "fill values of records": (FIELDS[:1], np.ma.array(FIELDS.data, mask=FIELDS.mask, fill_value=(7, (8.0,)))[:1]),
    "hard masks": (SOME, np.ma.masked_array([1, 2], [False, False], hard_mask=True)),
    "fill values": (NO_MASK, np.ma.masked_array([1, 2], fill_value=7)),
    "what is under the mask": tuple(np.ma.masked_array([k], [True]) for k in (1, 2)),
    "sizes of C": (np.zeros(1, "l"), np.zeros(1, "q")),
    "scalar and 0-d": (np.datetime64(1, "s"), np.array(1, "M8[s]")),
    "bytes": (b"a", np.bytes_(b"a")),
}


@pytest.mark.parametrize(("a", "b"), NEAR.values(), ids=NEAR)
def test_tells_apart(a: Any, b: Any):
    assert not same_value(a, b)
    assert not identical(a, b)
    for value in (a, b):
        assert same_value(value, decode(encode(value)))


def test_bytes_between_fields_are_not_data():
    first, second = (np.ndarray(2, UNION, bytearray(range(24))) for _ in range(2))
    second.view("u1")[4::12] = 77
    assert same_value(first, second)
    assert np.asarray(encode(first).part())[0].tolist() == [0, 1, 2, 3, 0, 0, 6, 7, 8, 0, 0, 0]


@needs_long
def test_bits_of_long_doubles_and_signs_of_their_zeros():
    value = np.array([[np.longdouble("0.1"), -0.0], [np.inf, np.nan]], ">f16")
    assert identical(decode(encode(value)), value)
    assert not same_value(value, value.astype(float).astype(">f16"))


@needs_long
def test_a_machine_with_shorter_long_doubles_leaves_them_as_they_are():
    encoded = encode(np.longdouble("0.1") * np.ones(2))
    rest = np.asarray(encoded.part("rest")) * (1 + 2**-30)
    longer = encoded._replace(parts=(encoded.parts[0], encoded.parts[1]._replace(data=rest)))
    value = decode(longer)
    assert isinstance(value, Opaque)
    assert encode(value) is longer
    assert isinstance(decode(encoded._replace(meta={"dtype": "<f12"})), Opaque)


CF = {
    "days": (np.array(["2020-01-01", "NaT"], "M8[D]"), {"units": "days since 1970-01-01"}),
    "nanoseconds, big endian": (np.array(["2020-01-01"], ">M8[ns]"), {"units": "nanoseconds since 1970-01-01"}),
    "one time": (np.datetime64("2020-01-01T03", "h"), {"units": "hours since 1970-01-01"}),
    "none": (np.zeros(0, "M8[s]"), {"units": "seconds since 1970-01-01"}),
    "differences in days": (np.array([1, "NaT"], "m8[D]"), {"units": "days", "dtype": "timedelta64[s]"}),
    "differences": (np.array([1, "NaT"], "m8[us]"), {"units": "microseconds", "dtype": "timedelta64[us]"}),
    "many seconds": (np.array([5], "M8[25s]"), {}),
    "years": (np.array(["2020"], "M8[Y]"), {}),
    "no unit": (np.zeros(1, "m8"), {}),
    "beyond nanoseconds": (np.array(["2020", "1500"], "M8[s]"), {}),
    "days beyond nanoseconds": (np.array([10**6], "m8[D]"), {}),
    "far past": (np.array([1 - 2**63], "M8[D]"), {}),
}


@pytest.mark.parametrize(("value", "attrs"), CF.values(), ids=CF)
def test_what_plain_tools_see_of_times(value: Any, attrs: Mapping[str, str]):
    part = encode(value).parts[0]
    shown = {key: given for key, given in part.attrs.items() if key != "calendar"}
    assert shown == attrs
    data = np.asarray(part.data)
    seen = xr.decode_cf(xr.Dataset({"t": (tuple("xy"[: data.ndim]), data, dict(part.attrs))}))["t"]
    if attrs:
        np.testing.assert_array_equal(seen.values, np.asarray(value))
        assert seen.dtype.kind == value.dtype.kind
    else:
        assert seen.dtype == np.int64


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["m", "M"])
def test_the_last_times_that_plain_tools_see(kind: str, unit: str):
    last = (2**63 - 1) // int(np.timedelta64(1, unit).astype("m8[ns]").astype(int))
    value = np.array([last, -last, -(2**63)]).view(f"{kind}8[{unit}]")
    part = encode(value).parts[0]
    assert part.attrs
    seen = xr.decode_cf(xr.Dataset({"t": ("x", np.asarray(part.data), dict(part.attrs))}))["t"].values
    np.testing.assert_array_equal(seen, value)
    if unit != "ns":
        assert not encode(value + np.timedelta64(1, unit)).parts[0].attrs


@pytest.mark.parametrize(
    "value",
    [TEXTS, TEXTS.astype("T"), np.array([["a"]], "S3"), np.zeros((2, 2), "M8[s]"), np.ma.ones((2, 2)),
     np.ones((2, 2)).view(np.matrix), TEXTS.astype(object)],
    ids=lambda value: f"{type(value).__name__} {value.dtype}",
)  # fmt: skip
def test_labels(value: Any):
    encoded = encode(label(value, ("a", "b"), {"b": list("xyz"[: value.shape[1]])}, "mV"))
    assert encoded.labels.dims == ("a", "b")
    assert identical(decode(encoded), value)


def test_lists_of_scalars_in_structures():
    times, texts = [np.datetime64("2020", "D"), np.timedelta64(3, "h")], [np.str_("a"), np.bytes_(b"b"), NESTED[1]]
    value = {"t": times, "deep": [(texts, {"one": np.float32(1), "all": np.array(times[:1])})]}
    assert identical(decode(encode(value)), value)


@pytest.mark.parametrize(
    "value", [TEXTS, TIMES, NESTED, OBJECTS, MASKED, np.zeros(2, "V3"), np.zeros(2, "S3"), np.zeros(2)], ids=str
)
def test_what_comes_back_can_be_written_to(value: Any):
    for back in (decode(encode(value.copy())), decode(from_text(to_text(encode(value))))):
        back[1] = back[0]


def test_asking_for_the_fill_value_leaves_the_array_alone():
    value = np.ma.masked_array(np.zeros(2, "i1"))
    encode(value)
    assert value.astype(float).fill_value == 1e20


def forged(value: object, meta: Mapping[str, Any] | None = None, **parts: Any) -> Encoded:
    """The encoding of a value with other parts, and another meta of its codec's own."""
    encoded = encode(value)
    changed = tuple(part._replace(data=parts.get(part.name or "main", part.data)) for part in encoded.parts)
    composed = "of" in encoded.meta
    new = {**(encoded.meta.get("more", {}) if composed else encoded.meta), **(meta or {})}
    return encoded._replace(parts=changed, meta={**encoded.meta, "more": new} if composed else new)


def described(**changes: Any) -> dict[str, Any]:
    dtype: dict[str, Any] = encode(np.zeros(2, "i4,f8")).meta["more"]["dtype"]
    return {"dtype": {**dtype, **changes}}


def field(of: Any, **changes: Any) -> dict[str, Any]:
    return {"fields": [{"name": "f0", "of": of, "offset": 0, "title": None, **changes}]}


def union(of: Any, itemsize: int) -> dict[str, Any]:
    """The dtype of fields that overlap, and others."""
    both = [{"name": name, "of": "<i4", "offset": 8, "title": None} for name in "ab"]
    fields = [{"name": "c", "of": of, "offset": 0, "title": None}, *both]
    return {"dtype": {"fields": fields, "itemsize": itemsize, "aligned": False, "record": False}}


deep: Any = "<i4"
for _ in range(5000):
    deep = {"base": deep, "shape": [1]}
PAIR = np.zeros(2, "i4,f8")
FORGED = {
    "bytes of numbers": forged(b"ab", main=np.zeros(2)),
    "bytes of a text": forged(b"ab", main="ab"),
    "text of numbers": forged(np.str_("a"), main=np.zeros(2)),
    "scalar that is an array": forged(np.datetime64(1, "s"), main=np.zeros(2, "i8")),
    "times of floats": forged(TIMES, main=np.zeros(3)),
    "times of texts": forged(TIMES, main="now"),
    "unit that is none": forged(TIMES, {"dtype": "<M8[x]"}),
    "unit that is code": forged(TIMES, {"dtype": "<M8[s],O"}),
    "count that is too much": forged(TIMES, {"dtype": "<M8[999999999999s]"}),
    "texts of numbers": forged(TEXTS.astype(object), main=np.zeros(2)),
    "texts with objects": forged(TEXTS, main=np.array(["a", None], object)),
    "width beyond memory": forged(TEXTS, width=10**12),
    "width beyond the texts": forged(TEXTS, width=2**28),
    "width beyond no texts": forged(np.zeros(0, "U1"), width=2**28),
    "width that is too small": forged(TEXTS, width=1),
    "negative width": forged(np.array([""]), width=-1),
    "order that is none": forged(TEXTS, {"order": "O"}),
    "encoding that is none": forged(np.array([b"a"]), {"encoding": "zlib"}),
    "bytes beyond their encoding": forged(np.array([b"\xff"]), main=np.array(["€"], object)),
    "bytes with a width beyond memory": forged(np.array([b"a"]), width=10**12),
    "raw bytes of floats": forged(np.zeros(2, "V3"), main=np.zeros((2, 3))),
    "raw bytes of one": forged(np.zeros(2, "V3"), main=np.uint8(1)),
    "strings of numbers": forged(np.array(["a"], "T"), main=np.zeros(2)),
    "strings that are missing elsewhere": forged(
        np.array(["a"], np.dtypes.StringDType(na_object=None)), missing=np.zeros(5, bool)
    ),
    "objects of another shape": forged(OBJECTS, shape=np.array([3, 3])),
    "objects of a huge shape": forged(OBJECTS, shape=np.array([2**62, 2**62])),
    "objects of a negative shape": forged(OBJECTS, shape=np.array([-2, -2])),
    "objects that are none": forged(OBJECTS, main='{"a": 1}'),
    "mask of another shape": forged(MASKED, mask=np.zeros(2, bool)),
    "masked record of numbers": encode(MASKED[:1].reshape(()))._replace(codec="numpy.ma.mvoid"),
    "masked record of many": encode(FIELDS)._replace(codec="numpy.ma.mvoid"),
    "fill value of another type": forged(MASKED, fill_value="not a number"),
    "matrix of rank 3": forged(np.ones((2, 2)).view(np.matrix), main=np.zeros((2, 2, 2))),
    "record of objects": forged(PAIR, described(**field("|O"))),
    "record of code": forged(PAIR, described(**field("os.system"))),
    "record with too few fields": forged(PAIR, described(fields=[])),
    "record with another field": forged(PAIR, described(**field("<i4", name="f2"))),
    "record with a field beyond it": forged(PAIR, described(**field("<i4", offset=100))),
    "record with a field before it": forged(PAIR, described(**field("<i4", offset=-8))),
    "record beyond memory": forged(PAIR, described(itemsize=10**9)),
    "record with a huge array": forged(PAIR, described(**field({"base": "<i4", "shape": [2**40]}))),
    "record of deep arrays": forged(PAIR, described(**field(deep))),
    "record that is no dtype": forged(PAIR, {"dtype": 7}),
    "record of fields that overlap": forged(PAIR, described(**{"fields": [
        {"name": name, "of": of, "offset": 0, "title": None} for name, of in (("f0", "<i4"), ("f1", "<f8"))
    ]})),
    "bytes of another length": forged(BOTH, main=np.zeros((2, 13), "u1")),
    "bytes of no array": forged(BOTH, main=np.uint8(1)),
    "bytes that are numbers": forged(BOTH, main=np.zeros((2, 12), "i1")),
    "bytes of objects": forged(BOTH, union("|O", 12)),
    "bytes of objects further in": forged(BOTH, union({"base": {
        "fields": [{"name": "o", "of": "|O", "offset": 0, "title": None}], "itemsize": 8, "aligned": False,
        "record": False}, "shape": [1]}, 12)),
    "bytes of fields side by side": forged(BOTH, {"dtype": encode(np.zeros(2, "f8,i4")).meta["more"]["dtype"]}),
    "bytes of numbers without fields": forged(BOTH, {"dtype": "|V12"}),
    "bytes of a large record of which there are none": forged(BOTH[:0], union("<i4", 2**28), main=np.zeros(
        (0, 2**28), "u1")),
    "bytes of long doubles": forged(BOTH, union("<f16", 16), main=np.zeros((2, 16), "u1")),
    "field of another length": forged(PAIR, f1=np.zeros(3)),
    "field of a text": forged(PAIR, f1="a"),
    **({"rest of another shape": forged(np.ones(2, "g"), rest=np.zeros(3)),
        "rest of texts": forged(np.ones(2, "g"), rest="a"),
        "long doubles that are none": forged(np.ones(2, "g"), {"dtype": "|O"})} if LONG else {}),
}  # fmt: skip


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
    assert {name.partition(".")[0] for name in set(sys.modules) - modules} <= {"xpet", "numpy"}


@pytest.mark.parametrize("data", [["a", "b"], [b"a", b"b"], np.zeros(2, "i1"), np.zeros(2, "f2"), np.array([1, None])])
def test_a_masked_array_that_was_looked_at(data: Any):
    value = np.ma.array(data, mask=[0, 1])
    looked_at = value.copy()
    _ = looked_at.fill_value
    assert same_value(value, looked_at)
    assert same_value(value, decode(encode(looked_at)))
