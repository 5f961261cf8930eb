"""The values in ``data/frozen-0.1-{values,types,indexes}.tar.xz``: one table to write them and to read them by."""

from __future__ import annotations

import datetime as dt
import importlib.util
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import scipy.sparse as sp
import xarray as xr

import xpet
from xpet.testing import identical
from xpet.values import Opaque

RUNS = range(4)
TIMES = np.array(["2026-01-01", "NaT", "1999-12-31T12"], "M8[s]")
RECORDS = np.array([(1, 2.0), (3, 4.0)], [("a", "i4"), ("b", ">f8")])
UNION = np.dtype({"names": ["i", "f", "s"], "formats": [">u4", "f4", "S3"], "offsets": [0, 0, 6], "itemsize": 12})
TEXTS = pd.StringDtype("python", na_value=np.nan)
STRINGS = np.dtypes.StringDType(na_object=None)
BERLIN = ZoneInfo("Europe/Berlin")


def _objects(*values: Any) -> Any:
    made = np.empty(len(values), object)
    made[:] = values
    return made


def _pint(run: int) -> Any:
    import pint

    return pint.get_application_registry().Quantity(np.arange(2.0) + run, "meter / second ** 2")


def _brian2(run: int) -> Any:
    with warnings.catch_warnings(action="ignore"):
        import brian2

    return brian2.Quantity(np.arange(2.0) + run, dim=(brian2.mV * brian2.second).dim)


class Cell:
    """A class of a user."""

    def __init__(self, area: Any) -> None:
        self.area = area


class CellCodec:
    """The codec that was registered for it."""

    name = "frozen.Cell"

    def encode(self, value: Any) -> dict[str, Any]:
        return {"area": value.area}

    def decode(self, parts: Any) -> Cell:
        return Cell(parts["area"])


#: By codec, the value of a run. Those of the runs 0 and 1 are of one shape where that can be.
VALUES: dict[str, Callable[[int], Any]] = {
    "float": lambda run: (0.5, -0.0, float("nan"), float("inf"))[run],
    "int": lambda run: (0, -(2**63), 2**62, 3)[run],
    "bool": lambda run: run % 2 == 1,
    "complex": lambda run: complex(run, float("nan")),
    "str": lambda run: ("", "é → 😀", "a\0b", "NaN")[run],
    "bytes": lambda run: (b"\0\xff", b"ab", b"", b"abc\0")[run],
    "date": lambda run: dt.date(2026, 1, 1 + run),
    "datetime": lambda run: dt.datetime(2026, 10, 25, 2, 30, 0, run, tzinfo=BERLIN, fold=run % 2),
    "timedelta": lambda run: dt.timedelta(days=run - 1, microseconds=1),
    "numpy.scalar": lambda run: np.float32(0.1 * run),
    "numpy.generic": lambda run: TIMES[run % 3],
    "numpy.str_": lambda run: np.str_("ab\0" * run),
    "numpy.bytes_": lambda run: np.bytes_(b"\0x" * run),
    "numpy.ndarray": lambda run: np.arange(6 + 3 * (run > 1), dtype=">i2").reshape(-1, 3),
    "numpy.texts": lambda run: _objects("a", "bé", *["c"] * run),
    "numpy.fixed_texts": lambda run: np.array([["a", "bé\0c"]] * (1 + run // 2)),
    "numpy.fixed_bytes": lambda run: np.array([b"a", b"\xff\0b"][: 2 - run // 2], "S3"),
    "numpy.strings": lambda run: np.array(["a", None, "bé"][run // 2 :], STRINGS),
    "numpy.times": lambda run: TIMES[run // 2 :].astype("M8[ms]"),
    "numpy.longdouble": lambda run: np.ones(2 + run // 2, np.longdouble) / 3,
    "numpy.structured": lambda run: RECORDS[run // 3 :],
    "numpy.void": lambda run: np.array([b"ab\0", b"\0cd"], "V3")[run // 3 :],
    "numpy.objects": lambda run: _objects(1, "a", None, (run, 2.0)),
    "numpy.matrix": lambda run: np.full((2, 1 + run // 2), run, "f4").view(np.matrix),
    "numpy.recarray": lambda run: RECORDS[run // 3 :].view(np.recarray),
    "numpy.ma.MaskedArray": lambda run: np.ma.MaskedArray([1, 2, run], [False, True, False], fill_value=7),
    "numpy.ma.masked": lambda run: np.ma.masked,
    "sequence": lambda run: [float(each) for each in range(2 + run // 2)],
    "json": lambda run: {3: (1, None), "k": frozenset({run}), "at": [dt.time(1, 2), 10**30, "\udcff"]},
    "nested": lambda run: {"V": np.arange(2.0 + run // 2), "of": [{"n": run, "w": "x"}, (np.int8(run),)]},
    "xarray.DataArray": lambda run: xr.DataArray(
        np.full(2 + run // 2, float(run)), {"t": ("t", np.arange(2.0 + run // 2), {"units": "ms"})}, ["t"], "V",
        {"units": "mV", "note": ["a", 1]},
    ),
    "xarray.Dataset": lambda run: xr.Dataset(
        {"V": (("t", "w"), np.full((2, 2), run)), "s": "text"}, {"t": TIMES[[0, 2]], "at": ("t", [run, 2])}, {"a": 1}
    ),
    "xarray.Variable": lambda run: xr.Variable("t", np.arange(2 + run // 2), {"units": "s"}),
    "pint": _pint,
    "brian2": _brian2,
    "pandas.DataFrame": lambda run: pd.DataFrame(
        {"a": [1.5, run], "b": pd.array([1, None], "Int64"), "c": pd.Categorical(["x", None])}, index=[10, 20]
    ),
    "pandas.Series": lambda run: pd.Series([1.0, run, 2.0][run // 3 :], name=("a", 1)),
    "pandas.Index": lambda run: pd.MultiIndex.from_product([["a", "b"], [run, 9]], names=["k", None]),
    "pandas.Categorical": lambda run: pd.Categorical(["b", None, "a"][run // 2 :], ["b", "a"], ordered=True),
    "pandas.masked": lambda run: pd.array([1, None, run], "UInt8")[run // 2 :],
    "pandas.string": lambda run: pd.array(["a", None, "é"][run // 2 :], pd.StringDtype("python")),
    "pandas.intervals": lambda run: pd.arrays.IntervalArray.from_breaks([0.0, 1.0, 2.0 + run], closed="left"),
    "pandas.Interval": lambda run: pd.Interval(run, run + 1.0, "both"),
    "pandas.numpy": lambda run: pd.arrays.NumpyExtensionArray(np.arange(2.0 + run // 2)),
    "pandas.times": lambda run: pd.DatetimeIndex(TIMES[run // 2 :]).tz_localize("UTC").tz_convert(BERLIN).array,
    "pandas.spans": lambda run: pd.array(np.array([1, -(2**63), run][run // 2 :]).view("m8[us]")),
    "pandas.periods": lambda run: pd.period_range("2026-01", periods=2 + run // 2, freq="M").array,
    "pandas.Timestamp": lambda run: pd.Timestamp(np.datetime64(run, "us"), tz=BERLIN),
    "pandas.Timedelta": lambda run: pd.Timedelta(np.timedelta64(run, "ms")),
    "pandas.Period": lambda run: pd.Period(f"2026Q{run + 1}", "Q"),
    "pandas.missing": lambda run: pd.NA if run % 2 else pd.NaT,
    "scipy.sparse": lambda run: sp.csr_array(np.diag([1.0, 0.0, run + 1.0][run // 2 :])),
    "xpet.ObjectTable": lambda run: xpet.ObjectTable({"a": [1, run], "b": ["x", None]}),
    "pickle": lambda run: slice(run, None),
    "frozen.Cell": lambda run: Cell(np.arange(run)),
    # Layouts
    "constant": lambda run: np.zeros(2**13),
    "blob": lambda run: np.full(2**14, run % 256, "u1" if run < 2 else "i4"),
    "mixed": lambda run: (run, "text", None, np.arange(2))[run],
    "far": lambda run: np.datetime64(("2026-01-01", "0001-01-01", "NaT", "9999-01-01")[run], "D"),
    # In the store of types
    "structured.overlapping": lambda run: np.ndarray(2 + run // 3, UNION, bytes(range(run, run + 12)) * 3),
    "structured.empty": lambda run: np.zeros((2, 1 + run // 2), [("a", []), ("b", UNION), ("c", "i2")]),
    "numpy.ma.mvoid": lambda run: np.ma.array(RECORDS, mask=[(run % 2, 1), (0, 0)], hard_mask=True)[run // 3],
    "masked_fields": lambda run: np.ma.array(RECORDS, mask=[(run % 2, 1), (0, 0)], fill_value=(run, 7.0)),
    "pandas.SparseArray": lambda run: pd.arrays.SparseArray([0.0, np.nan, run, 1.0][run // 2 :], fill_value=0.0),
    "sparse.frame": lambda run: pd.DataFrame(
        {"s": pd.arrays.SparseArray([0, run, 0], kind="block"), "t": pd.arrays.SparseArray([True, run > 1, False])},
        pd.Index(list("abc"), name="k"),
    ),
    # In the store of indexes
    "index.range": lambda run: pd.Series(np.arange(2.0 + run // 2)).to_xarray(),
    "index.bounds": lambda run: xr.Dataset({"a": ("x", [run, 1])}, {"x": pd.RangeIndex(9, 2, -5)}),
    "index.frequency": lambda run: xr.DataArray([run, 1.0], {"t": pd.date_range("2026-01-31", periods=2, freq="ME")}),
    "index.zone": lambda run: xr.DataArray([run, 1.0], {"t": pd.date_range("2026", periods=2, tz="Europe/Berlin")}),
    "index.spans": lambda run: xr.DataArray([run, 1.0], {"t": pd.timedelta_range("1h", periods=2)}),
    "index.texts": lambda run: xr.Dataset({"a": ("x", [run, 1])}, {"x": pd.Index(["u", "vé"], dtype=TEXTS)}),
    "index.objects": lambda run: xr.Dataset({"a": ("x", [run, 1])}, {"x": pd.Index(["u", "vé"], dtype=object)}),
    "index.variable": lambda run: xr.IndexVariable("x", pd.RangeIndex(2 + run // 2)),
    "time.missing": lambda run: pd.NaT if run == 1 else pd.Timestamp(2026, 1, 1 + run),
}  # fmt: skip
#: by trajectory, each in an archive of its own: the values in it
STORES = {"values": list(VALUES)[:-15], "types": list(VALUES)[-15:-9], "indexes": list(VALUES)[-9:]}
#: They are no values that a parameter is explored with: of other types from run to run, or there is only one.
NOT_EXPLORED = {"mixed", "pandas.missing", "numpy.ma.masked"}
PICKLED = {"pickle"}
#: What cannot be had here.
ABSENT = {name for name in ("pint", "brian2") if importlib.util.find_spec(name) is None}
if np.finfo(np.longdouble).nmant <= np.finfo(float).nmant:
    ABSENT.add("numpy.longdouble")  # of 80 bits, which not all processors have


def has_result(name: str, run: int) -> bool:
    """Whether a run has that result: not the last one, of half of them."""
    return run < len(RUNS) - 1 or list(VALUES).index(name) % 2 == 0


def segment(name: str) -> str:
    """The name of the node of a value."""
    return name.replace(".", "_")


def job(traj: xpet.Trajectory, trajectory: str) -> None:
    """Leave a value of every kind."""
    for name in set(STORES[trajectory]) - ABSENT:
        if has_result(name, traj.v_idx):
            _add(traj.f_add_result, xpet.PickleResult, name, "", traj.v_idx)


def make_values(store: Path, trajectory: str) -> None:
    """A study with all values as parameters, explored, and as results; one expansion."""
    env = xpet.Environment(trajectory, store=store, comment="a value of every codec", allow_pickle=True, seed=1)
    names = STORES[trajectory]
    explored = [name for name in names if name not in NOT_EXPLORED | ABSENT]
    for name in names:
        if name not in ABSENT:
            _add(env.traj.f_add_parameter, xpet.PickleParameter, name, "p.", 0)
        if name in explored:
            _add(env.traj.f_add_parameter, xpet.PickleParameter, name, "x.", 0)
    env.traj.f_explore({f"x.{segment(name)}": [VALUES[name](run) for run in RUNS[:3]] for name in explored})
    env.run(job, trajectory)
    env.traj.f_expand({f"x.{segment(name)}": [VALUES[name](run) for run in RUNS[3:]] for name in explored})
    env.run(job, trajectory)


def _add(add: Callable[..., Any], pickling: type, name: str, group: str, run: int) -> None:
    kind = [pickling] if name in PICKLED else []
    add(*kind, f"{group}{segment(name)}", VALUES[name](run))


def load(store: Path, trajectory: str) -> xpet.Trajectory:
    """Load that study."""
    return xpet.load_trajectory(trajectory, filename=store, allow_pickle=True)


def same(found: Any, name: str, run: int) -> bool:
    """Whether a value is the one of that name; without the package that it is of, a record of it."""
    return isinstance(found, Opaque) if name in ABSENT else identical(found, VALUES[name](run))


def wrong_values(traj: xpet.Trajectory, names: Iterable[str]) -> list[str]:
    """What is not there as it was stored."""
    wrong = [] if traj.f_run_table().status.tolist() == ["complete"] * len(RUNS) else ["the status of the runs"]
    for name in names:
        at = segment(name)
        if not same(traj.f_get(f"parameters.p.{at}").f_get(), name, 0):
            wrong.append(f"{name} as parameter")
        if name not in NOT_EXPLORED:
            explored = traj.f_get(f"parameters.x.{at}").f_get_range()
            wrong += [f"{name} explored, {run}" for run in RUNS if not same(explored[run], name, run)]
        stored = traj.f_get_from_runs(at, fast_access=True, use_indices=True)
        if list(stored) != [run for run in RUNS if has_result(name, run)]:
            wrong.append(f"{name}, of the runs {list(stored)}")
        wrong += [f"{name} of run {run}" for run in stored if not same(stored[run], name, run)]
    return wrong
