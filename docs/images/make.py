"""Draw the pictures that the README shows: ``python docs/images/make.py``.

``sweep.png`` is what its first lines of code draw, as they stand there; ``fi-curve.png`` is what
``examples/neuron.py`` draws.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).resolve().parent
ROOT = IMAGES.parent.parent
BEFORE = """
import matplotlib
matplotlib.rcParams.update({
    "figure.figsize": (6.4, 3.4), "figure.constrained_layout.use": True, "savefig.dpi": 200, "lines.linewidth": 2,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "axes.prop_cycle": matplotlib.cycler(color=["#0072B2", "#D55E00", "#009E73"]),  # told apart by everybody
})
"""
AFTER = "import matplotlib.pyplot; matplotlib.pyplot.savefig({path!r})"


def first_lines() -> str:
    """Return the first block of Python code in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[1]


def python(folder: str, *arguments: str, text: str | None = None) -> None:
    """Run Python on the arguments, or on a script given as text, in a folder."""
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], input=text, text=True, cwd=folder, env=environment, check=True)


with tempfile.TemporaryDirectory() as empty:
    python(empty, "-", text=BEFORE + first_lines() + AFTER.format(path=str(IMAGES / "sweep.png")))
    python(empty, str(ROOT / "examples" / "neuron.py"), "--picture", str(IMAGES / "fi-curve.png"))
