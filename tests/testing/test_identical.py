"""The equality of the tests sees every difference, and none between equal copies."""

from __future__ import annotations

import copy
import datetime as dt
import math
import zoneinfo
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import xarray as xr
from hypothesis import given, settings

from xpet.testing import identical, values

pint: Any = pytest.importorskip("pint", reason="needs pint: pip install 'xpet[pint]'")
OTHER, QUANTITY = pint.UnitRegistry().Quantity, pint.get_application_registry().Quantity


class Slotted:
    __slots__ = ("area",)

    def __init__(self, area: Any) -> None:
        self.area = area


class Cell:
    def __init__(self, area: Any) -> None:
        self.area = area


@dataclass
class Dish:
    cells: Any
    noted: str = field(default="", compare=False)


class Sub(np.ndarray):  # type: ignore[type-arg]
    pass


class Subframe(pd.DataFrame):
    pass


Point = namedtuple("Point", "x y")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
TWICE = dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN)
STRINGS = np.dtypes.StringDType
TEXTS = np.array(["a", "b"], STRINGS())
MASKED = np.ma.masked_array([1, 2], [True, False], fill_value=7)
FIELDS = np.zeros(2, "i4, f8")
DAYS = pd.date_range("2020", periods=3, freq="D")
FRAME = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
SERIES = pd.Series([1.0, 2.0], [3, 4], name="v")
LEVELS = pd.MultiIndex.from_arrays([["a", "b"], [1, 2]], names=["u", "v"])
CATEGORY = pd.Categorical(["a", "b"], ["a", "b"])
SPARSE = pd.arrays.SparseArray([0, 1])
CSR = sp.csr_array(np.array([[1.0, 0.0], [0.0, 2.0]]))
ARRAY = xr.DataArray(
    np.arange(4.0).reshape(2, 2), {"x": ("x", [1, 2], {"units": "m"}), "n": 3}, ["x", "y"], "v", {"units": "V"}
)
DATASET = xr.Dataset({"a": ("x", [1.0]), "b": 2}, {"x": [1]}, {"title": "t"})


def noted(value: Any, **attrs: Any) -> Any:
    made = value.copy()
    made.attrs.update(attrs)
    return made


def with_zero(value: Any) -> Any:
    made = value.copy()
    made.indptr = np.array([0, 2, 3], made.indptr.dtype)
    made.indices, made.data = np.array([0, 1, 1], made.indices.dtype), np.array([1.0, 0.0, 2.0])
    return made


def of_keys(*keys: tuple[int, int]) -> Any:
    made = sp.dok_array((2, 2))
    for key in keys:
        made[key] = 1.0
    return made


def unsorted() -> Any:
    return sp.csr_array((np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))


NEAR: dict[str, tuple[Any, Any]] = {
    # Python
    "1 and True": (1, True),
    "1 and 1.0": (1, 1.0),
    "True and 1.0": (True, 1.0),
    "1.0 and 1+0j": (1.0, 1 + 0j),
    "signs of zero": (0.0, -0.0),
    "signs of the imaginary zero": (complex(0, 0.0), complex(0, -0.0)),
    "NaN and inf": (math.nan, math.inf),
    "large ints": (2**63, 2**63 + 1),
    "text and bytes": ("a", b"a"),
    "NUL at the end": ("a\0", "a"),
    "unicode forms": ("é", "e\u0301"),
    "None and empty": (None, ""),
    "None and NaN": (None, math.nan),
    "list and tuple": ([1], (1,)),
    "tuple and named tuple": ((1, 2), Point(1, 2)),
    "length": ([1], [1, 1]),
    "element": ([1, [2]], [1, [2.0]]),
    "order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "type of a key": ({1: 0}, {True: 0}),
    "keys": ({"1": 0}, {1: 0}),
    "dict and ordered dict": ({"a": 1}, OrderedDict(a=1)),
    "set and frozenset": ({1}, frozenset({1})),
    "type in a set": ({1}, {1.0}),
    "size of a set": ({1, 2}, {1}),
    "range and list": (range(3), [0, 1, 2]),
    "ranges of the same numbers": (range(0, 3, 2), range(0, 4, 2)),
    "digits of decimals": (Decimal("1.5"), Decimal("1.50")),
    "signs of decimals": (Decimal("0"), Decimal("-0")),
    "fraction and int": (Fraction(1), 1),
    "paths": (PurePosixPath("a"), PureWindowsPath("a")),
    "pure path": (PurePosixPath("a"), Path("a")),
    "zone": (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1)),
    "zones of one instant": (dt.datetime(2020, 1, 1, 1, tzinfo=BERLIN), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    "zones of one offset": (dt.time(1, tzinfo=dt.UTC), dt.time(1, tzinfo=dt.timezone(dt.timedelta(0), "here"))),
    "the hour that comes twice": (TWICE, TWICE.replace(fold=1)),
    "date and datetime": (dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),
    "objects": (object(), object()),
    "attribute of an object": (Cell(1), Cell(1.0)),
    "slot of an object": (Slotted(0.0), Slotted(-0.0)),
    "field of a dataclass": (Dish([1]), Dish([True])),
    "field of a dataclass that == leaves out": (Dish(1), Dish(1, "noted")),
    "UUIDs": (UUID(int=1), UUID(int=2)),
    # NumPy
    "number and numpy": (1, np.int64(1)),
    "float and numpy": (1.0, np.float64(1)),
    "text and numpy": ("a", np.str_("a")),
    "NUL at the end of a numpy text": (np.str_("a\0"), np.str_("a")),
    "NUL at the end of numpy bytes": (np.bytes_(b"a\0"), np.bytes_(b"a")),
    "precision": (np.float32(1), np.float64(1)),
    "scalar and 0-d": (np.float64(1), np.array(1.0)),
    "0-d and one": (np.array(1), np.array([1])),
    "sizes of C": (np.zeros(1, "l"), np.zeros(1, "q")),
    "byte order": (np.array([1], "<i4"), np.array([1], ">i4")),
    "byte order of nothing": (np.zeros(0, "<i4"), np.zeros(0, ">i4")),
    "dtype": (np.zeros(1, "i4"), np.zeros(1, "i8")),
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "shape of nothing": (np.zeros((0, 2)), np.zeros((0, 3))),
    "zeros in an array": (np.array([1, 0.0]), np.array([1, -0.0])),
    "imaginary zeros in an array": (np.array([0j]), np.array([complex(0, -0.0)])),
    "NaN in an array": (np.array([np.nan, 1]), np.array([1, np.nan])),
    "list and array": ([1.0], np.array([1.0])),
    "matrix": (np.eye(2), np.eye(2).view(np.matrix)),
    "subclass": (np.zeros(2), np.zeros(2).view(Sub)),
    "record array": (FIELDS, FIELDS.view(np.recarray)),
    "records as type": (FIELDS, FIELDS.view(np.dtype((np.record, FIELDS.dtype)))),
    "names of fields": (FIELDS, np.zeros(2, [("x", "i4"), ("f1", "f8")])),
    "titles of fields": (np.zeros(1, [(("T", "a"), "i4")]), np.zeros(1, [("a", "i4")])),
    "numbers in a field that another one is in": tuple(
        np.ndarray(1, {"names": ["a", "b"], "formats": ["u4", "u2"], "offsets": [0, 1]}, bytes([k, 2, 3, 4]))
        for k in (0, 1)
    ),
    "size of elements without fields": (np.zeros(1, []), np.zeros(1, {"names": [], "formats": [], "itemsize": 4})),
    "padding of fields": (FIELDS, np.zeros(2, np.dtype("i4, f8", align=True))),
    "zero in a field": (np.array([(0.0, 1)], "f8, i4"), np.array([(-0.0, 1)], "f8, i4")),
    "byte order of a field": (np.zeros(1, "<i4, f8"), np.zeros(1, ">i4, f8")),
    "array in a field": (np.zeros(1, [("a", "f8", 2)]), np.zeros(1, [("a", "f8", (2, 1))])),
    "width of texts": (np.array(["a"], "U1"), np.array(["a"], "U2")),
    "texts of fixed and free width": (np.array(["a"], "U1"), np.array(["a"], STRINGS())),
    "what is missing among texts": (TEXTS, TEXTS.astype(STRINGS(na_object=None))),
    "what becomes a text": (TEXTS, TEXTS.astype(STRINGS(coerce=False))),
    "texts as objects": (TEXTS, TEXTS.astype(object)),
    "type of an object in an array": (np.array([1, "a"], object), np.array([True, "a"], object)),
    "unit of times": (np.array(["2020"], "M8[s]"), np.array(["2020"], "M8[ms]")),
    "times and spans": (np.zeros(1, "M8[s]"), np.zeros(1, "m8[s]")),
    "NaT and zero": (np.datetime64("NaT", "s"), np.datetime64(0, "s")),
    "bytes and void": (np.zeros(1, "S2"), np.zeros(1, "V2")),
    "mask": (MASKED, np.ma.masked_array([1, 2], [False, True], fill_value=7)),
    "no mask and a mask of none": (np.ma.masked_array([1]), np.ma.masked_array([1], [False])),
    "what is masked": (MASKED, np.ma.masked_array([9, 2], [True, False], fill_value=7)),
    "fill value": (MASKED, np.ma.masked_array([1, 2], [True, False], fill_value=8)),
    "hard mask": (MASKED, np.ma.masked_array([1, 2], [True, False], fill_value=7, hard_mask=True)),
    "mask of a field": tuple(np.ma.array([(1, 2)], "i4,i4", mask=[(0, k)])[0] for k in (0, 1)),
    "masked and plain": (np.ma.masked_array([1, 2]), np.array([1, 2])),
    "masked and zero": (np.ma.masked, np.ma.masked_array(0.0, True)),
    # pandas
    "range and numbers as index": (pd.RangeIndex(2), pd.Index([0, 1])),
    "range": (pd.RangeIndex(0, 3, 2), pd.RangeIndex(0, 4, 2)),
    "name of an index": (pd.Index([1], name="a"), pd.Index([1])),
    "type of the name": (pd.Index([1], name=1), pd.Index([1], name=True)),
    "names of levels": (LEVELS, LEVELS.set_names(["u", "w"])),
    "unused level": (LEVELS[:1], LEVELS[:1].remove_unused_levels()),
    "tuples and levels": (pd.Index([("a", 1)], tupleize_cols=False), pd.MultiIndex.from_tuples([("a", 1)])),
    "frequency": (DAYS, pd.DatetimeIndex(list(DAYS))),
    "unit of an index": (DAYS.as_unit("s"), DAYS.as_unit("ms")),
    "zones of an index": (DAYS.tz_localize("UTC"), DAYS.tz_localize("Europe/London")),
    "kinds of UTC": (DAYS.tz_localize(dt.UTC), DAYS.tz_localize(dt.timezone(dt.timedelta(0), "here"))),
    "periods": (pd.Period("2020", "Y"), pd.Period("2020-01", "M")),
    "unit of a stamp": (pd.Timestamp("2020").as_unit("s"), pd.Timestamp("2020").as_unit("ms")),
    "stamp and datetime": (pd.Timestamp("2020"), dt.datetime(2020, 1, 1)),
    "missing and not a time": (pd.NA, pd.NaT),
    "missing and None": (pd.NA, None),
    "closed": (pd.Interval(0, 1), pd.Interval(0, 1, "both")),
    "ends": (pd.Interval(0, 1), pd.Interval(0.0, 1.0)),
    "order of categories": (CATEGORY, pd.Categorical(["a", "b"], ["b", "a"])),
    "unused category": (CATEGORY, pd.Categorical(["a", "b"], ["a", "b", "c"])),
    "ordered": (CATEGORY, pd.Categorical(["a", "b"], ["a", "b"], ordered=True)),
    "nullable": (pd.Series([1]), pd.Series([1], dtype="Int64")),
    "missing or NaN": (
        pd.arrays.FloatingArray(np.array([np.nan]), np.array([True])),
        pd.arrays.FloatingArray(np.array([np.nan]), np.array([False])),
    ),
    "fill of a sparse array": (SPARSE, pd.arrays.SparseArray([0, 1], fill_value=1)),
    "kind of a sparse array": (SPARSE, pd.arrays.SparseArray([0, 1], kind="block")),
    "entries of a sparse array": (pd.arrays.SparseArray([0, 1])[1:], pd.arrays.SparseArray([1], fill_value=1)),
    "sparse and dense": (pd.Series(SPARSE), pd.Series([0, 1])),
    "sign of a fill": tuple(pd.arrays.SparseArray([1.0], fill_value=fill) for fill in (0.0, -0.0)),
    "texts and objects": (pd.Series(["a"], dtype="string"), pd.Series(["a"], dtype=object)),
    "name of a series": (SERIES, SERIES.rename("w")),
    "index of a series": (SERIES, SERIES.reset_index(drop=True)),
    "zero in a series": (pd.Series([0.0]), pd.Series([-0.0])),
    "byte order of a series": (pd.Series(np.array([1], ">i4")), pd.Series(np.array([1], "<i4"))),
    "attributes of a series": (SERIES, noted(SERIES, a=1)),
    "frame and subclass": (FRAME, Subframe(FRAME)),
    "order of columns": (FRAME, FRAME[["b", "a"]]),
    "name of the columns": (FRAME, FRAME.rename_axis(columns="c")),
    "column": (FRAME, FRAME.astype({"a": "i4"})),
    "rows": (FRAME, FRAME.iloc[:1]),
    "no columns and no rows": (pd.DataFrame(index=[0]), pd.DataFrame(index=[0, 1])),
    "type of an attribute": (noted(FRAME, a=1), noted(FRAME, a=1.0)),
    "flags": (FRAME, FRAME.set_flags(allows_duplicate_labels=False)),
    # SciPy
    "format": (CSR, CSR.tocsc()),
    "matrix and array": (CSR, sp.csr_matrix(CSR)),
    "explicit zero": (CSR, with_zero(CSR)),
    "shape of a sparse one": (sp.coo_array((2, 3)), sp.coo_array((3, 2))),
    "dtype of a sparse one": (CSR, CSR.astype("f4")),
    "order of entries": (unsorted(), unsorted().sorted_indices()),
    "zero in a sparse one": (sp.coo_array(([0.0], ([0], [0]))), sp.coo_array(([-0.0], ([0], [0])))),
    "order of keys of a sparse one": (of_keys((0, 0), (1, 1)), of_keys((1, 1), (0, 0))),
    # xarray
    "array and Dataset": (ARRAY, ARRAY.to_dataset()),
    "variable and index": (xr.Variable("x", [1]), xr.IndexVariable("x", [1])),
    "frequency along a dim": (xr.DataArray(DAYS, {"x": DAYS}, ["x"]), xr.DataArray(DAYS, {"x": list(DAYS)}, ["x"])),
    "range along a dim": (xr.Dataset(coords={"x": pd.RangeIndex(2)}), xr.Dataset(coords={"x": [0, 1]})),
    "index of a variable": (xr.IndexVariable("x", pd.RangeIndex(2)), xr.IndexVariable("x", [0, 1])),
    "order of dims": (xr.DataArray(np.eye(2), dims=["x", "y"]), xr.DataArray(np.eye(2), dims=["y", "x"])),
    "name of an array": (ARRAY, ARRAY.rename("w")),
    "attributes of an array": (ARRAY, ARRAY.assign_attrs(units="mV")),
    "attributes of a coordinate": (ARRAY, ARRAY.assign_coords(x=[1, 2])),
    "dtype of a coordinate": (ARRAY, ARRAY.assign_coords(n=3.0)),
    "coordinate that is not there": (ARRAY, ARRAY.drop_vars("n")),
    "index that is not there": (ARRAY, ARRAY.drop_indexes("x")),
    "coordinate and variable": (DATASET, DATASET.set_coords("b")),
    "order of variables": (DATASET, DATASET[["b", "a"]].assign_attrs(title="t")),
    "type of a name": (xr.Dataset({1: 0}), xr.Dataset({"1": 0})),
    "attribute of a Dataset": (DATASET, DATASET.assign_attrs(title="T")),
    # pint
    "units": (QUANTITY(1, "m"), QUANTITY(1, "mm")),
    "scales": (QUANTITY(1, "m"), QUANTITY(1000, "mm")),
    "type of a magnitude": (QUANTITY(1, "m"), QUANTITY(1.0, "m")),
    "degrees and differences": (QUANTITY(1, "degC"), QUANTITY(1, "delta_degC")),
    "no units": (QUANTITY(1, ""), 1),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b"), NEAR.values(), ids=NEAR)
def test_sees_the_difference(a: Any, b: Any):
    assert not identical(a, b)
    assert not identical(b, a)
    assert not identical([{"k": a}], [{"k": b}])


ALONE = {"objects", "frame and subclass"}  # of which no copy is like another
SAME = {f"{name} {k}": value for name, pair in NEAR.items() if name not in ALONE for k, value in enumerate(pair)}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_equal_copies(value: Any):
    assert identical(value, copy.deepcopy(value))
    assert identical([{"k": value}], [{"k": copy.deepcopy(value)}])


ALIKE: dict[str, tuple[Any, Any]] = {
    "NaN": (math.nan, -math.nan),
    "bits of NaN": (np.array([0x7FF8000000000001], "u8").view("f8"), np.array([np.nan])),
    "memory order": (np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(6).reshape(2, 3)),
    "strides": (np.arange(6)[::2], np.array([0, 2, 4])),
    "words for one dtype": (np.zeros(1, np.dtype("i2").newbyteorder("<")), np.zeros(1, "i2")),
    "order of a set": ({"a", "b", "c"}, {"c", "b", "a"}),
    "set of NaN": ({math.nan}, {float("nan")}),
    "encoding of xarray": (ARRAY, ARRAY.drop_encoding()),
    "order of coordinates": (
        xr.DataArray(np.eye(2), {"x": [1, 2], "y": [3, 4]}, ["x", "y"]),
        xr.DataArray(np.eye(2), {"y": [3, 4], "x": [1, 2]}, ["x", "y"]),
    ),
    "registries of pint": (QUANTITY(1.5, "mV"), OTHER(1.5, "mV")),
}


@pytest.mark.parametrize(("a", "b"), ALIKE.values(), ids=ALIKE)
def test_what_does_not_matter(a: Any, b: Any):
    assert identical(a, b)


@settings(deadline=None)
@given(values(), values())
def test_is_an_equality(a: Any, b: Any):
    twin = copy.deepcopy(a)
    assert identical(a, a)
    assert identical(a, twin)
    assert identical(twin, a)
    assert identical(a, b) == identical(b, a)
