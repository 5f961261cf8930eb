"""Which processes of which machine are still alive."""

from __future__ import annotations

import os
import platform
import sys
import uuid

_LINUX: bool = sys.platform.startswith("linux")


def machine() -> str:
    """What tells this machine, or container, from every other one in which its process ids mean other processes.

    Examples
    --------
    >>> machine() == machine()
    True
    """
    host = platform.node()
    if not _LINUX:
        return f"{host}/{uuid.getnode():x}"
    # Containers may share the host's name and its boot, but then not the numbering of processes.
    boot = _text("/proc/sys/kernel/random/boot_id").strip()
    try:
        numbering = os.readlink("/proc/self/ns/pid")
    except OSError:
        numbering = ""
    return f"{host}/{boot}/{numbering}"


def start_of(pid: int) -> str:
    """When the process `pid` of this machine started, in the machine's own terms; empty if that cannot be known."""
    return _state_and_start(pid)[1]


def is_gone(pid: int, started: str = "") -> bool | None:
    """Whether the process `pid` of this machine has ended; None if that cannot be known.

    Parameters
    ----------
    pid : int
        Its id, which the system may have given to another process since.
    started : str
        What :func:`start_of` said of it, which tells the two apart; empty if unknown.

    Examples
    --------
    >>> import os
    >>> is_gone(os.getpid(), start_of(os.getpid()))
    False
    """
    if pid <= 0:
        return None
    if os.name == "posix":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
    state, start = _state_and_start(pid)
    if state == "gone" or (started and start and start != started):
        return True
    if os.name != "posix" and not state:
        return None
    return None if pid == os.getpid() and not (started and start) else False


def _state_and_start(pid: int) -> tuple[str, str]:
    if _LINUX:
        # The name in parentheses may hold anything, spaces and parentheses too; see proc(5).
        words = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return ("", "") if len(words) < 20 else ("gone" if words[0] in "ZX" else "alive", words[19])
    try:
        import psutil
    except ImportError:
        return "", ""
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return "gone" if ended else "alive", f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return "gone", ""
    except psutil.Error:
        return "alive", ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
