"""psweep: dictionaries in, one DataFrame out, pickled once at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers.cases import RESULTS, Case, arrays, axes, product

if TYPE_CHECKING:
    import numpy as np


def version() -> str:
    """Return the version."""
    import psweep

    return f"psweep {psweep.__version__}"


def scalar(point: dict[str, Any]) -> dict[str, object]:
    """Return a product."""
    return {"z": product(point["x"], point["y"])}


def array(point: dict[str, Any]) -> dict[str, object]:
    """Return 8 kB and three scalars."""
    return arrays(point["x"], point["y"])


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import psweep

    grid = axes(case.runs)
    points = psweep.pgrid(psweep.plist("x", grid["x"]), psweep.plist("y", grid["y"]))
    psweep.run({"scalar": scalar, "array": array}[case.job], points)
    return {}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what the pickle holds."""
    import numpy as np
    import psweep

    frame = psweep.df_read("calc/database.pk").sort_values(["x", "y"])
    return {name: np.array(frame[name].tolist()) for name in RESULTS[case.job]}
