"""What could be wrong with how xpet writes: faults that a test of kills must see.

Each one is put into a process by replacing functions of xpet by name, as if somebody had written them so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Point = tuple[str, str, int]

PUBLISH = "xpet.store.writer:Writer.publish"
SET_STATUS = "xpet.store.runs:RunTable.set_status"
COMPLETE = "xpet.store.packets:Packer.complete"
FAIL = "xpet.store.packets:Packer.fail"
WRITE = "xpet.store.places.local:_replace"
WRITE_COLUMNS = "xpet.store.fold:ColumnWriter.write"
CARRY = "xpet.store.carried:Carrier.write"
COPY = "xpet.store.places.local:LocalPlace.copy_many"
DISCARD = "xpet.store.writer:discard"
READ_PACKET = "xpet.store.writer:Writer._read_packet"


@dataclass(frozen=True)
class Fault:
    """Something wrong.

    Attributes
    ----------
    inject
        Puts it into this process.
    die
        The call before or after which the process is killed.
    seen
        How a trial says what comes of it.
    executor
        Who does the runs.
    opens
        Whether somebody opens the store for writing, without the fault, before the rest is done.
    carried
        Whether workers write the chunks of some results.
    """

    inject: Callable[[], None]
    die: Point
    seen: str
    executor: str = "serial"
    opens: bool = False
    carried: bool = False


def replace_calls(name: str, make: Callable[[Any], Any]) -> None:
    """Put another function in the place of the one called ``'module:Class.method'``, made from it."""
    module, _, path = name.partition(":")
    owner: Any = import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, last, make(getattr(owner, last)))


def _answer(name: str, answer: Callable[..., Any]) -> Callable[[], None]:
    """Have a function answer otherwise, whatever it is asked."""
    return lambda: replace_calls(name, lambda original: answer)


def _put_off(name: str, until: str, after: str) -> Callable[[], None]:
    """Have calls of one function wait until the first call of another that follows one of a third."""

    def inject() -> None:
        held: list[Callable[[], Any]] = []
        due: list[bool] = []

        def hold(original: Any) -> Any:
            return lambda *args: held.append(lambda: original(*args))

        def begin(original: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                due[:] = [True] * bool(held)
                return original(*args, **kwargs)

            return call

        def catch_up(original: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                if due:
                    due.clear()
                    for each in held:
                        each()
                    held.clear()
                return original(*args, **kwargs)

            return call

        replace_calls(name, hold)
        replace_calls(until, catch_up)
        replace_calls(after, begin)

    return inject


def _delete_packets_early() -> None:
    def make(original: Any) -> Any:
        def read(self: Any, key: str, data: bytes) -> Any:
            packet = original(self, key, data)
            self.place.delete([key])
            return packet

        return read

    replace_calls(READ_PACKET, make)


def _record_late() -> None:
    def make(original: Any) -> Any:
        waiting = bytearray()

        def append(file: Any, data: bytes) -> None:
            waiting.extend(data)
            if len(waiting) > 2**20:
                original(file, bytes(waiting))
                waiting.clear()

        return append

    replace_calls("xpet.store.journal:append_all", make)


def _fold_closed_only() -> None:
    replace_calls("xpet.store.writer:waiting", lambda original: lambda place, unfinished=False: original(place))


def _recover_nothing() -> None:
    def make(original: Any) -> Any:
        return lambda self, unfinished=False: 0 if unfinished else original(self)

    replace_calls("xpet.store.writer:Writer.fold", make)


def _write_in_place() -> None:
    def make(original: Any) -> Any:
        def copy(source: str, target: str) -> None:
            with open(source, "rb") as file:
                data = file.read()
            with open(target, "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                half_written()
                file.write(data[len(data) // 2 :])
            os.unlink(source)

        return copy

    replace_calls(WRITE, make)


def half_written() -> None:
    """An instant at which a file is there in part, where files are not written whole."""


def _drop_before_publishing() -> None:
    from xpet.store.relayout import drop_chunks

    def make(original: Any) -> Any:
        def relayout(place: Any, node: str, old: Any, *rest: Any) -> Any:
            made = original(place, node, old, *rest)
            drop_chunks(place, node, old.keys)
            return made

        return relayout

    replace_calls("xpet.store.parts:relayout", make)


def _record_before_chunks() -> None:
    waiting: list[Callable[[], None]] = []

    def make(original: Any) -> Any:
        def write_many(self: Any, items: Any) -> None:
            self.sizes.update({key: len(data) for key, data in items.items()})
            while waiting:
                waiting.pop()()
            waiting.append(lambda: original(self, items))

        return write_many

    replace_calls("xpet.store.carried:_Weighed.write_many", make)


def _delete_chunks_early() -> None:
    from xpet.store.carried import CHUNKS

    def make(original: Any) -> Any:
        def write(self: Any, *args: Any) -> None:
            original(self, *args)
            self.place.delete(self.place.list(CHUNKS))

        return write

    replace_calls("xpet.store.writer:Writer._write_columns", make)


def _move_chunks() -> None:
    def make(original: Any) -> Any:
        def copy_many(self: Any, pairs: Any) -> None:
            for source, target in pairs:
                self.move(source, target)

        return copy_many

    replace_calls(COPY, make)


def _copy_in_place() -> None:
    def make(original: Any) -> Any:
        def link(self: Any, source: str, target: str) -> None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file, open(source, "rb") as other:
                file.write(other.read())
                os.truncate(source, 0)

        return link

    replace_calls("xpet.store.places.local:LocalPlace._link", make)


def _draw_anew() -> None:
    import numpy as np

    replace_calls("xpet.tree.randomness:_generator", lambda original: lambda tree: np.random.default_rng(os.getpid()))


def _publish_first() -> None:
    def make(original: Any) -> Any:
        def write(self: Any, batches: Any, rows: Any, complete: Any) -> None:
            self._complete = complete
            self.publish()
            original(self, batches, rows, complete)

        return write

    replace_calls("xpet.store.writer:Writer._write_columns", make)


def _count_failures_as_done() -> None:
    def make(original: Any) -> Any:
        def set_status(self: Any, outcomes: Any, complete: Any) -> None:
            original(self, outcomes._replace(failed=outcomes.failed & False), complete)

        return set_status

    replace_calls(SET_STATUS, make)


LOST, WRONG, TWICE = "lost although reported finished", "plain xarray shows another z", "begun again although finished"

FAULTS: dict[str, Fault] = {
    "status before values": Fault(_put_off(WRITE_COLUMNS, PUBLISH, SET_STATUS), (SET_STATUS, "after", 1), WRONG),
    "publish before values": Fault(
        _put_off(WRITE_COLUMNS, "xpet.store.places.local:LocalPlace.delete", PUBLISH), (PUBLISH, "after", 3), WRONG
    ),
    "published as complete too soon": Fault(_publish_first, (PUBLISH, "after", 2), "run 0 has other results"),
    "packet deleted before its values are written": Fault(_delete_packets_early, (WRITE_COLUMNS, "before", 2), LOST),
    "packet deleted before publish": Fault(_delete_packets_early, (PUBLISH, "before", 4), LOST),
    "reported before recorded": Fault(_record_late, (COMPLETE, "after", 5), LOST, opens=True),
    "open logs left out": Fault(_fold_closed_only, (COMPLETE, "after", 5), LOST),
    "nothing folded at recovery": Fault(_recover_nothing, (WRITE_COLUMNS, "before", 2), LOST),
    # What is wrong depends on which file it is.
    "files not written whole": Fault(_write_in_place, ("fixtures_killed_faults:half_written", "before", 120), ""),
    "old chunks dropped before publish": Fault(_drop_before_publishing, (PUBLISH, "before", 4), "is missing"),
    "failures not recorded": Fault(
        _answer(FAIL, lambda *args, **kwargs: None), (PUBLISH, "after", 5), "failures lost although", opens=True
    ),
    "failures count as done": Fault(_count_failures_as_done, (PUBLISH, "after", 5), WRONG),
    "the dead keep their lease": Fault(
        _answer("xpet.store.lease:is_gone", lambda *args: False), (PUBLISH, "before", 3), "is being written by"
    ),
    "everything done again": Fault(
        _answer("xpet.store.writer:Writer.missing", lambda self: range(self.n_runs)), (PUBLISH, "before", 4), LOST
    ),
    "other random numbers": Fault(_draw_anew, (PUBLISH, "before", 4), "other results"),
    "chunks written after their record": Fault(
        _record_before_chunks, (COMPLETE, "after", 5), LOST, opens=True, carried=True
    ),
    "chunks deleted before publish": Fault(_delete_chunks_early, (PUBLISH, "before", 4), LOST, carried=True),
    "chunks moved before publish": Fault(_move_chunks, (PUBLISH, "before", 3), LOST, opens=True, carried=True),
    "chunks emptied where they were": Fault(_copy_in_place, (PUBLISH, "before", 3), LOST, opens=True, carried=True),
    "chunks that nobody tells of stay": Fault(
        _answer("xpet.store.writer:drop_untold", lambda place: None), (CARRY, "after", 5), "left in the journal",
        carried=True,
    ),
    "a worker's end forgets its runs": Fault(
        _answer("xpet.run.study:recorded", lambda *args: {}), (COMPLETE, "after", 5), TWICE, "process"
    ),
}
