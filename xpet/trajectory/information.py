"""What is known of runs, one dictionary each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from xpet.tree import BaseParameter

if TYPE_CHECKING:
    import pandas as pd

    from xpet.trajectory.trajectory import Trajectory


def information(trajectory: Trajectory, name_or_idx: str | int | None) -> dict[str, Any]:
    """Return what is known of a run, or of all by name; see :meth:`Trajectory.f_get_run_information`."""
    if name_or_idx is None:
        return {each["name"]: each for each in _known(trajectory, range(len(trajectory)))}
    return next(_known(trajectory, [trajectory.run_of(name_or_idx)]))


def _known(trajectory: Trajectory, runs: Sequence[int]) -> Iterator[dict[str, Any]]:
    table = _table(trajectory) if trajectory.v_stored else None
    explored = list(trajectory.explored.values())
    for run in runs:
        known = _of_table(table, run) if table is not None and run < len(table) else _new()
        name = trajectory.v_state.wildcards.run_name(run)
        yield {"idx": run, "name": name, **known, "parameter_summary": _summary(explored, run)}


def _table(trajectory: Trajectory) -> pd.DataFrame:
    """The run table; kept until the store publishes another one, as scripts ask for one run after the other."""
    from xpet.trajectory.stored import StoredRuns

    virtual = trajectory.v_state.virtual
    if virtual is None or not isinstance(virtual.backing, StoredRuns):
        return trajectory.f_run_table()
    return virtual.backing.run_table(trajectory.f_snapshot().meta.generation, trajectory.f_run_table)


def _new() -> dict[str, Any]:
    nothing = dict.fromkeys(("timestamp", "finish_timestamp", "time", "runtime"))
    return {**nothing, "completed": 0, "status": "new", "error": "", "launch": 0}


def _of_table(table: pd.DataFrame, run: int) -> dict[str, Any]:
    row = table.iloc[run]
    # A parameter of one of these names keeps it, and the column has another.
    status, started, duration, error, launch = (
        row[f"run_{name}" if f"run_{name}" in row else name]
        for name in ("status", "started", "duration", "error", "launch")
    )
    known = {"completed": int(status == "complete"), "status": status, "error": error, "launch": int(launch)}
    if status == "new" or started != started:
        return {**_new(), **known}
    begin, seconds = started.timestamp(), float(duration)
    ended = seconds == seconds and status in ("complete", "failed")
    return {
        "timestamp": begin,
        "finish_timestamp": begin + seconds if ended else None,
        "time": started.tz_convert(None).strftime("%Y_%m_%d_%Hh%Mm%Ss"),
        "runtime": str(timedelta(seconds=seconds)) if ended else None,
        **known,
    }


def _summary(explored: Sequence[BaseParameter], run: int) -> str:
    return ",   ".join(f"{each.v_name}: {each.f_get_range(copy=False)[run]!r}" for each in explored)
