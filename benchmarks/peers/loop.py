"""A plain loop: results in lists, each saved with ``np.save`` at the end. What nothing that stores results can beat."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from peers.cases import RESULTS, Case, arrays, axes, product

if TYPE_CHECKING:
    import numpy as np


def version() -> str:
    """Return the version."""
    import numpy as np

    return f"numpy {np.__version__}"


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import numpy as np

    if case.job == "nothing":
        return {}
    points = itertools.product(*axes(case.runs).values())
    if case.job == "scalar":
        np.save("z.npy", [product(x, y) for x, y in points])
        return {}
    found: dict[str, list[object]] = {name: [] for name in RESULTS["array"]}
    for x, y in points:
        for name, value in arrays(x, y).items():
            found[name].append(value)
    for name, values in found.items():
        np.save(f"{name}.npy", values)
    return {}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what the files hold."""
    import numpy as np

    return {name: np.load(f"{name}.npy") for name in RESULTS[case.job]}
