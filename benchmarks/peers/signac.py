"""signac: one directory for each point, scalars in the job's document, arrays as ``.npy`` beside it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from peers.cases import RESULTS, Case, arrays, axes, product

if TYPE_CHECKING:
    import numpy as np


def version() -> str:
    """Return the version."""
    import signac

    return f"signac {signac.__version__}"


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import signac

    project = signac.init_project()
    for x, y in itertools.product(*axes(case.runs).values()):
        job = project.open_job({"x": x, "y": y}).init()
        if case.job == "scalar":
            job.document["z"] = product(x, y)
            continue
        import numpy as np

        found = arrays(x, y)
        np.save(job.fn("v.npy"), found.pop("v"))
        job.document.update(found)
    return {}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what the directories hold."""
    import numpy as np
    import signac

    jobs = sorted(signac.get_project(), key=lambda job: (job.sp.x, job.sp.y))
    return {
        name: np.array([np.load(job.fn("v.npy")) if name == "v" else job.document[name] for job in jobs])
        for name in RESULTS[case.job]
    }
