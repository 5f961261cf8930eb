"""What a worker process does from its first instant to its last."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import perf_counter, sleep
from typing import cast

from xpet.run import interrupts
from xpet.run.blocks import Block
from xpet.run.messages import pack_error, pack_report
from xpet.run.printing import flush, print_by_line
from xpet.run.transport import dumps, loads, pack_values
from xpet.run.worker import Work, Worker

BLOCK, STOP, QUIT = b"B", b"S", b"Q"
"""First byte of what a worker is told: a block; end with the present run; leave when idle."""
READY, REPORT, ERROR, GONE, LATE = b"R", b"D", b"E", b"G", b"L"
"""First byte of what a worker tells: it is up; a block is done; the study must stop; it is about to die; its run takes
too long."""
_TALKING = threading.Lock()


def main(inbox: Connection, outbox: Connection, inherited: tuple[Connection, ...] = ()) -> None:
    """Do blocks until told to quit.

    Parameters
    ----------
    inbox, outbox : Connection
        Where orders come from and reports go to.
    inherited : tuple of Connection
        The parent's ends of pipes, which a forked process has too; while it keeps them it would not see the parent die.
    """
    interrupts.ignore()
    print_by_line()
    for connection in inherited:
        connection.close()
    try:
        order = inbox.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
    try:
        worker = _set_up(order)
    except Exception as error:
        _tell(outbox, ERROR + pack_error(error, "A worker could not load the job"))
        return
    blocks: SimpleQueue[Block | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, worker, blocks), daemon=True, name="xpet-orders").start()
    outbox.send_bytes(READY)
    if worker.timeout is not None:
        threading.Thread(target=_watch, args=(worker, worker.timeout, outbox), daemon=True, name="xpet-watch").start()
    while (block := blocks.get()) is not None:
        if not _do(worker, block, outbox):
            return


def _set_up(order: bytes) -> Worker:
    environment, work = cast(tuple[dict[str, str], Work], loads(order))
    # a fork server has the environment of the moment it started
    if os.environ != environment:
        os.environ.clear()
        os.environ.update(environment)
    task = work.task()
    return Worker(task, keep_exceptions=task.stop_on_failure)


def _listen(inbox: Connection, worker: Worker, blocks: SimpleQueue[Block | None]) -> None:
    """Take orders while the main thread is in a job; die with the parent, however long the job would take."""
    try:
        while (order := inbox.recv_bytes())[:1] != QUIT:
            if order[:1] == STOP:
                worker.stopping = True
            else:
                blocks.put(cast(Block, loads(order[1:])))
        blocks.put(None)
    except (EOFError, OSError):
        os._exit(1)


def _watch(worker: Worker, timeout: float, outbox: Connection) -> None:
    """Die when a run takes too long."""
    while True:
        sleep(min(timeout / 10, 0.5))
        seen = worker.present
        if seen is None or perf_counter() - seen[1] <= timeout:
            continue
        with _TALKING:
            # it may have ended while others talked
            if worker.present is seen:
                values, _ = pack_values(worker.values)
                with suppress(OSError):
                    outbox.send_bytes(LATE + dumps((seen[0], values), "what a worker reports"))
                os._exit(1)


def _do(worker: Worker, block: Block, outbox: Connection) -> bool:
    try:
        report = worker.work(block)
    except Exception as error:
        _tell(outbox, ERROR + pack_error(error, f"The journal of block {block.number} cannot be written"))
        return False
    except BaseException as error:
        flush()
        with _TALKING:
            outbox.send_bytes(GONE + f"the job raised {error!r}".encode(errors="replace"))
            os._exit(1)
    flush()
    _tell(outbox, REPORT + pack_report(report))
    return True


def _tell(outbox: Connection, message: bytes) -> None:
    try:
        with _TALKING:
            outbox.send_bytes(message)
    except OSError:
        os._exit(1)
