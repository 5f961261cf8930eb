"""A Python that has xarray and zarr but not xpet, as a colleague would have it.

``XPET_PLAIN_PYTHON`` names its interpreter. Without it the tests' own interpreter stands in,
with xpet and its entry point out of reach.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

REFUSE_XPET = """
import importlib.metadata, sys

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "xpet":
            raise ModuleNotFoundError("xpet is not installed here", name=name)

sys.meta_path.insert(0, Refuse)
discover = importlib.metadata.Distribution.discover
importlib.metadata.Distribution.discover = staticmethod(
    lambda **context: (found for found in discover(**context) if found.metadata["Name"] != "xpet")
)
"""
XPET_IS_ABSENT = """
try:
    import xpet
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the plain environment has xpet at " + xpet.__file__)
"""

RunPlain = Callable[..., str]


def run_plain(code: str, *arguments: str | os.PathLike[str], cwd: Path, timeout: float = 100) -> str:
    """Run code where xpet is not installed, warnings as errors; return what it printed.

    Parameters
    ----------
    code
        Python source; ``sys.argv[1:]`` holds the arguments.
    *arguments
        Strings for ``sys.argv``.
    cwd
        Where to run it.
    timeout
        Seconds after which it counts as hanging.
    """
    plain = os.environ.get("XPET_PLAIN_PYTHON")
    prelude = XPET_IS_ABSENT if plain else REFUSE_XPET + XPET_IS_ABSENT
    script = cwd / "plain.py"
    script.write_text(prelude + textwrap.dedent(code), encoding="utf-8")
    command = [plain or sys.executable, "-W", "error", str(script), *map(os.fspath, arguments)]
    # PYTHONPATH may lead to xpet; the rest (credentials, endpoints) is the colleague's as well.
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONWARNINGS"}}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        pytest.fail(f"plain Python failed with exit code {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@pytest.fixture
def plain_python(tmp_path_factory: pytest.TempPathFactory) -> RunPlain:
    """Return a function ``(code, *arguments) -> stdout`` that runs code without xpet."""
    cwd = tmp_path_factory.mktemp("plain")

    def run(code: str, *arguments: str | os.PathLike[str], timeout: float = 100) -> str:
        return run_plain(code, *arguments, cwd=cwd, timeout=timeout)

    return run
