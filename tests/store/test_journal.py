"""Packets wait in the journal under keys of their own until they are folded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures_columns import NAME, do, leaf, memory, read_runs, start

import xpet
from xpet.store import journal
from xpet.store.attempts import ATTEMPTS, last_failures, outcomes, winners
from xpet.store.journal import OPEN, PACKETS, open_packer, recorded, waiting
from xpet.store.packets import HEAD, frame
from xpet.store.place import Place, open_place, resolve
from xpet.store.unpacking import Batch, Failure, finished_runs

Z = [leaf("results.runs.$.z", 1.0)]


def pack(packing: Any, runs: Any, block: int = 0) -> None:
    packing.begin(block, 0)
    for run in runs:
        packing.complete(run, Z, 0.0, 0.0)


def test_what_a_block_left(place: Place):
    below = place.below(NAME)
    packing = open_packer(place.spec, NAME, ATTEMPTS, flush_interval=60.0)
    pack(packing, range(3))
    packing.fail(3, "Traceback", 0.0, 0.0)
    # A log has each run at once, an object has it when the block is done.
    assert bool(recorded(below, 0, ATTEMPTS)) == place.is_local
    assert waiting(below) == []
    assert len(waiting(below, unfinished=True)) == int(place.is_local)
    packing.end()
    assert len(waiting(below)) == 1
    assert recorded(below, 0, ATTEMPTS) == {0: None, 1: None, 2: None, 3: "Traceback"}
    assert recorded(below, 0, ATTEMPTS + 1) == recorded(below, 1, ATTEMPTS) == {}


@pytest.mark.parametrize("interval", [0.0, 0.05, 60.0])
def test_runs_are_durable_when_the_interval_has_passed(interval: float):
    place = memory()
    packing = open_packer(place.spec, NAME, 0, interval)
    packing.begin(0, 0)
    for run in range(3):
        packing.complete(run, Z, 0.0, 0.0)
        end = time.monotonic() + 30
        while 0 < interval < 1 and run not in recorded(place.below(NAME), 0, 0) and time.monotonic() < end:
            time.sleep(0.01)
        assert len(recorded(place.below(NAME), 0, 0)) == (0 if interval > 1 else run + 1)
    packing.end()
    assert len(waiting(place.below(NAME))) == (1 if interval > 1 else 3)


def test_large_packets_are_closed(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "_FLUSH_BYTES", 3000)
    packing = open_packer(place.spec, NAME, 0, 60.0)
    packing.begin(0, 0)
    for run in range(8):
        packing.complete(run, [leaf("results.runs.$.z", np.full(100, float(run)))], 0.0, 0.0)
    assert len(waiting(place.below(NAME))) >= 2
    packing.end()
    assert sorted(recorded(place.below(NAME), 0, 0)) == list(range(8))


def test_a_block_done_again_by_the_same_worker_overwrites_nothing(place: Place):
    packing = open_packer(place.spec, NAME, 0, 60.0)
    for runs in (range(2), range(2, 4)):
        pack(packing, runs)
        packing.end()
    assert sorted(recorded(place.below(NAME), 0, 0)) == [0, 1, 2, 3]


def test_a_block_without_runs_leaves_nothing(place: Place):
    pack(packing := open_packer(place.spec, NAME, 0), [])
    packing.end()
    assert place.list() == []


def test_keys_of_others_do_not_matter():
    place = memory().below(NAME)
    place.write(f"{PACKETS}/00000000/notes.txt", b"mine")
    place.write(f"{PACKETS}/00000000/a-b-c", b"mine")
    assert recorded(place, 0, 0) == {}


def test_damaged_packets_are_set_aside(local: Place, caplog: pytest.LogCaptureFixture):
    with start(local, 6) as writer:
        do(local, writer, dict.fromkeys(range(4), Z))
        (key,) = waiting(writer.place)
        data = bytearray(writer.place.read(key) or b"")
        # The last byte but one of some record in the middle.
        data[len(data) * 3 // 4] ^= 1
        writer.place.write(key, bytes(data))
        left = sum(error is None for error in finished_runs(bytes(data)).values())
        assert 0 < left < 4
        assert writer.fold() == left
        (kept,) = writer.place.list("_xpet/journal/damaged")
        assert writer.place.read(kept) == bytes(data)
        assert kept in caplog.text
        assert "done again" in caplog.text
        do(local, writer, dict.fromkeys(writer.missing(), Z), attempt=1)
        assert writer.fold() == 6 - left
        assert waiting(writer.place) == []


def test_the_torn_tail_of_an_open_log_is_normal(local: Place, caplog: pytest.LogCaptureFixture):
    with start(local, 4) as writer:
        do(local, writer, dict.fromkeys(range(3), Z))
        (key,) = waiting(writer.place)
        writer.place.write(key + OPEN, (writer.place.read(key) or b"")[:-5])
        writer.place.delete([key])
        assert writer.fold() == 0
        assert writer.fold(unfinished=True) == 2
        assert caplog.text == ""
        assert writer.missing() == [2, 3]


# Which records count --------------------------------------------------------------------------------------------------


def batch(*pairs: tuple[int, int]) -> Batch:
    runs, attempts = (np.array(each, np.int64) for each in zip(*pairs, strict=True))
    times = np.arange(len(runs), dtype=float)
    return Batch((), runs, attempts, times, times + 0.5, ((np.array(attempts), [str(each) for each in attempts]),))


def chosen(batches: list[Batch], complete: list[bool]) -> dict[int, int]:
    found = winners(batches, np.array(complete))
    assert all(text == str(attempt) for each in found for attempt, text in zip(*each.data[0], strict=True))
    return {run: attempt for each in found for run, attempt in zip(each.runs, each.attempts, strict=True)}


@pytest.mark.parametrize(
    ("batches", "complete", "wins"),
    [
        pytest.param([], [False] * 3, {}, id="nothing"),
        pytest.param([batch((0, 1), (1, 1))], [False] * 3, {0: 1, 1: 1}, id="one each"),
        pytest.param(
            [batch((0, 2), (1, 1)), batch((0, 1), (1, 3))], [False] * 3, {0: 2, 1: 3}, id="the highest attempt"
        ),
        pytest.param([batch((0, 1), (0, 2))], [False] * 3, {0: 2}, id="within a packet"),
        pytest.param([batch((0, 9), (1, 1))], [True, False], {1: 1}, id="never over a complete run"),
        pytest.param([batch((-1, 1), (7, 1), (1, 1))], [False] * 2, {1: 1}, id="runs that are none"),
    ],
)
def test_winners(batches: list[Batch], complete: list[bool], wins: dict[int, int]):
    assert chosen(batches, complete) == wins
    assert chosen(batches[::-1], complete) == wins


def test_last_failures():
    failures = [Failure(0, 1, 0, 0, "a"), Failure(0, 3, 0, 0, "b"), Failure(0, 2, 0, 0, "c"), Failure(1, 1, 0, 0, "d")]
    found = last_failures([*failures, Failure(-1, 1, 0, 0, "e"), Failure(9, 1, 0, 0, "f")], np.array([False, True]))
    assert {run: each.error for run, each in found.items()} == {0: "b"}


def test_outcomes_are_in_order():
    found = outcomes([batch((4, 1), (0, 2)), batch((3, 3))], {2: Failure(2, 5, 8.0, 9.0, "no")})
    assert found.rows.tolist() == [0, 2, 3, 4]
    assert found.failed.tolist() == [False, True, False, False]
    assert found.attempts.tolist() == [2, 5, 3, 1]
    assert found.started.tolist() == [1.0, 8.0, 0.0, 0.0]
    assert found.errors.tolist() == ["", "no", "", ""]
    assert found.has_errors
    assert not outcomes([], {}).has_errors


def ragged(run: int) -> Any:
    return leaf("results.runs.$.V", np.arange(float(run)))


def test_packets_whose_runs_interleave_backwards():
    place = memory()
    with start(place, 6) as writer:
        for runs in ([5, 3, 1], [4, 2, 0]):
            do(place, writer, {run: [leaf("results.runs.$.z", run * 1.0), ragged(run)] for run in runs})
        assert writer.fold() == 6
    found = read_runs(place)
    assert [found[run]["results.runs.$.z"][0][""] for run in range(6)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert all(left["results.runs.$.V"][0][""].tolist() == list(range(run)) for run, left in found.items())


def test_a_packet_of_the_trajectory_that_was_here_before(caplog: pytest.LogCaptureFixture):
    place = memory()
    with start(place, 2) as writer:
        late = open_packer(place.spec, NAME, writer.attempt, uuid="of another")
        late.begin(0, 0)
        late.complete(0, [leaf("results.runs.$.z", -1.0)], 0.0, 0.0)
        late.end()
        own = open_packer(place.spec, NAME, writer.attempt, uuid=writer.meta.uuid)
        own.begin(1, 1)
        own.complete(1, [leaf("results.runs.$.z", 1.0)], 0.0, 0.0)
        own.end()
        assert writer.fold() == 1
        assert writer.missing() == [0]
        assert waiting(writer.place, unfinished=True) == []
    assert "was here before" in caplog.text


def test_a_packet_of_a_newer_version_waits(caplog: pytest.LogCaptureFixture):
    place = memory()
    with start(place, 2) as writer:
        data = frame(bytes([HEAD]) + b'{"packet":3}')
        key = f"{PACKETS}/00000000/0000000000-00000256-later"
        writer.place.write(key, data)
        assert writer.fold() == 0
        assert waiting(writer.place) == [key]
    assert "newer xpet" in caplog.text


def empty(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_the_fold_leaves_no_empty_folders(tmp_path: Path):
    place = open_place(resolve(tmp_path / "s.zarr"))
    with start(place, 4) as writer:
        late = open_packer(place.spec, NAME, writer.attempt)
        late.begin(0, 2)
        do(place, writer, {0: Z, 1: Z})
        assert writer.fold() == 2
        assert empty(tmp_path / "s.zarr" / NAME / journal.ROOT) == []
        # Its folder was there when its block began, and is not any more.
        late.complete(2, Z, 0.0, 0.0)
        late.end()
        assert writer.fold() == 1
        assert not (tmp_path / "s.zarr" / NAME / PACKETS).exists()


@pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "in processes"])
def test_a_study_leaves_no_empty_folders_in_the_journal(options: Any, tmp_path: Path):
    store = tmp_path / "s.zarr"
    env = xpet.Environment("study", store=store, **options)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(40))})
    env.run(lambda traj: traj.f_add_result("z", np.zeros(traj.x)))
    env.traj.f_expand({"x": [40, 41]})
    env.run(lambda traj: traj.f_add_result("z", np.zeros(traj.x)))
    assert empty(store / "study" / journal.ROOT) == []
