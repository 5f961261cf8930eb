"""The pool of worker processes."""

from __future__ import annotations

import os
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import cast

from xpet.errors import RunError
from xpet.run.blocks import LONGEST_SECONDS, Block
from xpet.run.interrupts import put_off
from xpet.run.messages import unpack_report
from xpet.run.pools import Died, Done, Outcome, StartMethod
from xpet.run.process_main import BLOCK, ERROR, GONE, LATE, QUIT, READY, REPORT, STOP, main
from xpet.run.start import context_of, new_process, start, told_if_refused
from xpet.run.transport import PackedValues, dumps, loads, unpack_values
from xpet.run.worker import Task, Work

STILLBORN_LIMIT = 3
"""So many workers in a row that die before they are up end the study."""
STUCK_SECONDS = 3.0
"""A worker that is late by so much more does not end itself."""


@dataclass(eq=False, slots=True)
class _Member:
    process: BaseProcess
    orders: Connection
    reports: Connection
    blocks: deque[Block] = field(default_factory=deque)
    is_up: bool = False
    last_words: str = ""
    late: int | None = None
    values: list[tuple[int, object]] = field(default_factory=list)
    since: float = 0.0


class ProcessPool:
    """Worker processes, each with a pipe of its own, so that the death of one is no matter of the others.

    Parameters
    ----------
    task : Task
        What is to be done for every run; it is pickled once and sent to each worker once.
    workers : int
        How many processes.
    start_method : {'spawn', 'forkserver', 'fork'}, optional
        How they start.
    """

    needs_points = True

    def __init__(self, task: Task, workers: int, start_method: StartMethod | None = None) -> None:
        self.workers = workers
        self._context = context_of(start_method)
        self._timeout = task.timeout or 0.0
        self._first_order = dumps((dict(os.environ), Work.of(task)), "the job")
        self._members: list[_Member] = []
        self._stillborn = 0
        self._ending = False
        try:
            for _ in range(workers):
                self._recruit()
        except BaseException:
            self.close(0.0)
            raise

    def is_free(self, depth: int) -> bool:
        return not self._ending and any(len(member.blocks) < depth for member in self._members)

    def submit(self, block: Block) -> None:
        data = dumps(block, "the points of a block, which")
        member = min(self._members, key=lambda member: len(member.blocks))
        if not member.blocks:
            member.since = monotonic()
        member.blocks.append(block)
        _order(member, BLOCK + data)

    def wait(self, timeout: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        watched: dict[object, _Member] = {}
        for member in self._members:
            watched[member.reports] = watched[member.process.sentinel] = member
        timeout = min(timeout, self._timeout or timeout)
        ready = connection.wait(list(watched), timeout)  # type: ignore[arg-type]  # keys are what wait() takes
        # half a message taken in would be the end of its pipe
        with put_off():
            for member in dict.fromkeys(watched[found] for found in ready):
                messages, can_say_more = _hear(member)
                outcomes += [done for message in messages if (done := self._take(member, message)) is not None]
                if not can_say_more or member.process.sentinel in ready:
                    outcomes.append(self._bury(member))
        if self._timeout:
            # not before: what was said in time may have waited while the caller did something else
            self._end_stuck()
        return outcomes

    def wind_down(self) -> None:
        self._ending = True

    def stop(self) -> None:
        self.wind_down()
        for member in self._members:
            _order(member, STOP)

    def close(self, grace: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            self.stop()
            for member in self._members:
                _order(member, QUIT)
            end = monotonic() + grace
            while self._members and (left := end - monotonic()) > 0:
                outcomes += self.wait(left)
        finally:
            self._end_by_force()
        return outcomes

    def _end_stuck(self) -> None:
        """Kill workers that are so late that they cannot even end themselves, as where a library keeps hold of them."""
        latest = monotonic() - self._timeout - LONGEST_SECONDS - STUCK_SECONDS
        for member in self._members:
            if member.is_up and member.blocks and member.since < latest:
                member.late = -1
                member.process.kill()

    def _end_by_force(self) -> None:
        for member in self._members:
            member.process.terminate()
        for member in self._members:
            member.process.join(1.0)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
            _release(member)
        self._members.clear()

    @told_if_refused()
    def _recruit(self) -> None:
        their_inbox, our_orders = self._context.Pipe(duplex=False)
        our_reports, their_outbox = self._context.Pipe(duplex=False)
        inherited: tuple[Connection, ...] = ()
        if self._context.get_start_method() == "fork":
            ours = [(member.orders, member.reports) for member in self._members]
            inherited = (our_orders, our_reports, *(end for pair in ours for end in pair))
        process = new_process(self._context, main, (their_inbox, their_outbox, inherited))
        member = _Member(process, our_orders, our_reports)
        with put_off():
            try:
                start(self._context, process)
            finally:
                their_inbox.close()
                their_outbox.close()
            # an interrupt must find the process among those to end
            self._members.append(member)
        _order(member, self._first_order)

    def _take(self, member: _Member, message: bytes) -> Done | None:
        tag, content = message[:1], message[1:]
        if tag == ERROR:
            raise cast(BaseException, loads(content))
        if tag == REPORT:
            report = unpack_report(content)
            member.since = monotonic()
            return Done(member.blocks.popleft(), report)
        if tag == READY:
            member.is_up, member.since = True, monotonic()
            self._stillborn = 0
        elif tag == GONE:
            member.last_words = content.decode(errors="replace")
        elif tag == LATE:
            member.late, packed = cast(tuple[int, PackedValues], loads(content))
            member.values, _ = unpack_values(packed)
        return None

    def _bury(self, member: _Member) -> Died:
        self._members.remove(member)
        member.process.join()
        reason = member.last_words or _cause_of_death(member.process.exitcode)
        if member.late is not None:
            reason = f"the run took longer than the {self._timeout:g} s that timeout= allows"
        _release(member)
        blocks = list(member.blocks)
        begun = blocks.pop(0) if blocks and member.is_up else None
        if not self._ending:
            self._stillborn += not member.is_up
            if self._stillborn >= STILLBORN_LIMIT:
                raise RunError(
                    f"Worker processes do not come up: {self._stillborn} in a row died before their first run "
                    f"({reason}); see what they printed, or run without `multiproc`."
                )
            self._recruit()
        return Died(begun, blocks, reason, member.late, member.values)


def _hear(member: _Member) -> tuple[list[bytes], bool]:
    """Return everything a worker has said, and whether it can say more."""
    messages = []
    try:
        while member.reports.poll():
            messages.append(member.reports.recv_bytes())
    except (EOFError, OSError):
        return messages, False
    return messages, True


def _order(member: _Member, message: bytes) -> None:
    # a worker that is gone is found by wait(), with its blocks
    with suppress(OSError), put_off():
        member.orders.send_bytes(message)


def _release(member: _Member) -> None:
    member.orders.close()
    member.reports.close()
    member.process.close()


def _cause_of_death(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            return f"killed by {name}, perhaps for want of memory" if name == "SIGKILL" else f"killed by {name}"
    return f"exit code {code}"
