"""The versions of what is installed."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress

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
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                match = _DISTRIBUTION.fullmatch(entry.name)
                if match:
                    # what comes first on the path is what is imported
                    found.setdefault(match["name"].lower().replace("_", "-"), match["version"])
    return dict(sorted(found.items()))


def writer_versions() -> dict[str, str]:
    """The versions of what writes."""
    installed = packages()
    wanted = ("zarr", "numpy", "xarray")
    return {name: installed.get(name) or _said_by(name) for name in wanted} | {"xpet": __version__}


def _said_by(package: str) -> str:
    """What a package says of itself that was not installed in the usual way, if it is imported."""
    return str(getattr(sys.modules.get(package), "__version__", "unknown"))
