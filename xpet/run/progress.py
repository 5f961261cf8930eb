"""A bar that shows how far a study is, where there is somebody to see it."""

from __future__ import annotations

import sys
from threading import RLock
from types import TracebackType
from typing import Any, Self

from xpet.errors import MissingPackageError
from xpet.run.report import BlockReport


class Bar:
    """Runs done, rate, time left and failures, on a terminal or in a notebook; a context manager.

    Parameters
    ----------
    total
        How many runs there are to do.
    name
        What is shown before the bar.
    wanted
        Whether there is to be one; None: if it can be had.

    Raises
    ------
    MissingPackageError
        One is wanted, and tqdm is not there.
    """

    def __init__(self, total: int, name: str, wanted: bool | None = None) -> None:
        self._failed = 0
        self._bar: Any = None
        if wanted is not False and total:
            self._bar = _made(total, name, must=wanted is True)

    def take(self, report: BlockReport) -> None:
        """Show what came of a block."""
        if self._bar is None:
            return
        if report.failed:
            self._failed += len(report.failed)
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update(report.n_complete + len(report.failed))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _made(total: int, name: str, must: bool) -> Any:
    in_notebook = _in_notebook()
    # without a console there is no stream at all
    if sys.stderr is None or not (must or in_notebook or sys.stderr.isatty()):
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError as error:
        if must:
            raise MissingPackageError(
                "progress=True needs the package tqdm, which is not installed; pip install 'xpet[progress]', or leave "
                "progress out"
            ) from error
        return None

    class Line(tqdm):  # type: ignore[type-arg]  # at run time it takes none
        # Neither a thread nor a lock for other processes, which would need a process of its own: workers show nothing.
        monitor_interval = 0

    Line.set_lock(RLock())
    # Widgets would need another package and its front end; a line of text is shown everywhere.
    return Line(total=total, desc=name, unit="run", dynamic_ncols=True, disable=False if in_notebook else None)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
