"""Studies as users write them, and which runs their jobs were called for."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xpet import Environment, cartesian_product

ROOT = str(Path(__file__).resolve().parent.parent)
AXES: dict[str, list[Any]] = {"x": [1.0, 2.0, 3.0, 4.0], "y": [6.0, 7.0, 8.0]}


@dataclass(frozen=True)
class StoreAt:
    """A store of one kind, for tests that need no others."""

    url: str
    storage_options: dict[str, object] = field(default_factory=dict)


def multiply(traj):
    traj.f_add_result("z", traj.x * traj.y, comment="I am the product of two values!")


class Noted:
    """A job, and a file of the runs that it was called for, whatever process that was in."""

    def __init__(self, job: Callable[..., object], folder: Path) -> None:
        self._job = job
        self._file = str(folder / f"calls-{id(self)}")

    def __call__(self, traj, *args, **kwargs):
        with open(self._file, "a") as file:
            file.write(f"{traj.v_idx}\n")
        return self._job(traj, *args, **kwargs)

    def taken(self) -> list[int]:
        """The runs since the last call of this, sorted."""
        if not os.path.exists(self._file):
            return []
        with open(self._file) as file:
            calls = sorted(map(int, file.read().split()))
        os.remove(self._file)
        return calls


def environment(store: Any, axes: Mapping[str, Sequence[Any]] = AXES, **options: Any) -> Environment:
    """The environment of the quick start, its trajectory explored but not run."""
    given = {"store": store.url, "storage_options": store.storage_options or None} | options
    env = Environment("Multiplication", comment="I am the first example!", **given)
    for name, values in axes.items():
        env.traj.f_add_parameter(name, values[0], comment=f"dimension {name}")
    env.traj.f_explore(cartesian_product(dict(axes)))
    return env


def listed(env: Environment, points: Mapping[str, Sequence[Any]]) -> Environment:
    """The same environment with a list of points instead of a product."""
    for name, values in points.items():
        env.traj.f_add_parameter(name, values[0])
    env.traj.f_explore(dict(points))
    return env


def z_of(env: Environment) -> list[float]:
    """The products by run."""
    return env.dataset("flat").z.values.tolist()


def products(axes: Mapping[str, Sequence[Any]] = AXES) -> list[float]:
    """What :func:`multiply` gives, by run."""
    return [x * y for x in axes["x"] for y in axes["y"]]


def script(code: str, *arguments: str, cwd: Path, timeout: float = 60, check: bool = True, wait: bool = True) -> Any:
    """Run code as a script file in a Python of its own, every warning shown."""
    file = cwd / "script.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    path = os.pathsep.join([ROOT, str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-W", "always::UserWarning", str(file), *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if not wait:
        return process
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert not check or process.returncode == 0, out + err
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
