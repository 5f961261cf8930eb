"""Every exception of xpet.

::

    Exception
    ├── AttributeError
    │   └── NotUniqueNodeError
    ├── ImportError
    │   └── MissingPackageError
    ├── OSError
    │   ├── DataNotInStorageError
    │   └── StoreError
    │       ├── ForeignStoreError
    │       ├── CorruptStoreError
    │       └── StoreBusyError
    ├── RuntimeError
    │   ├── GitDiffError
    │   ├── PresettingError
    │   ├── RunError
    │   │   └── RunFailures (an ExceptionGroup, too)
    │   └── TrajectoryExistsError
    ├── TypeError
    │   ├── NoSuchServiceError
    │   │   └── UnsupportedValueError
    │   ├── ParameterLockedException
    │   └── TooManyGroupsError
    └── VersionMismatchError

Where pypet has a name for a situation, its name and its base are kept, so that
``except`` clauses of existing scripts keep working.
"""

from __future__ import annotations

import os
import reprlib
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


class ParameterLockedException(TypeError):
    """A locked parameter was to be changed; see :meth:`Parameter.f_unlock`."""


class NotUniqueNodeError(AttributeError):
    """A search found two or more nodes at the same, shallowest depth."""


class TooManyGroupsError(TypeError):
    """A search met more groups than it can decide between."""


class DataNotInStorageError(OSError):
    """What was asked for is not in the store."""


class NoSuchServiceError(TypeError):
    """The store cannot do what was asked, or cannot keep a value of this type."""


class UnsupportedValueError(NoSuchServiceError):
    """No codec can keep a value of this type without loss."""


class VersionMismatchError(Exception):
    """A store was written in a format that this version cannot read."""


class PresettingError(RuntimeError):
    """A preset was never consumed by a parameter of that name."""


class GitDiffError(RuntimeError):
    """The working tree has uncommitted changes and ``git_fail=True``."""


class StoreError(OSError):
    """A store cannot be used as asked."""


class ForeignStoreError(StoreError):
    """Something that xpet did not write is where a store or trajectory was expected."""


class CorruptStoreError(StoreError):
    """An object of a store is damaged."""


class StoreBusyError(StoreError):
    """Another process is writing to this trajectory."""


class TrajectoryExistsError(RuntimeError):
    """The store holds a trajectory of this name that differs from this one."""


class RunError(RuntimeError):
    """Runs failed, or could not be done."""


class RunFailures(RunError, ExceptionGroup[Exception]):
    """Runs failed; the message names them, the first error and how to rerun them.

    A group of the jobs' own exceptions, so that ``except*`` tells them apart; each has a note that says of which run it
    is. What a worker process cannot send stands there as a :class:`RunError`.
    """

    def derive(self, excs: Sequence[Exception]) -> RunFailures:  # type: ignore[override]  # of the same kind
        """A part of the group."""
        return RunFailures(self.message, excs)


class MissingPackageError(ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


#: more than the longest valid name has
_MOST_SHOWN = 160
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = _MOST_SHOWN
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = _REPR.maxset = _REPR.maxfrozenset = 12


def shown(value: object) -> str:
    """A value as an error echoes it.

    Examples
    --------
    >>> shown('a name'), len(shown('a' * 300))
    ("'a name'", 160)
    """
    try:
        # A list that holds another twice, which holds another twice, and so on, has a text without end.
        return cut(_REPR.repr(value) if isinstance(value, list | tuple | dict | set | frozenset) else repr(value))
    except Exception as error:
        # Python itself refuses integers of more than 4300 digits.
        return f"<{type(value).__name__} that cannot be shown, {type(error).__name__}>"


def cut(text: str, most: int = _MOST_SHOWN) -> str:
    """A text of `most` characters at most, without its middle if it has more.

    Examples
    --------
    >>> cut('abcdefgh', 5)
    'ab…gh'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def warn(sentence: str) -> None:
    """Warn where the user's code called this package, however deep inside it the cause was found.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("two of three runs failed")
    >>> str(caught[0].message)
    'two of three runs failed'
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, UserWarning, stacklevel=level)


def logger(module: str) -> logging.Logger:
    """Return the logger of a module; `logging` is imported when it is first needed, which in most studies is never."""
    import logging

    return logging.getLogger(module)
