"""Values of pandas and SciPy as results of runs and as parameters: exact in xpet, arrays in plain xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fixtures_plain import RunPlain

import xpet
from xpet.testing import identical
from xpet.testing.strategies.sparse import FORMATS

ZONE = "Europe/Berlin"
WORDS = ["", "a", "bé", "a\0"]


def words(n: int) -> list[str]:
    return [WORDS[k % 4] for k in range(n)]


def days(n: int) -> pd.DatetimeIndex:
    return pd.date_range("2020", periods=n, freq="D")


def eye(n: int, kind: str) -> Any:
    return getattr(sp.eye_array(n, n + 1, dtype="f4", format="coo"), f"to{kind}")()


#: name -> value of a run of length n
MAKE: dict[str, Any] = {
    "frame": lambda n: pd.DataFrame({"rate": np.arange(n) / 2, "n": np.arange(n, dtype="i2"), "ok": np.arange(n) > 1}),
    "texts": lambda n: pd.DataFrame({"name": words(n), "index": range(n)}, index=pd.Index(words(n), name="word")),
    "twice": lambda n: pd.DataFrame(np.ones((n, 2)), columns=["a", "a"]).rename_axis(columns="label"),
    "nullable": lambda n: pd.DataFrame({"i": pd.array([None, *range(n)], "Int64"), "b": [True] * (n + 1)}),
    "times": lambda n: pd.DataFrame({"t": days(n)}, days(n).tz_localize(ZONE)),
    "levels": lambda n: pd.DataFrame({"v": range(n)}, pd.MultiIndex.from_arrays([days(n), range(n)], names=["u", "v"])),
    "objects": lambda n: pd.DataFrame({"o": pd.Series([1, "a", None, (1.5,)][:n], dtype=object)}),
    "wide": lambda n: pd.DataFrame(np.ones((n, 70)), columns=pd.timedelta_range("1s", periods=70)),
    "empty": lambda n: pd.DataFrame(),
    "series": lambda n: pd.Series(np.arange(n) * 1.5, np.arange(n) * 10.0, name="v"),
    "labelled": lambda n: pd.Series(np.arange(n), [f"n{k}" for k in range(n)], name=("v", 1)),
    "category": lambda n: pd.Series(pd.Categorical(words(n), [*sorted(set(words(n))), "z"], ordered=True)),
    "periods": lambda n: pd.Series(pd.period_range("2020", periods=n, freq="M")),
    "intervals": lambda n: pd.interval_range(0, n),
    "sparse": lambda n: pd.arrays.SparseArray([0] * n + [n, 5], fill_value=n % 2),
    "sparse_series": lambda n: pd.Series(pd.arrays.SparseArray([np.nan] * n + [1.5], kind="block"), name="v"),
    "sparse_frame": lambda n: pd.DataFrame({"s": pd.arrays.SparseArray(np.arange(n) > 1), "d": np.arange(n)}),
    "span": lambda n: pd.Series(pd.timedelta_range("1s", periods=n)),
    "stamp": lambda n: pd.Timestamp(2020, 1, n + 1, tz=ZONE),
    "delta": lambda n: pd.Timedelta(n, "s"),
    "missing": lambda n: pd.NA if n % 2 else pd.NaT,
    "noted": lambda n: noted(n),
    **{kind: lambda n, kind=kind: eye(n + 1, kind) for kind in FORMATS},
}


def noted(n: int) -> pd.Series:
    value = pd.Series(range(n))
    value.attrs.update(seed=n, by="me")
    return value


LENGTHS = [0, 3, 2, 4]


def job(n: int) -> dict[str, Any]:
    return {name: make(n) for name, make in MAKE.items()}


SHOW = """
import sys, xarray as xr
tree = xr.open_datatree(sys.argv[1], engine="zarr")
for node in tree.subtree:
    node.to_dataset().load()
ds = xr.open_dataset(sys.argv[1], engine="zarr", group="results")
print(*ds.variables, sep="\\n")
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("frames") / "frames.zarr"
    xpet.sweep(job, {"n": LENGTHS}, store=store)
    return store


@pytest.mark.parametrize("name", MAKE)
def test_comes_back_from_runs(swept: Path, name: str):
    traj = xpet.load_trajectory("job", filename=swept)
    for run, n in enumerate(LENGTHS):
        assert identical(getattr(traj.results.runs[f"run_{run:08d}"], name), MAKE[name](n))


def test_plain_xarray_shows_the_columns(swept: Path, plain_python: RunPlain):
    shown = plain_python(SHOW, swept / "job").split()
    assert {"frame.rate", "frame.n", "series", "csr.data", "csr.indptr", "category.categories"} <= set(shown)
