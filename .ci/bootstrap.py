"""Give a clone its own environment and run a command in it; needs Python 3.11 and nothing else.

``python examples`` and ``python tests`` call this. Each Python version has its
environment in ``.venv-<version>`` beside ``pyproject.toml``. It is reused as long as
``pyproject.toml`` is what it was made from, and made anew otherwise.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def main():
    """Print the interpreter of an environment that has the extras given as arguments."""
    require_python()
    print(environment(sys.argv[1:]))


def run(arguments, extras, cwd=ROOT):
    """Run ``python <arguments>`` in the environment with these extras and exit as it does."""
    require_python()
    python = environment(extras)
    try:
        sys.exit(subprocess.call([str(python), *arguments], cwd=str(cwd)))
    except KeyboardInterrupt:
        sys.exit(130)


def require_python():
    """Refuse a Python that is too old, in words."""
    if sys.version_info < OLDEST:
        sys.exit(
            "xpet needs Python {}.{} or newer, and {} is {}.{}: start this with a newer one, "
            "for instance python3.12".format(*OLDEST, sys.executable, *sys.version_info[:2])
        )


def environment(extras):
    """Return the interpreter of this version's environment, making or mending it first."""
    home = ROOT / ".venv-{}.{}".format(*sys.version_info[:2])
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "made-from.json"
    wanted = {"base": sys.base_prefix, "root": str(ROOT), "pyproject": fingerprint(), "extras": sorted(extras)}
    have = read(stamp)
    same = all(have.get(key) == wanted[key] for key in ("base", "root", "pyproject"))
    if same and set(extras) <= set(have["extras"]):
        return python
    if same:
        wanted["extras"] = sorted({*extras, *have["extras"]})
    else:
        say(f"making {home.name} (first time, or pyproject.toml changed)")
        call([sys.executable, "-m", "venv", "--clear", str(home)])
    names = ",".join(wanted["extras"])
    say(f"installing xpet[{names}] into {home.name}")
    call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", f"{ROOT}[{names}]"])
    stamp.write_text(json.dumps(wanted), encoding="utf-8")
    return python


def fingerprint():
    """Return what tells one ``pyproject.toml`` from another."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def read(stamp):
    """Return what an environment was made from; an unfinished one was made from nothing."""
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def call(command):
    """Run a step of the set-up; its output goes to stderr, so that stdout is the command's own."""
    code = subprocess.call(command, stdout=sys.stderr)
    if code:
        sys.exit(f"xpet: the set-up stopped at `{' '.join(command)}` (exit code {code}); the lines above say why")


def say(line):
    """Tell what takes the time."""
    print(f"xpet: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
