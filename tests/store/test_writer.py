"""One writer at a time creates, folds, publishes and expands; whoever reads meanwhile sees whole states."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
from fixtures_columns import (
    NAME,
    bury,
    do,
    group,
    leaf,
    left_by,
    memory,
    parameter,
    plain,
    read_runs,
    read_statics,
    start,
    to_netcdf,
)
from fixtures_plain import RunPlain

from xpet.errors import CorruptStoreError, StoreBusyError, VersionMismatchError
from xpet.store.create import NewTrajectory, create
from xpet.store.journal import waiting
from xpet.store.packets import LeafData
from xpet.store.place import Data, Place
from xpet.store.places.memory import MemoryPlace
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import Writer, open_for_writing
from xpet.testing import identical
from xpet.values import label

N = 8
T = label(np.array([0.0, 0.5, 1.0]), units="ms")


def left(run: int) -> list[LeafData]:
    """Something of every layout."""
    return [
        leaf("results.runs.$.z", run * 1.5, comment="product"),
        leaf("results.runs.$.n", run, big=run > 4, label=f"run {run}"),
        leaf("results.runs.$.neuron.V", label(np.full(3, float(run)), "time", {"time": T}, "mV")),
        leaf("results.runs.$.neuron.spikes", np.arange(float(run % 4))),
        leaf("results.runs.$.mixed", run if run % 2 else f"text {run}", comment=f"comment {run // 4}"),
    ]


def all_of(runs: Any) -> dict[int, Any]:
    return {run: left_by(left(run)) for run in runs}


def test_from_nothing_to_the_end(place: Place, plain_python: RunPlain):
    with start(place, N, [parameter("parameters.k", 42), parameter("config.a", np.arange(3))]) as writer:
        assert list(writer.missing()) == list(range(N))
        check(place, [], N)
        do(place, writer, {run: left(run) for run in (4, 1, 5)} | {6: "Traceback\nValueError: no"})
        assert writer.fold() == 3
        check(place, [1, 4, 5], N)
        assert writer.missing() == [0, 2, 3, 6, 7]
        do(place, writer, {run: left(run) for run in writer.missing()}, attempt=1)
        assert writer.fold() == 5
        writer.expand({"parameters.x": [90.0, 91.0]}, "list", ())
        check(place, range(N), N + 2)
        do(place, writer, {run: left(run) for run in (N, N + 1)}, attempt=2)
        assert writer.fold() == 2
    check(place, range(N + 2), N + 2)
    table = group(place, "runs")
    assert table.run_error.values.tolist() == [""] * (N + 2)
    assert table.run_launch.values.tolist() == [1] * (N + 2)
    assert table.run_attempt.values.tolist() == [2, 1, 2, 2, 1, 1, 2, 2, 3, 3]
    assert table.run_started.values[3] == np.datetime64(1_700_000_003, "s")
    if place.is_local:
        code = """
        import sys, xarray
        print(float(xarray.open_datatree(sys.argv[1], engine="zarr").load()["results"].z.sum()))
        """
        assert float(plain_python(code, place.below(NAME).zarr_url())) == 1.5 * sum(range(N + 2))


def check(place: Place, complete: Any, n_runs: int) -> None:
    """What is complete, and only that, is there, with xpet and without."""
    assert identical(read_runs(place), all_of(sorted(complete)))
    tree = plain(place)
    for each in (tree["results"], tree["runs"], *([tree["results"]["neuron"]] if "neuron" in tree["results"] else [])):
        assert each.sizes["run"] == n_runs
        assert np.flatnonzero(each.run_status == 2).tolist() == list(complete)
        assert set(each.coords) >= {"run", "run_status", "x"}
    if "z" in tree["results"]:
        assert np.flatnonzero(tree["results"].z.notnull()).tolist() == list(complete)
        assert tree["results"].n.dtype.kind == ("i" if len(complete) == n_runs else "f")


@pytest.mark.parametrize("state", ["new", "half", "full", "expanded"])
def test_every_state_goes_through_netcdf(state: str):
    place = memory()
    with start(place, N, [parameter("parameters.k", 42)]) as writer:
        if state != "new":
            do(place, writer, {run: left(run) for run in range(N // 2 if state == "half" else N)})
            writer.fold()
        if state == "expanded":
            writer.expand({"parameters.x": [9.0]}, "list", ())
    for path in ("results", "results/neuron", "runs", "parameters")[:: 1 if state != "new" else 2]:
        dataset = group(place, path)
        assert set(to_netcdf(dataset).variables) == set(dataset.variables)


def test_failures_are_recorded_and_forgotten_once_the_run_is_complete():
    place = memory()
    with start(place, 3) as writer:
        do(place, writer, {0: "first", 1: "é\udcff"})
        assert writer.fold() == 0
        assert group(place, "runs").run_error.values.tolist() == ["first", "é\\udcff", ""]
        assert group(place).run_status.values.tolist() == [3, 3, 0]
        do(place, writer, {0: "again", 1: left(1)}, attempt=1)
        writer.fold()
        assert group(place, "runs").run_error.values.tolist() == ["again", "", ""]
        assert group(place).run_status.values.tolist() == [3, 2, 0]
        assert group(place, "runs").run_duration.values.tolist()[:2] == [0.25, 0.5]


def test_attempts():
    place = memory()
    with start(place, 3) as writer:
        newer = [leaf("results.runs.$.z", 2.0)]
        do(place, writer, {0: newer, 1: newer}, attempt=2)
        do(place, writer, {0: [leaf("results.runs.$.z", 1.0)], 1: "failed before"}, attempt=1)
        writer.fold()
        do(place, writer, {0: [leaf("results.runs.$.z", 3.0)], 1: "failed after"}, attempt=3)
        assert writer.fold() == 0
    assert [found["results.runs.$.z"][0][""] for found in read_runs(place).values()] == [2.0, 2.0]
    assert group(place).run_status.values.tolist() == [2, 2, 0]


def test_folding_again_changes_nothing():
    place = memory()
    with start(place, 3) as writer:
        do(place, writer, {0: left(0), 1: left(1)})
        (key,) = waiting(writer.place)
        data = writer.place.read(key) or b""
        writer.fold()
        writer.place.write(key, data)
        generation = writer.meta.generation
        assert writer.fold() == 0
        assert writer.fold() == 0
        assert writer.meta.generation == generation + 1
    assert identical(read_runs(place), all_of((0, 1)))


# Two writers ----------------------------------------------------------------------------------------------------------


def test_a_second_writer_gets_a_clear_error(place: Place):
    with start(place), pytest.raises(StoreBusyError):
        open_for_writing(place, NAME)
    with open_for_writing(place, NAME) as writer:
        assert writer.attempt == 2 * 256


def test_who_lost_the_lease_publishes_nothing():
    place = memory()
    first = start(place, N)
    do(place, first, {run: left(run) for run in range(3)})
    bury(place)
    with open_for_writing(place, NAME) as second:
        assert second.complete.sum() == 3
        before = {key: place.read(key) for key in place.list()}
        for act in (
            first.fold,
            first.publish,
            lambda: first.expand({"parameters.x": [1.0]}, "list", ()),
        ):
            do(place, first, {7: left(7)}, attempt=1)
            with pytest.raises(StoreBusyError, match="taken over"):
                act()
        after = {key: place.read(key) for key in place.list() if "/packet/" not in key}
        assert after == {key: data for key, data in before.items() if "/packet/" not in key}
        assert second.fold() == 1
    first.lease.release()


def test_a_lease_lost_halfway_through_a_fold(monkeypatch: pytest.MonkeyPatch):
    place = memory()
    writer = start(place, 4)
    do(place, writer, {0: left(0)})
    answers = iter([True, False])
    with monkeypatch.context() as patch:
        patch.setattr(writer.lease, "still_ours", lambda: next(answers), raising=False)
        with pytest.raises(StoreBusyError):
            writer.fold()
    assert group(place).run_status.values.tolist() == [0] * 4
    assert read_runs(place) == {}
    writer.lease.release()
    open_for_writing(place, NAME).lease.release()
    assert identical(read_runs(place), all_of([0]))


def test_a_name_that_is_taken():
    place = memory()
    start(place).lease.release()
    with pytest.raises(StoreBusyError, match="just created"):
        start(place)


def test_what_a_creation_that_died_left_is_removed(place: Place):
    start(place, 3, [parameter("config.old", np.arange(5))]).lease.release()
    place.delete([f"{NAME}/zarr.json"])
    place.write(f"{NAME}/_xpet/journal/expand/0000000001", b"{}")
    with start(place, 2) as writer:
        assert writer.n_runs == 2
    assert read_statics(place) == {}
    assert not place.list(f"{NAME}/config/old")
    open_for_writing(place, NAME).lease.release()


@pytest.mark.parametrize(("version", "error"), [("2.0", VersionMismatchError), ("new", CorruptStoreError)])
def test_a_store_of_a_newer_format_is_left_alone(version: str, error: type[Exception]):
    place = memory()
    start(place).lease.release()
    document = json.loads(place.read("zarr.json") or b"")
    document["attributes"]["xpet"] = json.dumps({"format": version, "min_reader": version})
    place.write("zarr.json", json.dumps(document).encode())
    with pytest.raises(error):
        create(place, NewTrajectory("other", "", 1, "list", (), [], []))
    assert not place.list("other")


def test_damaged_intents_say_so():
    place = memory()
    start(place).lease.release()
    for data in (b"{", b"[]", b'{"new": 9, "points": {}}', b'{"new": "a"}'):
        place.write(f"{NAME}/_xpet/journal/expand/0000000009", data)
        with pytest.raises(CorruptStoreError, match="expand/0000000009"):
            open_for_writing(place, NAME)
    place.delete([f"{NAME}/_xpet/journal/expand/0000000009"])
    open_for_writing(place, NAME).lease.release()


def test_stray_partial_files_are_no_keys(local: Place):
    with start(local, 2) as writer:
        do(local, writer, {0: left(0)})
        block = writer.place.list("_xpet/journal/packet")[0].rpartition("/")[0]
    for folder in ("results", block):
        with open(f"{local.url}/{NAME}/{folder}/.1-2-3.partial", "wb") as file:
            file.write(b"half")
    with open_for_writing(local, NAME) as writer:
        assert writer.complete.tolist() == [True, False]
    plain(local)


class Sloppy(MemoryPlace):
    """A place that several processes can reach, and that overwrites what was to be created."""

    in_process_only = False

    def below(self, sub: str) -> Sloppy:
        return Sloppy(self.spec.below(sub))

    def create(self, key: str, data: Data) -> bool:
        self.write(key, data)
        return True


def test_a_place_that_does_not_keep_writers_apart_is_told():
    place = Sloppy(memory().spec)
    with pytest.warns(UserWarning, match="does not honour exclusive creation"):
        start(place).lease.release()
    assert not [key for key in place.list() if "probe" in key]
    open_for_writing(place, NAME).lease.release()


def test_errors_of_creation_give_the_lease_back():
    place = memory()
    with pytest.raises(TypeError):
        start(place, 2, [parameter("config.bad", object())])
    with start(place, 2) as writer:
        assert writer.n_runs == 2


# Readers --------------------------------------------------------------------------------------------------------------


def fold_all(place: Place, writer: Writer, n_runs: int) -> None:
    for run in range(n_runs):
        do(place, writer, {run: left(run)}, attempt=run)
        writer.fold()
        if run % 5 == 4:
            writer.expand({"parameters.x": [float(run)]}, "list", ())


def test_a_concurrent_reader_sees_whole_states(local: Place):
    n_runs, states, errors = 25, [], []
    with start(local, n_runs) as writer:
        stop = threading.Event()

        def read() -> None:
            try:
                while not stop.is_set():
                    complete = read_snapshot(local, NAME).complete
                    results = plain(local)["results"]
                    done = np.flatnonzero(complete)
                    np.testing.assert_array_equal(results.x.sizes["run"], results.run_status.sizes["run"])
                    if len(done):
                        np.testing.assert_array_equal(results.z[done], done * 1.5)
                        np.testing.assert_array_equal(results.n[done], done)
                        np.testing.assert_array_equal(results["neuron"].V[done, 0], done)
                        spikes = results["neuron"].spikes
                        np.testing.assert_array_equal(spikes.notnull().sum(spikes.dims[1])[done], done % 4)
                        assert (results.run_status[done] == 2).all()
                    states.append(len(done))
            except BaseException as error:
                errors.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        fold_all(local, writer, n_runs)
        stop.set()
        reader.join()
    assert not errors
    assert states == sorted(states)
    assert len(set(states)) > 3
    assert identical(read_runs(local), all_of(range(n_runs)))
