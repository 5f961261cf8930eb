"""A value for every codec, and runs for every layout of a column and every change of one."""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import xarray as xr
from fixtures_columns import NAME, do, leaf, parameter, read_runs, read_statics, start

from xpet.store.packets import LeafData
from xpet.store.place import Place
from xpet.store.snapshot import read_snapshot
from xpet.testing import identical
from xpet.testing.seen import Seen
from xpet.values import encode, pickled, unlabelled, unpickling
from xpet.values.objecttable import ObjectTable

try:
    import pint
except ModuleNotFoundError:
    pint = None


class Absent:
    """A run does without."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()
LONG = np.dtype(np.longdouble).itemsize > 8
FIELDS = np.array([(1, -0.0), (2, np.nan)], "i4, >f8")
DAYS = pd.date_range("2020", periods=2, freq="D", tz="Europe/Berlin")
KINDS: dict[str, Any] = {
    "float": -0.0,
    "int": -(2**63),
    "bool": True,
    "complex": complex(-0.0, math.nan),
    "str": "a\0",
    "bytes": b"a\0",
    "date": dt.date.max,
    "datetime": dt.datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
    "timedelta": dt.timedelta(microseconds=-1),
    "numpy.scalar": np.float16(1),
    "numpy.generic": np.datetime64("NaT", "as"),
    "numpy.str_": np.str_("a\0"),
    "numpy.bytes_": np.bytes_(b"a\0"),
    "numpy.ndarray": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    "numpy.texts": np.array(["a", "é"], object),
    "numpy.fixed_texts": np.array([["a", "\udcff"]], ">U3"),
    "numpy.fixed_bytes": np.array([b"a\0b"], "S5"),
    "numpy.strings": np.array(["a", None], np.dtypes.StringDType(na_object=None)),
    "numpy.times": np.array(["2020", "NaT"], ">M8[25s]"),
    "numpy.structured": FIELDS,
    "numpy.void": np.array([b"ab"], "V2"),
    "numpy.objects": np.array([1, None, FIELDS[0]], object),
    "numpy.matrix": np.eye(2).view(np.matrix),
    "numpy.recarray": FIELDS.view(np.recarray),
    "numpy.ma.MaskedArray": np.ma.masked_array([1, 2], [True, False], fill_value=7, hard_mask=True),
    "numpy.ma.mvoid": np.ma.array(FIELDS, mask=[(1, 0), (0, 0)])[0],
    "numpy.ma.masked": np.ma.masked,
    "sequence": (1, 2),
    "json": [None, Fraction(1, 3), {2**70}],
    "nested": {"a": np.zeros(0, "f4"), "b": [1.5, {"c": 1}]},
    "xarray.DataArray": xr.DataArray([1.0], {"n": ("x", ["a"])}, ["x"], "v", {"odd": None}),
    "xarray.Dataset": xr.Dataset({"a": ("x", [1, 2]), 1: 2.5}, {"x": [0.5, 0.7]}, {"title": "t"}),
    "xarray.Variable": xr.Variable("x", [1, 2], {"units": "m"}),
    "pandas.DataFrame": pd.DataFrame({"a": [1, 2], "b": ["x", None]}, DAYS),
    "pandas.Series": pd.Series([1.0, -0.0], [3, 4], name=("v", 1)),
    "pandas.Index": pd.MultiIndex.from_arrays([["a", "b"], DAYS], names=["u", None]),
    "pandas.Categorical": pd.Categorical(["b", None], ["b", "a"], ordered=True),
    "pandas.masked": pd.array([1, None], "Int8"),
    "pandas.string": pd.array(["a\0", None], pd.StringDtype("python")),
    "pandas.SparseArray": pd.arrays.SparseArray([0.0, np.nan, 1.0], fill_value=0.0, kind="block"),
    "pandas.intervals": pd.arrays.IntervalArray.from_breaks([0, 1, 2], closed="both"),
    "pandas.Interval": pd.Interval(0, 1.5, "neither"),
    "pandas.numpy": pd.array(np.zeros(2), dtype=np.dtype("f8")),
    "pandas.times": DAYS.array,
    "pandas.spans": pd.array(np.array([1, "NaT"], "m8[ms]")),
    "pandas.periods": pd.period_range("2020", periods=2, freq="M").array,
    "pandas.Timestamp": DAYS[0],
    "pandas.Timedelta": pd.Timedelta("1s").as_unit("ms"),
    "pandas.Period": pd.Period("2020", "Q"),
    "pandas.missing": pd.NA,
    "scipy.sparse": sp.csr_matrix(np.eye(2)),
    "xpet.ObjectTable": ObjectTable({"a": [1, "text"]}),
    "pickle": slice(1, 5),
    **({"numpy.longdouble": np.ones(2, np.longdouble) / 3} if LONG else {}),
    **({"pint": pint.get_application_registry().Quantity(1.5, "mV")} if pint is not None else {}),
}  # fmt: skip

BIG = np.arange(20_000.0)
BYTES = np.arange(-128, 128).astype("i1")


def trace(first: float) -> xr.DataArray:
    return xr.DataArray([1.0, 2.0], {"t": [first, first + 1]}, ["t"])


#: values of runs, fold by fold
FOLDS: dict[str, list[list[Any]]] = {
    "dense, then ragged": [[np.arange(3)], [np.arange(2)], [np.arange(4), np.arange(0)]],
    "ragged in two dimensions": [[np.zeros((1, 3)), np.zeros((2, 0))], [np.ones((3, 4))]],
    "text": [["a", ""], ["é\0"]],
    "texts, then ragged": [[np.array(["a", "b"])], [np.array(["c"])]],
    "constant": [[BIG, BIG], [BIG.copy()]],
    "constant, then dense": [[BIG, BIG], [BIG + 1]],
    "constant, then ragged": [[BIG, BIG], [BIG[:9]]],
    "the fill of a dense one": [[np.int8(1)], [np.int8(-128)], [np.int8(127)]],
    "the fill of a ragged one": [[BYTES[1:3], BYTES[1:2]], [BYTES[:1]]],
    "no number is left": [[BYTES], [BYTES[::-1]]],
    "one variant, then two": [[1], [1.5], [2]],
    "some runs do without": [[1.5, ABSENT], [ABSENT], [2.5]],
    "very many variants": [[{f"k{k}": np.zeros(1)} for k in range(70)][at] for at in (slice(2), slice(2, 70))],
    "labels that all share": [[trace(0), trace(0)], [trace(0)]],
    "labels that differ later": [[trace(0)], [trace(1)]],
}


def check_kinds(place: Place, values: Sequence[Any], seen: Seen) -> None:
    """Values come back as they are, outside runs and over runs of all of them in one column."""
    kept = [pickled(value) for value in values]
    for value in kept:
        seen.value(encode(value))
    check_folds(place, [kept[::2], kept[1::2]], seen, dict(enumerate(kept)))


def check_folds(
    place: Place, folds: Sequence[Sequence[Any]], seen: Seen, outside: dict[int, Any] | None = None
) -> None:
    """Runs come back as they are after each fold, and so do parameters."""
    flat = [value for fold in folds for value in fold]
    given = {f"config.p{k}": value for k, value in (outside or {}).items()}
    done = 0
    with start(place, max(1, len(flat)), [parameter(path, value) for path, value in given.items()]) as writer:
        for k, fold in enumerate(folds):
            if fold:
                do(place, writer, {done + run: _left(value) for run, value in enumerate(fold)}, attempt=k)
                writer.fold()
            done += len(fold)
            seen.store(str(place.spec), read_snapshot(place, NAME).hierarchy)
            _check(read_runs(place), flat[:done])
        if given:
            with unpickling():
                found = read_statics(place)
            for path, value in given.items():
                assert identical(found[path][""], _plain(value)), f"{value!r} comes back as {found[path]['']!r}"


def _left(value: Any) -> list[LeafData]:
    other = leaf("results.runs.$.other", 1.5)
    return (
        [other] if value is ABSENT else [other, LeafData("results.runs.$.z", "result", "Result", "", {"": value}, {})]
    )


def _check(found: dict[int, Any], values: Sequence[Any]) -> None:
    assert len(found) == len(values)
    for run, value in enumerate(values):
        if value is ABSENT:
            assert "results.runs.$.z" not in found[run]
        else:
            back = found[run]["results.runs.$.z"][0][""]
            assert identical(_plain(back), _plain(value)), f"run {run}: {value!r} comes back as {back!r}"


def _plain(value: Any) -> Any:
    from xpet.values import Opaque, decode

    with unpickling():
        return decode(value.encoded) if isinstance(value, Opaque) else unlabelled(value)
