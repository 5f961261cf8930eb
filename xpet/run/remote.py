"""Blocks as calls of an executor whose workers are other processes, here or on other machines."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from xpet.errors import RunError, shown
from xpet.run import interrupts
from xpet.run.blocks import Block
from xpet.run.messages import pack_error, pack_report, unpack_report
from xpet.run.ports import Answer, Gone, Submit
from xpet.run.printing import flush, print_by_line
from xpet.run.start import empty_main
from xpet.run.transport import dumps, loads
from xpet.run.worker import Task, Work, Worker

if TYPE_CHECKING:
    from concurrent.futures import Future

KEPT = 2
"""So many launches each thread of a worker remembers."""
PARENT_SECONDS = 0.2
"""So often a worker process of ours looks whether its parent is there."""
_REPORT, _ERROR, _GONE, _MISSING = b"D", b"E", b"G", b"M"
"""First byte of an answer: a block is done; the study must stop; the job ended its worker; what is to be done?"""
_WORKERS: dict[int, dict[str, Worker]] = {}
"""Who does the blocks of a launch in this process, by thread and launch."""


class Elsewhere:
    """Work goes with as many blocks as there are workers, and again to any that answers that it has none.

    So it travels about once per worker, whatever executor it is, however it deals out calls, and when workers come and
    go, without a place that all of them could fetch it from.

    Parameters
    ----------
    task : Task
        What is to be done for every run.
    workers : int
        How many workers there are.
    """

    def __init__(self, task: Task, workers: int) -> None:
        self._launch = uuid4().hex
        self._work = dumps(Work.of(task), "the job")
        self._gifts = workers

    def submit(self, submit: Submit, block: Block, is_missing: bool) -> Future[Any]:
        """Hand a block in; what is to be done with it goes along where it is missing, or may be."""
        data = dumps(block, "the points of a block, which")
        work = self._work if is_missing or self._gifts > 0 else None
        self._gifts -= 1
        # an executor may start its processes now
        with empty_main():
            return submit(do, self._launch, work, data)

    def read(self, result: object) -> Answer:
        """Read what a call returned."""
        tag, content = (result[:1], result[1:]) if isinstance(result, bytes) else (b"", b"")
        if tag == _REPORT:
            return unpack_report(content)
        if tag == _ERROR:
            return cast(Exception, loads(content))
        if tag == _GONE:
            return Gone(content.decode(errors="replace"))
        if tag == _MISSING:
            return None
        raise RunError(f"an executor must return what the function that it calls returned, and it was {shown(result)}")

    def stop(self) -> None:
        """Nothing reaches them; blocks are short."""


def begin(parent: int) -> None:
    """Set a worker process of ours up; called first thing in it, with the process that started it."""
    interrupts.ignore()
    print_by_line()
    if os.name == "posix":
        threading.Thread(target=_die_with, args=(parent,), daemon=True, name="xpet-parent").start()


def _die_with(parent: int) -> None:
    # its pipes are the executor's, which would wait for orders for ever; who forks for an executor is nearer than it
    nearest = os.getppid()
    with suppress(ProcessLookupError):
        while os.getppid() == nearest:
            os.kill(parent, 0)
            sleep(PARENT_SECONDS)
    os._exit(1)


def do(launch: str, work: bytes | None, block: bytes) -> bytes:
    """Do a block in a worker.

    Parameters
    ----------
    launch : str
        What the block is part of.
    work : bytes or None
        What is to be done, a :class:`~xpet.run.worker.Work`; None: this worker may know.
    block : bytes
        The block.

    Returns
    -------
    bytes
        The answer, for :meth:`Elsewhere.read`.
    """
    try:
        worker = _worker_of(launch, work)
        todo = cast(Block, loads(block))
    except Exception as error:
        return _ERROR + pack_error(error, "A worker could not load the job")
    if worker is None:
        return _MISSING
    try:
        report = worker.work(todo)
    except Exception as error:
        return _ERROR + pack_error(error, f"The journal of block {todo.number} cannot be written")
    except BaseException as error:
        return _GONE + f"the job raised {error!r}".encode(errors="replace")
    finally:
        flush()
    return _REPORT + pack_report(report)


def _worker_of(launch: str, work: bytes | None) -> Worker | None:
    """The worker of this thread for a launch: a tree is in one run at a time."""
    mine = _WORKERS.setdefault(threading.get_ident(), {})
    if launch not in mine and work is not None:
        task = cast(Work, loads(work)).task()
        task.packer.check_place()
        made = Worker(task, keep_exceptions=task.stop_on_failure)
        while len(mine) >= KEPT:
            mine.pop(next(iter(mine)))
        mine[launch] = made
    return mine.get(launch)
