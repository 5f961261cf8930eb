"""What NumPy has, as leaf of every kind, over runs that differ, and seen by plain xarray."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpet
from xpet.errors import UnsupportedValueError
from xpet.testing import identical
from xpet.values import unlabelled

NULLABLE = np.dtypes.StringDType(na_object=None)
UNION = np.dtype({"names": ["i", "f", "s"], "formats": [">u4", "f4", "S3"], "offsets": [0, 0, 6], "itemsize": 12})
FIELDS = [("a", ">i4"), ("b", [("c", "f8"), ("d", "U3")]), ("e", "i2", (2,))]
START = np.datetime64("2020-01-01", "s")


def values(k: int) -> dict[str, Any]:
    """Values of run ``k``; shapes, widths and some encodings differ between runs."""
    later = START + np.timedelta64(k, "s")
    return {
        "texts": np.array(["a" * (k + 1), "é"]),
        "strings": np.array(["x", None][: k + 1], NULLABLE),
        "objects_of_texts": np.array([["p", "q"]], object),
        "bytes_array": np.array([b"ab", b"\xff" * k]),
        "time": later,
        "times": np.array([later, "NaT"], "M8[s]"),
        "days": np.array(["NaT", "2020-01-01", "2021-01-01"][k], "M8[D]")[()],
        "span": np.timedelta64(k, "h"),
        "spans": np.array([k, "NaT"], "m8[ms]"),
        "far": np.array([["1500"], ["2000"], ["2000"]][k], "M8[s]"),
        "records": np.array([(k, (2.0, "x"), [1, 2])] * (k + 1), FIELDS),
        "recarray": np.zeros(2, "i4,f8").view(np.recarray),
        "record": np.array([(k, 2.0)], "i4,f8")[0],
        "union": np.ndarray(k + 1, UNION, bytearray(range(k, k + 12 * (k + 1)))),
        "union_record": np.ndarray((), np.dtype((np.record, UNION)), bytearray(range(k, k + 12)))[()],
        "unions": np.zeros(2, [("u", UNION, (k + 1,)), ("none", []), ("t", "U3")]),
        "sometimes_union": np.ndarray(2, [UNION, "u4,f4", []][k], bytearray(range(24))),
        "masked_fields": np.ma.array([(k, 2.0)] * 2, "i4,f8", mask=[(k % 2, 1), (0, 0)]),
        "masked_record": np.ma.array([(k, 2.0)], "i4,f8", mask=[(k % 2, 1)], hard_mask=k > 1)[0],
        "nothing": np.zeros((k, 2), [[], {"names": [], "formats": [], "itemsize": 3}, []][k]),
        "none_at_all": np.zeros((), [])[()],
        "masked": np.ma.masked_array([1.0, k], [True, False]),
        "sometimes_masked": np.ma.masked_array([1, 2], bool(k) and [0, 1], fill_value=k),
        "matrix": np.full((2, 2), k).view(np.matrix),
        "long": np.longdouble(k) / 3,
        "longs": np.ones(k + 1, np.clongdouble) / 3,
        "objects": np.array([1, "a", None, np.arange(k)], object),
        "raw": b"a\0" * k,
        "void": np.zeros(2, f"V{k + 1}"),
        "text": np.str_("t\0" * k),
        "longlong": np.longlong(k),
        "none": np.zeros((0, 3), "U2"),
        "labelled": xpet.label(np.array(["a", "b"]), "x", {"x": [1.0, 2.0]}),
        "labelled_times": xpet.label(np.array(["2020", "2021"], "M8[D]"), "y", attrs={"long_name": "when"}),
    }


POINTS = {
    "day": [np.datetime64("2020-01-01"), np.datetime64("2020-01-02"), np.datetime64("NaT", "D")],
    "name": [np.str_("a"), np.str_("é"), np.str_("")],
    "code": [b"a", b"b\0", b""],
    "words": [np.array(["a", "bc"]), np.array([]), np.array([["é"]])],
    "union": [np.ndarray((), UNION, bytearray(range(k, k + 12)))[()] for k in (0, 9, 5)],
    "unions": [np.zeros(k, UNION) for k in (0, 2, 1)],
    "nothing": [np.zeros(k, []) for k in (0, 2, 1)],
    "row": [np.zeros(1, "i4,f8")[0], np.ones(1, "i4,f8")[0], np.void(b"ab")],
}


def job(traj: Any) -> None:
    """Add all values, and what the run was given."""
    for name, value in values(traj.k).items():
        traj.f_add_result(name, value)
        traj.f_add_derived_parameter(f"own_{name}", value)
    for name in POINTS:
        traj.f_add_result(f"given_{name}", traj[name])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A study of three runs."""
    where = str(tmp_path_factory.mktemp("arrays") / "s.zarr")
    env = xpet.Environment("t", filename=where)
    env.traj.f_add_parameter("k", 0)
    for name, value in values(1).items():
        env.traj.f_add_parameter(f"fixed.{name}", value)
        env.traj.f_add_config(f"fixed.{name}", value)
        env.traj.f_add_derived_parameter(f"fixed.{name}", value)
    for name, points in POINTS.items():
        env.traj.f_add_parameter(name, points[0])
    env.traj.f_explore({"k": [0, 1, 2], **POINTS})
    env.run(job)
    return where


@pytest.mark.parametrize("name", values(0))
def test_comes_back(store: str, name: str):
    traj = xpet.load_trajectory("t", filename=store)
    for k in range(3):
        for path in (f"results.runs.run_{k:08d}.{name}", f"derived_parameters.runs.run_{k:08d}.own_{name}"):
            assert identical(traj.f_get(path).f_get(), unlabelled(values(k)[name])), path
    for branch in ("parameters", "config", "derived_parameters"):
        assert identical(traj.f_get(f"{branch}.fixed.{name}").f_get(), unlabelled(values(1)[name])), branch


@pytest.mark.parametrize("name", POINTS)
def test_explored(store: str, name: str):
    traj = xpet.load_trajectory("t", filename=store)
    assert identical(list(traj.f_get(name).f_get_range()), POINTS[name])
    for k, point in enumerate(POINTS[name]):
        assert identical(traj.f_get(f"results.runs.run_{k:08d}.given_{name}").f_get(), point)


def test_plain_xarray(store: str, tmp_path: Any):
    xr.open_datatree(f"{store}/t", engine="zarr").load()
    seen = xr.open_dataset(f"{store}/t", group="results", engine="zarr").load()
    assert seen["texts"].values.tolist() == [["a", "é"], ["aa", "é"], ["aaa", "é"]]
    assert seen["labelled"].dims == ("run", "x")
    np.testing.assert_array_equal(seen["time"].values, START + np.arange(3).astype("m8[s]"))
    np.testing.assert_array_equal(seen["span"].values, np.arange(3).astype("m8[h]"))
    assert np.isnat(seen["days"].values).tolist() == [True, False, False]
    assert seen["labelled_times"].attrs["long_name"] == "when"
    assert [seen[name].dtype.kind for name in ("far", "far.1")] == ["f", "M"]
    np.testing.assert_array_equal(seen["records.e"].values[0, 0], [1, 2])
    np.testing.assert_array_equal(seen["masked.mask"].values, [[True, False]] * 3)
    np.testing.assert_allclose(seen["long"].values, np.arange(3) / 3)
    # netCDF has no complex numbers.
    seen.drop_vars([name for name in seen if seen[name].dtype.kind == "c"]).to_netcdf(tmp_path / "seen.nc")


@pytest.mark.parametrize("rank", [33, 63])
def test_many_dimensions(rank: int):
    arrays = [np.full([1] * rank, 1.5), np.full([1] * rank, 2.5)]
    env = xpet.Environment("t", store=f"memory://test-rank-{rank}")
    env.traj.f_add_parameter("fixed", arrays[1])
    env.traj.f_add_parameter("array", arrays[0])
    env.traj.f_explore({"array": arrays})
    env.run(lambda traj: traj.f_add_result("z", traj.array))
    longer = np.ones([2, *[1] * (rank - 1)])
    env.traj.f_expand({"array": [longer]})
    env.run(lambda traj: traj.f_add_result("z", traj.array))
    arrays.append(longer)
    traj = xpet.load_trajectory("t", store=f"memory://test-rank-{rank}")
    assert identical([traj[f"r_{k}"].z for k in range(3)], arrays)
    assert identical(traj.fixed, arrays[1])
    assert identical(list(traj.f_get("array").f_get_range()), arrays)


def test_more_dimensions_than_runs_leave_room_for_are_refused():
    env = xpet.Environment("t", store="memory://test-rank-64")
    for array in (np.ones([1] * 64), np.full([1] * 64, "a", object), np.ones([1] * 63, "V2")):
        with pytest.raises(UnsupportedValueError, match=r"parameters\.p.* more than 63 dimensions"):
            env.traj.f_add_parameter("p", array)
