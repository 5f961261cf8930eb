"""What the README shows runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def block(start: str) -> str:
    """Return the code block that holds a line beginning so."""
    found = [code for code in BLOCKS if re.search(f"^{re.escape(start)}", code, re.MULTILINE)]
    assert found, f"README.md has no block with a line that begins {start!r}"
    return found[0]


def run_script(code: str, cwd: Path) -> list[str]:
    """Run code as a script of a user would be run and return the lines it printed."""
    script = cwd / "script.py"
    script.write_text(code, encoding="utf-8")
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def first_screen(tmp_path: Path) -> list[str]:
    """Run the first screen from function to plot, rerun, extend and the colleague's two lines."""
    colleague = block("ds = xr.open_dataset('s3://").replace("s3://lab/", "")
    code = [
        block("def rate("),
        "print('SIZES', dict(ds.sizes))",
        block("ds = xpet.sweep(rate, points, store='fi.zarr', ncores=2)      # Ctrl-C"),
        "print('SIZES', dict(ds.sizes))",
        block("points['tau'] ="),
        "print('SIZES', dict(ds.sizes))",
        colleague,
        "print('SIZES', dict(ds.sizes), sorted({'I', 'tau'} & set(ds.coords)))",
    ]
    return [line for line in run_script("\n".join(code), tmp_path) if line.startswith("SIZES")]


def test_first_screen(first_screen: list[str]):
    assert first_screen == [
        "SIZES {'I': 60, 'tau': 3}",
        "SIZES {'I': 60, 'tau': 3}",
        "SIZES {'I': 60, 'tau': 4}",
        "SIZES {'run': 240} ['I', 'tau']",
    ]


def test_quick_start(tmp_path: Path):
    load = block("traj = xpet.load_trajectory(")
    code = [
        block("def multiply("),
        "print('SIZES', dict(ds.sizes), float(ds.z.sel(x=2.0, y=7.0)))",
        "import xpet",
        load,
        "print('Z', traj.r_3.z, traj.results.runs.run_00000003.z)",
    ]
    printed = run_script("\n".join(code), tmp_path)
    assert "SIZES {'x': 4, 'y': 3} 14.0" in printed
    z = next(line for line in printed if line.startswith("Z")).split()[1:]
    assert z[0] == z[1]


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_links_lead_somewhere(path: str):
    assert (ROOT / path).exists()
