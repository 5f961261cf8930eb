"""How runs are done, as the user asks for it."""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xpet.errors import shown
from xpet.run.job import unwrapped
from xpet.run.loop import OnError
from xpet.run.pools import POOLS, StartMethod, is_here
from xpet.run.ports import Executor
from xpet.run.transport import name_of

RunWord: TypeAlias = Literal["missing", "failed"]
RunChoice: TypeAlias = RunWord | Iterable[int]

_ON_ERROR: tuple[OnError, ...] = ("continue", "stop", "raise")
_WORDS: tuple[RunWord, ...] = ("missing", "failed")
_MOST_RETRIES = 100


@dataclass(frozen=True, slots=True)
class Options:
    """How runs are done.

    Attributes
    ----------
    workers : int
        How many there are; 0: none, or as many as the executor has.
    on_error : {'continue', 'stop', 'raise'}
        What a failing run means for the others.
    flush_interval : float
        In seconds: after this time an object store gets what is finished; 0 is after every run.
    start_method : {'spawn', 'forkserver', 'fork'}, optional
        How workers start.
    collect : bool
        Keep the job's return values.
    retries : int
        How often a run is tried again that failed.
    timeout : float, optional
        In seconds: how long a run may take; in worker processes only.
    progress : bool, optional
        Whether a bar shows how far the runs are; None: if it can.
    graceful : bool
        At the first Ctrl-C finish what is being done, and return.
    resumable, delete_resume : bool
        Keep the job in the store, until all runs are complete.
    executor : str or Executor, optional
        Where the runs are done; None: in worker processes if there are workers, else in this process.

    Raises
    ------
    ValueError
        One of them has a value that it cannot have.

    Examples
    --------
    >>> Options(workers=2, timeout=60.0).retries
    0
    """

    workers: int = 0
    on_error: OnError = "continue"
    flush_interval: float = 1.0
    start_method: StartMethod | None = None
    collect: bool = True
    retries: int = 0
    timeout: float | None = None
    progress: bool | None = None
    graceful: bool = False
    resumable: bool = False
    delete_resume: bool = True
    executor: str | Executor | None = None

    def __post_init__(self) -> None:
        if self.on_error not in _ON_ERROR:
            raise ValueError(f"on_error is {shown(self.on_error)}; it must be one of {', '.join(map(repr, _ON_ERROR))}")
        if not _is_seconds(self.flush_interval):
            raise ValueError(f"flush_interval is {self.flush_interval!r}; it must be a number of seconds, 0 or more")
        if type(self.retries) is not int or not 0 <= self.retries <= _MOST_RETRIES:
            raise ValueError(f"retries is {self.retries!r}; it must be an integer from 0 to {_MOST_RETRIES}")
        if self.start_method is not None:
            from xpet.run.start import context_of

            context_of(self.start_method)
            if self.place != "process":
                raise ValueError(
                    f"start_method={self.start_method!r} is for worker processes; give multiproc=True as well"
                )
        if self.progress not in (True, False, None):
            raise ValueError(f"progress is {shown(self.progress)}; it must be True, False or None")
        switches: dict[str, object] = {"collect": self.collect, "graceful_exit": self.graceful}
        switches |= {"resumable": self.resumable, "delete_resume": self.delete_resume}
        for name, given in switches.items():
            if not isinstance(given, int) or given not in (True, False):
                raise ValueError(f"{name} is {shown(given)}; it must be True or False")
        if self.timeout is not None:
            self._check_timeout(self.timeout)

    def _check_timeout(self, timeout: float) -> None:
        if not _is_seconds(timeout) or not timeout:
            raise ValueError(
                f"timeout is {timeout!r}; it must be the seconds that a run may take, more than 0, or None"
            )
        if self.place != "process":
            raise ValueError(
                f"timeout={timeout!r} ends the worker process of a run that takes longer, and there are none of ours; "
                "give multiproc=True as well (in xpet.sweep: ncores= other than 1), or executor='process'"
            )

    @property
    def place(self) -> str | Executor:
        """Where the runs are done: a name of :data:`xpet.run.pools.POOLS`, or the user's executor."""
        if self.executor is not None:
            return self.executor
        return "process" if self.workers else "serial"


def workers_of(multiproc: bool, ncores: object, executor: str | Executor | None = None) -> int:
    """How many workers are wanted; 0 is none, or as many as the executor of the user has.

    Raises
    ------
    ValueError
        It is no number, or no executor has this name, or the executor is none that has worker processes.
    TypeError
        It is no executor.

    Examples
    --------
    >>> workers_of(True, 2), workers_of(False, 2), workers_of(False, 2, "thread")
    (2, 0, 2)
    """
    if ncores is not None and (not isinstance(ncores, int) or isinstance(ncores, bool) or ncores < 0):
        raise ValueError(f"ncores is {ncores!r}; it must be a number of processes, or 0 for one on each core")
    cores = os.cpu_count() or 1
    if executor is None:
        return (cores if ncores == 0 else ncores or 1) if multiproc else 0
    _check_executor(executor, multiproc)
    if isinstance(executor, str):
        return 0 if executor == "serial" else ncores or cores
    return ncores or 0


def _check_executor(executor: str | Executor, multiproc: bool) -> None:
    known = ", ".join(map(repr, POOLS))
    if isinstance(executor, str) and executor not in POOLS:
        raise ValueError(f"executor is {shown(executor)}; it must be one of {known}, or an object with a method submit")
    if isinstance(executor, type):
        raise TypeError(
            f"executor is the class {executor.__name__}; give an object of it, as in {executor.__name__}(...)"
        )
    if not isinstance(executor, str) and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"executor is {shown(executor)}, which has no method submit; it must be one of {known}, or an executor "
            "such as those of concurrent.futures"
        )
    if multiproc and is_here(executor):
        raise ValueError(
            f"multiproc=True asks for worker processes, and executor={shown(executor)} has none; leave one of them out"
        )


def checked_runs(choice: object, length: int) -> RunWord | list[int]:
    """A choice of runs: its word, or the runs themselves, ascending.

    Raises
    ------
    TypeError
        It is none: neither a word nor indices of runs.
    ValueError
        There is no such run.

    Examples
    --------
    >>> checked_runs([3, 1], 4)
    [1, 3]
    """
    for word in _WORDS:
        if isinstance(choice, str) and choice == word:
            return word
    try:
        chosen: list[object] = [] if isinstance(choice, str | bytes) else list(choice)  # type: ignore[call-overload]  # that is what is found out
        # true and false are a mask, and would be taken for the runs 1 and 0
        if isinstance(choice, str | bytes) or any(isinstance(run, bool) for run in chosen):
            raise TypeError
        runs = sorted(set(map(operator.index, chosen)))  # type: ignore[arg-type]  # as well
    except TypeError:
        raise TypeError(f"runs is {shown(choice)}; it must be 'missing', 'failed' or indices such as [0, 3]") from None
    if runs and runs[0] < 0:
        raise ValueError(f"runs has {runs[0]}; runs are counted from 0")
    beyond = [run for run in runs if run >= length]
    if beyond:
        raise ValueError(f"runs has {beyond[0]}, but the trajectory has the runs 0 to {length - 1}")
    return runs


def check_call(job: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Refuse a job that cannot be called like this, before the first run.

    Raises
    ------
    TypeError
        It cannot.

    Examples
    --------
    >>> check_call(lambda traj, n: n, (3,), {})
    """
    if not callable(job):
        raise TypeError(f"env.run takes a function of the trajectory, not a {type(job).__name__}: {job!r}")
    check_is_done(job)
    try:
        # a decorator may call what it wraps with more than it is called with
        signature = inspect.signature(job, follow_wrapped=False)
    except (TypeError, ValueError):
        return  # some built-in functions do not tell; the first run will
    if _is_named(signature, "runs") and "runs" not in getattr(job, "keywords", ()):
        name = getattr(job, "__name__", "job")
        raise TypeError(
            f"env.run: `runs` says which runs to do, and {name}{signature} has a parameter of that name; rename it, or "
            f"give functools.partial({name}, runs=...)"
        )
    try:
        signature.bind(None, *args, **kwargs)
    except TypeError as error:
        named = f"{getattr(job, '__name__', job)}{signature}"
        options = [name for name in kwargs if name in Options.__slots__]
        advice = f"; {options[0]} is an option of xpet.Environment" if options else ""
        raise TypeError(
            f"env.run calls {named} with the trajectory and what follows the job, which fails: {error}{advice}"
        ) from None


def check_is_done(function: Callable[..., object]) -> None:
    """Refuse what a call only begins: nothing of it would be done when it returned.

    Raises
    ------
    TypeError
        It is an async function or a generator.

    Examples
    --------
    >>> check_is_done(len)
    """
    inner = unwrapped(function)
    for each in (inner, type(inner).__call__):
        if inspect.iscoroutinefunction(each):
            what, advice = "an async function", "give a function that calls asyncio.run with it"
        elif inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each):
            what, advice = "a generator", "return what it yields, such as in a list"
        else:
            continue
        raise TypeError(f"{name_of(inner)} is {what}, of which a call does nothing by itself; {advice}")


def _is_named(signature: inspect.Signature, name: str) -> bool:
    parameter = signature.parameters.get(name)
    return parameter is not None and parameter.kind is not parameter.POSITIONAL_ONLY


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
