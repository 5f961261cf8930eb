"""Studies to which points are added, by processes that can be killed at each of the writes they do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

NAME = "study"
TESTS = Path(__file__).resolve().parent
#: texts and numbers are coordinates themselves; arrays and dicts are stored once, and the coordinate holds positions
FIRST: dict[str, list[Any]] = {"x": [0.0, 1.0, 2.0], "s": ["a", "b", "ü"], "w": [{"k": 0}, {"k": 1}, {"k": 0}]}
MORE: dict[str, list[Any]] = {"x": [3.0, 4.0], "s": ["c", "c"], "w": [{"k": 1}, {"k": [2, "new"]}]}
LAST: dict[str, list[Any]] = {"x": [5.0], "s": ["d"], "w": [{"other": 3.5}]}


def points(*parts: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The points of several additions behind each other."""
    return {name: [value for part in parts for value in part[name]] for name in FIRST}


ALL = points(FIRST, MORE, LAST)


class Job:
    """Leaves results, and says in a file for which run it was called."""

    def __init__(self, log: str) -> None:
        self._log = log

    def __call__(self, traj: Any) -> None:
        import numpy as np

        say(self._log, f"begin {traj.v_idx}")
        traj.f_add_result("z", traj.x * 2.5)
        traj.f_add_result("text", f"{traj.s} {traj.v_idx}")
        traj.f_add_result("ragged", np.arange(traj.v_idx % 3 + 1) * traj.x)
        traj.f_add_result("random", traj.rng.random(2))
        if traj.v_idx > 3:
            traj.f_add_result("late", traj.v_idx)


def say(log: str, line: str) -> None:
    """Append a line, which is there whatever becomes of the process."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def said(log: str, word: str) -> list[int]:
    """The numbers said behind a word."""
    lines = Path(log).read_text(encoding="utf-8").splitlines() if os.path.exists(log) else []
    return [int(line.split()[1]) for line in lines if line.split()[0] == word]


def _environment(store: str, start: dict[str, list[Any]], **options: Any) -> Any:
    from xpet import Environment

    env = Environment(NAME, store=store, seed=7, progress=False, **options)
    for name, values in FIRST.items():
        env.traj.f_add_parameter(name, values[0])
    env.traj.f_explore(start)
    return env


def begin(store: str, log: str) -> None:
    """Do the first points."""
    _environment(store, FIRST).run(Job(log))


def generations(store: str, log: str) -> None:
    """Do the first points, and add others twice; what is done already is met again."""
    env = _environment(store, FIRST)
    env.run(Job(log))
    for more in (MORE, LAST):
        env.traj.f_expand(more)
        env.run(Job(log))


def loaded(store: str, log: str) -> None:
    """Load what is there, and add the points that it lacks."""
    from xpet import Environment, load_trajectory

    env = Environment(load_trajectory(NAME, store=store), progress=False)
    have = len(env.traj)
    if have < len(ALL["x"]):
        env.traj.f_expand({name: values[have:] for name, values in ALL.items()})
    env.run(Job(log))


def joined(store: str, log: str) -> None:
    """Bring all points at once; those that are there are met again."""
    _environment(store, ALL, if_exists="extend").run(Job(log))


STUDIES: dict[str, Callable[[str, str], None]] = {"generations": generations, "loaded": loaded, "joined": joined}


# ---- what could be wrong ---------------------------------------------------------------------------------------------


def _drop_the_intent_early() -> None:
    from xpet.store.writer import INTENTS, Writer

    roll = Writer._roll_forward

    def roll_forward(self: Any, key: str, intent: Any) -> None:
        self.place.delete(self.place.list(INTENTS))
        roll(self, key, intent)

    Writer._roll_forward = roll_forward  # type: ignore[method-assign]


def _publish_before_growing() -> None:
    from xpet.store.runs import RunTable
    from xpet.store.writer import Writer

    grow, take, held = RunTable.grow, Writer._take, []

    def grow_later(self: Any, n_runs: int, *rest: Any) -> None:
        write, self._place = self._place, _Nowhere(self._place)
        grow(self, n_runs, *rest)
        self._place = write
        held.append(lambda: grow(self, n_runs, *rest))

    def take_early(self: Any, n_runs: int, space: Any) -> None:
        take(self, n_runs, space)
        while held:
            held.pop()()

    RunTable.grow, Writer._take = grow_later, take_early  # type: ignore[method-assign]


class _Nowhere:
    """A place at which nothing is written."""

    def __init__(self, place: Any) -> None:
        self._place = place

    def write_many(self, items: Any) -> None:
        pass

    def write(self, key: str, data: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)


def _leave_out_new_values() -> None:
    from xpet.store.intents import Intent

    to_json = Intent.to_json
    Intent.to_json = lambda self: to_json(self._replace(distinct={}))  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "the intent is deleted before it is carried out": _drop_the_intent_early,
    "points are published before they are written": _publish_before_growing,
    "the intent lacks values": _leave_out_new_values,
}


# ---- in the process that dies ----------------------------------------------------------------------------------------


class Steps:
    """Counts the writes of this process, and ends it before one of them."""

    def __init__(self, last: int) -> None:
        self.done, self._last = 0, last

    def __call__(self) -> None:
        self.done += 1
        if self.done == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self()
            return original(*args, **kwargs)

        setattr(owner, name, call)


def watch(last: int, log: str) -> Steps:
    """Have each write of this process counted: files given their names, appended to, and deleted."""
    from xpet.store import journal
    from xpet.store.packets import Packer
    from xpet.store.places import local
    from xpet.store.writer import Writer

    steps, delete = Steps(last), local.LocalPlace.delete
    complete, roll = Packer.complete, Writer._roll_forward
    # what has another name by then is there as a half-written file
    steps.before(local, "_replace")
    steps.before(local, "_claim")
    steps.before(journal, "append_all")

    def delete_each(self: Any, keys: Iterable[str]) -> None:
        for key in keys:
            steps()
            delete(self, [key])

    def completed(self: Any, run: int, *args: Any, **kwargs: Any) -> Any:
        found = complete(self, run, *args, **kwargs)
        say(log, f"finished {run}")
        return found

    def begun(self: Any, key: str, intent: Any) -> None:
        say(log, f"intended {intent.new}")
        roll(self, key, intent)
        say(log, f"expanded {steps.done}")

    local.LocalPlace.delete = delete_each  # type: ignore[method-assign]
    Packer.complete, Writer._roll_forward = completed, begun  # type: ignore[method-assign]
    return steps


def nest() -> None:
    """Do studies in forked processes, one for each line of the input; tell how they ended."""
    import numpy as np  # noqa: F401

    import xpet.run.study
    import xpet.store.fold
    import xpet.trajectory  # noqa: F401

    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_live(**given))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _live(study: str, store: str, log: str, last: int, fault: str | None) -> int:
    from xpet.run import blocks, loop, provenance

    warnings.simplefilter("error")
    # as many blocks and folds every time
    loop.FOLD_SECONDS, blocks.TARGET_SECONDS = 0.0, 1e9
    provenance.git_state = lambda folder: None
    try:
        if fault is not None:
            FAULTS[fault]()
        steps = watch(last, log)
        STUDIES[study](store, log)
        say(log, f"steps {steps.done}")
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class Nest:
    """The process that studies are forked from."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import fixtures_generations; fixtures_generations.nest()"],
            # threads would not be there in forked processes
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, study: str, store: str, log: str, last: int = 0, fault: str | None = None) -> int:
        """Do a study up to its ``last`` write, or as a whole; its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        given = {"study": study, "store": store, "log": log, "last": last, "fault": fault}
        print(json.dumps(given), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
