"""A writer that dies at any of its writes leaves an openable store, in which nothing finished is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import (
    Death,
    Dying,
    bury,
    copy,
    do,
    forget,
    leaf,
    left_by,
    memory,
    parameter,
    plain,
    read_runs,
    read_statics,
    start,
)

from xpet.store import relayout
from xpet.store.leaves import StaticGroup
from xpet.store.packets import LeafData
from xpet.store.place import Place, open_place, resolve
from xpet.store.points import encode_points
from xpet.store.snapshot import find_snapshot
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.values import label

N = 6
STATICS = {"parameters.traffic.ncars": 42, "parameters.note": "é" * 5000, "config.table": np.arange(6.0).reshape(2, 3)}


def simple(run: int) -> list[LeafData]:
    """What a run leaves that changes nothing but rows."""
    trace = label(np.full(3, float(run)), "time", {"time": [0.0, 0.5, 1.0]}, units="mV")
    return [leaf("results.runs.$.z", run * 2.5), leaf("results.runs.$.neuron.V", trace), leaf("results.runs.$.n", run)]


def varied(run: int) -> list[LeafData]:
    """What a run leaves that makes columns ragged, of several kinds, collide with their fills, and get new groups."""
    more: list[LeafData] = []
    if run >= 3:
        more = [
            leaf("results.runs.$.late.k", np.int8(run)),
            leaf("results.runs.$.late.s", f"run {run}", comment="late"),
        ]
    small = np.array([127, -128, -127, 126, 125, -126][: run + 1], np.int8)
    cells = label(np.full(2 + run % 2, run), "cell", {"cell": np.arange(2 + run % 2) + run})
    return [
        leaf("results.runs.$.i1", small[-1], comment=f"comment {run // 2}"),
        leaf("results.runs.$.ragged", small),
        leaf("results.runs.$.mixed", [run, f"text {run}", 2.5 * run][run % 3], other=bool(run % 2)),
        leaf("results.runs.$.cells", cells),
        *more,
    ]


@dataclass(frozen=True)
class Scenario:
    """What is there before, what the dying writer does, and what must be there once another one has opened."""

    before: Callable[[Place], None]
    act: Callable[[Place], Any]
    leaves: Callable[[int], list[LeafData]] = simple
    complete: frozenset[int] = frozenset()
    #: runs that are complete in the end, whenever the writer died
    finally_complete: frozenset[int] = frozenset()
    sizes: tuple[int, ...] = (N,)


def create_only(place: Place) -> None:
    groups = [StaticGroup("parameters.traffic", "the traffic", {"note": 1})]
    start(place, N, [parameter(path, value) for path, value in STATICS.items()], groups).lease.release()


def after(leaves: Callable[[int], list[LeafData]], folded: range, waiting: range = range(0)) -> Callable[[Place], None]:
    """Some runs are folded, others wait in a packet."""

    def make(place: Place) -> None:
        create_only(place)
        with open_for_writing(place, "study") as writer:
            if folded:
                do(place, writer, {run: leaves(run) for run in folded})
                writer.fold()
            if waiting:
                do(place, writer, {run: leaves(run) for run in waiting}, attempt=1)

    return make


def expand(place: Place) -> None:
    with open_for_writing(place, "study") as writer:
        writer.expand({"parameters.x": [90.0, 91.0]}, "list", ())


def add(place: Place) -> None:
    with open_for_writing(place, "study") as writer:
        writer.add_leaves([parameter("config.late", np.arange(3)), parameter("config.more", "x" * 5000)])
        writer.publish()


def reopen(place: Place) -> None:
    open_for_writing(place, "study").lease.release()


def nothing(place: Place) -> None:
    pass


FIRST, ALL = frozenset(range(3)), frozenset(range(N))
SCENARIOS = {
    "create": Scenario(nothing, create_only),
    "first fold": Scenario(after(varied, range(0), range(3)), reopen, varied, finally_complete=FIRST),
    "fold rows": Scenario(after(simple, range(3), range(3, N)), reopen, simple, FIRST, ALL),
    "fold and change": Scenario(after(varied, range(3), range(3, N)), reopen, varied, FIRST, ALL),
    "expand": Scenario(after(varied, range(3)), expand, varied, FIRST, FIRST, (N, N + 2)),
    "expand what waits": Scenario(after(simple, range(3), range(3, N)), expand, simple, FIRST, ALL, (N, N + 2)),
    "add leaves": Scenario(after(simple, range(N)), add, simple, ALL, ALL),
}


def check_published(place: Place, scenario: Scenario) -> tuple[set[int], xr.DataTree]:
    """Everything that is published is right, with xpet and without; returns the complete runs and the plain view."""
    found = read_runs(place)
    for run, left in found.items():
        assert identical(left, left_by(scenario.leaves(run))), run
    tree = plain(place)
    results = tree["results"]
    done = np.flatnonzero(results.run_status == 2)
    assert set(found) <= set(done.tolist())
    if "z" in results:
        # Where no array had to be laid out anew, what counts as complete has its values, published or not.
        np.testing.assert_array_equal(results.z[done], done * 2.5)
        np.testing.assert_array_equal(results.n[done], done)
        np.testing.assert_array_equal(results["neuron"].V[done, 1], done)
    if "i1" in results:
        values = results.i1.values.astype(float)
        right = np.array([float(varied(run)[0].items[""]) for run in range(len(values))])
        there = ~np.isnan(values)
        np.testing.assert_array_equal(values[there], right[there])
        assert there[list(found)].all()
    return set(found), tree


def dies_at(base: Place, scenario: Scenario, last: int, backwards: bool) -> Place:
    place = copy(base)
    with pytest.raises(Death):
        scenario.act(Dying(place, last, backwards))
    bury(place)
    return place


def survives(place: Place, scenario: Scenario, to_the_end: bool) -> None:
    snapshot = find_snapshot(place, "study")
    if snapshot is None:
        create_only(place)
    else:
        assert check_published(place, scenario)[0] >= scenario.complete
        assert snapshot.meta.n_runs in scenario.sizes
    with open_for_writing(place, "study") as writer:
        assert set(np.flatnonzero(writer.complete).tolist()) == scenario.finally_complete
        assert writer.n_runs in scenario.sizes
        grown = writer.n_runs > N
    complete, tree = check_published(place, scenario)
    assert complete == scenario.finally_complete
    assert not place.list("study/_xpet/journal/packet")
    assert not place.list("study/_xpet/journal/expand")
    statics = read_statics(place)
    assert identical({path: statics[path][""] for path in STATICS}, STATICS)
    for branch in ("results", "runs"):
        np.testing.assert_array_equal(tree[branch].x, [*range(N), *([90, 91] if grown else [])])
    assert (tree["runs"].run_duration[sorted(complete)] == 0.5).all()
    if to_the_end:
        finish(place, scenario)


def finish(place: Place, scenario: Scenario) -> None:
    """The rest can be done, as if nothing had happened."""
    with open_for_writing(place, "study") as writer:
        rest = writer.missing()
        if len(rest):
            do(place, writer, {run: scenario.leaves(run) for run in rest}, attempt=2)
            assert writer.fold() == len(rest)
    assert len(check_published(place, scenario)[0]) == writer.n_runs


@pytest.mark.parametrize(
    ("name", "backwards"),
    [
        *(pytest.param(name, False, id=name) for name in SCENARIOS),
        pytest.param("fold and change", True, id="fold and change, backwards"),
        pytest.param("expand", True, id="expand, backwards"),
    ],
)
def test_dies_at_every_write(name: str, backwards: bool):
    scenario = SCENARIOS[name]
    base = memory()
    scenario.before(base)
    trial = Dying(copy(base))
    scenario.act(trial)
    assert trial.count > 3
    for last in range(0, trial.count, 3 if backwards else 1):
        place = dies_at(base, scenario, last, backwards)
        survives(place, scenario, to_the_end=last % 8 == 0)
        forget(place)


@pytest.mark.parametrize("name", ["fold and change", "expand what waits"])
def test_dies_again_while_it_recovers(name: str):
    scenario = SCENARIOS[name]
    base = memory()
    scenario.before(base)
    trial = Dying(copy(base))
    scenario.act(trial)
    for last in range(1, trial.count, 9):
        once = dies_at(base, scenario, last, backwards=False)
        again = Dying(copy(once))
        reopen(again)
        for then in range(last % 13, again.count, 13):
            place = copy(once)
            with pytest.raises(Death):
                reopen(Dying(place, then))
            bury(place)
            survives(place, scenario, to_the_end=False)
            forget(place)


def explored_anew(place: Place) -> None:
    points = {"x": [float(k) for k in range(9)], "mode": ["slow", "fast", "éß"] * 3}
    columns = [(name, encode_points(f"parameters.{name}", values, {})) for name, values in points.items()]
    with open_for_writing(place, "study") as writer:
        writer.explore(columns, 9, "list", ())


def some_that_failed(place: Place) -> None:
    with start(place, {"x": [90.0, 91.0], "y": [1, 2]}, [parameter("config.table", STATICS["config.table"])]) as writer:
        do(place, writer, {1: "it failed"})
        writer.fold()


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_dies_while_other_points_take_the_place_of_those_that_no_run_is_complete_of(backwards: bool):
    base = memory()
    some_that_failed(base)
    trial = Dying(copy(base))
    explored_anew(trial)
    for last in range(0, trial.count, 2 if backwards else 1):
        place = copy(base)
        with pytest.raises(Death):
            explored_anew(Dying(place, last, backwards))
        bury(place)
        check_points(place)
        open_for_writing(place, "study").lease.release()
        if not check_points(place):
            explored_anew(place)
        assert check_points(place)
        assert not place.list("study/_xpet/journal/expand")
        assert identical(read_statics(place)["config.table"][""], STATICS["config.table"])
        with open_for_writing(place, "study") as writer:
            do(place, writer, {run: simple(run) for run in writer.missing()}, attempt=2)
            assert writer.fold() == 9
        np.testing.assert_array_equal(plain(place)["results"].z, np.arange(9) * 2.5)
        forget(place)


def check_points(place: Place) -> bool:
    """The points are those of before or those of after; whether they are those of after."""
    tree = plain(place)
    for branch in ("runs", "results"):
        names = set(tree[branch].coords) - {"run", "run_status"}
        assert tree[branch].run.values.tolist() == list(range(len(tree[branch].run)))
        if len(tree["runs"].run) == 2:
            assert names == {"x", "y"}
            assert (tree[branch].x.values.tolist(), tree[branch].y.values.tolist()) == ([90.0, 91.0], [1, 2])
        else:
            assert names == {"x", "mode"}
            assert tree[branch].x.values.tolist() == list(range(9))
            assert tree[branch].mode.values.tolist() == ["slow", "fast", "éß"] * 3
            assert not tree[branch].run_status.values.any()
    return len(tree["runs"].run) == 9


def test_who_opened_before_other_points_came_sees_the_old_ones(tmp_path, monkeypatch):
    place = open_place(resolve(str(tmp_path / "s.zarr")))
    some_that_failed(place)
    older = xr.open_datatree(f"{place.url}/study", engine="zarr")
    for _ in range(2):
        explored_anew(place)
        assert check_points(place)
    reopen(place)
    for branch in ("runs", "results"):
        found = {name: older[branch][name].values.tolist() for name in ("run", "x", "y", "run_status")}
        assert found == {"run": [0, 1], "x": [90.0, 91.0], "y": [1, 2], "run_status": [0, 3]}
    assert place.list("study/runs/y")
    later = time.time() + 4000
    monkeypatch.setattr(relayout, "time", SimpleNamespace(time=lambda: later))
    reopen(place)
    assert not place.list("study/runs/y")
    assert check_points(place)
