"""The tree as pypet's rules have it, in plain dictionaries: slow, obvious, and made of nothing that xpet is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from xpet.errors import NotUniqueNodeError, ParameterLockedException

Path = tuple[str, ...]

BRANCHES = {"parameters": "parameter", "config": "parameter", "derived_parameters": "parameter", "results": "result"}
SHORT = {"par": "parameters", "dpar": "derived_parameters", "conf": "config", "res": "results"}
CARDS = {"$": "$", "crun": "$", "$set": "$set", "crunset": "$set"}
ANY_DEPTH = 10**6


def run_name(run: int) -> str:
    return "run_ALL" if run < 0 else f"run_{run:08d}"


def set_name(run: int) -> str:
    return "run_set_ALL" if run < 0 else f"run_set_{run // 1000:05d}"


def translate(token: str | int) -> str:
    if isinstance(token, int):
        return run_name(token)
    for pattern, name in ((r"(?:run|r)_(\d+|A)", run_name), (r"(?:runtoset|rts)_(\d+|A)", set_name)):
        if found := re.fullmatch(pattern, token):
            return name(-1 if found[1] == "A" else int(found[1]))
    return SHORT.get(token, token)


@dataclass
class Entry:
    """A group, a parameter or a result; `run` is the run in whose group it is, `own` that the current run made it."""

    kind: str
    run: int | None = None
    own: bool = False
    items: dict[str, int] = field(default_factory=dict)
    range: list[int] | None = None
    locked: bool = False


@dataclass
class Link:
    to: Path
    own: bool


@dataclass
class Model:
    nodes: dict[Path, Entry] = field(default_factory=lambda: {(): Entry("group")})
    links: dict[Path, Link] = field(default_factory=dict)
    explored: list[Path] = field(default_factory=list)
    length: int = 1
    run: int = -1
    running: bool = False
    before: dict[Path, Entry] = field(default_factory=dict)

    # ------------------------------------------------------------------ facts

    def state(self) -> tuple[object, ...]:
        nodes = {
            ".".join(path): None if entry.kind == "group" else (entry.kind, self.value(path), entry.locked)
            for path, entry in self.nodes.items()
            if path
        }
        links = {".".join(path): ".".join(link.to) for path, link in self.links.items()}
        return nodes, links, [".".join(path) for path in self.explored], self.length, self.run

    def value(self, path: Path) -> object:
        entry = self.nodes[path]
        if entry.kind == "result":
            return dict(entry.items)
        return entry.range[self.run] if entry.range is not None and self.run >= 0 else entry.items[""]

    def read(self, path: Path) -> object:
        """What fast access gives: the value, or the path of what has none."""
        entry = self.nodes[path]
        if entry.kind == "result":
            return entry.items[path[-1]] if list(entry.items) == [path[-1]] else path
        if entry.kind == "parameter":
            entry.locked = True
            return self.value(path)
        return path

    def child(self, path: Path, name: str, links: bool = True) -> Path | None:
        below = (*path, name)
        if below in self.nodes:
            return below
        return self.links[below].to if links and below in self.links else None

    def children(self, path: Path, links: bool = True) -> Iterator[tuple[str, Path]]:
        for below in [*self.nodes, *(self.links if links else ())]:
            if below and below[:-1] == path:
                yield below[-1], self.links[below].to if below in self.links else below

    # ----------------------------------------------------------------- lookup

    def find(
        self, start: Path, name: list[str | int], shortcuts: bool = True, depth: int | None = None, links: bool = True
    ) -> Path:
        if name == [""] and not start:
            return ()
        for token in name:
            if isinstance(token, str) and (not token or token[0] == "_"):
                raise AttributeError(token)
        if not any(token in CARDS for token in name):
            return self._resolve(start, [translate(token) for token in name], shortcuts, depth, links)
        try:
            return self._resolve(start, self._fill(name, self.run), shortcuts, depth, links)
        except AttributeError as first:
            try:
                return self._resolve(start, self._fill(name, -1), shortcuts, depth, links)
            except AttributeError:
                raise first from None

    def _fill(self, name: list[str | int], run: int) -> list[str]:
        names = {"$": run_name(run), "$set": set_name(run)}
        return [names[CARDS[str(token)]] if token in CARDS else translate(token) for token in name]

    def _resolve(self, start: Path, tokens: list[str], shortcuts: bool, depth: int | None, links: bool) -> Path:
        if depth is not None and len(tokens) > depth:
            raise ValueError(tokens) if shortcuts else AttributeError(tokens)
        if not start and tokens[0] in BRANCHES:
            self.nodes.setdefault((tokens[0],), Entry("group"))
        found = self.walk(start, tokens, links)
        if found is None and shortcuts and start and tuple(tokens[: len(start)]) == start and len(tokens) > len(start):
            found = self.walk(start, tokens[len(start) :], links)
        if found is not None:
            return found
        if not shortcuts:
            raise AttributeError(tokens)
        left, found = ANY_DEPTH if depth is None else depth, start
        for token in tokens:
            hit = self._nearest(found, token, left, links)
            if hit is None:
                raise AttributeError(token)
            found, used = hit
            left -= used
        return found

    def walk(self, start: Path, tokens: list[str], links: bool = True) -> Path | None:
        found: Path | None = start
        for token in tokens:
            found = None if found is None else self.child(found, token, links)
        return found

    def _nearest(self, start: Path, name: str, depth: int, links: bool) -> tuple[Path, int] | None:
        direct = self.child(start, name, links) if depth >= 1 else None
        if direct is not None:
            return direct, 1
        level, seen, deep = [start], {start}, 1
        while level and deep <= depth:
            hits, below = [], []
            for group in level:
                for key, path in self.children(group, links):
                    linked, hidden = (*group, key) != path, self._hidden(start, path)
                    if key == name and (linked or not hidden or key == run_name(self.nodes[path].run or 0)):
                        hits.append(path)
                    if not hidden and path not in seen:
                        seen.add(path)
                        below.append(path)
            if len(hits) > 1:
                raise NotUniqueNodeError(name)
            if hits:
                return hits[0], deep
            level, deep = below, deep + 1
        return None

    def _hidden(self, start: Path, path: Path) -> bool:
        """A selected run hides the others, but not from who starts in their groups."""
        run = self.nodes[path].run
        return self.run >= 0 and run is not None and run not in (self.run, self.nodes[start].run)

    # ----------------------------------------------------------------- adding

    def place(self, start: Path, name: str, branch: str | None) -> Path:
        tokens = [token if token in CARDS else translate(token) for token in name.split(".")]
        if not all(token in CARDS or re.fullmatch("[A-Za-z0-9-][A-Za-z0-9_-]{0,126}", token) for token in tokens):
            raise ValueError(name)
        prefix: list[str] = []
        if branch is not None and not start:
            if tokens[0] == branch:
                if len(tokens) == 1:
                    raise ValueError(name)
                branch = None
            else:
                prefix = [branch]
        if branch in ("results", "derived_parameters") and self.running:
            named = any(
                CARDS.get(token) == "$" or token == "run_ALL" or self._run(token) is not None for token in tokens
            )
            if not named and (not start or (len(start) == 1 and tokens != ["runs"])):
                prefix += ["runs", run_name(self.run)]
            elif not named and len(start) == 2 and start[1] == "runs":
                prefix += [run_name(self.run)]
        path = (*start, *prefix, *self._fill(list(tokens), self.run))
        if not start and path[0] == "overview":
            raise ValueError(name)
        if self.running and path[0] in ("parameters", "config"):
            raise TypeError(name)
        return path

    def _run(self, name: str) -> int | None:
        return next((run for run in range(self.length) if run_name(run) == name), None)

    def add(self, start: Path, name: str, branch: str | None, kind: str, items: dict[str, int]) -> Path:
        if self.running and branch in ("parameters", "config") and not start:
            raise TypeError(name)
        path = self.place(start, name, branch)
        for end in range(len(start) + 1, len(path) + 1):
            taken = self.nodes.get(path[:end])
            if path[:end] in self.links or (taken is not None and (end == len(path) or taken.kind != "group")):
                raise AttributeError(name)
        for end in range(len(start) + 1, len(path)):
            if path[:end] not in self.nodes:
                self._enter(path[:end], "group", path)
        self._enter(path, BRANCHES.get(path[0], "result") if kind == "leaf" else kind, path)
        self.nodes[path].items = {key or path[-1]: items[key] for key in items} if self.is_result(path) else items
        return path

    def is_result(self, path: Path) -> bool:
        return self.nodes[path].kind == "result"

    def _enter(self, path: Path, kind: str, whole: Path) -> None:
        above = self.nodes[path[:-1]]
        run = self._run(path[-1])
        if self.running and run != self.run:
            run = None
        # What lies above the group of a run is there for all runs, and stays.
        wild = (place for place, name in enumerate(whole) if name in (run_name(self.run), set_name(self.run)))
        stays = path[:1] == path and path[0] in BRANCHES
        stays = stays or (kind == "group" and above.run is None and len(path) <= next(wild, -1))
        self.nodes[path] = Entry(kind, above.run if above.run is not None else run, self.running and not stays)

    def link(self, start: Path, name: str, target: list[str | int]) -> None:
        to = self.find((), target)
        name = translate(name)
        if not re.fullmatch("[A-Za-z0-9-][A-Za-z0-9_-]*", name) or not to or (not start and name in BRANCHES):
            raise ValueError(name)
        if self.child(start, name) is not None:
            raise AttributeError(name)
        self.links[*start, name] = Link(to, self.running)

    # ---------------------------------------------------------------- setting

    def assign(self, start: Path, name: list[str | int], value: int) -> None:
        *above, last = name
        group = self.find(start, above) if above else start
        if self.nodes[group].kind == "result" and last:
            self.nodes[group].items[str(last)] = value
            return
        if self.nodes[group].kind != "group":
            raise AttributeError(name)
        path = self.find(group, [last])
        entry = self.nodes[path]
        if entry.kind == "group":
            raise AttributeError(name)
        if entry.kind == "result":
            if entry.items and list(entry.items) != [path[-1]]:
                raise AttributeError(name)
            entry.items[path[-1]] = value
            return
        if entry.locked or (self.running and not entry.own):
            raise ParameterLockedException(name)
        if entry.range is not None:
            raise AttributeError(name)
        entry.items[""] = value

    def lock(self, path: Path, locked: bool) -> None:
        entry = self.nodes[path]
        if not locked and self.running and not entry.own:
            raise ParameterLockedException(path)
        entry.locked = locked

    # --------------------------------------------------------------- removing

    def remove(self, start: Path, name: str, recursive: bool) -> None:
        path = (*start, translate(name))
        if path in self.links:
            self.remove_link(start, path[-1])
            return
        if path not in self.nodes:
            raise ValueError(name)
        if not recursive and any(True for _ in self.children(path)):
            raise TypeError(name)
        if self.running and not self.nodes[path].own:
            raise TypeError(name)
        gone = {below for below in self.nodes if below[: len(path)] == path}
        self._forget(gone)

    def remove_link(self, start: Path, name: str) -> None:
        link = self.links.get((*start, name))
        if link is None:
            raise ValueError(name)
        if self.running and not link.own:
            raise TypeError(name)
        del self.links[*start, name]

    def _forget(self, gone: set[Path]) -> None:
        self.nodes = {path: entry for path, entry in self.nodes.items() if path not in gone}
        self.links = {p: link for p, link in self.links.items() if p[:-1] not in gone and link.to not in gone}
        if any(path in gone for path in self.explored):
            self.explored = [path for path in self.explored if path not in gone]
            if not self.explored:
                self.length, self.run = 1, -1

    # -------------------------------------------------------------- exploring

    def explore(self, ranges: dict[str, list[object]], expanding: bool = False) -> None:
        if self.running:
            raise TypeError(ranges)
        expanding = expanding and bool(self.explored)
        paths = [self._parameter(name.split(".")) for name in ranges]
        entries = [self.nodes[path] for path in paths]
        if expanding and set(paths) != set(self.explored):
            raise TypeError(ranges)
        if not expanding and (any(entry.range is not None for entry in entries) or len(set(paths)) < len(paths)):
            raise TypeError(ranges)
        lengths = {len(values) for values in ranges.values()}
        if 0 in lengths or len(lengths) > 1 or (self.explored and not expanding and lengths != {self.length}):
            raise ValueError(ranges)
        if any(type(value) is not int for values in ranges.values() for value in values):
            raise TypeError(ranges)
        for path, values in zip(paths, ranges.values(), strict=True):
            entry = self.nodes[path]
            entry.range, entry.locked = [*(entry.range or ()), *values], True  # type: ignore[list-item]  # checked
        if expanding:
            self.length += lengths.pop()
            return
        self.explored += paths
        self.length = lengths.pop()
        self.run = self.run if self.run < self.length else -1

    def _parameter(self, name: list[str | int]) -> Path:
        path = None
        if ("parameters",) in self.nodes:
            try:
                path = self.find(("parameters",), name)
            except NotUniqueNodeError:
                raise
            except AttributeError:
                pass
        path = self.find((), name) if path is None else path
        if self.nodes[path].kind != "parameter":
            raise ValueError(name)
        return path

    def shrink(self) -> None:
        if self.running:
            raise TypeError
        for path in self.explored:
            self.nodes[path].range = None
        self.explored, self.length, self.run = [], 1, -1

    def select(self, run: int) -> None:
        if self.running:
            raise TypeError(run)
        if not -1 <= run < self.length:
            raise KeyError(run)
        self.run = run

    def find_idx(self, name: list[str | int], least: int) -> list[int]:
        path = self.find((), name)
        entry = self.nodes[path]
        if entry.kind != "parameter":
            raise TypeError(name)
        entry.locked = entry.locked or (entry.range is None and self.length > 0)
        values = entry.range or [entry.items[""]] * self.length
        return [run for run, value in enumerate(values) if value >= least]

    # ------------------------------------------------------------------- runs

    def enter(self, run: int) -> None:
        self.run, self.running = run, True
        self.before = deepcopy(self.nodes)

    def leave(self) -> list[str]:
        """End a run; the paths of the leaves that it added."""
        added = [".".join(path) for path, entry in self.nodes.items() if entry.own and entry.kind != "group"]
        gone = {path for path, entry in self.nodes.items() if entry.own}
        self.running = False
        self._forget(gone)
        self.links = {path: link for path, link in self.links.items() if not link.own}
        for path, entry in self.nodes.items():
            if path in self.before:
                entry.items = self.before[path].items
        self.run = -1
        return added
