"""The run table as a DataFrame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from fixtures_published import COMPLETE, FAILED, NEW, RUNNING, Column, CountingStore, build, product
from zarr.storage import LocalStore

from xpet.table.runs import run_table

STATUS = [COMPLETE, FAILED, NEW, RUNNING]


def test_run_table(tmp_path: Path) -> None:
    points = product(x=[1.0, 2.0], model=["a", "b"])
    build(str(tmp_path / "s.zarr"), "t", points, {"": {"z": Column(np.zeros(4), ("run",))}}, status=STATUS)
    table = run_table(tmp_path / "s.zarr")
    assert table.columns.tolist() == ["x", "model", "status", "started", "duration", "error", "attempt", "launch"]
    assert table.index.name == "run"
    assert table.x.tolist() == points["x"]
    assert table.model.tolist() == points["model"]
    assert table.status.tolist() == ["complete", "failed", "new", "running"]
    assert table.status.dtype == "category"
    assert str(table.started.dtype) == "datetime64[ns, UTC]"
    assert table.started[0] == pd.Timestamp(1.7e9 + 0.25, unit="s", tz="UTC")
    assert table.started.isna().tolist() == [False, False, True, False]
    assert table.duration[0] == 0.5
    assert table.error.tolist() == ["", "ValueError: run 1", "", ""]
    assert table.attempt.tolist() == [1, 1, 0, 1]


def test_parameters_keep_their_names(tmp_path: Path) -> None:
    build(str(tmp_path / "s.zarr"), "t", {"status": [5, 6], "error": [0.1, 0.2]}, {})
    table = run_table(tmp_path / "s.zarr" / "t")
    assert table.status.tolist() == [5, 6]
    assert table.run_status.tolist() == ["complete", "complete"]
    assert table.error.tolist() == [0.1, 0.2]
    assert table.run_error.tolist() == ["", ""]


def test_one_request_per_column(tmp_path: Path) -> None:
    build(str(tmp_path / "s.zarr"), "t", {"x": [1.0, 2.0]}, {})
    store = CountingStore(LocalStore(tmp_path / "s.zarr", read_only=True))
    run_table(store, trajectory="t")
    names = ["run_attempt", "run_duration", "run_error", "run_launch", "run_started", "run_status", "x"]
    assert store.taken() == [*(f"t/runs/{name}/c/0" for name in names), "t/zarr.json"]


def test_nothing_explored(tmp_path: Path) -> None:
    build(str(tmp_path / "s.zarr"), "t", {}, {}, status=[NEW])
    table = run_table(tmp_path / "s.zarr")
    assert table.status.tolist() == ["new"]
    assert table.started.isna().all()
