"""Imported once by a fork server that xpet starts, and by nothing else: unlike any other module it acts when imported.

The server is started with interrupts held back, for else Ctrl-C during its start would kill it with a traceback. What
it forks must not inherit that, as some of it may not be ours. It also has what workers need, so they are up sooner.
"""

from __future__ import annotations

import os
import signal

import cloudpickle  # noqa: F401  # for the workers

import xpet.run.process_main  # noqa: F401  # for the workers

_SERVER = os.getpid()


def _let_interrupts_through() -> None:
    if os.getppid() == _SERVER:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_interrupts_through)
