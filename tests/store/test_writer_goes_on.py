"""A writer whose fold failed, not died, goes on from what is published."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xpet
from xpet.errors import StoreError
from xpet.store.place import open_place, resolve
from xpet.store.writer import Writer, open_for_writing


def job(traj):
    traj.f_add_result("y", int(traj.x) * 10)
    traj.f_add_result("v", np.arange(int(traj.x)))


@pytest.mark.parametrize("failing", range(12))
def test_one_failed_write(tmp_path, monkeypatch, failing):
    url = tmp_path / "s.zarr"
    env = xpet.Environment("study", store=url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
    monkeypatch.setattr(Writer, "fold", lambda self, unfinished=False: 0)
    env.run(job)
    monkeypatch.undo()

    place = open_place(resolve(url))
    calls = []

    real = type(place).write_many

    def write_many(self, items):
        calls.append(items)
        if len(calls) == failing + 1:
            raise StoreError("no luck")
        real(self, items)

    fold = Writer.fold
    monkeypatch.setattr(Writer, "fold", lambda self, unfinished=False: 0)
    writer = open_for_writing(place, "study")
    monkeypatch.setattr(type(place), "write_many", write_many)
    try:
        fold(writer, True)
        failed = False
    except StoreError:
        failed = True
    assert failed == (len(calls) > failing)
    fold(writer, True)
    writer.lease.release()

    ds = xr.open_dataset(url / "study", group="results", engine="zarr")
    assert ds.run_status.values.tolist() == [2, 2, 2]
    assert sorted(name for name in ds.data_vars if name.startswith("y")) == ["y"]
    assert ds.y.values.tolist() == [10, 20, 30]
    assert xpet.load_trajectory("study", store=url).r_2.v.tolist() == [0, 1, 2]
