"""A bar where somebody sees it, and nothing where nobody does."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from fixtures_processes import ROOT

import xpet
from xpet.errors import MissingPackageError
from xpet.run import progress
from xpet.run.report import BlockReport

SCRIPT = """
import warnings
import xpet

def job(traj):
    if traj.x == 1:
        raise ValueError("no")
    return traj.x

warnings.simplefilter("ignore")
env = xpet.Environment("study", store="memory://progress" if not MULTIPROC else FOLDER, progress=PROGRESS,
                       multiproc=MULTIPROC, ncores=2)
env.traj.f_add_parameter("x", 0)
env.traj.f_explore({"x": list(range(8))})
print(len(env.run(job)))
"""


def script(tmp_path: Path, wanted: bool | None, multiproc: bool = False) -> list[str]:
    """Write the script; returns the command that runs it."""
    head = f"PROGRESS, MULTIPROC, FOLDER = {wanted}, {multiproc}, {str(tmp_path / 's.zarr')!r}\n"
    path = tmp_path / "script.py"
    path.write_text(head + SCRIPT)
    return [sys.executable, str(path)]


def on_terminal(command: list[str]) -> str:
    """Everything that a command shows on a terminal of its own."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=os.environ | {"PYTHONPATH": ROOT})
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # how the end of a terminal looks on Linux
    finally:
        os.close(ours)
    assert process.wait(60) == 0, shown
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in Python")
@pytest.mark.parametrize("multiproc", [False, True], ids=["here", "processes"])
def test_a_terminal_shows_a_bar(tmp_path, multiproc):
    shown = on_terminal(script(tmp_path, None, multiproc))
    assert "study: 100%" in shown
    assert "8/8" in shown
    assert "1 failed" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in Python")
def test_who_wants_none_sees_none(tmp_path):
    assert on_terminal(script(tmp_path, False)).strip() == "7"


@pytest.mark.parametrize("wanted", [None, True, False])
def test_a_pipe_shows_none(tmp_path, wanted):
    done = subprocess.run(
        script(tmp_path, wanted), capture_output=True, text=True, env=os.environ | {"PYTHONPATH": ROOT}, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("7", "")


def test_without_tqdm_who_wants_a_bar_is_told_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingPackageError, match=r"xpet\[progress\]"):
        progress.Bar(3, "study", wanted=True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress.Bar(3, "study") as bar:
        bar.take(BlockReport(0, n_complete=3))


def test_a_bar_starts_neither_threads_nor_processes(monkeypatch, capsys):
    before = threading.active_count()
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    with progress.Bar(3, "study") as bar:
        bar.take(BlockReport(0, n_complete=1, failed=[1]))
        assert threading.active_count() == before
    assert "2/3" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["yes", 2, "auto"])
def test_other_values_are_refused(wanted):
    with pytest.raises(ValueError, match="True, False or None"):
        xpet.Environment("study", store="memory://progress-refused", progress=wanted)


def test_a_notebook_shows_a_bar_and_its_workers_never_run_its_cells(tmp_path):
    """A real kernel, as Jupyter runs it: unguarded cells, a job and a class of the notebook, worker processes."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.start_kernel(
        extra_arguments=["--Application.log_level=50"], cwd=str(tmp_path), env=os.environ | {"PYTHONPATH": ROOT}
    )
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        told = [execute(client, textwrap.dedent(cell)) for cell in CELLS]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "study: 100%" in told[1]
    assert told[2].strip().endswith("[(0, 5), (1, 6), (2, 7), (3, 8)] 1 True")


CELLS = (
    """
    import os, pathlib, warnings, xpet
    with open("ran", "a") as file:
        file.write("x")
    OFFSET = 5
    class Shift:
        def __call__(self, x):
            return x + OFFSET
    def job(traj):
        traj.f_add_result("pid", os.getpid())
        return Shift()(traj.x)
    """,
    """
    env = xpet.Environment("study", store="s.zarr", multiproc=True, ncores=2)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [0, 1, 2, 3]})
    values = env.run(job)
    """,
    """
    print(values, len(pathlib.Path("ran").read_text()), os.getpid() not in env.dataset("flat").pid.values)
    """,
)


def execute(client, code: str) -> str:
    """Run a cell; returns what it printed, and fails with its error."""
    client.execute(code)
    told, end = "", time.monotonic() + 60
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=60)
        kind, content = message["msg_type"], message["content"]
        assert kind != "error", content
        if kind == "stream":
            told += content["text"]
        elif kind == "status" and content["execution_state"] == "idle":
            return told
    raise TimeoutError(told)


@pytest.mark.parametrize("must", [False, True], ids=["by itself", "asked for"])
def test_without_a_console_there_is_no_bar(must: bool, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with progress.Bar(3, "study", must) as bar:
        bar.take(BlockReport(0, n_complete=3))
