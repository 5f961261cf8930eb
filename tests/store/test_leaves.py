"""Leaves outside runs: what is stored comes back, and plain xarray opens it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixtures_columns import NAME, do, group, leaf, memory, parameter, plain, read_runs, read_statics, start, to_netcdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpet.errors import UnsupportedValueError
from xpet.store.leaves import StaticGroup, StaticLeaf, pack_annotations, unpack_annotations
from xpet.store.place import Place
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.testing.strategies import BASIC
from xpet.testing.strategies.plain import SCALARS
from xpet.trajectory.stored import stored_leaves
from xpet.values import label


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(BASIC, min_size=1, max_size=5), st.text(max_size=5))
def test_comes_back(values: list[Any], comment: str):
    place = memory()
    leaves = [parameter(f"config.p{k}", value, comment) for k, value in enumerate(values)]
    start(place, 2, leaves).lease.release()
    assert identical(read_statics(place), {f"config.p{k}": {"": value} for k, value in enumerate(values)})
    plain(place)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=3) | SCALARS, max_size=3))
def test_annotations(annotations: dict[str, Any]):
    assert identical(unpack_annotations(pack_annotations(annotations, "a")), annotations)


def test_scalars_need_no_chunk_unless_they_are_long(place: Place):
    values = {"int": 42, "float": -0.0, "none": None, "text": "a" * 4000, "long": "é" * 5000, "big": 2**70}
    start(place, 2, [parameter(f"parameters.{name}", value) for name, value in values.items()]).lease.release()
    assert identical({path.partition(".")[2]: items[""] for path, items in read_statics(place).items()}, values)
    chunks = [key for key in place.list(f"{NAME}/parameters") if not key.endswith("zarr.json")]
    assert chunks == [f"{NAME}/parameters/long/c"]
    assert group(place, "parameters").long.item() == "é" * 5000


def test_items_and_labels():
    place = memory()
    t = label(np.arange(3.0), units="ms")
    items = {"": label(np.ones((3, 2)), ("time", "cell"), {"time": t}, "mV"), "time": 3, "d0": [1, 2], "b": {"a": (1,)}}
    start(place, 2, [StaticLeaf("results.V", "result", "Result", "a trace", {"n": 1}, items)]).lease.release()
    back = read_statics(place)["results.V"]
    assert identical(back, {"": np.ones((3, 2)), "time": 3, "d0": [1, 2], "b": {"a": (1,)}})
    dataset = group(place)
    assert dataset.V.dims == ("time", "cell")
    assert (dataset.V.attrs["units"], dataset.V.attrs["comment"], dataset.time.attrs["units"]) == (
        "mV",
        "a trace",
        "ms",
    )
    assert dataset["V.time"].item() == 3
    to_netcdf(dataset)


def test_a_leaf_without_items_is_there_once():
    place = memory()
    empty = StaticLeaf("results.a", "result", "Result", "nothing yet", {}, {})
    with start(place, 2, [empty]) as writer:
        assert set(stored_leaves(read_snapshot(place, NAME))) == {"results.a"}
        do(place, writer, {0: [leaf("results.runs.$.a.b", 1.0)]})
        writer.fold()
    plain(place)
    assert read_runs(place)[0]["results.runs.$.a.b"][0] == {"": 1.0}
    assert read_snapshot(place, NAME).hierarchy.group("results/a").xpet["empty"]


@pytest.mark.parametrize(
    "paths",
    [
        ["parameters.a.b", "parameters.A.b"],
        ["results.x", "results.run", "results.run_status", "results.X"],
        ["derived_parameters.x", "derived_parameters.run", "derived_parameters.run_status"],
        ["parameters.run", "parameters.run_status", "parameters.x"],
        ["other.x", "other.runs", "other.results.x"],
        ["top"],
        ["results.neuron", "config.neuron.a"],
    ],
    ids=str,
)
def test_names_that_others_have(paths: list[str]):
    place = memory()
    with start(place, 2, [parameter(path, k) for k, path in enumerate(paths)]) as writer:
        runs = {
            run: [leaf(f"{branch}.runs.$.neuron.x", run) for branch in ("results", "derived_parameters")]
            for run in (0, 1)
        }
        do(place, writer, {run: [*left, leaf("derived_parameters.$.z", run)] for run, left in runs.items()})
        writer.fold()
        writer.expand({"parameters.x": [5.0]}, "list", ())
    assert {path: items[""] for path, items in read_statics(place).items()} == {path: k for k, path in enumerate(paths)}
    assert read_runs(place)[1]["results.runs.$.neuron.x"][0] == {"": 1}
    tree = plain(place)
    for branch in ("results", "derived_parameters"):
        assert tree[branch].run.values.tolist() == [0, 1, 2]
        assert tree[branch].run_status.values.tolist() == [2, 2, 0]
        assert tree[branch].x.values.tolist() == [0.0, 1.0, 5.0]


def test_groups_say_what_they_are():
    place = memory()
    groups = [StaticGroup("parameters.traffic", "the traffic", {"note": (1,)}), StaticGroup("results", "all", {})]
    start(place, 2, [parameter("parameters.traffic.n", 1)], groups).lease.release()
    doc = read_snapshot(place, NAME).hierarchy.group("parameters/traffic")
    assert (doc.attrs, doc.xpet["comment"]) == ({"comment": "the traffic"}, "the traffic")
    assert unpack_annotations(doc.xpet["annotations"]) == {"note": (1,)}
    assert group(place).attrs["comment"] == "all"
    assert group(place).run_status.sizes == {"run": 2}


ODD = {
    "nan": float("nan"),
    "inf": float("inf"),
    "huge": 2**70,
    "text": "\udcff",
    "nul": "a\0",
    "bool": True,
    "none": None,
}


def test_odd_parameters_are_no_attributes_that_netcdf_cannot_hold():
    place = memory()
    leaves = [parameter(f"parameters.{name}", value) for name, value in ODD.items()]
    named = [parameter(f"parameters.{name}", 1) for name in ("coordinates", "dtype", "_FillValue", "xpet", "comment")]
    start(place, 2, [*leaves, *named]).lease.release()
    dataset = group(place)
    assert dataset.attrs.keys() == {"bool", "comment"} | {"xpet"} & dataset.attrs.keys()
    assert list(dataset.coords) == ["run", "run_status", "x"]
    to_netcdf(dataset)


def test_refused_before_anything_is_published(place: Place):
    with start(place, 2) as writer, pytest.raises(UnsupportedValueError, match=r"config\.bad"):
        writer.add_leaves([parameter("config.good", 1), parameter("config.bad", object())])
    assert read_statics(place) == {}


def test_leftovers_of_a_dead_writer_are_not_taken_for_values():
    place = memory()
    start(place, 2).lease.release()
    place.write(f"{NAME}/config/p/c", b"left by somebody")
    with open_for_writing(place, NAME) as writer:
        writer.add_leaves([parameter("config.p", 3)])
        writer.publish()
    assert read_statics(place) == {"config.p": {"": 3}}
    assert group(place, "config").p.item() == 3
