"""The run table as a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from xpet.store.snapshot import check_same
from xpet.table.checked import believing
from xpet.table.dataset import RUNS, child
from xpet.table.groups import RUN, STATUS, decode
from xpet.table.locate import Located, StorageOptions, Where, locate

if TYPE_CHECKING:
    import xarray as xr


Array: TypeAlias = npt.NDArray[np.generic]


def run_table(
    where: Where, storage_options: StorageOptions = None, *, trajectory: str | None = None, uuid: str = ""
) -> pd.DataFrame:
    """Return the published run table, one row per run.

    Parameters
    ----------
    where
        Path, URL or zarr store of the trajectory, or of a store that holds it.
    storage_options
        What fsspec needs to reach a remote place.
    trajectory
        Which one, if the store holds several.
    uuid
        Which trajectory it must be; empty: any.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``run``: the explored parameters; ``status``, one of ``'new'``, ``'running'``, ``'complete'`` and
        ``'failed'``; ``started`` (UTC, NaT if it never was); ``duration`` in seconds; ``error``, the last line of the
        traceback; ``attempt``; ``launch``, 0 if there was none. A parameter of one of these names keeps it, and the
        column is then named ``run_<name>``.

    Examples
    --------
    >>> import xpet
    >>> _ = xpet.sweep(lambda x: {'y': x * x}, {'x': [1.0, 2.0]}, store='memory://docs-table', name='squares')
    >>> run_table('memory://docs-table')[['x', 'status']].values.tolist()
    [[1.0, 'complete'], [2.0, 'complete']]
    """
    located = locate(where, trajectory=trajectory, storage_options=storage_options)
    check_same(located.meta, uuid, located.url)
    return read_run_table(located)


def read_run_table(located: Located) -> pd.DataFrame:
    """Return the run table of a located trajectory; see :func:`run_table`."""
    dataset = decode(child(located, RUNS)).load()
    with believing(f"{located.url}/{RUNS}"):
        return _table(dataset, located.explored)


def _table(dataset: xr.Dataset, explored: Sequence[str]) -> pd.DataFrame:
    n_runs = dataset.sizes[RUN]
    columns = {name: _series(dataset.variables[name].values) for name in explored if name in dataset.variables}
    status = _status(dataset.variables[STATUS])
    made = {
        "status": status,
        "started": _times(dataset.variables["run_started"].values, (status == "new").to_numpy()),
        "duration": _series(dataset.variables["run_duration"].values),
        "error": _series(_last_lines(dataset.variables["run_error"].values)),
        "attempt": _series(dataset.variables["run_attempt"].values),
        "launch": _series(dataset.variables["run_launch"].values),
    }
    columns.update({f"run_{name}" if name in columns else name: column for name, column in made.items()})
    table = pd.DataFrame(columns)
    table.index = pd.RangeIndex(n_runs, name=RUN)
    return table


def _series(values: Array) -> pd.Series:
    return pd.Series(values.astype(object) if values.dtype.kind == "T" else values)


def _status(variable: xr.Variable) -> pd.Series:
    meanings = str(variable.attrs["flag_meanings"]).split()
    flags = np.asarray(variable.attrs["flag_values"], dtype=np.intp)
    codes = np.full(256, -1, dtype=np.int8)
    codes[flags] = np.arange(len(flags))
    return pd.Series(pd.Categorical.from_codes(codes[variable.values], pd.Index(meanings)))


def _times(values: Array, never: npt.NDArray[np.bool_]) -> pd.Series:
    if values.dtype.kind == "M":
        times = values.astype("datetime64[ns]")
    else:
        seconds = values.astype(np.float64)
        never = never | ~np.isfinite(seconds)
        # Doubles hold today's seconds to a fraction of a microsecond, and no nanoseconds.
        microseconds = np.rint(np.where(never, 0.0, seconds) * 1e6).astype(np.int64)
        times = microseconds.astype("datetime64[us]").astype("datetime64[ns]")
    return pd.Series(pd.DatetimeIndex(np.where(never, np.datetime64("NaT", "ns"), times)).tz_localize("UTC"))


def _last_lines(texts: Array) -> npt.NDArray[np.object_]:
    lines = np.full(len(texts), "", dtype=object)
    for run in np.flatnonzero(texts != ""):
        lines[run] = str(texts[run]).rstrip().rpartition("\n")[2].strip()
    return lines
