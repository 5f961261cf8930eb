"""Draw the cost per run over the number of runs, one line for each system."""

from __future__ import annotations

import json
import sys
from pathlib import Path

COLOURS = {
    "pypet": "#b2182b",
    "signac": "#e08214",
    "xsweep": "#8073ac",
    "psweep": "#35978f",
    "xyzpy": "#4393c3",
    "xpet": "#000000",
    "loop": "#999999",
}
LABELS = {"loop": "loop, np.save"}


def draw(micros: dict[str, dict[str, float]], path: Path) -> None:
    """Draw what :func:`heavy.curve` found."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    for system, colour in COLOURS.items():
        points = sorted((int(runs), cost) for runs, cost in micros.get(system, {}).items())
        if not points:
            continue
        ours = system == "xpet"
        axes.plot(
            *zip(*points, strict=True), "o-", color=colour, linewidth=2.4 if ours else 1.4, markersize=5 if ours else 4
        )
        axes.annotate(
            LABELS.get(system, system), points[-1], (8, 0), textcoords="offset points", color=colour, va="center",
            weight="bold" if ours else "normal",
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="runs", ylabel="µs of CPU per run", xlim=(80, 8e6))
    axes.set_title("One scalar per run: whole process, imports included", loc="left")
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=144)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
