"""Values of pandas come back as they are, their columns are parts, and forged ones do not come back."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.testing.strategies.frames import PANDAS, SINGLE
from xpet.values import Encoded, Opaque, Part, decode, encode, same_value
from xpet.values.compose import compose

SOON = pd.date_range("2020", periods=2, freq="D")
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(PANDAS)
def test_comes_back(value: Any):
    encoded = encode(value)
    back = decode(encoded)
    assert identical(value, back)
    assert same_value(value, back)
    json.dumps(dict(encoded.meta), allow_nan=False)
    for part in encoded.parts:
        assert isinstance(part.data, str | int | float | complex) or part.data.dtype.kind in "biufcO"


@QUIET
@given(st.lists(SINGLE, min_size=1, max_size=3))
def test_single_ones_in_a_structure(value: list[Any]):
    assert identical(value, decode(encode(value)))


def parts(value: object) -> list[str]:
    return [part.name for part in encode(value).parts]


def explicit(value: Any) -> Any:
    """Make the first entry of a sparse array equal to the fill value."""
    made = value.copy()
    made.sp_values[0] = made.fill_value
    return made


SPARSE = pd.arrays.SparseArray([0, 1, 0, 2, 3])
BLOCKS = pd.arrays.SparseArray([0, 1, 0, 2, 3], kind="block")
FRAME = pd.DataFrame({"rate": [1.5, 2.5], "n": [1, 2]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(FRAME, ["", "rate", "n", "index"], id="frame"),
        pytest.param(pd.DataFrame({"index": [1], "attrs": [2]}), ["", "index", "attrs", "index-1"], id="own words"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), ["", "a", "a-1", "index"], id="labels that repeat"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a b", "é"]), ["", "a_b", "_", "index"], id="odd labels"),
        pytest.param(pd.DataFrame([[1, 2]]), ["", "0", "1", "index"], id="numbers as labels"),
        pytest.param(pd.DataFrame([[1]], columns=[""]), ["", "_", "index"], id="no label"),
        pytest.param(pd.DataFrame({("u", 1): [1]}), ["", "u_1", "index"], id="two levels"),
        pytest.param(pd.DataFrame(), ["", "index"], id="empty"),
        pytest.param(pd.DataFrame(np.eye(65)), ["", "f8", "index"], id="very many columns"),
        pytest.param(pd.Series([1.5]), ["", "index"], id="series"),
        pytest.param(pd.Series([1, None], dtype="Int64"), ["", "na", "index"], id="nullable"),
        pytest.param(pd.RangeIndex(5), [""], id="range"),
        pytest.param(SPARSE, ["", "at", "length", "fill"], id="sparse"),
    ],
)
def test_parts(value: Any, expected: list[str]):
    assert parts(value) == expected
    assert identical(value, decode(encode(value)))


def test_very_many_columns_of_several_kinds():
    columns = {k: np.arange(k, k + 3, dtype="f4" if k % 3 else "i8") for k in range(100)}
    other = {"a": ["a", "b", None], "b": pd.array([1, None, 2], "Int8"), "c": np.array([1, 2, 3], ">i8")}
    value = pd.DataFrame({**columns, **other, **{k + 100: column for k, column in columns.items()}}, index=[1, 1, 1])
    value.columns = range(203)
    assert identical(value, decode(encode(value)))
    assert len(parts(value)) < 12


def test_a_series_is_labelled_by_its_index():
    labels = encode(pd.Series([1.0, 2.0], [0.5, 0.7], name="v")).labels
    assert labels.dims == ("index",)
    assert labels.coords["index"].values.tolist() == [0.5, 0.7]
    assert encode(pd.Series([1.0, 2.0], ["a", "b"])).labels.coords["index"].values.tolist() == ["a", "b"]
    assert encode(pd.Series([1.0, 2.0], [0, 1])).labels.coords["index"].values.tolist() == [0, 1]
    assert encode(pd.Series([1.0, 2.0], pd.RangeIndex(2, 6, 2))).labels.coords["index"].values.tolist() == [2, 4]
    assert not encode(pd.Series([1.0, 2.0])).labels.coords
    lone = ["a" * 2**20, *map(str, range(200))]
    assert not encode(pd.Series(np.zeros(201), lone)).labels.coords


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(FRAME, FRAME.iloc[:1], id="length"),
        pytest.param(pd.Series([1]), pd.Series([1, 2, 3]), id="series"),
        pytest.param(pd.Series(["a"]), pd.Series(["b", "longer"]), id="texts"),
        pytest.param(pd.Series([1], dtype="Int64"), pd.Series([None, 2], dtype="Int64"), id="missing"),
        pytest.param(pd.Series(["x"], dtype="category"), pd.Series(["y", "z"], dtype="category"), id="categories"),
        pytest.param(pd.RangeIndex(2), pd.RangeIndex(4, 9, 3), id="range"),
        pytest.param(FRAME, FRAME + 1, id="values"),
        pytest.param(SPARSE, SPARSE[1:4], id="sparse"),
    ],
)
def test_meta_does_not_tell_size_or_values(a: Any, b: Any):
    assert encode(a).meta == encode(b).meta


def with_attrs(value: int) -> pd.DataFrame:
    frame = FRAME.copy()
    frame.attrs["seed"] = value
    return frame


def test_attributes_that_vary_are_parts():
    a, b = encode(with_attrs(1)), encode(with_attrs(2))
    assert a.meta == b.meta
    assert "attrs.seed" in [part.name for part in a.parts]
    assert decode(a).attrs == {"seed": 1}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(pd.Series([1, 2]), pd.Index([1, 2]), id="series and index"),
        pytest.param(pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64"), id="nullable"),
        pytest.param(pd.Series([1, 2]), pd.Series([1, 2], name="a"), id="name"),
        pytest.param(pd.Series([1, 2], [0, 1]), pd.Series([1, 2]), id="range or numbers"),
        pytest.param(pd.Series(["a"]), pd.Series(["a"], dtype="string"), id="str and string"),
        pytest.param(SOON, pd.DatetimeIndex(list(SOON)), id="freq"),
        pytest.param(SOON, SOON.tz_localize("UTC"), id="zone"),
        pytest.param(SOON.tz_localize("UTC"), SOON.tz_localize("Europe/London"), id="zones"),
        pytest.param(SOON, SOON.as_unit("s"), id="unit"),
        pytest.param(pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"]), id="order of categories"),
        pytest.param(pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True), id="ordered"),
        pytest.param(pd.NA, pd.NaT, id="missing"),
        pytest.param(pd.NA, None, id="none"),
        pytest.param(pd.Interval(0, 1), pd.Interval(0, 1, "both"), id="closed"),
        pytest.param(SPARSE, explicit(SPARSE), id="entry that equals the fill value"),
        pytest.param(SPARSE, pd.arrays.SparseArray(list(SPARSE), kind="block"), id="kind of a sparse array"),
        pytest.param(SPARSE, pd.arrays.SparseArray([0, 1, 0, 2, 3], fill_value=3), id="fill value"),
        pytest.param(SPARSE, SPARSE.astype("Sparse[int8]"), id="dtype of a sparse array"),
        pytest.param(SPARSE, pd.arrays.SparseArray([0, 1, 0, 2, 3, 0]), id="length of a sparse array"),
        pytest.param(pd.Series(SPARSE), pd.Series(np.asarray(SPARSE)), id="sparse and dense"),
        pytest.param(FRAME, with_attrs(1), id="attrs"),
        pytest.param(FRAME, FRAME.set_flags(allows_duplicate_labels=False), id="flags"),
        pytest.param(FRAME, FRAME.rename(columns={"n": "N"}), id="label"),
        pytest.param(FRAME, FRAME.astype(object), id="objects"),
        pytest.param(FRAME, FRAME.rename_axis(columns="c"), id="name of the columns"),
        pytest.param(pd.array([1.0, None], "Float64"), pd.array([None, 1.0], "Float64"), id="which is missing"),
    ],
)
def test_tells_apart(a: Any, b: Any):
    assert not same_value(a, b)
    assert not identical(a, b)
    assert same_value(a, decode(encode(a)))
    assert same_value(b, decode(encode(b)))


def test_a_missing_number_is_none_to_plain_tools():
    assert encode(pd.array([1, None], "Int16")).part()[1] == -(2**15)
    assert encode(pd.array([1, None], "UInt8")).part()[1] == 255
    assert np.isnan(encode(pd.array([1, None], "Float32")).part()[1])


@pytest.mark.parametrize("fill", [np.nan, 0.0, -0.0, 2.5], ids=str)
@pytest.mark.parametrize("kind", ["integer", "block"])
def test_sparse_arrays(fill: float, kind: Any):
    dense = pd.arrays.SparseArray([0.0, -0.0, np.nan, 2.5, fill], fill_value=fill, kind=kind)
    for array in (dense, explicit(dense), dense[:0]):
        for value in (array, pd.Series(array, name="v"), pd.DataFrame({"a": array, "b": array}), pd.Index(array)):
            assert identical(value, decode(encode(value)))


def test_sparse_objects_keep_their_types():
    value = pd.arrays.SparseArray(np.array([dt.datetime(2020, 1, 1), np.nan, "a"], object))
    assert [type(each) for each in decode(encode(value)).sp_values] == [dt.datetime, str]
    value = pd.arrays.SparseArray(np.array(["a", np.nan], object))
    value.sp_values[0] = dt.datetime(2020, 1, 1)
    assert [type(each) for each in decode(encode(value)).sp_values] == [dt.datetime]


def test_a_sparse_series_has_an_entry_for_each_label_or_no_labels():
    assert encode(pd.Series(SPARSE, list("abcde"))).labels.dims == ()
    full = encode(pd.Series(pd.arrays.SparseArray([1, 2]), list("ab"))).labels
    assert full.coords["index"].values.tolist() == ["a", "b"]


def test_nan_and_missing_are_two_things():
    value = pd.arrays.FloatingArray(np.array([np.nan, 1.0, 2.0]), np.array([False, True, False]))
    assert identical(value, decode(encode(value)))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(pd.Series([1, "a", None, pd.NA, 2.5, (1, 2), np.int8(3)], dtype=object), id="of many kinds"),
        pytest.param(pd.Series(["a", "b"], dtype=object), id="of texts"),
        pytest.param(pd.Series([SOON[0], pd.NaT], dtype=object), id="of times"),
        pytest.param(pd.DataFrame([[1, 2, 3]], columns=[1, "a", None]), id="as labels"),
        pytest.param(pd.DataFrame({"a": [np.zeros(2), {"b": [1]}]}), id="of arrays"),
        pytest.param(pd.Index([1, "a"], dtype=object), id="as index"),
        pytest.param(pd.Series([], dtype=object), id="none"),
    ],
)
def test_objects(value: Any):
    back = decode(encode(value))
    assert same_value(value, back)
    assert identical(value, back)


def test_the_hour_that_comes_twice():
    for hour in (0, 1):
        value = pd.Timestamp(f"2020-10-25 0{hour}:30", tz="UTC").tz_convert("Europe/Berlin")
        assert identical(value, decode(encode(value)))


def test_texts_with_ends_that_others_drop():
    value = pd.Series(["a\0", "\0", "", None, "\udcff", "\\x41"], dtype=pd.StringDtype("python"))
    assert identical(value, decode(encode(value)))


def test_times_that_plain_tools_cannot_follow_have_no_units():
    for year, units in (("2020", "seconds since 1970-01-01"), ("300000", None)):
        times = encode(pd.Series(np.array([year, "NaT"], "M8[s]")).array).parts[0]
        assert times.attrs.get("units") == units


class Sub(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(pd.DataFrame({"a": [object()]}), "z of type pandas.*Frame: a of type .*object", id="in"),
        pytest.param(pd.Index(pd.arrays.SparseArray(np.zeros(2**17, "i1"))), "sparse index", id="sparse index"),
        pytest.param(Sub({"a": [1]}), "Sub", id="subclass"),
        pytest.param(pd.Series([object()]), "z of type pandas.*Series", id="object"),
        pytest.param(pd.Series([1], name=object), "z of type pandas.*Series", id="name"),
        pytest.param(
            pd.date_range("2020", periods=2, freq=pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])),
            "frequency .* has no name",
            id="frequency",
        ),
    ],
)
def test_refused(value: Any, told: str):
    with pytest.raises(UnsupportedValueError, match=told):
        encode(value, "z")


# What a store may hold that nobody wrote -----------------------------------------------------------------------------


def forged(value: Any, meta: dict[str, Any] | None = None, **changed: Any) -> Encoded:
    """Encode a value and replace some of its parts and of its meta; ``main`` stands for the main part."""
    encoded = encode(value)
    given = {("" if name == "main" else name): data for name, data in changed.items()}
    new = tuple(Part(given[part.name], part.name) if part.name in given else part for part in encoded.parts)
    made = {**encoded.meta, **(meta or {})}
    if "more" in encoded.meta:
        made = {**encoded.meta, "more": {**encoded.meta["more"], **(meta or {})}}
    return encoded._replace(parts=new, meta=made)


CAT = pd.Categorical(["a", "b"])
TEXT_CAT = pd.Categorical(pd.array(["a", "b"], "string"))
INTS = pd.array([1, 2], "Int64")
TEXTS = pd.array(["a", None], "string")
LEVELS = pd.MultiIndex.from_arrays([["a", "b"], [1, 2]])
LONG = pd.RangeIndex(10**12)
VAST: Any = Opaque(forged(SPARSE, length=10**12))
OF_A = {**encode(pd.DataFrame({"a": [1]})).meta["more"]}
FORGED = {
    "code beyond": forged(CAT, main=np.array([0, 5], "i1")),
    "codes of floats": forged(CAT, main=np.array([[0.0]])),
    "same category twice": forged(TEXT_CAT, categories=np.array(["a", "a"], object)),
    "categories missing": forged(TEXT_CAT, **{"categories.na": np.array([True, True])}),
    "mask of another length": forged(INTS, na=np.array([True])),
    "mask of two dimensions": forged(INTS, na=np.array([[True, False]])),
    "kind of array": forged(INTS, {"kind": "SparseArray"}),
    "kind of array by path": forged(INTS, {"kind": "__class__"}),
    "bools for ints": forged(INTS, {"kind": "BooleanArray"}),
    "storage": forged(TEXTS, {"storage": "os"}),
    "what is missing": forged(TEXTS, {"missing": "None"}),
    "mask of texts": forged(TEXTS, na=np.array([0, 1])),
    "fewer texts": forged(TEXTS, main=np.array(["a"], object)),
    "text for texts": forged(TEXTS, main="a"),
    "level beyond": forged(LEVELS, codes0=np.array([0, 9], "i1")),
    "codes of two lengths": forged(LEVELS, codes0=np.array([0], "i1")),
    "kind of index": forged(pd.RangeIndex(3), {"kind": "Series"}),
    "kind of index by path": forged(pd.Index([1]), {"kind": "os.system"}),
    "kind that the values are not of": forged(pd.Index([1]), {"kind": "DatetimeIndex"}),
    "range without end": forged(pd.RangeIndex(3), main=np.array([0, 1, 0])),
    "frequency that does not fit": forged(SOON, {"freq": "W"}),
    "frequency that is none": forged(SOON, {"freq": "__import__('os')"}),
    "zone that is a path": forged(
        SOON.array, {"zone": '{"__t": "datetime", "v": {"iso": "2020-01-01", "fold": 0, "zone": {"key": "../../etc"}}}'}
    ),
    "zone that is none": forged(SOON.array, {"zone": "7"}),
    "times that are floats": forged(SOON.array, main=np.array([0.5])),
    "time that is two": forged(SOON[0], main=np.array([1, 2])),
    "frequency of periods": forged(pd.Period("2020", "M"), {"freq": "os"}),
    "entries beyond": forged(SPARSE, length=2),
    "entries before": forged(SPARSE, at=np.array([-1, 1, 2], "i4")),
    "entries in no order": forged(SPARSE, at=np.array([1, 4, 3], "i4")),
    "entries twice": forged(SPARSE, at=np.array([1, 1, 3], "i4")),
    "entries at texts": forged(SPARSE, at=np.array(["a", "b", "c"], object)),
    "entries in two dimensions": forged(SPARSE, main=np.zeros((3, 1))),
    "entries before, as blocks": forged(BLOCKS, at=np.array([-3, 1, 2], "i4")),
    "entries twice, as blocks": forged(BLOCKS, at=np.array([1, 1, 3], "i4")),
    "entries in no order, as blocks": forged(BLOCKS, at=np.array([2**31 - 1, -(2**31), 3], "i4")),
    "negative length of blocks": forged(pd.arrays.SparseArray([], kind="block"), length=-1),
    "fewer entries": forged(SPARSE, main=np.zeros(2, int)),
    "kind of a sparse array": forged(SPARSE, {"kind": "dense"}),
    "negative length": forged(SPARSE, length=-1),
    "length that is none": forged(SPARSE, length=0.5),
    "a long sparse index": forged(pd.Index(SPARSE), length=10**12),
    "ends that are mostly the same": compose(
        "pandas.intervals", {"left": VAST, "right": VAST}, {"closed": "left"}
    ),
    "categories that are mostly the same": compose(
        "pandas.Categorical", {"": np.array([0]), "categories": VAST}, {"ordered": False}
    ),
    "closed": forged(pd.Interval(0, 1), {"closed": "never"}),
    "ends of a set": forged(pd.Interval(0, 1), left="a"),
    "missing thing": forged(pd.NA, main="None"),
    "rows of a column": forged(FRAME, n=np.array([1])),
    "very many rows": forged(FRAME, index=np.array([0, 10**15, 1])),
    "rows of a series": forged(pd.Series([1, 2]), index=np.array([0, 10**15, 1])),
    "rows that are only counted": compose("pandas.Series", {"": LONG, "index": LONG}, {"name": "null"}),
    "a column that is only counted": compose("pandas.DataFrame", {"a": LONG, "index": LONG}, OF_A),
    "ends that are only counted": compose("pandas.intervals", {"left": LONG, "right": LONG}, {"closed": "left"}),
    "times that are only counted": compose("pandas.Index", {"": LONG}, {"kind": "DatetimeIndex", "names": "[null]"}),
    "mask that is only counted": compose("pandas.masked", {"": np.arange(3), "na": LONG}, {"kind": "IntegerArray"}),
    "one column as two": forged(FRAME, {"of": ["n", "n"]}),
    "column that is not there": forged(FRAME, {"of": ["rate", "none"]}),
    "fewer columns": forged(FRAME, {"of": ["rate"]}),
    "columns": forged(FRAME, {"columns": {"codec": "int", "version": 1, "meta": {}, "parts": {}}}),
    "index that is a column": forged(FRAME, {"index": "n"}),
    "attributes that are none": forged(FRAME, {"attrs": "n"}),
    "name that cannot be one": forged(pd.Series([1]), {"name": "[1]"}),
}


@pytest.mark.parametrize("encoded", FORGED.values(), ids=FORGED)
def test_forged(encoded: Encoded):
    with pytest.raises(CorruptStoreError):
        decode(encoded)


def test_a_part_of_a_store_is_that_of_one_value():
    encoded = encode(FRAME)
    of = [{**entry, "stem": "rate"} if entry["name"] == "n" else entry for entry in encoded.meta["of"]]
    with pytest.raises(CorruptStoreError):
        decode(encoded._replace(meta={**encoded.meta, "of": of}))


def test_a_huge_index_alone_takes_no_memory():
    assert len(decode(forged(pd.RangeIndex(3), main=np.array([0, 10**15, 1])))) == 10**15


def test_pyarrow_texts_without_pyarrow():
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("pyarrow is here")
    encoded = forged(TEXTS, {"storage": "pyarrow"})
    found = decode(encoded)
    assert isinstance(found, Opaque)
    assert encode(found) is encoded
