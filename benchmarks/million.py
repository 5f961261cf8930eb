"""A million runs of three numbers each: what the study takes, what it leaves, and what opening it again costs.

``python benchmarks/million.py`` does the runs in this process, into a local directory, and prints seconds, the most
memory that was resident, the files of the store, and the times to open it again and to read one column.
``--runs`` takes other numbers, one after the other, to see what grows with them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def job(traj: object) -> None:
    """Store three numbers."""
    x, y = traj.x, traj.y
    traj.f_add_result("total", x + y)
    traj.f_add_result("product", x * y)
    traj.f_add_result("more", x > y)


def peak() -> float:
    """Return the most memory that was resident so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


class Steps:
    """The seconds that steps take, and those in which the processor was busy with them: others may use it too."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}
        self._last = time.perf_counter(), time.process_time()

    def done(self, step: str) -> None:
        """Note the end of a step, which begins where the one before ended."""
        now = time.perf_counter(), time.process_time()
        self.figures |= {f"{step}, s": now[0] - self._last[0], f"busy {step}, s": now[1] - self._last[1]}
        self._last = now


def study(store: str, runs: int) -> dict[str, float]:
    """Do the runs; return seconds and MB."""
    import xpet

    steps = Steps()
    width = next(width for width in range(int(runs**0.5), 0, -1) if runs % width == 0)
    env = xpet.Environment(trajectory="million", store=store, progress=False)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_add_parameter("y", 0.0)
    axes = {"x": [float(i) for i in range(runs // width)], "y": [float(i) for i in range(width)]}
    env.traj.f_explore(xpet.cartesian_product(axes))
    steps.done("explore")
    env.run(job)
    steps.done("env.run")
    return {**steps.figures, "peak, MB": peak()}


def reopen(store: str, runs: int) -> dict[str, float]:
    """Open what is there in the ways that there are, and read a column; return seconds and MB."""
    import xpet

    steps = Steps()
    traj = xpet.load_trajectory("million", store=store)
    steps.done("load_trajectory")
    assert traj.f_get(f"results.runs.run_{runs - 1:08d}.more").f_get() in (True, False)
    steps.done("one run of it")
    ds = xpet.open(store)
    steps.done("xpet.open")
    assert int(ds["product"].count()) == runs
    steps.done("a column")
    return {**steps.figures, "peak when read, MB": peak()}


def call(task: str, store: Path, runs: int) -> dict[str, float]:
    """Do a task in a fresh process."""
    command = [sys.executable, __file__, "--child", task, str(store), str(runs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000_000], help="numbers of runs")
    parser.add_argument("--directory", help="where the stores are (default: the temporary directory)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task, store, runs = options.child
        print("\n" + json.dumps({"study": study, "reopen": reopen}[task](store, int(runs))))
        return
    for runs in options.runs:
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            store = Path(directory) / "store.zarr"
            figures = {**call("study", store, runs), **call("reopen", store, runs)}
            sizes = [path.stat().st_size for path in store.rglob("*") if path.is_file()]
        figures |= {"files": len(sizes), "bytes a run": sum(sizes) / runs}
        print(f"{runs:,} runs: " + "; ".join(f"{name} {value:,.3g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
