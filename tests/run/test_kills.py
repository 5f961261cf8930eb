"""Studies that are killed lose nothing; and were something wrong with how xpet writes, these tests would see it.

`benchmarks/kill.py` does the same at many random instants, and on more kinds of stores.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_disturbances import DropConnections, FullDisk, KillServer, PersistentServer, Proxy, small_disk
from fixtures_killed import Settings
from fixtures_killed_faults import (
    CARRY,
    COMPLETE,
    COPY,
    DISCARD,
    FAULTS,
    PUBLISH,
    SET_STATUS,
    WRITE,
    WRITE_COLUMNS,
    Point,
)
from fixtures_kills import Nest, Reference, place_of
from fixtures_servers import BUCKET, Server
from fixtures_trials import Duration, Nothing, Trial, do_trial

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.timeout(400),
]

#: blocks of 1, 8 and all other runs, each of them folded, however fast it goes
STEADY = Settings("", "", pause=0.0, fold=0.0, block=1e9)

#: where studies in this process are killed; of the calls of WRITE most make the trajectory, then each fold has some
POINTS: list[Point] = [
    *((WRITE, "before", call) for call in (1, 30, 60, 75, 90, 105, 120, 135)),
    (WRITE_COLUMNS, "before", 2),
    *((COMPLETE, "after", call) for call in (1, 5)),
    (SET_STATUS, "after", 1),
    *((PUBLISH, "after", call) for call in (2, 3, 5)),
]
#: the same where workers write chunks
CARRIED = 2**16
CARRIED_POINTS: list[Point] = [
    *((CARRY, when, call) for when in ("before", "after") for call in (1, 5)),
    *((COMPLETE, "after", call) for call in (1, 5)),
    *((WRITE, "before", call) for call in (75, 90, 105, 120, 135)),
    *((COPY, when, call) for when in ("before", "after") for call in (1, 2, 3)),
    ("xpet.store.places.local:LocalPlace._link", "before", 8),
    (SET_STATUS, "after", 1),
    *((PUBLISH, "after", call) for call in (2, 3, 5)),
    *((DISCARD, when, call) for when in ("before", "after") for call in (1, 2)),
]


def named(point: Point) -> str:
    """The name of a point."""
    return f"{point[0].rpartition('.')[2]} {point[1]} {point[2]}"


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nest]:
    """The process that the studies come from."""
    made = Nest(tmp_path_factory.mktemp("nest"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def expected(nest: Nest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """What an undisturbed study leaves."""
    settings = at(tmp_path_factory.mktemp("reference"))
    study = nest.begin(settings)
    assert study.end() == 0, study.said()
    return Reference.of(place_of(settings))


@pytest.fixture(scope="module")
def expected_chunks(nest: Nest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """What an undisturbed study leaves in which workers write chunks."""
    settings = at(tmp_path_factory.mktemp("reference"), chunk=CARRIED)
    study = nest.begin(settings)
    assert study.end() == 0, study.said()
    return Reference.of(place_of(settings))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Loading says that packets wait, which is so here."""
    caplog.set_level(logging.ERROR, "xpet")


def at(folder: Path, **changes: Any) -> Settings:
    """The settings of a study in a folder."""
    return replace(STEADY, **{"store": str(folder / "s.zarr"), "log": str(folder / "log"), **changes})


def check(trial: Trial, settings: Settings) -> None:
    """Nothing may be wrong, and what should be killed must have been."""
    assert not trial.problems, "\n".join(trial.problems)
    assert is_killed(trial, settings)


def is_killed(trial: Trial, settings: Settings) -> bool:
    """Whether what should die did; a worker is replaced."""
    is_worker = settings.die is not None and settings.die[0] == COMPLETE and settings.executor == "process"
    return Path(f"{settings.log}.died").exists() and trial.code == (0 if is_worker else -9)


@pytest.mark.parametrize("point", POINTS, ids=named)
def test_nothing_finished_is_lost(point: Point, tmp_path: Path, nest: Nest, expected: Reference):
    settings = at(tmp_path, die=point)
    check(do_trial(nest, settings, expected, Nothing(), tmp_path.name), settings)


@pytest.mark.parametrize(
    ("executor", "point"),
    [
        pytest.param("process", (COMPLETE, "after", 5), id="a process"),
        pytest.param("process", (PUBLISH, "after", 3), id="the coordinator of processes"),
        pytest.param("thread", (COMPLETE, "after", 5), id="threads in their runs"),
        pytest.param("thread", (PUBLISH, "after", 3), id="threads in a fold"),
    ],
)
def test_nothing_finished_in_workers_is_lost(
    executor: str, point: Point, tmp_path: Path, nest: Nest, expected: Reference
):
    settings = at(tmp_path, die=point, executor=executor)
    check(do_trial(nest, settings, expected, Nothing(), tmp_path.name), settings)


@pytest.mark.parametrize("point", CARRIED_POINTS, ids=named)
def test_no_chunk_is_lost(point: Point, tmp_path: Path, nest: Nest, expected_chunks: Reference):
    settings = at(tmp_path, die=point, chunk=CARRIED)
    check(do_trial(nest, settings, expected_chunks, Nothing(), tmp_path.name), settings)


@pytest.mark.parametrize(
    ("executor", "point"),
    [
        pytest.param("process", (COMPLETE, "after", 5), id="a process"),
        pytest.param("process", (COPY, "after", 3), id="the coordinator of processes"),
        pytest.param("thread", (CARRY, "after", 5), id="threads in their runs"),
        pytest.param("thread", (COPY, "after", 3), id="threads in a fold"),
    ],
)
def test_no_chunk_of_a_worker_is_lost(
    executor: str, point: Point, tmp_path: Path, nest: Nest, expected_chunks: Reference
):
    settings = at(tmp_path, die=point, executor=executor, chunk=CARRIED)
    check(do_trial(nest, settings, expected_chunks, Nothing(), tmp_path.name), settings)


@pytest.mark.s3
@pytest.mark.parametrize(
    "point",
    [(CARRY, "after", 5), ("xpet.store.places.remote:RemotePlace.copy_many", "after", 1), (PUBLISH, "after", 3)],
    ids=["carried", "copied", "published"],
)
def test_no_chunk_is_lost_in_a_bucket(
    point: Point, tmp_path: Path, nest: Nest, expected_chunks: Reference, ministack: Server
):
    store = {"store": f"s3://{BUCKET}/{tmp_path.name}", "options": ministack.storage_options}
    settings = at(tmp_path, die=point, chunk=CARRIED, **store)
    check(do_trial(nest, settings, expected_chunks, Nothing(), tmp_path.name), settings)


@pytest.mark.s3
@pytest.mark.parametrize("point", [(SET_STATUS, "after", 1), (PUBLISH, "after", 3)], ids=["status", "publish"])
def test_nothing_finished_is_lost_in_a_bucket(
    point: Point, tmp_path: Path, nest: Nest, expected: Reference, ministack: Server
):
    settings = at(tmp_path, die=point, store=f"s3://{BUCKET}/{tmp_path.name}", options=ministack.storage_options)
    check(do_trial(nest, settings, expected, Nothing(), tmp_path.name), settings)


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_nothing_finished_is_lost_on_a_full_disk(seed: str, tmp_path: Path, nest: Nest, expected: Reference):
    with contextlib.ExitStack() as stack:
        try:
            disk = FullDisk(stack.enter_context(small_disk()))
        except PermissionError as error:
            pytest.skip(str(error))
        disk.measured(600_000)
        disk.prepare(random.Random(seed))
        settings = at(tmp_path, store=str(disk.folder / "s.zarr"))
        trial = do_trial(nest, settings, expected, disk, seed)
        assert not trial.problems, "\n".join(trial.problems)
        assert trial.code == 1


@pytest.mark.s3
def test_nothing_finished_is_lost_over_a_network_that_drops(
    tmp_path: Path, nest: Nest, expected: Reference, ministack: Server
):
    proxy = Proxy(int(ministack.endpoint.rpartition(":")[2]))
    options = {**ministack.storage_options, "endpoint_url": f"http://127.0.0.1:{proxy.port}"}
    settings = at(tmp_path, store=f"s3://{BUCKET}/{tmp_path.name}", options=options)
    trial = do_trial(nest, settings, expected, DropConnections(proxy), "drops", Duration(0.2, 2.0, 500))
    assert not trial.problems, "\n".join(trial.problems)


@pytest.mark.s3
def test_nothing_finished_is_lost_with_its_server(tmp_path: Path, nest: Nest, expected: Reference):
    with PersistentServer(tmp_path) as server:
        # by default it is most of a minute until a study without its server gives up
        options = {**server.server.storage_options, "config_kwargs": {"retries": {"max_attempts": 1}}}
        settings = at(tmp_path, store=f"s3://{BUCKET}/s", options=options)
        trial = do_trial(nest, settings, expected, KillServer(server), "server", Duration(0.2, 2.0, 500))
        assert not trial.problems, "\n".join(trial.problems)


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_seen(
    name: str, tmp_path: Path, nest: Nest, expected: Reference, expected_chunks: Reference
):
    fault = FAULTS[name]
    settings = at(tmp_path, die=fault.die, executor=fault.executor, fault=name)
    if fault.carried:
        settings, expected = replace(settings, chunk=CARRIED), expected_chunks
    trial = do_trial(nest, settings, expected, Nothing(), name, opens=fault.opens)
    assert is_killed(trial, settings)
    assert trial.problems
    assert fault.seen in "\n".join(trial.problems)
