"""What is said of measurements: tables, and which targets are met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A number, and what it should be.

    Attributes
    ----------
    what : str
        What was measured.
    found, limit : float
        The number and its limit; nan if there is no number.
    unit : str
        ``×`` for a ratio.
    at_most : bool
        Whether the limit is an upper one.
    note : str
        What the number is made of, or why there is none.
    """

    what: str
    found: float
    limit: float
    unit: str
    at_most: bool = True
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if math.isnan(self.found):
            return "not measured"
        return "met" if (self.found <= self.limit if self.at_most else self.found >= self.limit) else "**missed**"

    def cells(self) -> list[str]:
        """Return the cells of the line of this target."""
        sign = "≤" if self.at_most else "≥"
        return [self.what, number(self.found, self.unit), f"{sign} {self.limit:g} {self.unit}", self.verdict, self.note]


@dataclass
class Report:
    """What one part of the comparison found.

    Attributes
    ----------
    title, text : str
        The heading of its table, and what is below.
    head : sequence of str
        The columns.
    lines : list of sequences of str
        The cells.
    targets : list of Target
        What there is to reach.
    data : dict
        The numbers, for a picture.
    """

    title: str
    head: Sequence[str] = ()
    lines: list[Sequence[str]] = field(default_factory=list)
    text: str = ""
    targets: list[Target] = field(default_factory=list)
    data: dict[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the table with its heading."""
        parts = [f"### {self.title}", table(self.head, self.lines) if self.lines else "", self.text]
        return "\n\n".join(part for part in parts if part)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def target_table(targets: Sequence[Target]) -> str:
    """Return the table of all targets."""
    return table(["", "measured", "target", "", "of what"], [target.cells() for target in targets])


def number(value: float, unit: str = "") -> str:
    """Return a number as a reader wants it: three digits, a dash where there is none."""
    if math.isnan(value):
        return "–"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f} {unit}".strip()
