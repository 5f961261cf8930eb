"""What a worker process does from its first instant to its last."""

from __future__ import annotations

import io
import os
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import perf_counter, sleep
from typing import Any, cast

from xpet.run import interrupts
from xpet.run.blocks import Block
from xpet.run.report import BlockReport
from xpet.run.transport import PackedValues, dumps, loads, pack_values, portable
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
    _print_by_line()
    for connection in inherited:
        connection.close()
    try:
        order = inbox.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
    try:
        worker = _set_up(order)
    except Exception as error:
        _tell(outbox, ERROR, _sendable(error, "A worker could not load the job"))
        return
    blocks: SimpleQueue[Block | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, worker, blocks), daemon=True, name="xpet-orders").start()
    outbox.send_bytes(READY)
    if worker.timeout is not None:
        threading.Thread(target=_watch, args=(worker, worker.timeout, outbox), daemon=True, name="xpet-watch").start()
    while (block := blocks.get()) is not None:
        if not _do(worker, block, outbox):
            return


class _Whole:
    """A stream that lets go of what it is given when a line ends there, all at once.

    A print comes in pieces, the last of which is the end of its last line.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.reconfigure(line_buffering=False, write_through=False)
        self._write, self._flush = stream.write, stream.flush
        self._held: list[str] = []
        self._lock = threading.RLock()

    def write(self, text: Any) -> int:
        """Take some text; what is none is refused as the stream does it."""
        if not isinstance(text, str):
            return self._write(text)
        with self._lock:
            self._held.append(text)
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Let go of all that there is."""
        with self._lock:
            held, self._held = "".join(self._held), []
            self._write(held)
            self._flush()


def _print_by_line() -> None:
    """Have what is printed leave at once and as a whole: workers share where it goes, and may be killed after it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            whole = _Whole(stream)
            # What is printed goes to whatever the stream has for these, and others ask the stream what it is.
            stream.write, stream.flush = whole.write, whole.flush  # type: ignore[method-assign]  # as said


def _flush() -> None:
    """Let go what was printed without the end of its line."""
    for stream in (sys.stdout, sys.stderr):
        # what a stream cannot take is no matter of the runs
        with suppress(Exception):
            stream.flush()


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
        _tell(outbox, ERROR, _sendable(error, f"The journal of block {block.number} cannot be written"))
        return False
    except BaseException as error:
        _flush()
        with _TALKING:
            outbox.send_bytes(GONE + f"the job raised {error!r}".encode(errors="replace"))
            os._exit(1)
    _flush()
    values, warnings = pack_values(report.values)
    failures = tuple(map(portable, report.failures))
    sent = replace(report, values=[], failures=failures, warnings=(*report.warnings, *warnings))
    _tell(outbox, REPORT, (sent, values))
    return True


def _tell(outbox: Connection, tag: bytes, content: BaseException | tuple[BlockReport, PackedValues]) -> None:
    message = tag + dumps(content, "what a worker reports")
    try:
        with _TALKING:
            outbox.send_bytes(message)
    except OSError:
        os._exit(1)


def _sendable(error: Exception, what: str) -> BaseException:
    trace = "".join(traceback.format_exception(error))
    error.__traceback__ = None
    try:
        sent = loads(dumps(error, "it"))
        reason = f"it became a {type(sent).__name__}"
    except Exception as fault:
        sent, reason = None, str(fault)
    if type(sent) is not type(error):
        what = f"{what} (sent as a text: {reason})"
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"{what}; this happened in worker process {os.getpid()}:\n{trace}")
    return error
