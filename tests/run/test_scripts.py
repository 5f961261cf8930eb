"""The user's script, in every form, is run once: workers never run it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
METHODS = ["spawn"] if sys.platform == "win32" else ["forkserver", "spawn", "fork"]

# no guard, a job that uses globals of the script, a class of the script, and a module beside it
SCRIPT = """
import sys
from dataclasses import dataclass
from fixtures_run import study
import beside

print("the script runs as", __name__, flush=True)
FACTOR = 3

@dataclass
class Answer:
    value: float

def scaled(x):
    return FACTOR * beside.shifted(x)

def job(traj, kind):
    traj.add("z", scaled(traj.x))
    return kind(scaled(traj.x)), __name__, sys.argv[-1]

summary = study(job, FOLDER, n=4, executor="process", start_method=METHOD, args=[Answer])
assert all(type(value[0]) is Answer for _, value in summary.values), summary.values
print([(run, value[0].value, *value[1:]) for run, value in summary.values])
assert __name__ == "__main__" and sys.modules["__main__"].FACTOR == 3
"""


def script(method, tmp_path):
    (tmp_path / "beside.py").write_text("def shifted(x): return x + 1\n")
    return SCRIPT.replace("FOLDER", repr(str(tmp_path / "log"))).replace("METHOD", repr(method))


def as_file(code, folder):
    (folder / "study.py").write_text(code)
    return [str(folder / "study.py")], None, Path("/")


def as_relative_file(code, folder):
    (folder / "study.py").write_text(code)
    return [f"{folder.name}/study.py"], None, folder.parent


def as_command(code, folder):
    return ["-c", code], None, folder


def as_standard_input(code, folder):
    return ["-"], code, folder


def as_module(code, folder):
    package = folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "study.py").write_text(code)
    return ["-m", "package.study"], None, folder


def as_package(code, folder):
    package = folder / "package"
    package.mkdir()
    (package / "__main__.py").write_text(code)
    return ["-m", "package"], None, folder


def as_folder(code, folder):
    (folder / "__main__.py").write_text(code)
    return [str(folder)], None, Path("/")


FORMS = [as_file, as_relative_file, as_command, as_standard_input, as_module, as_package, as_folder]


def python(args, text=None, cwd=None, timeout=60, **environment):
    source = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    return subprocess.run(
        [sys.executable, "-W", "error", *args],
        input=text,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": source} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.mark.parametrize(
    ("form", "method"),
    [(form, method) for form in FORMS for method in METHODS if method != "fork" or form is as_file],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_script_runs_once(form, method, tmp_path):
    args, text, cwd = form(script(method, tmp_path), tmp_path)
    done = python([*args, "argument"], text, cwd)
    assert done.stderr == ""
    expected = [(run, 3.0 * (run + 1), "__main__", "argument") for run in range(4)]
    assert done.stdout.splitlines() == ["the script runs as __main__", str(expected)]
    assert done.returncode == 0


def test_a_script_may_run_several_studies_with_other_globals_each_time(tmp_path):
    code = """
from fixtures_run import study
def job(traj): return traj.x * FACTOR
for FACTOR in (1, 10):
    print(study(job, FOLDER, n=2, executor="process").values)
""".replace("FOLDER", repr(str(tmp_path / "log")))
    done = python(["-"], code)
    assert (done.stdout, done.stderr) == ("[(0, 0.0), (1, 1.0)]\n[(0, 0.0), (1, 10.0)]\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork server")
def test_a_fork_server_that_the_script_started_is_no_hindrance(tmp_path):
    code = """
import multiprocessing
from fixtures_run import study

if __name__ == "__main__":
    first = multiprocessing.get_context("forkserver").Process(target=print, args=("theirs",))
    first.start()
    first.join()
    print(study(lambda traj: traj.x, FOLDER, n=2, executor="process", start_method="forkserver").values)
    second = multiprocessing.get_context("forkserver").Process(target=print, args=("theirs",))
    second.start()
    second.join()
""".replace("FOLDER", repr(str(tmp_path / "log")))
    (tmp_path / "study.py").write_text(code)
    done = python([str(tmp_path / "study.py")])
    assert sorted(done.stdout.splitlines()) == ["[(0, 0.0), (1, 1.0)]", "theirs", "theirs"]
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork server")
def test_a_fork_server_that_xpet_started_serves_others_as_ever(tmp_path):
    (tmp_path / "theirs.py").write_text(
        """
import multiprocessing, os, signal, time
from fixtures_run import study

def wait(ready):
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
    try:
        ready.set()
        time.sleep(30)
    except KeyboardInterrupt:
        print("interrupted", flush=True)

if __name__ == "__main__":
    study(lambda traj: traj.x, FOLDER, n=2, executor="process", start_method="forkserver")
    context = multiprocessing.get_context("forkserver")
    ready = context.Event()
    process = context.Process(target=wait, args=(ready,))
    process.start()
    assert ready.wait(20)
    os.kill(process.pid, signal.SIGINT)
    process.join()
""".replace("FOLDER", repr(str(tmp_path / "log")))
    )
    done = python([str(tmp_path / "theirs.py")])
    assert (done.stdout, done.stderr) == ("True\ninterrupted\n", "")


PRINTS = """
import os, time
from fixtures_run import study

class Meets:
    # print() writes its pieces one by one: both workers are halfway through their lines at the same time
    def __init__(self, run):
        self.run = run

    def __str__(self):
        open(os.path.join(FOLDER, f"in-{self.run}"), "w").close()
        end = time.monotonic() + 30
        while sum(name.startswith("in-") for name in os.listdir(FOLDER)) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        return str(self.run)

def job(traj):
    TEXT

study(job, FOLDER, n=2, executor="process", start_method=METHOD)
"""


TEXTS = {
    "a line": ('print("run", Meets(traj.v_idx), "of two")', "run {run} of two\n"),
    "several": ('print("run\\nno.", Meets(traj.v_idx), "of\\ntwo")', "run\nno. {run} of\ntwo\n"),
}


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", TEXTS)
def test_what_different_workers_print_does_not_mix(text, method, unbuffered, tmp_path):
    call, shown = TEXTS[text]
    code = PRINTS.replace("FOLDER", repr(str(tmp_path))).replace("METHOD", repr(method)).replace("TEXT", call)
    done = python(["-c", code], PYTHONUNBUFFERED=unbuffered)
    assert done.stderr == ""
    assert done.stdout in [shown.format(run=first) + shown.format(run=1 - first) for first in (0, 1)]


ENDS = {
    "finishes": ("pass", "a line\nno line"),
    "exits": ("raise KeyboardInterrupt", "a line\nno line"),
    "dies": ("os._exit(1)", "a line\n"),
}


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("end", ENDS)
def test_what_a_worker_printed_before_its_end_is_seen(end, unbuffered, tmp_path):
    how, expected = ENDS[end]
    code = f"""
import os
from fixtures_run import study

def job(traj):
    if traj.v_idx == 0 and not os.path.exists({str(tmp_path / "flag")!r}):
        open({str(tmp_path / "flag")!r}, "w").close()
        print("a line")
        print("no line", end="")
        {how}

study(job, {str(tmp_path / "log")!r}, n=1, executor="process", workers=1)
"""
    done = python(["-c", code], PYTHONUNBUFFERED=unbuffered)
    assert (done.stdout, done.stderr) == (expected, "")
