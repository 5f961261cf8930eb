"""Starting worker processes that never run the user's script again."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from xpet.run.pools import StartMethod

# as Python's own default from 3.14 on
DEFAULT: StartMethod = "spawn" if sys.platform in ("win32", "darwin") else "forkserver"
PRELOADED = ["xpet.run.process_main", "cloudpickle"]
"""What a fork server imports once for all workers; nothing that starts threads."""

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


def start(context: BaseContext, target: Callable[..., None], args: tuple[object, ...]) -> BaseProcess:
    """Start a process in which ``__main__`` is empty, and interrupts wait until it asks for them."""
    process: BaseProcess = context.Process(target=target, args=args)  # type: ignore[attr-defined]  # in every context
    method = context.get_start_method()
    with _empty_main(method), _interrupts_held(method):
        process.start()
    return process


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent; called first thing in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _empty_main(method: str | None) -> Iterator[None]:
    # multiprocessing tells a new process the file or module of `__main__`, and that process runs it; not a forked one
    if method == "fork":
        yield
        return
    with _SWAP:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextmanager
def _interrupts_held(method: str | None) -> Iterator[None]:
    # a new process inherits the mask; a fork server would keep it for processes that are not ours
    if method == "forkserver" or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
