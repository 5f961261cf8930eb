"""The launches of a trajectory as a DataFrame."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pandas as pd

from xpet.store.launches import read_launches

if TYPE_CHECKING:
    from xpet.store.place import Place

_COLUMNS = ("time", "host", "platform", "python", "command", "directory", "job", "file", "source", "seed", "packages")
_GIT = ("commit", "branch", "diff", "left_out", "untracked")


def launch_table(place: Place) -> pd.DataFrame:
    """Return what is known of each launch, one row per launch, indexed by the number that runs cite.

    Columns: ``time`` (UTC); ``host``, ``platform``, ``python``; ``command``, ``directory``; the ``job``, the ``file``
    it is in and its ``source``; the ``seed``, a text; ``packages``, a dict of versions; ``commit``, ``branch``,
    ``diff`` (a patch against the commit, with changed binary files up to 256 KiB together), ``left_out`` (those that
    are too large for it) and ``untracked`` (files) of the git repository that the file, or the directory, is in. What
    is not known is None.
    """
    records = read_launches(place)
    rows = [[_cell(record, name) for name in _COLUMNS] + [_of_git(record, name) for name in _GIT] for record in records]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, *_GIT], dtype=object)
    seconds = pd.to_numeric(table["time"], errors="coerce").astype(float)
    table["time"] = pd.to_datetime(seconds, unit="s", utc=True)
    table.index = pd.Index([record["launch"] for record in records], name="launch", dtype="int64")
    return table


def _cell(record: dict[str, Any], name: str) -> Any:
    value = record.get(name)
    if name == "command" and isinstance(value, list):
        return shlex.join(map(str, value))
    return value


def _of_git(record: dict[str, Any], name: str) -> Any:
    git = record.get("git")
    return git.get(name) if isinstance(git, dict) else None
