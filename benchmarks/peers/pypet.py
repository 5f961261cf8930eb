"""pypet as it comes, but for its logging to files and its overview tables, which are off: the quickest it gets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from peers.cases import RESULTS, Case, arrays, axes, middle, product

if TYPE_CHECKING:
    import numpy as np

NAME = "study"
FILE = "store.hdf5"
LEAN = {
    "log_config": None,
    "purge_duplicate_comments": False,
    "summary_tables": False,
    "small_overview_tables": False,
}


def version() -> str:
    """Return the version."""
    import pypet

    return f"pypet {pypet.__version__}"


def scalar(traj: Any) -> None:
    """Store a product."""
    traj.f_add_result("z", product(traj.x, traj.y))


def array(traj: Any) -> None:
    """Store 8 kB and three scalars."""
    for name, value in arrays(traj.x, traj.y).items():
        traj.f_add_result(name, value)


def run(case: Case) -> dict[str, float]:
    """Do the case; return the seconds it took after the import of numpy."""
    import numpy  # noqa: F401 - its import is measured apart

    start = time.perf_counter()
    from pypet import Environment, cartesian_product

    many = {"multiproc": True, "ncores": case.workers, "wrap_mode": "QUEUE"} if case.workers > 1 else {}
    env = Environment(trajectory=NAME, filename=FILE, **LEAN, **many)
    traj = env.trajectory
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("y", 1.0)
    traj.f_explore(cartesian_product(axes(case.runs)))
    env.run({"scalar": scalar, "array": array}[case.job])
    return {"inside": time.perf_counter() - start}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what the file holds."""
    import numpy as np
    from pypet import load_trajectory

    traj = load_trajectory(name=NAME, filename=FILE, load_all=2)
    order = _order(traj, case)
    found = {}
    for name in RESULTS[case.job]:
        by_run = traj.f_get_from_runs(name, fast_access=True, use_indices=True)
        found[name] = np.array([by_run[run] for run in order])
    return found


def _order(traj: Any, case: Case) -> list[int]:
    """The runs in the order of :func:`peers.cases.axes`, whichever axis the exploration varied first."""
    x, y = (traj.f_get(f"parameters.{name}").f_get_range() for name in ("x", "y"))
    at = {point: run for run, point in enumerate(zip(x, y, strict=True))}
    grid = axes(case.runs)
    return [at[first, second] for first in grid["x"] for second in grid["y"]]


def read_all(case: Case) -> dict[str, object]:
    """Read ``z`` of all runs; return their sum and the seconds it took after the import."""
    from pypet import load_trajectory

    start = time.perf_counter()
    traj = load_trajectory(name=NAME, filename=FILE, load_results=2)
    found = traj.f_get_from_runs("z", fast_access=True, use_indices=True)
    return {"value": sum(found.values()), "inside": time.perf_counter() - start}


def read_one(case: Case) -> dict[str, object]:
    """Read ``z`` of one run and nothing else."""
    from pypet import load_trajectory

    start = time.perf_counter()
    traj = load_trajectory(name=NAME, filename=FILE, load_results=0)
    path = f"results.runs.run_{middle(case.runs):08d}.z"
    traj.f_load_child(path, load_data=2)
    return {"value": traj.f_get(path).f_get(), "inside": time.perf_counter() - start}
