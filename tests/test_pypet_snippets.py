"""What *same* says in docs/pypet-compatibility.md: the same snippet gives in xpet what it gave in pypet."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypet_snippets import SNIPPETS, results
from test_pypet_compatibility import PAIRS

import xpet

FROZEN = json.loads((Path(__file__).parent / "data" / "pypet-0.7-snippets.json").read_text(encoding="utf-8"))


def agree(theirs: str, ours: str) -> bool:
    """Tell whether two outcomes are the same; an exception may also be one of a subclass."""
    if theirs.startswith("raises "):
        return ours.startswith("raises ") and theirs.split()[1] in ours.split()
    return theirs == ours


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet_gives_what_it_gave_in_pypet(name: str, tmp_path: Path):
    ours = zip(SNIPPETS[name][1], FROZEN[name], results(xpet, name, tmp_path), strict=True)
    assert [each for each in ours if not agree(*each[1:])] == []


def test_the_frozen_outcomes_are_those_of_the_snippets():
    assert {name: len(each) for name, each in FROZEN.items()} == {name: len(each[1]) for name, each in SNIPPETS.items()}


def test_every_member_that_is_the_same_is_in_a_snippet():
    used = set(names_used())
    same = {name for row, name in PAIRS if row.verdict == "same" and name.startswith(CONTAINERS)}
    assert {name for name in same if name.rpartition(".")[2] not in used} == set()


CONTAINERS = ("Trajectory.", "NNGroupNode.", "NNLeafNode.", "BaseParameter.", "Parameter.", "Result.", "ResultGroup.",
              "ParameterGroup.", "ConfigGroup.", "DerivedParameterGroup.", "PickleParameter.", "PickleResult.",
              "SparseParameter.", "SparseResult.", "ArrayParameter.", "annotations.Annotations.")  # fmt: skip
"""What has members that need no store; those that do are tested where they are."""


def names_used() -> Iterator[str]:
    """Yield the attributes that snippets use, by their names with and without prefix."""
    for setup, expressions in SNIPPETS.values():
        for node in (each for text in (setup, *expressions) for each in ast.walk(ast.parse(text))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
