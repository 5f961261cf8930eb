"""Names as long as they may be: what a run stored is folded and read."""

from __future__ import annotations

import numpy as np
import pytest

import xpet

NAME, ITEM, DIM = "n" * 127, "i" * 127, "t" * 127


def job(traj):
    # Of different shapes, under labels that differ, and not in every run: lengths, own coordinates, and which.
    run = traj.v_idx
    if run:
        labelled = xpet.label(np.arange(run), DIM, {DIM: [run] * run})
        traj.f_add_result(f"{'g' * 127}.{NAME}", **{ITEM: labelled})
    traj.f_add_result(NAME, **{ITEM: {"k" * 127: {"l" * 127: run}, "d" * 100: [np.zeros(run)]}})


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_long_names(kind, tmp_path):
    store = str(tmp_path / "s.zarr") if kind == "local" else "memory://long-names"
    env = xpet.Environment(trajectory="long", filename=store)
    env.traj.f_add_parameter(f"{'p' * 127}.{'q' * 127}.x", 0)
    env.traj.f_add_parameter(f"{'p' * 127}.{'r' * 127}.x", 0)
    env.traj.f_explore({f"{'p' * 127}.{each * 127}.x": [0, 1, 2] for each in "qr"})
    env.run(job)
    traj = xpet.load_trajectory("long", filename=store)
    for run in range(3):
        results = f"results.runs.run_0000000{run}"
        found = traj.f_get(f"{results}.{NAME}").f_get(ITEM)
        assert found["k" * 127] == {"l" * 127: run}
        assert found["d" * 100][0].shape == (run,)
        if run:
            assert traj.f_get(f"{results}.{'g' * 127}.{NAME}").f_get(ITEM).tolist() == list(range(run))
