"""Ctrl-C: left to the parent by workers, and put off by the parent while it must not be interrupted halfway."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def ignore() -> None:
    """Leave Ctrl-C to the parent; called first thing in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def put_off() -> Iterator[None]:
    """Raise a KeyboardInterrupt at the end of the block instead of in it; a second one goes through at once."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, frame: object) -> None:
        caught.append(number)
        if len(caught) > 1:
            signal.default_int_handler(number, None)

    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if len(caught) == 1:
            before(caught[0], None)


@contextmanager
def first_interrupt(action: Callable[[], None] | None) -> Iterator[None]:
    """Have the first Ctrl-C in the block do this instead; a second one goes through.

    Outside the main thread, where no signals arrive, and without an action nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    if action is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def act(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        action()

    signal.signal(signal.SIGINT, act)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def held_for_children() -> Iterator[None]:
    """Have processes that are started in the block begin with interrupts held back, until they call :func:`ignore`."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
