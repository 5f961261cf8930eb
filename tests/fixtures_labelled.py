"""Values whose parts have labels, as functions of an explored number, and what plain xarray shows of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[ns]")
SPANS = np.array([0, 1500, 3000], "m8[ms]")

Make = Callable[[int], Any]


def dataset(i: int) -> xr.Dataset:
    return xr.Dataset({"V": ("t", [1.0, 2.0, i], {"units": "mV"}), "n": (("t", "c"), [[i, 1]] * 3)}, {"t": DAYS})


def deep(levels: int, value: Any) -> Any:
    """A value in lists in lists."""
    for _ in range(levels):
        value = [value]
    return value


def large(i: int) -> Any:
    """An array whose chunks workers write, and which compresses well."""
    return np.repeat(np.arange(2.0**11) + i, 64)


#: what plain xarray shows of a result: dims of its parts, and the values of the coordinates of dims
SHOWN: dict[str, tuple[Make, dict[str, tuple[str, ...]], dict[str, Any]]] = {
    "Dataset": (dataset, {"z.V": ("run", "t"), "z.n": ("run", "t", "c")}, {"t": DAYS}),
    "Dataset with texts along a dim": (
        lambda i: xr.Dataset({"a": ("c", [i, 2])}, {"c": ["u", "v"]}), {"z.a": ("run", "c")}, {"c": ["u", "v"]},
    ),
    "Dataset with a coordinate that is no index": (
        lambda i: xr.Dataset({"a": ("t", [i, 2.0])}, {"t": [5, 6], "place": ("t", [i, i])}),
        {"z.a": ("run", "t"), "z.place": ("run", "t")},
        {"t": [5, 6]},
    ),
    "Dataset without coordinates": (
        lambda i: xr.Dataset({"a": ("t", [i, 2.0]), "b": ("t", [1.0, i])}),
        {"z.a": ("run", "t"), "z.b": ("run", "t")},
        {},
    ),
    "Dataset with constant variables": (
        lambda i: xr.Dataset({"a": ("t", np.zeros(40_000)), "b": ("t", np.full(40_000, i))}, {"t": np.arange(40_000)}),
        {"z.a": ("t",), "z.b": ("run", "t")},
        {"t": np.arange(40_000)},
    ),
    "DataArrays in a dict": (
        lambda i: {"a": xr.DataArray([i, 2.0], {"t": [5, 6]}, "t"), "b": xr.DataArray([i], {"t": [7]}, "t")},
        {"z.a": ("run", "t"), "z.b": ("run", "z.b.t")},
        {"t": [5, 6], "z.b.t": [7]},
    ),
    "labelled array in a dict": (
        lambda i: {"a": xr.DataArray([i, 2.0], {"t": DAYS[:2]}), "b": xr.DataArray([i, 1.0], {"t": DAYS[:2]})},
        {"z.a": ("run", "t"), "z.b": ("run", "t")},
        {"t": DAYS[:2]},
    ),
    "Dataset in a list": (
        lambda i: [xr.Dataset({"a": ("t", [i, 2])}, {"t": [5, 6]}), "x"], {"z.0.a": ("run", "t")}, {"t": [5, 6]},
    ),
    "DataFrame": (
        lambda i: pd.DataFrame({"a": [1.0, i, 2.0], "b": ["u", "v", "w"]}, DAYS),
        {"z.a": ("run", "index"), "z.b": ("run", "index")},
        {"index": DAYS},
    ),
    "DataFrame with a named index": (
        lambda i: pd.DataFrame({"a": [1.0, i]}, pd.Index(["u", "v"], name="my cell")),
        {"z.a": ("run", "my_cell")},
        {"my_cell": ["u", "v"]},
    ),
    "lists 200 deep": (lambda i: deep(200, i), {}, {}),
    "array 150 deep": (lambda i: {"a": deep(150, np.arange(3.0) + i)}, {}, {}),
    "DataArray along times": (
        lambda i: xr.DataArray([1.0, 2.0, i], {"t": DAYS}, name="q"), {"z": ("run", "t")}, {"t": DAYS},
    ),
    "DataArray along spans": (
        lambda i: xr.DataArray([1.0, 2.0, i], {"t": SPANS}), {"z": ("run", "t")}, {"t": SPANS},
    ),
    "Series along times": (lambda i: pd.Series([1.0, 2.0, i], DAYS), {"z": ("run", "index")}, {"index": DAYS}),
    "labels differ between runs": (
        lambda i: xr.Dataset({"a": ("t", [i, 2.0]), "b": ("t", [1.0, i])}, {"t": DAYS[:2] + np.timedelta64(i, "D")}),
        {"z.a": ("run", "z.t"), "z.b": ("run", "z.t"), "z.t": ("run", "z.t")},
        {"z.t": [DAYS[:2] + np.timedelta64(i, "D") for i in range(3)]},
    ),
    "sizes differ between runs": (
        lambda i: xr.Dataset({"a": ("t", np.arange(i + 1.0)), "b": (("t", "c"), np.ones((i + 1, 2)))}, {"c": [3, 4]}),
        {"z.a": ("run", "z.t"), "z.b": ("run", "z.t", "c")},
        {"c": [3, 4]},
    ),
    "sizes and labels differ between runs": (
        lambda i: {"s": xr.Dataset({"a": ("t", np.arange(i + 1.0))}, {"t": np.arange(i + 1)})},
        {"z.s.a": ("run", "z.s.t"), "z.s.t": ("run", "z.s.t")},
        {},
    ),
}  # fmt: skip


def segment(name: str) -> str:
    """A name of :data:`SHOWN` as one of a leaf."""
    return name.replace(" ", "_")


def add_all(traj: Any) -> None:
    """Leave all values of a run: a job."""
    for name, (make, _, _) in SHOWN.items():
        traj.f_add_result(segment(name), make(traj.i))
