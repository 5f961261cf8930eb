"""Whether a process of this machine is still alive."""

from __future__ import annotations

import os

from fixtures_processes import end, start

from xpet.store.processes import is_gone, start_of


def test_a_process_is_gone_when_it_is():
    process = start("import sys; print(flush=True); sys.stdin.readline()")
    process.stdout.readline()
    started = start_of(process.pid)
    assert is_gone(process.pid, started) is False
    assert is_gone(process.pid, started + "0") is bool(started)
    end(process)
    assert is_gone(process.pid, started) is (True if os.name == "posix" else None)
    assert is_gone(os.getpid(), start_of(os.getpid())) is (False if start_of(os.getpid()) else None)
    assert is_gone(0) is None
    assert is_gone(-1) is None
