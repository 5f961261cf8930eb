"""A tree, a packer and a journal that need nothing but files, for the tests of `xpet.run`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xpet.run.blocks import Block
from xpet.run.job import Job
from xpet.run.loop import GRACE_SECONDS, Plan, run_blocks
from xpet.run.pools import open_pool
from xpet.run.ports import PackerSpec
from xpet.run.report import BlockReport, RunSummary
from xpet.run.worker import Task


class PlainLeaf:
    v_kind, v_class_name, v_comment = "result", "Result", ""

    def __init__(self, name: str, value: object) -> None:
        self.v_template = f"results.runs.$.{name}"
        self._value = value

    def f_items(self) -> dict[str, object]:
        return {"": self._value}

    def f_notes(self) -> dict[str, object]:
        return {}


class PlainTree:
    """Explored parameters as attributes, results by `add`."""

    def __init__(self, **ranges: Sequence[object]) -> None:
        self._names = tuple(ranges)
        self._ranges: dict[str, Sequence[object]] | None = dict(ranges)
        self._added: list[PlainLeaf] = []
        self.v_is_run = False
        self.v_idx = -1

    def enter_run(self, run: int, point: Sequence[object] | None = None) -> None:
        assert not self.v_is_run
        if point is None:
            assert self._ranges is not None
            point = [values[run] for values in self._ranges.values()]
        self.__dict__.update(zip(self._names, point, strict=True))
        self.v_is_run, self.v_idx = True, run

    def leave_run(self) -> list[PlainLeaf]:
        assert self.v_is_run
        added, self._added = self._added, []
        self.v_is_run, self.v_idx = False, -1
        return added

    def take_dropped(self) -> list[str]:
        return []

    def without_ranges(self) -> PlainTree:
        copy = PlainTree(**dict.fromkeys(self._names, ()))
        copy._ranges = None
        return copy

    def add(self, name: str, value: object) -> None:
        self._added.append(PlainLeaf(name, value))


class FilePacker:
    """One line per finished run, appended to a file of this process; refuses complex numbers and fails on `full`."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._file = -1

    def begin(self, block: int, first_run: int) -> None:
        self._file = os.open(self._folder / f"{os.getpid()}-{block}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def complete(self, run: int, leaves: Any, started: float, duration: float, attempt: int = 0) -> None:
        values = {leaf.template.rpartition(".")[2]: leaf.items[""] for leaf in leaves}
        for name, value in values.items():
            if value == "full":
                raise OSError(28, "No space left on device")
            if isinstance(value, complex):
                raise TypeError(f"no codec for {name}")
        self._append({"run": run, "values": values, "attempt": attempt, "pid": os.getpid()})

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        self._append({"run": run, "error": error, "attempt": attempt, "pid": os.getpid()})

    def end(self) -> None:
        os.close(self._file)

    def _append(self, record: dict[str, object]) -> None:
        os.write(self._file, (json.dumps(record) + "\n").encode())


class FileJournal:
    """The lines of every FilePacker of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folds = 0

    def records(self) -> Iterator[dict[str, Any]]:
        for file in sorted(self.folder.glob("*.log")):
            yield from map(json.loads, file.read_text().splitlines())

    def complete(self) -> list[int]:
        return sorted(record["run"] for record in self.records() if "error" not in record)

    def failed(self) -> dict[int, str]:
        return {record["run"]: record["error"] for record in self.records() if "error" in record}

    def finished(self, block: Block) -> dict[int, str | None]:
        return {r["run"]: r.get("error") for r in self.records() if r["run"] in block.runs}

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        packer = FilePacker(str(self.folder))
        packer.begin(10**6 + run, run)
        packer.fail(run, error, started, duration, attempt)
        packer.end()

    def fold(self) -> None:
        self.folds += 1


def study(
    function: Callable[..., object],
    folder: str | Path,
    *,
    n: int = 6,
    runs: Sequence[int] | None = None,
    executor: str = "serial",
    workers: int = 2,
    start_method: Any = None,
    on_error: Any = "continue",
    args: Iterable[object] = (),
    on_report: Callable[[BlockReport], None] | None = None,
) -> RunSummary:
    """Run `function` over `x = 0.0, 1.0, …`."""
    Path(folder).mkdir(exist_ok=True)
    ranges = {"x": [float(i) for i in range(n)]}
    tree = PlainTree(**ranges)
    packer = PackerSpec("fixtures_run:FilePacker", (str(folder),))
    task = Task(tree, Job(function, tuple(args)), packer, stop_on_failure=on_error != "continue")
    pool = open_pool(executor, task, workers, start_method)
    plan = Plan(range(n) if runs is None else runs, tuple(ranges.values()), on_error)
    try:
        return run_blocks(plan, pool, FileJournal(Path(folder)), on_report)
    finally:
        pool.close(GRACE_SECONDS)
