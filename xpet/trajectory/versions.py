"""The versions of what is installed."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from functools import cache

from xpet import __version__

_DISTRIBUTION = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.(dist|egg)-info")


def packages() -> dict[str, str]:
    """The versions of the installed packages, by the folders that installers leave beside them.

    Reading their metadata would say the same and take a hundred times as long.

    Examples
    --------
    >>> "numpy" in packages()
    True
    """
    found: dict[str, str] = {}
    for entry in sys.path:
        with suppress(OSError):
            folder = os.path.abspath(entry)
            # what comes first on the path is what is imported
            found = {**_installed_in(folder, os.stat(folder).st_mtime_ns), **found}
    return dict(sorted(found.items()))


@cache
def _installed_in(folder: str, changed: int) -> dict[str, str]:
    """What is installed in a folder, which installing and removing change."""
    with os.scandir(folder) as entries:
        matches = [_DISTRIBUTION.fullmatch(entry.name) for entry in entries]
    return {match["name"].lower().replace("_", "-"): match["version"] for match in matches if match}


def writer_versions() -> dict[str, str]:
    """The versions of what writes."""
    installed = packages()
    wanted = ("zarr", "numpy", "xarray")
    return {name: installed.get(name) or _said_by(name) for name in wanted} | {"xpet": __version__}


def _said_by(package: str) -> str:
    """What a package says of itself that was not installed in the usual way, if it is imported."""
    return str(getattr(sys.modules.get(package), "__version__", "unknown"))
