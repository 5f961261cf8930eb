"""Give a clone its own environment and run a command in it; needs Python 3.11 and nothing else.

``python examples`` and ``python tests`` call this. Each Python version has its
environment in ``.venv-<version>`` beside ``pyproject.toml``. It is reused as long as
``pyproject.toml`` is what it was made from, and made anew otherwise.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def main() -> None:
    """Print the interpreter of an environment that has the extras given as arguments."""
    require_python()
    print(environment(sys.argv[1:]))


def run(arguments: list[str], extras: list[str], cwd: Path = ROOT) -> None:
    """Run ``python <arguments>`` in the environment with these extras and exit as it does."""
    require_python()
    try:
        python = environment(extras)
        sys.exit(subprocess.call([str(python), *arguments], cwd=str(cwd)))
    except KeyboardInterrupt:
        sys.exit(130)


def require_python() -> None:
    """Refuse a Python that is too old, in words."""
    if sys.version_info < OLDEST:
        sys.exit(
            "xpet needs Python {}.{} or newer, and {} is {}.{}: start this with a newer one, "
            "for instance python3.12".format(*OLDEST, sys.executable, *sys.version_info[:2])
        )


def environment(extras: list[str]) -> Path:
    """Return the interpreter of this version's environment, making or mending it first."""
    home = ROOT / ".venv-{}.{}".format(*sys.version_info[:2])
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "made-from.json"
    origin = {"base": sys.base_prefix, "root": str(ROOT), "pyproject": fingerprint()}
    have = read(stamp)
    same = have.get("origin") == origin
    installed = have["extras"] if same else []
    if same and set(extras) <= set(installed):
        return python
    if not same:
        say(f"making {home.name} (first time, or pyproject.toml changed)")
        call([sys.executable, "-m", "venv", "--clear", str(home)])
    wanted = sorted({*extras, *installed})
    extra = f"[{','.join(wanted)}]" if wanted else ""
    say(f"installing xpet{extra} into {home.name}; this takes a minute or two")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call([*pip, "-e", f"{ROOT}{extra}"])
    stamp.write_text(json.dumps({"origin": origin, "extras": wanted}), encoding="utf-8")
    return python


def fingerprint() -> str:
    """Return what tells one ``pyproject.toml`` from another."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def read(stamp: Path) -> dict:
    """Return what an environment was made from; an unfinished one was made from nothing."""
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def call(command: list[str]) -> None:
    """Run a step of the set-up; its output goes to stderr, so that stdout is the command's own."""
    code = subprocess.call(command, stdout=sys.stderr)
    if code:
        sys.exit(f"xpet: the set-up stopped at `{' '.join(command)}` (exit code {code}); the lines above say why")


def say(line: str) -> None:
    """Tell what takes the time."""
    print(f"xpet: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
