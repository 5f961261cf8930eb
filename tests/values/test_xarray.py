"""xarray's objects come back with dims, coordinates, indexes, names and attributes; their labels are the column's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixtures_plain import RunPlain
from hypothesis import given, settings

import xpet
from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.testing.strategies.labelled import LABELLED
from xpet.values import Encoded, Labels, Part, decode, encode, same_value

DATES = pd.date_range("2020", periods=2)
STACKED = xr.DataArray(
    np.arange(4.0).reshape(2, 2), {"x": ("x", ["a", "bc"], {"note": "of x"}), "y": [1, 2]}, ["x", "y"]
).stack(p=["x", "y"])
NO_INDEX = xr.Coordinates({"x": ("x", [1, 2])}, indexes={})


def da(values: Any, coords: Any = None, dims: Any = "x", **more: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), coords, dims, **more)


KINDS = {
    "texts": da(["a", "bcd"]),
    "scalar coordinate": da([1.0, 2.0], {"y": 3}),
    "2-D coordinate": da([[1.0]], {"z": (("x", "y"), [[1]])}, ["x", "y"]),
    "coordinate of its own name": da([1.0, 2.0], {"letter": ("x", ["a", "b"])}),
    "index of its own name": da([1.0, 2.0], {"letter": ("x", ["a", "b"])}).set_xindex("letter"),
    "without index": da([1.0, 2.0], NO_INDEX),
    "times along a dim": da([1.0, 2.0], {"x": DATES}),
    "texts along times": da(["a", "bc"], {"x": DATES}),
    "times that are none along a dim": da([1.0, 2.0], {"x": np.array(["2020-01-01", "NaT"], "M8[s]")}),
    "times beyond what plain tools read": da([1.0, 2.0], {"x": np.array([-(2**62), 2**62], "M8[s]")}),
    "dataset along times": xr.Dataset({"a": ("x", [1.0, 2.0]), "b": (("y", "x"), [["u", "v"]])}, {"x": DATES}),
    "dataset of odd dims": xr.Dataset({"a": ("x y", [1.0]), "b": ("x_y", [1.0, 2.0])}, {"x y": [1], "x_y": [2, 3]}),
    "array in a dict": {"V": da([1.0, 2.0], {"x": DATES}, attrs={"units": "mV"}), "W": [da([1.0], {"x": [3]}), 1]},
    "dataset in a list": [xr.Dataset({"a": ("x", [1.0, 2.0])}, {"x": ["u", "v"]}), None],
    "array of texts in a dict": {"V": {"w": da(["u"], {"x": [1.5]})}},
    "spans along a dim": da([1.0, 2.0], {"x": np.array([1, "NaT"], "m8[ms]")}),
    "surrogates along a dim": da([1.0, 2.0], {"x": ["\udcff", "a"]}),
    "complex along a dim": da([1.0, 2.0], {"x": [1j, 2.0]}),
    "many attributes": da([1.0], attrs={1: None, "a": np.arange(2), "b": {"c": (1, 2)}, "d": da([1.0], {"x": [0]})}),
    "name": da([1.0], name=("a", 1)),
    "no dims": xr.DataArray(1.5, {"y": 1}),
    "odd dims": da([[1.0]], {"y z": ("x y", [1])}, ["x y", "x_y"]),
    "variable": xr.Variable("x", [1, 2], {"units": "m"}),
    "index variable": xr.IndexVariable("x", [1, 2]),
    "dataset": xr.Dataset({"a": ("x", [1.0, 2.0]), 1: 2, "1": 3}, {"x": ["u", "v"], "y": 1}, {"title": "all"}),
    "empty dataset": xr.Dataset(),
    "dataset of coordinates": xr.Dataset(coords={"x": [1, 2]}),
    "names alike": xr.Dataset({"a b": 1, "a_b": 2, "A_B": 3, "": 4, "_": 5, "..": 6, "x-@x": 7, "\udcff": 8}),
    "range along a dim": da([1.0, 2.0], {"x": pd.RangeIndex(2)}),
    "range with bounds along a dim": da([1.0, 2.0], {"x": pd.RangeIndex(5, -1, -4)}),
    "ranges along dims of a dataset": pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}).to_xarray(),
    "empty range along a dim": pd.Series([], pd.RangeIndex(3, 3), float).to_xarray(),
    "frequency along a dim": da([1.0, 2.0], {"x": pd.date_range("2020", periods=2, freq="ME")}),
    "frequency and zone along a dim": da([1.0, 2.0], {"x": pd.date_range("2020", periods=2, tz="Europe/Berlin")}),
    "spans with a frequency along a dim": da([1.0, 2.0], {"x": pd.timedelta_range("1h", periods=2)}),
    "texts of pandas along a dim": da([1.0, 2.0], {"x": pd.Index(["u", "vw"], dtype=pd.StringDtype("python"))}),
    "objects along a dim": da([1.0, 2.0], {"x": pd.Index(["u", "vw"], dtype=object)}),
    "objects of several types along a dim": da([1.0, 2.0], {"x": pd.Index(["u", 1], dtype=object)}),
    "texts that end in NUL along a dim": da([1.0, 2.0], {"x": pd.Index(["u\0", "v"], dtype=object)}),
    "one long text along a dim": da(np.zeros(300), {"x": pd.Index(["v" * 9999, *map(str, range(299))], dtype=object)}),
    "index variable of a range": xr.IndexVariable("x", pd.RangeIndex(0, 3, 2)),
    "index variable of levels": xr.IndexVariable("x", pd.MultiIndex.from_product([["a"], DATES], names=["p", None])),
    "objects that are times along a dim": da([1.0, 2.0], {"x": pd.Index([*DATES], dtype=object)}),
    "objects that are times": xr.Variable(("x", "y"), np.empty((2, 2), object)),
    "index variable of times": xr.IndexVariable("x", pd.date_range("2020", periods=2)),
    "surrogates": da([1.0], {"y": ("x\udcff", [1])}, "x\udcff", name="\udcff", attrs={"\udcff": "\udcff"}),
}

KINDS["objects that are times"].data[...] = DATES[0]


@pytest.mark.parametrize("value", KINDS.values(), ids=KINDS)
def test_kinds(value: Any):
    assert identical(decode(encode(value)), value)
    assert same_value(decode(encode(value)), value)


@settings(deadline=None)
@given(LABELLED)
def test_comes_back(value: Any):
    back = decode(encode(value))
    assert identical(back, value)
    assert same_value(back, value)


NEAR = {
    "kind": (xr.Variable("x", [1, 2]), xr.IndexVariable("x", [1, 2])),
    "kind with dims": (xr.Variable("x", [1, 2]), da([1, 2])),
    "dims": (da([1, 2]), da([1, 2], dims="y")),
    "index": (da([1, 2], {"x": [1, 2]}), da([1, 2], NO_INDEX)),
    "index of its own name": (KINDS["coordinate of its own name"], KINDS["index of its own name"]),
    "units of time": (da([1, 2], {"x": DATES.as_unit("s")}), da([1, 2], {"x": DATES.as_unit("ms")})),
    "times and spans": (da([1], {"x": np.array([1], "M8[s]")}), da([1], {"x": np.array([1], "m8[s]")})),
    "times and numbers": (da([1], {"x": np.array([1], "M8[s]")}), da([1], {"x": [1]})),
    "coordinate and variable": (xr.Dataset({"a": 1}), xr.Dataset(coords={"a": 1})),
    "attributes of coordinates": (da([1], {"y": ((), 1, {"a": 1})}), da([1], {"y": ((), 1, {"a": 1.0})})),
    "scalar coordinates": (da([1], {"y": 1}), da([1], {"y": 1.0})),
    "names": (xr.Dataset({1: 1}), xr.Dataset({"1": 1})),
    "attributes": (xr.Dataset(attrs={"a": [1]}), xr.Dataset(attrs={"a": (1,)})),
    "texts": (da(["a"]), da(np.array(["a"], "<U2"))),
}


@pytest.mark.parametrize(("a", "b"), NEAR.values(), ids=NEAR)
def test_near(a: Any, b: Any):
    assert not same_value(a, b)
    assert not identical(a, b)


def test_indexes_of_pandas():
    tz, kinds = pd.date_range("2020", periods=2, tz="Europe/Berlin"), pd.CategoricalIndex(["a", "b"], ["b", "a"])
    objects = [STACKED, *(da([1.0, 2.0], {"x": each}) for each in (tz, kinds, pd.period_range("2020", periods=2)))]
    objects.append(xr.Dataset({"a": STACKED, "c": ("x", pd.Categorical(["u", "v"]))}))
    for value in objects:
        back = decode(encode(value))
        assert identical(back, value)
        assert same_value(back, value)
    assert decode(encode(STACKED)).unstack("p").identical(STACKED.unstack("p"))


OF_PANDAS: dict[str, Any] = {
    "Int64": pd.array([1, None, 3], "Int64"),
    "boolean": pd.array([True, None, False], "boolean"),
    "Float32": pd.array([1.5, None, 2.0], "Float32"),
    "category": pd.Categorical(["b", None, "a"], ["b", "a"], ordered=True),
    "periods": pd.period_range("2020", periods=3, freq="M").array,
    "intervals": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
    "sparse": pd.arrays.SparseArray([0, 5, 0]),
    "sparse without fill": pd.arrays.SparseArray([4, 5, 6]),
    "texts": pd.array(["a", None, "b"], "string"),
    "times with a zone": pd.DatetimeIndex(["2020-01-01", "NaT", "2020-01-03"], tz="Europe/Berlin"),
    "objects": np.array(["a", pd.NaT, None], object),
}


@pytest.mark.parametrize("array", OF_PANDAS.values(), ids=OF_PANDAS)
def test_arrays_of_pandas(array: Any):
    """As data, coordinates with and without an index, alone: of the type that they are of to xarray."""
    data = xr.Variable("x", array).load()
    for value in (
        xr.DataArray(data, name="v", attrs={"a": 1}),
        xr.DataArray(data, {"x": [3, 4, 5]}),
        xr.DataArray(data)[:0],
        xr.Dataset({"v": data, "w": 1.5}),
        xr.DataArray([1.0, 2.0, 3.0], {"n": data}, ["x"]),
        xr.DataArray([1.0, 2.0, 3.0], {"x": array}, ["x"]),
        xr.DataArray(data, {"x": array}),
        xr.Variable("x", array),
        xr.IndexVariable("x", array),
        [{"k": xr.DataArray(data)}],
    ):
        back = decode(encode(value))
        assert identical(value, back)
        assert same_value(value, back)
    # What it is wrapped in says how xarray computes with it.
    back = decode(encode(xr.Dataset({"v": data, "n": data}).set_coords("n")))
    for name in "vn":
        assert type(back[name].variable._data) is type(data._data)


def test_arrays_of_pandas_without_dims_are_refused():
    with pytest.raises(UnsupportedValueError, match=r"z of type .*0 dimensions with pandas' IntegerArray"):
        encode(xr.DataArray(OF_PANDAS["Int64"], dims=["x"])[0], "z")


def test_lazy_data_are_computed():
    pytest.importorskip("dask", reason="lazy data need dask")
    lazy = da([1.0, 2.0], {"x": [1, 2]}).chunk({"x": 1})
    assert identical(decode(encode(lazy)), lazy.compute())
    assert identical(decode(encode(lazy.to_dataset(name="a"))), lazy.to_dataset(name="a").compute())


def test_encoding_is_not_kept():
    value = da([1.0])
    value.encoding = {"dtype": "i2"}
    assert decode(encode(value)).encoding == {}


def test_what_could_be_kept_before_is_as_before():
    assert encode(da([1.0], {"x": [1]}, name="a")).version == 1
    assert encode(da([1.0], {"x": [1], "y": 2}, name="a")).version == 2


def test_labels():
    labels = encode(da([1.0, 2.0], {"x": DATES, "y": 1}, attrs={"units": "mV", "odd": None})).labels
    assert labels.dims == ("x",)
    assert labels.attrs == {"units": "mV"}
    assert labels.coords["x"].values.dtype == DATES.dtype
    assert labels.coords["x"].attrs == {}


class Index(xr.indexes.PandasIndex):
    """An index of somebody's own."""


REFUSED = {
    "an index of one's own": da([1.0, 2.0], NO_INDEX).set_xindex("x", Index),
    "dims that are no texts": xr.Dataset({"a": da([1.0], dims=[1])}),
    "data of one's own": xr.Dataset({"a": ((), np.array(object(), object))}),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_refused(value: Any):
    with pytest.raises(UnsupportedValueError, match=r"results\.ds"):
        encode(value, "results.ds")


@pytest.mark.filterwarnings("ignore:Duplicate dimension names")
def test_dims_that_repeat_are_refused():
    with pytest.raises(UnsupportedValueError, match=r"each needs a text of its own"):
        encode(xr.Variable(("x", "x"), [[1.0]]))


def forged(value: Any, change: Any) -> Encoded:
    encoded = encode(value)
    return encoded._replace(meta={**encoded.meta, "more": {**encoded.meta["more"], **change}})


def _vast() -> Encoded:
    """A variable of 10**12 numbers, nearly all of which are the fill value."""
    encoded = encode(xr.Variable("x", pd.arrays.SparseArray([0, 5])))
    parts = tuple(part._replace(data=10**12) if part.name == "length" else part for part in encoded.parts)
    return encoded._replace(parts=parts)


FORGED = {
    "no such part": forged(KINDS["dataset"], {"data": [['"a"', "gone"]]}),
    "more coordinates": forged(KINDS["dataset"], {"coords": [['"a"', "a", True], ['"b"', "1", True]]}),
    "name that is none": forged(KINDS["dataset"], {"data": [["[1]", "a"]]}),
    "attributes that are none": forged(KINDS["dataset"], {"attrs": "1"}),
    "nothing": Encoded("xarray.Dataset", (Part(""),), meta={"of": [], "more": []}),
    "dims of a variable": forged(KINDS["variable"], {"dims": ["x", "y"]}),
    "a sparse variable without end": _vast(),
    "attributes of a variable": forged(KINDS["variable"], {"attrs": "{"}),
    "no label of that name": forged(KINDS["texts along times"], {"labels": [["x", "y", "", "{}"]]}),
    "times that are none": forged(KINDS["texts along times"], {"labels": [["x", "x", "O", "{}"]]}),
    "times of another unit": forged(KINDS["texts along times"], {"labels": [["x", "x", "<M8[as]", "{}"]]}),
    "order": forged(KINDS["texts along times"], {"order": ['"x"', '"z"']}),
    "bounds of a range": forged(KINDS["range along a dim"], {"indexes": {'"x"': {"range": [0, 10**12, 1]}}}),
    "bounds of no range": forged(KINDS["range along a dim"], {"indexes": {'"x"': {"range": [0, 2, 0]}}}),
    "range of texts": forged(KINDS["objects along a dim"], {"indexes": {'"x"': {"range": None}}}),
    "range of times": forged(KINDS["texts along times"], {"indexes": {'"x"': {"range": None}}}),
    "frequency that does not fit": forged(KINDS["frequency along a dim"], {"indexes": {'"x"': {"freq": "D"}}}),
    "frequency of numbers": forged(KINDS["range along a dim"], {"indexes": {'"x"': {"freq": "D"}}}),
    "dtype of texts": forged(KINDS["objects along a dim"], {"indexes": {'"x"': {"string": {"storage": "os"}}}}),
    "kind of an index": forged(KINDS["range along a dim"], {"indexes": {'"x"': {"os": "system"}}}),
    "two kinds of an index": forged(KINDS["range along a dim"], {"indexes": {'"x"': {"object": True, "os": 1}}}),
    "index that is none": forged(KINDS["range along a dim"], {"indexes": {'"x"': 3}}),
    "part that is no variable": encode(KINDS["dataset"])._replace(
        meta={
            "of": [{"name": "a", "stem": "a", "codec": "float", "version": 1, "meta": {}, "parts": [""]}],
            "more": {**encode(KINDS["dataset"]).meta["more"], "data": [['"a"', "a"]], "coords": []},
        },
        parts=(Part(""), Part(1.0, "a")),
        labels=Labels(),
    ),
}


@pytest.mark.parametrize("encoded", FORGED.values(), ids=FORGED)
def test_forged(encoded: Encoded):
    with pytest.raises(CorruptStoreError):
        decode(encoded)


def test_forged_levels_of_an_index():
    encoded = encode(STACKED)
    part, name, _, attrs = encoded.meta["more"]["multiple"][0]
    for dtype in ("V8", "<U99999999", "O,O"):
        changed = [[part, name, [['"x"', dtype]], attrs]]
        with pytest.raises(CorruptStoreError):
            decode(forged(STACKED, {"multiple": changed}))


ACTED_ON = {"_FillValue": "u", "scale_factor": "x", "dtype": "odd", "calendar": "moon", "units": "days since 2000"}
OF_FILES = {
    "texts": da(["u", "v"], attrs=ACTED_ON),
    "numbers": xr.Dataset({"a": ("x", [1, 2], ACTED_ON), "b": 2.5}, {"x": ("x", ["u", "v"], ACTED_ON)}),
    "coordinate": da([1.0], {"y": ("x", ["u"], ACTED_ON)}),
    "variable": xr.Variable("x", ["u"], ACTED_ON),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", OF_FILES.values(), ids=OF_FILES)
def test_attributes_that_files_give_a_meaning_have_none_in_the_store(value: Any, tmp_path: Path):
    env = xpet.Environment("main", store=tmp_path)
    env.traj.f_add_parameter("p", value)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [0, 1]})
    env.run(lambda traj: traj.f_add_result("z", value))
    with xr.open_datatree(tmp_path / "main", engine="zarr") as tree:
        tree.load()
    traj = xpet.load_trajectory("main", filename=tmp_path)
    assert identical(traj.f_get("results.runs.r_1.z").f_get(), value)
    assert identical(traj.parameters.p, value)


TIME = np.array([0.0, 0.5, 1.0])
PLAIN = """
import sys
import numpy as np
import xarray as xr
import warnings
warnings.simplefilter("error")
xr.open_datatree(sys.argv[1], engine="zarr").load()
ds = xr.open_dataset(sys.argv[1], group="results", engine="zarr")
assert ds.V.dims == ("run", "time") and ds.time.values.tolist() == [0.0, 0.5, 1.0], ds
assert ds.V.attrs["units"] == "mV" and ds.time.attrs["units"] == "ms"
assert ds["W.k"].dims == ("run", "W.k") and ds["W.k"].values.tolist() == [[run, run + 1] for run in range(4)]
assert ds["at.moment"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
assert ds["both.rate"].values.tolist() == [0, 2, 4, 6] and ds["both.rate"].dims == ("run",)
assert ds["both.curve"].shape == (4, 3)
print("read")
"""


def of_run(run: int) -> dict[str, Any]:
    curve = ("time", TIME * run, {"units": "Hz"})
    return {
        "V": da(TIME + run, {"time": ("time", TIME, {"units": "ms"})}, "time", attrs={"units": "mV"}),
        "W": da([1, 2], {"k": [run, run + 1]}, "k"),
        "at": da(TIME, {"time": TIME, "moment": float(run)}, "time"),
        "dated": da(TIME, {"day": pd.date_range("2020", periods=3)}, "day"),
        "moved": da(TIME, {"day2": pd.date_range("2020", periods=3) + pd.Timedelta(days=run)}, "day2"),
        "both": xr.Dataset({"rate": 2 * run, "curve": curve}, {"time": TIME}, {"title": "both"}),
        "alone": xr.Variable(("time",), TIME * run),
        "stacked": STACKED + run,
        "word": da(np.array([f"run {run}", ""])),
    }


def job(traj: xpet.Trajectory) -> None:
    for name, value in of_run(traj.v_idx).items():
        traj.f_add_result(name, value)


def leaf(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def test_over_runs(tmp_path: Path, plain_python: RunPlain):
    env = xpet.Environment("main", store=tmp_path)
    env.traj.f_add_parameter("x", 0)
    for name, value in KINDS.items():
        env.traj.f_add_parameter(f"kinds.{leaf(name)}", value)
    env.traj.f_explore({"x": range(4)})
    env.run(job)
    traj = xpet.load_trajectory("main", filename=tmp_path)
    for run in range(4):
        for name, value in of_run(run).items():
            assert identical(traj.f_get(f"results.runs.r_{run}.{name}").f_get(name), value), name
    for name, value in KINDS.items():
        assert identical(traj[f"parameters.kinds.{leaf(name)}"], value), name
    assert plain_python(PLAIN, tmp_path / "main").split() == ["read"]
    # Coordinates that all runs share are stored once.
    results = xr.open_dataset(tmp_path / "main", group="results", engine="zarr")
    assert results["time"].dims == ("time",)
    assert results["day"].dims == ("day",)
    assert results["moved.day2"].dims == ("run", "moved.day2")
