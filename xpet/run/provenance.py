"""What is to be known of a launch to repeat it: code, versions, machine, command, seed."""

from __future__ import annotations

import inspect
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from itertools import accumulate
from typing import Any

from xpet import __version__
from xpet.run.job import Job, unwrapped
from xpet.trajectory.versions import packages

MOST_TEXT = 2**20
"""Longer sources and differences are cut to so many characters."""
MOST_BINARY = 2**18
"""Binary files that are changed go into the patch up to so many bytes, which are twice as much in it."""
MOST_NAMES = 100
GIT_SECONDS = 10.0
_DIFF = ["diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"]


def launch_record(job: Job, number: int, seed: int | None) -> dict[str, Any]:
    """Everything about this process and this job that results may depend on, as JSON can hold it.

    Examples
    --------
    >>> record = launch_record(Job(len), 1, seed=42)
    >>> record["job"], record["seed"]
    ('builtins.len', '42')
    """
    source, file = source_of(job)
    return {
        "launch": number,
        "time": time.time(),
        "host": platform.node(),
        "pid": os.getpid(),
        "platform": " ".join((platform.system(), platform.release(), platform.machine())),
        "python": platform.python_version(),
        "command": list(sys.argv),
        "directory": _directory(),
        "job": _name_of(job),
        "file": file,
        "source": source,
        "seed": None if seed is None else str(seed),
        "packages": {**packages(), "xpet": __version__},
        "git": git_state(os.path.dirname(file) if file else os.getcwd()),
    }


def source_of(job: Job) -> tuple[str, str]:
    """The source of a job and the file that has it; empty where there is none."""
    function: Any = unwrapped(job.function)
    with suppress(ValueError):
        function = inspect.unwrap(function)
    function = function if inspect.isroutine(function) or inspect.isclass(function) else type(function)
    source = file = ""
    # What says that it wraps itself is a ValueError to all of these.
    with suppress(OSError, TypeError, ValueError):
        source = _cut(inspect.getsource(function))
    with suppress(TypeError, ValueError):
        file = inspect.getsourcefile(function) or ""
    return source, os.path.abspath(file) if os.path.isfile(file) else ""


def git_state(folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The commit that a folder is at, and how its files differ from it; None if it is in no repository.

    Returns
    -------
    dict or None
        ``commit``; ``branch``; ``diff``, a patch of the tracked files against the commit; ``left_out``, the first of
        the binary files that are changed and too large for it; ``untracked``, the first of the files that git neither
        has nor ignores; or ``error``.
    """
    try:
        head = _git(folder, ["rev-parse", "--show-toplevel", "HEAD", "--abbrev-ref", "HEAD"])[0]
        if head is None:
            return None
        top, commit, branch = head.splitlines()
        changed, others = _git(top, _DIFF, ["ls-files", "--others", "--exclude-standard"])
        patch, left_out = changed or "", list[str]()
        # Whatever the binary files are, the commit is worth more.
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            patch, left_out = _with_binaries(top, patch)
        return {
            "commit": commit,
            "branch": branch,
            "diff": _cut(patch),
            "left_out": left_out[:MOST_NAMES],
            "untracked": (others or "").splitlines()[:MOST_NAMES],
        }
    except FileNotFoundError:
        return None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return {"error": str(error)}


def _with_binaries(top: str, patch: str) -> tuple[str, list[str]]:
    """The patch with what is in small binary files, and which others there are; they are left out, or none applies."""
    if "\nBinary files " not in patch:
        return patch, []
    counted = _git(top, [*_DIFF, "--numstat", "--no-renames", "-z"])[0] or ""
    binary = [line[4:] for line in counted.split("\0") if line.startswith("-\t-\t")]
    listed = (_git(top, ["ls-tree", "-r", "-l", "-z", "HEAD", "--", *binary])[0] or "").split("\0")
    # The patch has both what a file was and what it is.
    size = {name: int(about.split()[3]) for about, _, name in (line.partition("\t") for line in listed if line)}
    for name in binary:
        path = os.path.join(top, name)
        size[name] = size.get(name, 0) + (os.lstat(path).st_size if os.path.lexists(path) else 0)
    sizes = sorted((size[name], name) for name in binary)
    sums = accumulate(size for size, _ in sizes)
    small = {name for (_, name), so_far in zip(sizes, sums, strict=True) if so_far <= MOST_BINARY}
    for taken in (small, set[str]()):
        left_out = [name for name in binary if name not in taken]
        spared = [f":(exclude,literal){name}" for name in left_out]
        whole = _git(top, [*_DIFF, "--binary", "--no-renames", "--", ".", *spared])[0] or ""
        if len(whole) <= MOST_TEXT:
            break
    return whole, left_out


def _git(folder: str | os.PathLike[str], *questions: list[str]) -> list[str | None]:
    """What git answers to questions that it is asked at once; None where it refuses."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    asked = [
        subprocess.Popen(
            ["git", "-C", folder, *question],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )
        for question in questions
    ]  # fmt: skip
    try:
        answers = [each.communicate(timeout=GIT_SECONDS)[0].decode(errors="replace") for each in asked]
    except BaseException:
        for each in asked:
            each.kill()
            each.wait()
            # what it runs may keep the other end for as long as it likes
            if each.stdout is not None:
                each.stdout.close()
        raise
    return [answer if each.returncode == 0 else None for each, answer in zip(asked, answers, strict=True)]


def _name_of(job: Job) -> str:
    function: Any = unwrapped(job.function)
    module = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}.{name}"


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}\n[cut: {len(text)} characters in all]"
