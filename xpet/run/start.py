"""Starting worker processes that never run the user's script again."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from xpet.errors import RunError
from xpet.run.interrupts import held_for_children, put_off
from xpet.run.pools import StartMethod

# as Python's own default from 3.14 on
DEFAULT: StartMethod = "spawn" if sys.platform in ("win32", "darwin") else "forkserver"
PRELOADED = ["xpet.run.fork_server"]

_SWAP = threading.Lock()


def context_of(method: StartMethod | None) -> BaseContext:
    """Return the multiprocessing context of a start method.

    Not given, it is ``'forkserver'``, or ``'spawn'`` on Windows and macOS. ``'fork'`` is for those who ask for it: a
    copy of a process that has threads or open stores may hang.
    """
    chosen = DEFAULT if method is None else method
    if chosen not in multiprocessing.get_all_start_methods():
        known = ", ".join(map(repr, multiprocessing.get_all_start_methods()))
        raise ValueError(f"Processes cannot be started by {chosen!r} on this system; start_method is one of {known}.")
    context = multiprocessing.get_context(chosen)
    if chosen == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    return context


def new_process(context: BaseContext, target: Callable[..., None], args: tuple[object, ...]) -> BaseProcess:
    """Make a process; :func:`start` starts it."""
    process: BaseProcess = context.Process(target=target, args=args)  # type: ignore[attr-defined]  # in every context
    return process


def start(context: BaseContext, process: BaseProcess) -> None:
    """Start a process in which ``__main__`` is empty, and interrupts wait until it asks for them."""
    method = context.get_start_method()
    # multiprocessing does not tell a forked process the file or module of `__main__`
    with nullcontext() if method == "fork" else empty_main(), _known(method), put_off():
        if method != "fork" and sys.platform != "win32":
            from multiprocessing import resource_tracker

            # its start ends with interrupts let through, whatever they were before
            resource_tracker.ensure_running()
        with held_for_children():
            process.start()


@contextmanager
def told_if_refused() -> Iterator[None]:
    """Have the error say what to do if the system lets no process start in the block."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"A worker process does not start ({type(error).__name__}: {error}); every finished run is kept, and "
            "running again with fewer workers (ncores=), or a higher limit (`ulimit -n`: open files), does the others"
        ) from error


@contextmanager
def _known(method: str) -> Iterator[None]:
    """Have processes that are started in the block be told a default start method that Python knows.

    They set the one that there is here, and in a worker of loky that is loky's.
    """
    default: Any = multiprocessing.get_start_method(allow_none=True)
    if default in (None, *multiprocessing.get_all_start_methods()):
        yield
        return
    multiprocessing.set_start_method(method, force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(default, force=True)


@contextmanager
def empty_main() -> Iterator[None]:
    """Have processes that are started in the block find nothing in ``__main__``.

    multiprocessing tells a new process the file or module of ``__main__``, and that process runs it.
    """
    with _SWAP:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
