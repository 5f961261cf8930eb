"""Where a new node goes.

Worked out in templates: a segment that names the run is ``$``, so that a place holds for every run.
"""

from __future__ import annotations

import keyword
import warnings
from typing import TYPE_CHECKING, NamedTuple

from xpet.names import BRANCHES, RESERVED_AT_ROOT, check_names, set_number, split_path

if TYPE_CHECKING:
    from xpet.tree.group import Group
    from xpet.tree.state import TreeState


#: attributes of the root that give way to a node of this name
_YIELDING = {*BRANCHES, "rng"}


class Branch(NamedTuple):
    """One of the four parts of a tree and its rules."""

    name: str
    in_runs: bool
    prefixed: bool
    parameters: bool


BRANCH_RULES = {
    "parameters": Branch("parameters", in_runs=False, prefixed=False, parameters=True),
    "config": Branch("config", in_runs=False, prefixed=False, parameters=True),
    "derived_parameters": Branch("derived_parameters", in_runs=True, prefixed=True, parameters=True),
    "results": Branch("results", in_runs=True, prefixed=True, parameters=False),
}


class Placement(NamedTuple):
    """Segments of a template below a start, the run they are filled with, and whether that is so in every run."""

    segments: tuple[str, ...]
    run: int
    always: bool


def place(start: Group, path: str, branch: Branch | None) -> Placement:
    """Where `path` goes when it is added at `start`, to `branch` (``None``: exactly there)."""
    tree = start.v_state
    tokens = [tree.wildcards.translate(token) for token in split_path(path)]
    segments, index, always = _segments(start, tokens)
    check_names((token for token in tokens if not tree.wildcards.is_wildcard(token)), f"The path {path!r}")
    segments = _prefix(start, segments, tokens, branch, path)
    if "$" in segments and index < 0:
        index = tree.run
    _check_place(start, segments)
    return Placement(tuple(segments), index, always)


def _segments(start: Group, tokens: list[str]) -> tuple[list[str], int, bool]:
    tree = start.v_state
    cards = tree.wildcards
    named = [run for token in tokens if (run := cards.run_index(token, tree.length)) is not None]
    always = not named and start.v_index < 0
    index = named[0] if named and not tree.is_run else tree.run
    if start.v_index >= 0 and not _holds(start, index):
        index = start.v_index
    segments, wild = [], False
    for token in tokens:
        segment = _segment(tree, token, index, named)
        always = always and (segment == token or cards.is_wildcard(token))
        wild = wild or segment[:1] == "$"
        segments.append(segment)
    return segments, index if wild or start.v_index >= 0 else -1, always


def _holds(start: Group, run: int) -> bool:
    """Whether a group that is there for some runs is there for this one."""
    return start.v_run is None and start.v_state.wildcards.expand(start.v_template, run) == start.v_full_name


def _segment(tree: TreeState, token: str, index: int, named: list[int]) -> str:
    """One token as a segment of a template; another run's name stays as it is."""
    cards = tree.wildcards
    if cards.is_wildcard(token):
        name = cards.name(token, tree.run)
        return cards.placeholder(token) if index >= 0 and cards.name(token, index) == name else name
    if index < 0:
        return token
    if named and token == cards.run_name(index):
        return "$"
    if set_number(token) is not None and index in named and token == cards.set_name(index):
        return "$set"
    return token


def _prefix(start: Group, segments: list[str], tokens: list[str], branch: Branch | None, path: str) -> list[str]:
    if branch is None:
        return segments
    depth = start.v_depth
    prefix: list[str] = []
    if depth == 0:
        if segments[0] == branch.name:
            if len(segments) == 1:
                short = f"{path!r} is short for {branch.name!r}, which" if path != branch.name else f"{path!r}"
                raise ValueError(f"{short} is the branch itself; give what is added another name.")
            return segments
        prefix = [branch.name]
    tree = start.v_state
    if not (tree.is_run and tree.auto_run_prepend and branch.prefixed) or depth > 2:
        return prefix + segments
    if _names_run(tree, segments, tokens):
        return prefix + segments
    if depth == 0 or (depth == 1 and segments != ["runs"]):
        prefix += ["runs", "$"]
    elif depth == 2 and start.v_template.endswith(".runs"):
        prefix += ["$"]
    return prefix + segments


def _names_run(tree: TreeState, segments: list[str], tokens: list[str]) -> bool:
    cards = tree.wildcards
    nobody = cards.run_name(-1)
    return "$" in segments or any(
        token == nobody or cards.run_index(token, tree.length) is not None for token in tokens
    )


def _check_place(start: Group, segments: list[str]) -> None:
    tree = start.v_state
    if start.v_is_root and segments[0] in RESERVED_AT_ROOT:
        raise ValueError(f"{segments[0]!r} cannot be a node directly below the trajectory; choose another name.")
    branch = BRANCH_RULES.get(start.v_branch or segments[0])
    if tree.is_run and branch is not None and not branch.in_runs:
        raise TypeError(
            f"{'.'.join(segments)!r} cannot be added to {branch.name!r} during a single run; "
            "add it before the runs, or add a derived parameter."
        )
    for segment in segments:
        if keyword.iskeyword(segment) or (segment not in _YIELDING and hasattr(type(tree.root), segment)):
            warnings.warn(
                f"The name {segment!r} belongs to Python or to every group; reach the node by group[{segment!r}].",
                SyntaxWarning,
                stacklevel=5,
            )
