"""Finding nodes by name.

A path is followed token by token: from the node found so far to the shallowest node of the next name below it. The
index by name makes that a matter of few candidates; only where links are about is the tree walked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from xpet.errors import DataNotInStorageError, NotUniqueNodeError, shown
from xpet.names import split_path
from xpet.tree.absent import why
from xpet.tree.node import Node
from xpet.tree.walking import belongs_to_other_run, breadth_first, child, is_below

if TYPE_CHECKING:
    from xpet.tree.group import Group

Fetch = Callable[[], Node | None]
Path = str | int | list[str | int] | tuple[str | int, ...]


class Search(NamedTuple):
    """How to search."""

    shortcuts: bool
    max_depth: int | None
    with_links: bool


class Candidate(NamedTuple):
    """A node that was found: its depth below the start, its path, and the node, perhaps still to be fetched."""

    depth: int
    path: str
    fetch: Fetch


def default(start: Group, name: Path) -> Node:
    """Find `name` with the settings of the tree."""
    tree = start.v_state
    return find(start, name, Search(tree.shortcuts, tree.max_depth, tree.with_links))


def attribute(start: Group, name: str) -> Node:
    """Find an attribute; see :func:`remembered`."""
    try:
        return remembered(start, name)
    except AttributeError as error:
        told = name[:2] in ("f_", "v_") or (name == "rng" and start.v_is_root)
        if not told or isinstance(error, NotUniqueNodeError):
            raise
        raise AttributeError(f"{name!r} {why(name)}; no node below {_where(start)} has that name.") from None


def remembered(start: Group, name: Path) -> Node:
    """Find `name` with the settings of the tree, and remember the answer, if it is one name, until it may change."""
    tree = start.v_state
    node = default(start, name)
    if not isinstance(name, str) or "." in name:
        return node
    cards = tree.wildcards
    full = cards.translate(name)
    if full != name and not start.v_is_root:
        return node
    if cards.is_wildcard(name) or (tree.virtual is not None and tree.virtual.knows(full)):
        return node
    lasting = full not in tree.overlay and start.v_node_lasts
    lasting = lasting and all(other.v_index < 0 for other in tree.index.get(full, ()))
    if lasting or tree.is_run:
        tree.found.setdefault(name, {})[start] = node
        if not lasting:
            tree.fleeting.append(name)
    return node


def find(start: Group, name: Path, search: Search) -> Node:
    """Find a node below `start`.

    Raises
    ------
    AttributeError
        If there is none.
    NotUniqueNodeError
        If there are several at the shallowest depth.
    """
    cards = start.v_state.wildcards
    tokens = split_path(name)
    if tokens == ("",) and start.v_is_root:
        return start
    for token in tokens:
        if isinstance(token, str) and (not token or token[0] == "_"):
            raise AttributeError(
                f"{_text(tokens)} cannot be found under {_where(start)}: the name {shown(token)} can be nobody's."
            )
    run = start.v_state.run
    if not any(cards.is_wildcard(token) for token in tokens):
        return _resolve(start, tuple(cards.translate(token) for token in tokens), search)
    try:
        return _resolve(start, _fill(start, tokens, run), search)
    except (AttributeError, DataNotInStorageError):
        if run < 0:
            raise
        try:
            return _resolve(start, _fill(start, tokens, -1), search)
        except (AttributeError, DataNotInStorageError):
            pass
        raise


def _fill(start: Group, tokens: tuple[str | int, ...], run: int) -> tuple[str, ...]:
    cards = start.v_state.wildcards
    return tuple(
        cards.name(str(token), run) if cards.is_wildcard(token) else cards.translate(token) for token in tokens
    )


def _resolve(start: Group, tokens: tuple[str, ...], search: Search) -> Node:
    depth = float("inf") if search.max_depth is None else search.max_depth
    if len(tokens) > depth:
        error = ValueError if search.shortcuts else AttributeError
        raise error(
            f"{_text(tokens)} cannot be found under {_where(start)}: it has more names than the "
            f"maximum depth of {search.max_depth}."
        )
    if start.v_is_root:
        start.v_state.ensure_branch(tokens[0])
    node = walk(start, tokens, search.with_links)
    if node is None and search.shortcuts:
        own = start.v_full_name.split(".") if start.v_template else []
        if own and list(tokens[: len(own)]) == own and len(tokens) > len(own):
            node = walk(start, tokens[len(own) :], search.with_links)
    if node is not None:
        return node
    if not search.shortcuts:
        raise AttributeError(
            f"{_text(tokens)} is not directly under {_where(start)}, and shortcuts are not allowed; give every group."
        )
    return _hop(start, tokens, depth, search.with_links)


def walk(start: Group, tokens: tuple[str, ...], with_links: bool = True) -> Node | None:
    """Follow a path from child to child."""
    node: Node | None = start
    for token in tokens:
        if node is None or not node.v_is_group:
            return None
        node = child(node, token, with_links)  # type: ignore[arg-type]  # a group says so itself
    return node


def _hop(start: Group, tokens: tuple[str, ...], depth: float, with_links: bool) -> Node:
    node: Node = start
    for token in tokens:
        found = _nearest(node, token, depth, with_links) if node.v_is_group else None  # type: ignore[arg-type]  # ditto
        if found is None:
            raise AttributeError(
                f"{_text(tokens)} cannot be found under {_where(start)}: there is no {shown(token)} below "
                f"{_where(node)}."
            )
        node, used = found
        depth -= used
    return node


def _nearest(start: Group, name: str, max_depth: float, with_links: bool) -> tuple[Node, int] | None:
    """The shallowest node of that name below `start`, and its depth below it."""
    direct = child(start, name, with_links) if max_depth >= 1 else None
    if direct is not None:
        return direct, 1
    tree = start.v_state
    links = with_links and bool(tree.link_names)
    candidates = _with_links(start, name, max_depth) if links else _from_index(start, name)
    if tree.virtual is not None:
        candidates += tree.virtual.candidates(start, name)
        candidates += tree.virtual.link_candidates(start, name) if with_links else []
    candidates = [candidate for candidate in candidates if candidate.depth <= max_depth]
    if not candidates:
        return None
    nearest = min(candidate.depth for candidate in candidates)
    best = {candidate.path: candidate for candidate in candidates if candidate.depth == nearest}
    if len(best) > 1:
        raise NotUniqueNodeError(
            f"{name!r} is not unique below {_where(start)}: there are {' and '.join(map(repr, sorted(best)[:3]))}"
            f"{' and others' if len(best) > 3 else ''}; name the groups between, or select a run with `v_idx`."
        )
    only = next(iter(best.values()))
    node = only.fetch()
    return None if node is None else (node, only.depth)


def _from_index(start: Group, name: str) -> list[Candidate]:
    tree = start.v_state
    depth = start.v_depth
    found = []
    for node in tree.named(name):
        if not is_below(node, start) or (_hidden(start, node) and not _is_run_group(node)):
            continue
        found.append(Candidate(node.v_depth - depth, node.v_full_name, lambda node=node: node))  # type: ignore[misc]  # the default only binds the loop's node
    return found


def _with_links(start: Group, name: str, max_depth: float) -> list[Candidate]:
    """Like `_from_index`, by a walk over the tree in memory, links included."""
    found: list[Candidate] = []
    seen = {id(start)}
    level: list[Group] = [start]
    depth = 1
    while level and depth <= max_depth and not found:
        below: list[Group] = []
        for group in level:
            for key, node in [*group.v_nodes.items(), *(group.v_linked or {}).items()]:
                hidden = _hidden(start, node)
                if key == name and not (hidden and not _is_run_group(node)):
                    path = f"{group.v_full_name}.{key}".strip(".")
                    found.append(Candidate(depth, path, lambda node=node: node))  # type: ignore[misc]  # ditto
                if node.v_is_group and not hidden and id(node) not in seen:
                    seen.add(id(node))
                    below.append(node)  # type: ignore[arg-type]  # a group says so itself
        level, depth = below, depth + 1
    return found


def _hidden(start: Group, node: Node) -> bool:
    """A selected run hides the others, but not from who starts in their groups."""
    run = start.v_state.run
    return run >= 0 and belongs_to_other_run(node, run) and start.v_run != node.v_index


def _is_run_group(node: Node) -> bool:
    """Whether the name of the node is that of its run, so that who asks for it means this run."""
    return node.v_template.endswith(".$")


def contains(start: Group, item: object, search: Search) -> bool:
    """Whether a node, or something of that name, is below `start`."""
    if isinstance(item, Node):
        depth = float("inf") if search.max_depth is None else search.max_depth
        if is_below(item, start) and item.v_depth - start.v_depth <= depth:
            return True
        if not (search.with_links and start.v_state.link_names):
            return False
        return any(node is item for _, node in breadth_first(start, True, depth, lambda _: True))
    if not isinstance(item, (str, int, list, tuple)):
        return False
    try:
        find(start, item, search)
    except NotUniqueNodeError:
        return True
    except (AttributeError, ValueError, DataNotInStorageError):
        return False
    return True


def find_all(start: Group, name: Path, max_depth: int | None, shortcuts: bool) -> list[Node]:
    """See :meth:`Group.f_get_all`."""
    tokens = _fill(start, split_path(name), start.v_state.run)
    depth = float("inf") if max_depth is None else max_depth
    if len(tokens) > depth:
        return []
    if not shortcuts:
        node = walk(start, tokens, with_links=False)
        return [] if node is None else [node]
    tree = start.v_state
    passing = {
        node.v_full_name: node
        for node in tree.named(tokens[-1])
        if is_below(node, start) and _passes(start, node.v_full_name, tokens, depth)
    }
    if tree.virtual is not None:
        named = (tree.wildcards.run_index(token, tree.length) for token in tokens)
        only = next((run for run in named if run is not None), None)
        for path, candidate in tree.virtual.everything(start, tokens[-1], only).items():
            if path not in passing and _passes(start, path, tokens, depth):
                node = candidate.fetch()
                if node is not None:
                    passing[path] = node
    return list(passing.values())


def _passes(start: Group, path: str, tokens: tuple[str, ...], depth: float) -> bool:
    """Whether the way from `start` down to `path` meets the tokens, in their order."""
    names = path.split(".")[start.v_depth :]
    way = iter(names)
    return len(names) <= depth and all(token in way for token in tokens)


def _text(tokens: tuple[str | int, ...]) -> str:
    return shown(".".join(map(str, tokens)))


def _where(node: Node) -> str:
    return repr(node.v_full_name) if node.v_template else "the trajectory"
