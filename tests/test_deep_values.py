"""Values of 10 000 levels are parameters, explored ones too, config and results, in this process and in workers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpet
from xpet.testing import identical


def deep(innermost: Any) -> Any:
    for k in range(10_000):
        innermost = [[innermost], {"a": innermost}, (innermost,)][k % 3]
    return innermost


def job(traj: Any) -> Any:
    fixed = traj.par.fixed
    fixed.append("changed by a run")
    traj.f_add_result("z", deep(np.arange(3.0) + traj.v_idx), setting=traj.config.setting)
    traj.f_add_result("varied", traj.par.varied)
    return deep(traj.v_idx)


@pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "processes"])
def test_a_study(options: Any, tmp_path: Path):
    env = xpet.Environment("deep", store=tmp_path / "deep.zarr", **options)
    env.traj.f_add_parameter("fixed", [deep(1)])
    env.traj.f_add_parameter("varied", deep(0))
    env.traj.f_add_config("setting", deep(None))
    env.traj.f_explore({"varied": [deep(k) for k in range(3)]})
    returned = env.run(job)
    assert [run for run, value in returned if identical(value, deep(run))] == [0, 1, 2]
    traj: Any = xpet.load_trajectory("deep", filename=tmp_path / "deep.zarr")
    assert identical(traj.par.fixed, [deep(1)])
    assert "<list of many levels>" in str(traj.f_get("parameters.fixed"))
    assert all(identical(each, deep(k)) for k, each in enumerate(traj.f_get("parameters.varied").f_get_range()))
    for run in range(3):
        z = traj.results.runs[run].f_get("z")
        assert identical(z.f_get("z"), deep(np.arange(3.0) + run))
        assert identical(z.f_get("setting"), deep(None))
        assert "of many levels>" in str(z)
        assert identical(traj.results.runs[run].varied, deep(run))
    # what is there is not done again
    assert xpet.Environment(traj, **options).run(job) == []
    with warnings.catch_warnings(action="error"), xr.open_datatree(tmp_path / "deep.zarr/deep", engine="zarr") as tree:
        assert {"z", "z.setting", "varied.1"} <= set(tree["results"].load().data_vars)


def test_what_holds_itself_is_refused_where_it_is_given():
    inner: list[Any] = []
    inner.append(inner)
    traj = xpet.Trajectory("itself")
    with pytest.raises(TypeError, match=r"parameters\.x.*a list in it holds itself"):
        traj.f_add_parameter("x", inner)
    traj.f_add_parameter("y", [1])
    with pytest.raises((TypeError, ValueError), match="holds itself"):
        traj.f_explore({"y": [[1], inner]})
