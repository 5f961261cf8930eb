"""Other processes of the tests' own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python with this code and ``sys.argv[1:]``; it finds xpet and talks through its pipes."""
    path = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 60) -> str:
    """Wait for the end of a process and return what it still printed; it must have succeeded."""
    try:
        said, _ = process.communicate(timeout=timeout)
    finally:
        end(process)
    assert process.returncode == 0, said
    return said


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process, if it is still there, as nothing can prevent."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def study_within(store: str, executor: str) -> bool | str:
    """Do a small study in this process, whatever it is; whether some run was done here, or why not."""
    import xpet

    env = xpet.Environment("study", store=store, executor=executor, ncores=2)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_explore({"x": [0.0, 1.0]})
    try:
        return os.getpid() in dict(env.run(lambda traj: os.getpid())).values()
    except xpet.RunError as error:
        return str(error)
