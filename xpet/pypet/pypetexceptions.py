"""As ``pypet.pypetexceptions``."""

from __future__ import annotations

from xpet.errors import (
    DataNotInStorageError,
    GitDiffError,
    NoSuchServiceError,
    NotUniqueNodeError,
    ParameterLockedException,
    PresettingError,
    TooManyGroupsError,
    VersionMismatchError,
)

__all__ = [
    "DataNotInStorageError",
    "GitDiffError",
    "NoSuchServiceError",
    "NotUniqueNodeError",
    "ParameterLockedException",
    "PresettingError",
    "TooManyGroupsError",
    "VersionMismatchError",
]
