"""What a run costs beyond its job: xpet and pypet on the same trivial job, in one go.

``python benchmarks/overhead.py`` makes the environments it needs, runs the product of two numbers over a grid
with both, in interleaved rounds, each time in a fresh process, reads every result back, and prints medians: of
``env.run`` alone, of the processor time that it takes, which others that use the machine disturb least, and of the
whole process with its imports. pypet is measured as it comes, and with logging and overview tables off. It needs
Python 3.12 or newer; ``--pypet-python`` names an interpreter that has it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
PYPET = "pypet==0.7.0"
NAME = "Multiplication"
LEAN = {
    "log_config": None,
    "purge_duplicate_comments": False,
    "summary_tables": False,
    "small_overview_tables": False,
}


# ---- in the measured process ----------------------------------------------------------------------------------------


def multiply(traj: object) -> None:
    """Store the product of the two parameters: the job."""
    z = traj.x * traj.y
    traj.f_add_result("z", z, comment="I am the product of two values!")


def grid(runs: int) -> dict[str, list[float]]:
    """Return two axes whose product has exactly so many points."""
    width = next(width for width in range(int(runs**0.5), 0, -1) if runs % width == 0)
    return {"x": [float(i) for i in range(runs // width)], "y": [float(i) for i in range(width)]}


def measure(system: str, runs: int) -> tuple[float, float]:
    """Run the job over the grid in this process; return the seconds of ``env.run``, and those of the processor."""
    if system == "xpet":
        from xpet import Environment, cartesian_product

        env = Environment(trajectory=NAME, store="store.zarr")
    else:
        from pypet import Environment, cartesian_product

        env = Environment(trajectory=NAME, filename="store.hdf5", **(LEAN if system == "pypet-lean" else {}))
    traj = env.trajectory
    traj.f_add_parameter("x", 1.0, comment="Im the first dimension!")
    traj.f_add_parameter("y", 1.0, comment="Im the second dimension!")
    traj.f_explore(cartesian_product(grid(runs)))
    start, busy = time.perf_counter(), time.process_time()
    env.run(multiply)
    return time.perf_counter() - start, time.process_time() - busy


def read_back(system: str) -> list[list[float]]:
    """Return (x, y, z) of every run, in order."""
    if system == "xpet":
        import xarray as xr

        with xr.open_dataset(f"store.zarr/{NAME}", group="results", engine="zarr") as ds:
            columns = (ds[name].values.tolist() for name in ("x", "y", "z"))
            return [list(row) for row in zip(*columns, strict=True)]
    from pypet import load_trajectory

    traj = load_trajectory(name=NAME, filename="store.hdf5", load_all=2)
    z = traj.f_get_from_runs("z", fast_access=True, use_indices=True)
    x, y = (traj.f_get(name).f_get_range() for name in ("parameters.x", "parameters.y"))
    return [[x[run], y[run], z[run]] for run in range(len(traj))]


def child(task: str, system: str, runs: int) -> None:
    """Do one task in this process and print its outcome as the last line."""
    if task == "run":
        outcome: object = measure(system, runs)
    else:
        axes = grid(runs)
        expected = sorted([x, y, x * y] for x in axes["x"] for y in axes["y"])
        outcome = sorted(read_back(system)) == expected
    print("\n" + json.dumps(outcome))


# ---- in the measuring process ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    system: str
    runs: int
    python: Path

    @property
    def title(self) -> str:
        """What the table calls it."""
        return {"pypet-lean": "pypet, logging and overviews off"}.get(self.system, self.system)


@dataclass(frozen=True)
class Timing:
    """Seconds of one measurement."""

    run: float
    busy: float
    process: float


def call(case: Case, task: str, cwd: Path) -> tuple[Any, float]:
    """Run a task in a fresh process; return its outcome and the seconds that the process took."""
    command = [str(case.python), str(HERE), "--child", task, case.system, str(case.runs)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if case.system == "xpet" else ""}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{case.title}, {case.runs} runs, failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1]), seconds


def time_once(case: Case, directory: str | None) -> Timing:
    """Measure a case once in an empty directory and check what it stored."""
    cwd = Path(tempfile.mkdtemp(prefix="overhead-", dir=directory))
    try:
        (seconds, busy), process = call(case, "run", cwd)
        correct, _ = call(case, "read", cwd)
    finally:
        shutil.rmtree(cwd, ignore_errors=True)
    if correct is not True:
        sys.exit(f"{case.title}, {case.runs} runs: what was read back is not what was computed")
    return Timing(float(seconds), float(busy), process)


def table(timings: dict[Case, list[Timing]], baseline: Case) -> Iterator[str]:
    """Yield the lines of a Markdown table of medians; ratios are to the baseline, per run."""

    def per_run(case: Case, seconds: Callable[[Timing], float]) -> float:
        return statistics.median(map(seconds, timings[case])) / case.runs * 1e6

    yield "| system | runs | env.run, s | µs per run | ratio | busy, s | µs per run | ratio | process, s | ratio |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for case in timings:
        cells = [case.title, f"{case.runs:,}"]
        for seconds in (lambda timing: timing.run, lambda timing: timing.busy, lambda timing: timing.process):
            mine = per_run(case, seconds)
            ratio = per_run(baseline, seconds) / mine
            cells += [f"{mine * case.runs / 1e6:.3f}", f"{mine:,.1f}", f"{ratio:,.1f} ×"]
        del cells[-2]
        yield "| " + " | ".join(cells) + " |"


def pypet_python() -> Path:
    """Return the interpreter of an environment with pypet, made on first use with a Python that pypet accepts."""
    home = ROOT / ".venv-pypet"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if subprocess.call([str(python), "-c", "import pypet"], stderr=subprocess.DEVNULL) if python.exists() else True:
        print(f"making {home.name} with {PYPET}", file=sys.stderr)
        subprocess.check_call([str(newer_python()), "-m", "venv", "--clear", str(home)])
        subprocess.check_call([str(python), "-m", "pip", "install", "--quiet", PYPET], stdout=sys.stderr)
    return python


def newer_python() -> Path:
    """Return an interpreter of Python 3.12 or newer: this one, one on PATH, or one of pyenv's."""
    if sys.version_info >= (3, 12):
        return Path(sys.executable)
    roots = {Path(sys.base_prefix).parent, Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"}
    for version in ("3.13", "3.14", "3.12"):
        named = shutil.which(f"python{version}")
        beside = [path for root in sorted(roots) for path in sorted(root.glob(f"{version}.*/bin/python"))]
        for candidate in [*([Path(named)] if named else []), *beside]:
            if subprocess.call([str(candidate), "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
                return candidate
    sys.exit(f"{PYPET} needs Python 3.12, and none was found on PATH or through pyenv: name one with --pypet-python")


def xpet_python() -> Path:
    """Return the interpreter of the clone's own environment."""
    sys.path.insert(0, str(ROOT / ".ci"))
    from bootstrap import environment

    return environment([])


def versions(python: Path, package: str) -> str:
    """Return the package's and the interpreter's versions, for the line above the table."""
    code = f"import sys, {package} as p; print('{package}', p.__version__, 'on Python %d.%d.%d' % sys.version_info[:3])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if package == "xpet" else ""}
    return subprocess.check_output([str(python), "-c", code], env=environment, text=True).splitlines()[-1]


def main() -> None:
    """Measure every case in interleaved rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[200, 4_000, 100_000], help="lengths for xpet")
    parser.add_argument("--pypet-runs", type=int, default=200, help="length for pypet (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case (default 3)")
    parser.add_argument("--pypet-python", type=Path, help="an interpreter that has pypet")
    parser.add_argument("--xpet-python", type=Path, help="an interpreter that has what xpet depends on")
    parser.add_argument("--directory", help="where the stores are (default: the temporary directory)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], int(options.child[2]))
        return
    ours, theirs = options.xpet_python or xpet_python(), options.pypet_python or pypet_python()
    baseline = Case("pypet", options.pypet_runs, theirs)
    cases = [baseline, Case("pypet-lean", options.pypet_runs, theirs)]
    cases += [Case("xpet", runs, ours) for runs in options.runs]
    print(f"{versions(theirs, 'pypet')}; {versions(ours, 'xpet')}; medians of {options.rounds} rounds\n")
    timings: dict[Case, list[Timing]] = {case: [] for case in cases}
    for number in range(options.rounds):
        for case in cases:
            timings[case].append(time_once(case, options.directory))
            print(f"round {number + 1}: {case.title}, {case.runs} runs: {timings[case][-1].run:.3f} s", file=sys.stderr)
    print("\n".join(table(timings, baseline)))


if __name__ == "__main__":
    main()
