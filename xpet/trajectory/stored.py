"""From the store to the tree: leaves whose data are fetched when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from xpet.errors import CorruptStoreError, DataNotInStorageError, logger, shown
from xpet.names import check_path, checked_text, run_name
from xpet.store.leaves import StaticGroup, pack_annotations, said_by, unpack_annotations
from xpet.store.packets import ANNOTATIONS, COMMENT
from xpet.store.points import decode_points, read_points
from xpet.store.reading import RunReader, read_static, static_leaves
from xpet.store.snapshot import Snapshot, same_points
from xpet.trajectory.trust import Trust
from xpet.tree import BaseParameter, Leaf, Root
from xpet.tree.backing import LINKS, SAID
from xpet.tree.node import put

if TYPE_CHECKING:
    import pandas as pd

    from xpet.trajectory.trajectory import Trajectory
    from xpet.values.parts import Array

BRANCHES = frozenset({"parameters", "config", "derived_parameters", "results", "other"})


class StoredRange(Sequence[Any]):
    """The values of an explored parameter, read when one of them is wanted."""

    __slots__ = ("_length", "_read", "_values")

    def __init__(self, length: int, read: Callable[[], list[Any]]) -> None:
        self._length = length
        self._read = read
        self._values: list[Any] | None = None

    def _all(self) -> list[Any]:
        if self._values is None:
            self._values = self._read()
        return self._values

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._all()[index]


def stored_range(snapshot: Snapshot, name: str, parameter: BaseParameter, trust: Trust) -> StoredRange:
    """The values of the explored coordinate called ``name``, which are those of a parameter."""
    return StoredRange(snapshot.meta.n_runs, partial(_points, snapshot, name, parameter, trust))


def _points(snapshot: Snapshot, name: str, parameter: BaseParameter, trust: Trust) -> list[Any]:
    with trust.reading(), same_points(snapshot):
        kept = decode_points(read_points(snapshot.place, snapshot.hierarchy, name))
    # What is one object stays one.
    made = {each: parameter.f_restored(value) for each, value in {id(value): value for value in kept}.items()}
    return [made[id(value)] for value in kept]


class _Runs(Container[int]):
    """Runs as a container, from bools along the runs."""

    def __init__(self, have: Array) -> None:
        self._have = have

    def __contains__(self, run: object) -> bool:
        return isinstance(run, int) and 0 <= run < len(self._have) and bool(self._have[run])


class StoredRuns:
    """The first ``n_runs`` runs of a snapshot as the tree shows them; ``branches`` are the ones wanted."""

    def __init__(self, snapshot: Snapshot, branches: Container[str], n_runs: int, trust: Trust) -> None:
        self._trust = trust
        self._reader = RunReader(snapshot)
        for template in self._reader.leaves:
            _check_told(snapshot, template.replace("$", run_name(0)), {})
        self._n_runs = n_runs
        self._branches = branches
        self._with: dict[str, _Runs] = {}
        self._with_group: dict[str, _Runs] = {}
        self._complete: Sequence[int] | range | None = None
        self._table: tuple[int, pd.DataFrame] | None = None

    def templates(self) -> Sequence[str]:
        """The paths of all leaves that runs left, with ``$`` for the run."""
        return [template for template in self._reader.leaves if _branch(template) in self._branches]

    def runs_with(self, template: str) -> Container[int]:
        """The runs that have a leaf."""
        found = self._with.get(template)
        if found is None:
            found = self._with[template] = _Runs(self._reader.runs_with(template)[: self._n_runs])
        return found

    def groups(self) -> Sequence[str]:
        """The paths of all groups of runs that say something of themselves, with ``$`` for the run."""
        return [template for template in self._reader.groups if _branch(template) in self._branches]

    def runs_with_group(self, template: str) -> Container[int]:
        """The runs in which a group says something."""
        found = self._with_group.get(template)
        if found is None:
            found = self._with_group[template] = _Runs(self._reader.runs_with_group(template)[: self._n_runs])
        return found

    def said(self, template: str, run: int) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
        """The comment and the annotations of the group of one run, and by name the paths that its links lead to."""
        items = self._reader.said(template, run)
        said, links = items.get(SAID, {}), items.get(LINKS, {})
        if not (isinstance(links, dict) and all(isinstance(text, str) for pair in links.items() for text in pair)):
            raise CorruptStoreError(f"{template}: the links of run {run} are damaged: {links!r}")
        return said.get("comment", ""), said.get("annotations", {}), links

    def complete(self) -> Sequence[int] | range:
        """The complete runs, ascending."""
        if self._complete is None:
            import numpy as np

            complete = self._reader.complete()[: self._n_runs]
            self._complete = range(len(complete)) if complete.all() else np.flatnonzero(complete).tolist()
        return self._complete

    def run_table(self, generation: int, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """The run table as of a published generation; read again when there is another one."""
        if self._table is None or self._table[0] != generation:
            self._table = generation, read()
        return self._table[1]

    def kinds(self) -> Sequence[int]:
        """A number for each run: the same for those that have the same leaves, and groups; negative if it has links."""
        import numpy as np

        reader = self._reader
        have = [*map(reader.runs_with, self.templates()), *map(reader.runs_with_group, self.groups())]
        kinds = complete = reader.complete()
        for each in have:
            if not np.array_equal(each, complete):
                kinds = np.unique(2 * kinds.astype(np.int64) + each, return_inverse=True)[1]
        kinds = kinds.astype(np.int64)
        for template in self.groups():
            if LINKS in reader.groups[template]:
                kinds[reader.runs_with_group(template)] = -1
        numbers: list[int] = kinds[: self._n_runs].tolist()
        return numbers

    def differ(self, template: str) -> bool:
        """Whether runs left different values at a path."""
        return self._reader.differ(template)

    def load(self, template: str, run: int) -> Leaf:
        """The leaf of one run, with its data."""
        column = self._reader.first(template)
        with self._trust.reading():
            items = self._reader.items(template, run)
        comment = items.pop(COMMENT, column.comment)
        annotations = items.pop(ANNOTATIONS, {})
        leaf = self._trust.leaf(column.kind, column.class_name, template, comment)
        _fill(leaf, partial(dict, items))
        if annotations:
            leaf.v_annotations.f_set(**annotations)
        return leaf


def _fill(leaf: Leaf, items: Callable[[], Mapping[str, Any]]) -> None:
    leaf.f_set_loader(items)
    put(leaf, "v_is_new", False)


def _read_items(snapshot: Snapshot, keys: Mapping[str, str], trust: Trust) -> dict[str, Any]:
    with trust.reading():
        return {item: read_static(snapshot.place, snapshot.hierarchy, key) for item, key in keys.items()}


def stored_groups(snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """What the groups that say something of themselves say, by their paths; the root's path is empty."""
    meta = snapshot.meta
    root = {"path": "", "comment": meta.comment, "annotations": meta.annotations, "links": meta.links}
    abouts = [root, *(doc.xpet for _, doc in snapshot.hierarchy.groups())]
    return {about["path"]: about for about in abouts if "path" in about and not about.get("empty")}


def stored_leaves(snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """What the leaves outside runs say of themselves, by their paths."""
    found = {path: next(iter(items.values()))[1] for path, items in static_leaves(snapshot.hierarchy).items()}
    empty = [doc.xpet for _, doc in snapshot.hierarchy.groups() if doc.xpet.get("empty")]
    return {**found, **{about["path"]: about for about in empty}}


def tells(node: Leaf | StaticGroup, about: Mapping[str, Any]) -> bool:
    """Whether the store says of a leaf or group what it says of itself; who says nothing takes nothing back."""
    if isinstance(node, StaticGroup):
        return said_by(node, about) == said_by(StaticGroup(node.path, "", {}), about)
    comment, annotations = node.v_comment, node.f_notes()
    told = about.get("comment", ""), about.get("annotations", "")
    return not (comment or annotations) or (comment, pack_annotations(annotations, node.v_full_name)) == told


def build(root: Trajectory, snapshot: Snapshot, branches: Container[str]) -> None:
    """Put what a snapshot holds outside runs into an empty tree; ``branches`` are the ones wanted."""
    hierarchy = snapshot.hierarchy
    _check(snapshot)
    for path, about in stored_groups(snapshot).items():
        if not path or _branch(path) in branches:
            group = root.f_add_group(path, comment=about["comment"]) if path else root
            group.v_annotations.f_set(**unpack_annotations(about.get("annotations", "")))
    for _, doc in hierarchy.groups():
        if doc.xpet.get("empty") and _branch(doc.xpet["path"]) in branches:
            _add(root, doc.xpet, dict)
    for path, items in static_leaves(hierarchy).items():
        if _branch(path) in branches:
            about = next(iter(items.values()))[1]
            keys = {item: key for item, (key, _) in items.items()}
            _add(root, about, partial(_read_items, snapshot, keys, root.v_trust))


def _check(snapshot: Snapshot) -> None:
    """Raise ``CorruptStoreError`` if a group or leaf outside runs says what none can say of itself."""
    leaves = stored_leaves(snapshot)
    for path, about in {**stored_groups(snapshot), **leaves}.items():
        if path or path in leaves:
            _check_told(snapshot, path, about)


def _check_told(snapshot: Snapshot, path: str, about: Mapping[str, Any]) -> None:
    try:
        if not path:
            raise ValueError("it has no name")
        check_path(path)
        for name in ("kind", "class", "comment", "annotations"):
            checked_text(about.get(name, ""), f"The {name}")
    except (TypeError, ValueError) as error:
        raise _damaged(snapshot, path, str(error)) from None


def _damaged(snapshot: Snapshot, path: str, why: str) -> CorruptStoreError:
    return CorruptStoreError(
        f"{snapshot.place.url}: what is stored of {shown(path)} is damaged: {why}; bring it back from a copy, or start "
        "the trajectory again with if_exists='overwrite'"
    )


def link(root: Root, snapshot: Snapshot, branches: Container[str]) -> None:
    """Restore the links outside runs, once all that they may lead to can be found; ``branches`` are the wanted ones."""
    for path, about in stored_groups(snapshot).items():
        for name, target in about.get("links", {}).items():
            if (path and _branch(path) not in branches) or _branch(target) not in branches:
                continue
            try:
                node = root.f_get(target, shortcuts=False)
                (root.f_get(path, shortcuts=False) if path else root).f_add_link(name, node)
            except (AttributeError, ValueError, DataNotInStorageError) as error:
                place, left = snapshot.place.url, f"{path}.{name}".strip(".")
                logger(__name__).warning("%s: the link %s is left out: %s", place, left, error)


def _branch(path: str) -> str:
    branch = path.partition(".")[0]
    return branch if branch in ("parameters", "config", "derived_parameters", "results") else "other"


def _add(root: Trajectory, about: Mapping[str, Any], read: Callable[[], Mapping[str, Any]]) -> None:
    leaf = root.v_trust.leaf(about["kind"], about.get("class"), about["path"], about["comment"])
    root.f_add_leaf(leaf)
    if about.get("empty"):
        put(leaf, "v_is_new", False)
    else:
        _fill(leaf, read)
    leaf.v_annotations.f_set(**unpack_annotations(about.get("annotations", "")))
    if isinstance(leaf, BaseParameter):
        leaf.f_lock()


def _explored(root: Trajectory, snapshot: Snapshot, path: str) -> BaseParameter:
    """The parameter that is explored, by its path."""
    try:
        found = root.f_get(path, shortcuts=False)
    except (AttributeError, ValueError, DataNotInStorageError) as error:
        if path in stored_leaves(snapshot):
            raise ValueError(
                f"{path!r} is explored, and its branch is not loaded: set load_derived_parameters or load_other_data"
            ) from None
        raise _damaged(snapshot, path, f"it is explored, and it is not there ({error})") from None
    if not isinstance(found, BaseParameter):
        raise _damaged(snapshot, path, f"it is explored, and it is a {type(found).__name__}")
    return found


def adopt_space(root: Trajectory, snapshot: Snapshot) -> None:
    """Have the parameters explored, and the random numbers seeded, as in the store."""
    seed = snapshot.meta.seed
    root.adopt_seed(None if seed is None else int(seed), snapshot.meta.seed_by)
    coordinates = snapshot.meta.space.coordinates
    ranges = {
        each.parameter: stored_range(snapshot, each.name, _explored(root, snapshot, each.parameter), root.v_trust)
        for each in coordinates
    }
    if ranges:
        root.adopt_exploration(ranges, snapshot.meta.n_runs)
