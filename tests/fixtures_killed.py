"""A study to be killed: what it does, what it says of itself in a log, and the process that does it.

The log tells what the harness may rely on: which runs were begun, and which were reported finished. It is written with
one ``write`` for each line, so that nothing of it is lost with its process either.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any

SETTINGS = "XPET_KILLED"
NAME = "study"
SEED = 7
BAD = 13
"""One run in so many fails."""


@dataclass(frozen=True)
class Settings:
    """How a study is done.

    Attributes
    ----------
    store, options
        Where; and what fsspec needs besides.
    log
        The file that tells of it.
    executor
        ``'serial'``, ``'thread'``, ``'process'`` or ``'loky'``.
    n_runs, pause
        How many runs, and how long each one takes at least, in seconds.
    fold, block, flush
        Seconds between folds, for a block, and after which an object store gets what is finished.
    die
        Kill one process at an instant that is always the same: ``('module:name', 'before' | 'after', n)``, which is
        its n-th call of what is named. Of several workers it is the one that comes first.
    chunk
        The bytes from which a run has a chunk of its own; with 2**16 ``large`` has, so that workers write it.
    fault
        A name of :data:`fixtures_killed_faults.FAULTS`: what is wrong with xpet in this process and its workers.
    """

    store: str
    log: str
    options: dict[str, Any] = field(default_factory=dict)
    executor: str = "serial"
    n_runs: int = 30
    pause: float = 0.005
    fold: float = 0.05
    block: float = 0.03
    flush: float = 0.05
    die: tuple[str, str, int] | None = None
    chunk: int = 2**20
    fault: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        return cls(**json.loads(text))


class Log:
    """What a study says of itself, line by line."""

    def __init__(self, path: str) -> None:
        self._path = path

    def say(self, word: str, runs: list[int]) -> None:
        line = f"{word} {os.getpid()} {' '.join(map(str, runs))}\n".encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(descriptor, line)
        os.close(descriptor)

    def read(self) -> list[tuple[str, int, list[int]]]:
        """What was said: a word, the process that said it, and the runs."""
        if not os.path.exists(self._path):
            return []
        lines = Path(self._path).read_text(encoding="utf-8").splitlines()
        return [(word, int(pid), [int(run) for run in runs]) for word, pid, *runs in map(str.split, lines)]


# ---- the job ---------------------------------------------------------------------------------------------------------


class Job:
    """The job, with which the settings arrive in a worker."""

    def __call__(self, traj: Any) -> None:
        leave_results(traj)

    def __reduce__(self) -> tuple[Any, ...]:
        return arrive, ()


def arrive() -> Job:
    """Take up the settings in a worker."""
    current()
    return Job()


def leave_results(traj: Any) -> None:
    """Leave results of every layout; what they are depends on the run and on its random numbers alone."""
    import numpy as np

    from xpet import label

    settings, run, x = current(), traj.v_idx, traj.x
    Log(settings.log).say("begin", [run])
    time.sleep(settings.pause)
    if is_bad(run):
        raise ValueError(f"run {run} fails")
    traj.f_add_result("z", x * 2.5, comment="a number")
    traj.f_add_result("n", run)
    traj.f_add_result("is_even", run % 2 == 0)
    traj.f_add_result("text", f"run {run}, ü")
    traj.f_add_result("ragged", np.arange(run % 5 + 1) * x)
    traj.f_add_result("random", traj.rng.random(3))
    traj.f_add_result("neuron.V", label(np.full(3, x), "time", {"time": [0.0, 0.5, 1.0]}, units="mV"))
    traj.f_add_result("large", np.arange(12_000) + x)
    traj.f_add_result("same", np.arange(50.0))
    traj.f_add_result("mixed", [run, f"text {run}", 2.5 * run][run % 3])
    if run % 4 == 3:
        traj.f_add_result("late.k", np.int8(run))


def is_bad(run: int) -> bool:
    """Whether a run fails, whenever it is done."""
    return run % BAD == 5


def work(settings: Settings) -> None:
    """Do what is missing of the study."""
    from xpet import Environment

    how: dict[str, dict[str, Any]] = {"serial": {}, "process": {"multiproc": True, "ncores": 2}}
    env = Environment(
        NAME, store=settings.store, storage_options=settings.options or None, seed=SEED, progress=False,
        flush_interval=settings.flush, **how.get(settings.executor, {"executor": settings.executor, "ncores": 2}),
    )  # fmt: skip
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_add_parameter("traffic.ncars", 42, comment="cars")
    env.traj.f_explore({"x": [float(run) for run in range(settings.n_runs)]})
    env.run(Job())


# ---- in the process --------------------------------------------------------------------------------------------------

_CURRENT: list[Settings] = []


def current() -> Settings:
    """The settings of this process."""
    if not _CURRENT:
        take(Settings.from_json(os.environ[SETTINGS]))
    return _CURRENT[0]


def take(settings: Settings) -> None:
    """Have the settings in this process, and in the workers that it starts."""
    from fixtures_killed_faults import FAULTS, replace_calls

    from xpet.run import blocks, loop
    from xpet.store import layout

    _CURRENT[:] = [settings]
    os.environ[SETTINGS] = settings.to_json()
    loop.FOLD_SECONDS, blocks.TARGET_SECONDS = settings.fold, settings.block
    layout.CHUNK_BYTES = settings.chunk
    if settings.fault is not None:
        FAULTS[settings.fault].inject()
    if settings.die is not None:
        name, when, call = settings.die
        replace_calls(name, dying(when, call, settings.log + ".died"))
    tell(settings)


def dying(when: str, call: int, mark: str) -> Any:
    """Make of a function one that ends its process, before or after its n-th call, unless another one did so."""

    def die() -> None:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)

    def make(original: Any) -> Any:
        # threads that call at once have a number each
        numbers = itertools.count(1)

        @wraps(original)
        def call_or_die(*args: Any, **kwargs: Any) -> Any:
            number = next(numbers)
            if when == "before" and number == call:
                die()
            value = original(*args, **kwargs)
            if when == "after" and number == call:
                die()
            return value

        return call_or_die

    return make


def tell(settings: Settings) -> None:
    """Have runs that are reported finished told in the log.

    Those of a block are when the worker is through with it. On a local disk each one is as soon as it is recorded.
    """
    from xpet.run.worker import Worker
    from xpet.store.packets import Packer

    log, done, complete, fail = Log(settings.log), Worker.work, Packer.complete, Packer.fail

    def work(self: Any, block: Any) -> Any:
        report = done(self, block)
        left = {*report.rest, *report.again, *report.failed}
        log.say("finished", [run for run in block.runs if run not in left])
        log.say("failed", list(report.failed))
        return report

    def one(word: str, original: Any) -> Any:
        def record(self: Any, run: int, *args: Any, **kwargs: Any) -> Any:
            found = original(self, run, *args, **kwargs)
            log.say(word, [run])
            return found

        return record

    Worker.work = work  # type: ignore[method-assign]
    if "://" not in settings.store:
        Packer.complete = one("finished", complete)  # type: ignore[method-assign]
        Packer.fail = one("failed", fail)  # type: ignore[method-assign]


# ---- the process that they are forked from ---------------------------------------------------------------------------


def nest() -> None:
    """Do studies in forked processes, one for each line of the input; tell their ids and how they ended.

    It has imported what a study needs and opened nothing, so that a study begins at once and no kill is spent on
    imports.
    """
    import numpy as np  # noqa: F401
    import s3fs  # noqa: F401

    import xpet.run.study
    import xpet.store.fold
    import xpet.trajectory  # noqa: F401

    for line in sys.stdin:
        settings, errors = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_live(settings, errors))
        # by both, so that the group is there for whoever is first
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(settings: dict[str, Any], errors: str) -> int:
    os.setpgid(0, 0)
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, errors, os.O_WRONLY), (2, errors, os.O_WRONLY)):
        descriptor = os.open(path, flags | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    warnings.simplefilter("error")
    # of runs that fail, and of workers that die, as is asked of them here
    warnings.filterwarnings("ignore", category=UserWarning)
    try:
        given = Settings(**{each.name: settings[each.name] for each in fields(Settings)})
        take(given)
        work(given)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0
