"""xpet, as it comes: journal, run status, checksums and provenance are on."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.cases import RESULTS, SEED, Case, Expected, arrays, axes, big, digest_rows, middle, product

if TYPE_CHECKING:
    import numpy as np

NAME = "study"


def version() -> str:
    """Return the version."""
    import xpet

    return f"xpet {xpet.__version__}"


def scalar(traj: Any) -> None:
    """Store a product."""
    traj.f_add_result("z", product(traj.x, traj.y))


def array(traj: Any) -> None:
    """Store 8 kB and three scalars."""
    for name, value in arrays(traj.x, traj.y).items():
        traj.f_add_result(name, value)


def random(traj: Any) -> None:
    """Store a random number of the run's own."""
    traj.f_add_result("z", float(traj.rng.random()))


def failing(traj: Any) -> None:
    """Store a product, or raise."""
    if traj.v_idx % 2:
        raise Expected("every other run does this")
    traj.f_add_result("z", product(traj.x, traj.y))


def large(traj: Any) -> None:
    """Store 100 MB, and how many bytes the process had written before, by its id."""
    traj.f_add_result("written", _written())
    traj.f_add_result("process", os.getpid())
    traj.f_add_result("v", big(traj.v_idx))


def _written() -> int:
    """Return the bytes that this process has written so far; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in lines)["wchar"])


JOBS = {"scalar": scalar, "array": array, "random": random, "failing": failing, "big": large}


def run(case: Case) -> dict[str, float]:
    """Do the case; return the seconds it took after the import of numpy."""
    import numpy  # noqa: F401 - its import is measured apart

    start = time.perf_counter()
    import warnings

    from xpet import Environment, cartesian_product

    warnings.simplefilter("ignore")  # that runs failed
    env = Environment(NAME, store="store.zarr", multiproc=case.workers > 1, ncores=case.workers, seed=SEED)
    traj = env.trajectory
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("y", 1.0)
    traj.f_explore(cartesian_product(axes(case.runs)))
    env.run(JOBS[case.job])
    return {"inside": time.perf_counter() - start, "written": _written()}


def read(case: Case) -> dict[str, np.ndarray] | str:
    """Return what plain xarray finds in the store, of the runs that are complete."""
    import xarray as xr

    with xr.open_dataset(f"store.zarr/{NAME}", group="results", engine="zarr") as ds:
        complete = ds["run_status"].values == ds["run_status"].attrs["flag_values"][_complete(ds)]
        wanted = case.runs // 2 + case.runs % 2 if case.job == "failing" else case.runs
        if complete.sum() != wanted:
            raise ValueError(f"{complete.sum()} of {case.runs} runs are complete, and {wanted} should be")
        if case.job == "big":
            return digest_rows(ds["v"][run].values for run in range(case.runs))
        return {name: ds[name].values[complete] for name in RESULTS[case.job]}


def _complete(ds: Any) -> int:
    return ds["run_status"].attrs["flag_meanings"].split().index("complete")


def written(case: Case) -> list[int]:
    """Return the bytes that workers wrote from the beginning of one big run of theirs to that of their next."""
    import xarray as xr

    with xr.open_dataset(f"store.zarr/{NAME}", group="results", engine="zarr") as ds:
        pairs = sorted(zip(ds["process"].values.tolist(), ds["written"].values.tolist(), strict=True))
    return [later - before for (pid, before), (same, later) in itertools.pairwise(pairs) if pid == same]


def read_all(case: Case) -> dict[str, object]:
    """Read ``z`` of all runs; return their sum and the seconds it took after the import."""
    import numcodecs  # noqa: F401 - otherwise imported with the first chunk

    from xpet import load_trajectory

    start = time.perf_counter()
    found = load_trajectory(NAME, filename="store.zarr").f_get_from_runs("z", fast_access=True, use_indices=True)
    return {"value": sum(found.values()), "inside": time.perf_counter() - start}


def read_one(case: Case) -> dict[str, object]:
    """Read ``z`` of one run."""
    import numcodecs  # noqa: F401 - otherwise imported with the first chunk

    from xpet import load_trajectory

    start = time.perf_counter()
    value = load_trajectory(NAME, filename="store.zarr").f_get(f"results.runs.run_{middle(case.runs):08d}.z").f_get()
    return {"value": value, "inside": time.perf_counter() - start}
