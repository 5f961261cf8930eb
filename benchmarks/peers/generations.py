"""xpet: many times, add 32 points and do them, as an evolution does; ``runs`` is how many times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from pathlib import Path

from peers.cases import Case, product
from peers.xpet import NAME, scalar, version

__all__ = ["POINTS", "run", "version"]

POINTS = 32
SHOWN = 100


def run(case: Case) -> dict[str, float]:
    """Do the generations; return the medians (CPU) of the first and last hundred, and the memory after each."""
    from xpet import Environment

    env = Environment(NAME, store="store.zarr")
    traj = env.trajectory
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("y", 1.0)
    traj.f_explore(_points(0))
    seconds, memory = [], []
    for generation in range(case.runs):
        start = time.process_time()
        if generation:
            traj.f_expand(_points(generation))
        env.run(scalar)
        seconds.append(time.process_time() - start)
        memory.append(_resident())
    shown = min(SHOWN, case.runs // 2)
    return {
        "first": statistics.median(seconds[1 : shown + 1]),
        "last": statistics.median(seconds[-shown:]),
        "memory_first": memory[shown],
        "memory_last": memory[-1],
    }


def read(case: Case) -> bool:
    """Tell whether plain xarray finds every product."""
    import numpy as np
    import xarray as xr

    with xr.open_dataset(f"store.zarr/{NAME}", group="results", engine="zarr") as ds:
        points = [_points(generation) for generation in range(case.runs)]
        x, y = (np.array(_joined(point[name] for point in points)) for name in ("x", "y"))
        same = [np.array_equal(ds[name].values, values) for name, values in (("x", x), ("y", y), ("z", product(x, y)))]
    return all(same)


def _points(generation: int) -> dict[str, list[float]]:
    return {"x": [float(generation)] * POINTS, "y": [float(i) for i in range(POINTS)]}


def _joined(parts: Iterable[list[float]]) -> list[float]:
    return [value for part in parts for value in part]


def _resident() -> int:
    """Return the resident bytes of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
