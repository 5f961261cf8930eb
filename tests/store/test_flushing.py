"""What a sink holds back is written in time, by a thread; nobody says that it is written before it is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from fixtures_columns import leaf

from xpet.store.packets import Packer
from xpet.store.unpacking import finished_runs

PATIENCE = 30.0
SOON = 0.01


class Sink:
    """Keeps packets, and may be slow or broken when it writes one."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.tried, self.may_write, self.failed = threading.Event(), threading.Event(), threading.Event()
        self.may_write.set()
        self.is_broken = False
        self._waiting = b""

    def open(self, block: int, first_run: int) -> None:
        pass

    def append(self, data: bytes) -> bool:
        self._waiting += data
        return False

    def close(self) -> None:
        if not self._waiting:
            return
        self.tried.set()
        assert self.may_write.wait(PATIENCE)
        if self.is_broken:
            self.failed.set()
            raise OSError("no connection")
        self.packets.append(self._waiting)
        self._waiting = b""

    def runs(self) -> list[int]:
        return [run for packet in self.packets for run in finished_runs(packet)]


@pytest.fixture
def sink() -> Sink:
    return Sink()


def complete(packer: Packer, run: int, **items: object) -> None:
    packer.complete(run, [leaf("results.runs.$.z", None, **(items or {"x": 1.0}))], 0.0, 0.0)


def test_a_run_does_not_wait_for_the_next_one(sink: Sink):
    packer = Packer(sink, flush_interval=SOON)
    packer.begin(0, 0)
    complete(packer, 0)
    assert sink.tried.wait(PATIENCE)
    complete(packer, 1)
    packer.end()
    # the second packet says everything again
    assert sink.runs() == [0, 1]
    assert len(sink.packets) == 2


def test_without_an_interval_a_packet_is_written_at_the_end_of_its_block(sink: Sink):
    packer = Packer(sink)
    for block in range(2):
        packer.begin(block, 0)
        complete(packer, 2 * block)
        complete(packer, 2 * block + 1)
        assert len(sink.packets) == block
        packer.end()
    assert sink.runs() == [0, 1, 2, 3]


def test_no_thread_is_there_while_nothing_waits(sink: Sink):
    before = set(threading.enumerate())
    packer = Packer(sink, flush_interval=3600.0)
    packer.begin(0, 0)
    assert set(threading.enumerate()) <= before
    complete(packer, 0)
    complete(packer, 1)
    (timer,) = set(threading.enumerate()) - before
    assert timer.daemon
    packer.end()
    timer.join(PATIENCE)
    assert set(threading.enumerate()) <= before
    assert sink.runs() == [0, 1]


NEXT: dict[str, Callable[[Packer], None]] = {
    "complete": lambda packer: complete(packer, 1),
    "fail": lambda packer: packer.fail(1, "an error", 0.0, 0.0),
    "end": lambda packer: packer.end(),
}


@pytest.mark.parametrize("call", NEXT)
def test_the_next_call_tells_that_the_thread_could_not_write(sink: Sink, call: str):
    packer = Packer(sink, flush_interval=SOON)
    packer.begin(0, 0)
    sink.is_broken = True
    complete(packer, 0)
    assert sink.failed.wait(PATIENCE)
    sink.is_broken = False
    with pytest.raises(OSError, match="no connection"):
        NEXT[call](packer)
    # it is told once, and nothing is lost
    packer.end()
    assert sink.runs() == ([0] if call == "end" else [0, 1])


def test_a_block_is_not_done_while_the_thread_writes(sink: Sink):
    packer = Packer(sink, flush_interval=SOON)
    packer.begin(0, 0)
    sink.may_write.clear()
    complete(packer, 0)
    assert sink.tried.wait(PATIENCE)
    end = threading.Thread(target=packer.end)
    end.start()
    end.join(0.1)
    assert end.is_alive()
    sink.may_write.set()
    end.join(PATIENCE)
    assert sink.runs() == [0]


def test_a_thread_that_writes_all_the_time_mixes_nothing_up(sink: Sink):
    packer = Packer(sink, flush_interval=1e-5)
    for block in range(4):
        packer.begin(block, 0)
        for run in range(500 * block, 500 * (block + 1)):
            complete(packer, run, **{"abc"[run % 3]: float(run), "s": "text"})
        packer.end()
    assert sink.runs() == list(range(2000))
