"""What runs left comes back whole, or not at all."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import xpet
from xpet.store.places.memory import MemoryPlace
from xpet.values import same_value


@pytest.mark.parametrize("text", ["\0", "a\0", "a\0\0", "\0a", "long" * 2000, ""], ids=lambda text: repr(text[:9]))
def test_text_of_a_run(text, tmp_path):
    xpet.sweep(lambda x: {"said": text, "x": x}, {"x": [1.0, 2.0]}, store=tmp_path / "s.zarr", name="texts")
    traj = xpet.load_trajectory("texts", store=tmp_path / "s.zarr")
    assert traj.r_1.said == text


def test_a_chunk_that_was_lost_is_an_error(tmp_path):
    xpet.sweep(lambda x: {"n": int(x)}, {"x": [1.0, 2.0]}, store=tmp_path / "s.zarr", name="lost")
    (tmp_path / "s.zarr" / "lost" / "results" / "n" / "c" / "0").unlink()
    traj = xpet.load_trajectory("lost", store=tmp_path / "s.zarr")
    with pytest.raises(xpet.CorruptStoreError, match="results/n/c/0: the chunk of runs 0 to 1 is missing; bring"):
        traj.r_1.n  # noqa: B018  # the access is the test


ONE, OTHER = np.array([1.0, np.nan]), np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("left", "differ"),
    [
        ([1, 1, 1], False),
        ([1, 1, 2], True),
        ([1, 1.0, 1], True),
        (["a", "a", "a"], False),
        (["a", "a", "b"], True),
        ([ONE, ONE, ONE], False),
        ([ONE, OTHER, ONE], True),
        ([OTHER, OTHER[:1], OTHER], True),
        ([{"k": 1}, {"k": 1}, {"k": 1}], False),
        ([None, 1, 1], False),
        ([None, 1, 2], True),
    ],
    ids=repr,
)
def test_what_runs_left_at_one_path(left, differ, tmp_path):
    def job(traj):
        if left[traj.i] is not None:
            traj.f_add_result("results.shared", left[traj.i])

    env = xpet.Environment("shared", store=tmp_path / "s.zarr")
    env.traj.f_add_parameter("i", 0)
    env.traj.f_explore({"i": [0, 1, 2]})
    env.run(job)
    for traj in (env.traj, xpet.load_trajectory("shared", store=tmp_path / "s.zarr")):
        lowest = 1 if left[0] is None else 0
        told = pytest.warns(UserWarning, match="Runs left different values") if differ else contextlib.nullcontext()
        with told:
            assert same_value(traj.results.shared, left[lowest])
        traj.v_idx = 2
        assert same_value(traj.shared, left[2])
        traj.v_idx = -1


def test_one_of_a_million_runs_is_one_chunk(monkeypatch, tmp_path):
    n = 1_000_000
    env = xpet.Environment("many", store=f"memory://{tmp_path}/s.zarr")
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": range(n)})
    env.run(lambda traj: traj.f_add_result("z", traj.x * 2), runs=[7, n - 1])
    asked: list[str] = []
    read = MemoryPlace.read
    monkeypatch.setattr(MemoryPlace, "read", lambda place, key: asked.append(key) or read(place, key))
    traj = xpet.load_trajectory("many", store=f"memory://{tmp_path}/s.zarr")
    asked.clear()
    assert traj.results.runs.run_00999999.z == 2 * (n - 1)
    assert len([key for key in asked if key.startswith("results/z/c/")]) == 1
    assert not [key for key in asked if key.startswith("parameters/") and "/c/" in key]
    assert [node.v_name for node in traj.results.runs] == ["run_00000007", "run_00999999"]
    assert sum(map(len, traj.v_state.index.values())) < 10
    names = traj.f_iter_runs()
    assert (next(names), next(names), traj.v_idx) == ("run_00000000", "run_00000001", 1)
    names.close()
