"""What all systems are asked to do, and what must come out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LENGTH = 1000
BIG = 12_500_000
SEED = 1
RESULTS = {"scalar": ("z",), "random": ("z",), "failing": ("z",), "array": ("a", "b", "c", "v"), "nothing": ()}


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes
    ----------
    system : str
        The module of this package that does it.
    job : str
        ``scalar``: one product; ``array``: 8 kB and three scalars; ``random``: one random number of the run's own;
        ``failing``: as ``scalar``, but every other run raises; ``big``: 100 MB that do not compress;
        ``nothing``: the import of numpy.
    runs, workers : int
        How many runs, and how many processes do them; with 1, none but the first.
    """

    system: str
    job: str
    runs: int
    workers: int = 1


class Expected(Exception):
    """What every other run of the job ``failing`` raises."""


def axes(runs: int) -> dict[str, list[float]]:
    """Return two axes whose product has exactly so many points."""
    width = next(width for width in range(int(runs**0.5), 0, -1) if runs % width == 0)
    return {"x": [float(i) for i in range(runs // width)], "y": [float(i) for i in range(width)]}


def middle(runs: int) -> int:
    """Return the run that is read alone."""
    return runs // 2 + 1


def product(x: float, y: float) -> float:
    """Return the result of the job ``scalar``."""
    return x * y


def arrays(x: float, y: float) -> dict[str, object]:
    """Return the results of the job ``array``: three scalars and 8 kB."""
    import numpy as np

    return {"a": x * y, "b": x + y, "c": x - y, "v": np.arange(x, x + LENGTH) * (y + 0.1)}


def big(run: int) -> np.ndarray:
    """Return the result of the job ``big``: 100 MB of random numbers."""
    import numpy as np

    return np.random.default_rng(run).random(BIG)


def expected(case: Case) -> str:
    """Return the digest of what the case must store, computed without any system."""
    import numpy as np

    if case.job == "nothing":
        return digest({})
    if case.job == "big":
        return digest_rows(map(big, range(case.runs)))

    grid = axes(case.runs)
    points = [(x, y) for x in grid["x"] for y in grid["y"]]
    if case.job == "array":
        rows = [arrays(x, y) for x, y in points]
        return digest({name: np.array([row[name] for row in rows]) for name in RESULTS["array"]})
    if case.job == "random":
        seeds = (np.random.SeedSequence(SEED, spawn_key=(run,)) for run in range(case.runs))
        return digest({"z": np.array([np.random.Generator(np.random.PCG64(seed)).random() for seed in seeds])})
    z = np.array([product(x, y) for x, y in points])
    return digest({"z": z[::2] if case.job == "failing" else z})


def digest(columns: Mapping[str, np.ndarray]) -> str:
    """Return a digest of results: one array for each, of float64, its first axis the runs with x varying slowest."""
    found = hashlib.sha256()
    for name in sorted(columns):
        column = columns[name]
        if column.dtype != "float64":
            raise TypeError(f"{name} is {column.dtype} where float64 was computed")
        found.update(f"{name} {column.shape}".encode())
        found.update(column.tobytes())
    return found.hexdigest()


def digest_rows(rows: Iterable[np.ndarray]) -> str:
    """Return a digest of arrays, of which one at a time is in memory."""
    found = hashlib.sha256()
    for row in rows:
        found.update(f"{row.dtype} {row.shape}".encode())
        found.update(row.data)
    return found.hexdigest()
