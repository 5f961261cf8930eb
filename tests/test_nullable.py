"""pandas' nullable numbers: what is missing is missing to plain tools too, wherever they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xpet
from xpet.testing import identical

DTYPES = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "boolean", "Float32", "Float64"]


def of(dtype: str, *values: Any) -> Any:
    """An array, with its extremes where no value is given."""
    return pd.array(list(values), dtype=dtype)


def expected(array: Any) -> list[float]:
    return [np.nan if each is pd.NA else float(each) for each in array]


def run_all(store: Path, values: list[Any], fails: int = -1) -> None:
    def leave(traj: xpet.Trajectory) -> None:
        if traj.v_idx == fails:
            raise ValueError("half of it")
        traj.f_add_result("v", values[traj.v_idx])
        traj.f_add_result("frame", pd.DataFrame({"a": values[traj.v_idx]}))

    env = xpet.Environment("study", store=store)
    env.traj.f_add_parameter("p", values[0])
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(len(values)))})
    if fails < 0:
        env.run(leave)
        return
    with pytest.warns(match="failed"):
        env.run(leave)


def check_comes_back(store: Path, values: list[Any], fails: int = -1) -> None:
    traj = xpet.load_trajectory("study", filename=store)
    assert identical(traj.f_get("parameters.p").f_get(), values[0])
    for run, value in enumerate(values):
        if run != fails:
            assert identical(traj.f_get(f"results.runs.r_{run}.v").f_get(), value)
            assert identical(traj.f_get(f"results.runs.r_{run}.frame").f_get(), pd.DataFrame({"a": value}))


@pytest.mark.parametrize(
    ("dtype", "fails"), [*((dtype, -1) for dtype in DTYPES), ("Int64", 0), ("UInt64", 1), ("boolean", 0)]
)
def test_missing_numbers_are_missing_to_plain_tools(tmp_path: Path, dtype: str, fails: int):
    values = [of(dtype, 1, None, 0), of(dtype, 0, 1, None), of(dtype, 1, 1, 1)]
    run_all(tmp_path / "a.zarr", values, fails)
    check_comes_back(tmp_path / "a.zarr", values, fails)
    with xr.open_dataset(tmp_path / "a.zarr" / "study", group="results", engine="zarr") as plain:
        for name in ("v", "frame.a"):
            for run, value in enumerate(values):
                seen = [np.nan] * 3 if run == fails else expected(value)
                np.testing.assert_array_equal(plain[name].values[run].astype(float), seen)
        plain.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as again:
        for run, value in enumerate(values):
            if run != fails:
                np.testing.assert_array_equal(again["v"].values[run].astype(float), expected(value))
    with xr.open_dataset(tmp_path / "a.zarr" / "study", group="parameters", engine="zarr") as plain:
        np.testing.assert_array_equal(plain.p.values.astype(float), expected(values[0]))


@pytest.mark.parametrize("dtype", ["Int8", "UInt64", "boolean", "Float32"])
def test_of_many_lengths(tmp_path: Path, dtype: str):
    values = [of(dtype, 1, None), of(dtype), of(dtype, None, 1, 0, 1)]
    run_all(tmp_path / "a.zarr", values)
    check_comes_back(tmp_path / "a.zarr", values)
    with xr.open_dataset(tmp_path / "a.zarr" / "study", group="results", engine="zarr") as plain:
        for run, value in enumerate(values):
            filled = [*expected(value), *[np.nan] * 4][:4]
            np.testing.assert_array_equal(plain.v.values[run].astype(float), filled)


@pytest.mark.parametrize("dtype", DTYPES[:8])
def test_a_number_that_is_there_is_never_missing(tmp_path: Path, dtype: str):
    info = np.iinfo(dtype.lower())
    for some in ([info.min, info.max, None], [info.min, None, 1], [info.max, 0, None]):
        value = of(dtype, *some)
        store = tmp_path / f"{len(list(tmp_path.iterdir()))}.zarr"
        run_all(store, [value, of(dtype, 1, 1, 1)])
        check_comes_back(store, [value, of(dtype, 1, 1, 1)])
        with xr.open_dataset(store / "study", group="results", engine="zarr") as plain:
            seen = plain.v.values[0]
            assert not np.isnan(seen.astype(float)[~value.isna()]).any()


def test_large_ones_that_all_runs_share(tmp_path: Path):
    value = of("Int64", *[1, None] * 10_000)
    run_all(tmp_path / "a.zarr", [value, value])
    check_comes_back(tmp_path / "a.zarr", [value, value])
    with xr.open_dataset(tmp_path / "a.zarr" / "study", group="results", engine="zarr") as plain:
        assert plain.v.dims != ("run",)
        assert np.isnan(plain.v.values).sum() == 10_000
