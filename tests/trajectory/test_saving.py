"""What a trajectory holds besides runs comes back as it was: groups, comments, annotations, config, results."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from fixtures_jobs import StoreAt, environment, multiply

import xpet
from xpet import Environment, Trajectory, load_trajectory
from xpet.store.place import open_place


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


def loaded(store):
    return load_trajectory("Multiplication", store=store.url, storage_options=store.storage_options or None)


VALUES = {
    "an_int": 42,
    "a_big_int": 2**80,
    "a_float": 0.1,
    "nan": float("nan"),
    "inf": float("-inf"),
    "a_bool": True,
    "a_complex": 1 - 2j,
    "a_text": "ünï\n'\"",
    "an_empty_text": "",
    "none": None,
    "a_tuple": (1, 2.0, "x"),
    "a_list": [1, 2, 3],
    "a_dict": {"a": 1, "b": (2, None)},
    "an_int8": np.int8(-3),
    "a_float32": np.float32(0.1),
    "an_array": np.arange(6.0).reshape(2, 3),
    "ints": np.arange(3, dtype="u2"),
    "bools": np.array([True, False]),
    "nothing": np.empty((0, 2)),
    "some_bytes": b"\x00\xff",
}


def alike(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and repr(a) == repr(b)


@pytest.mark.parametrize("name", VALUES)
def test_values_of_every_kind_of_leaf(name, at):
    value = VALUES[name]
    env = Environment("Multiplication", store=at.url)
    traj = env.traj
    traj.f_add_parameter("p", value, comment="a parameter")
    traj.f_add_derived_parameter("d", value)
    traj.f_add_config("c", value)
    traj.f_add_result("before", value)
    env.run(lambda traj: traj.f_add_result("inside", value, more=value) and None)
    traj.f_add_result("after", value)
    traj.f_store()
    back = loaded(at)
    for path in ("parameters.p", "derived_parameters.d", "config.c", "results.before", "results.after"):
        assert alike(back[path], value), path
    assert alike(back.r_0.f_get("inside").inside, value)
    assert alike(back.r_0.f_get("inside").more, value)
    with xr.open_datatree(f"{at.url}/Multiplication", engine="zarr") as tree:
        tree.load()


def fill(env):
    traj = env.traj
    traj.f_add_parameter("traffic.ncars", 42, comment="how many")
    traj.f_add_parameter_group("traffic.lights", comment="the lights")
    traj.f_add_parameter("traffic.lights.green", 30.0, comment="in s")
    traj.f_get("ncars").v_annotations.f_set(source="counted", year=1999)
    traj.f_get("traffic").v_annotations.f_set(area="north")
    traj.f_add_config("threads", 2, comment="how many threads")
    traj.f_add_derived_parameter("mean", 0.5, comment="derived before")
    traj.f_add_result_group("neuron", comment="a neuron")
    traj.f_add_group("mine.own", comment="not in a branch")
    traj.f_add_leaf("mine.own.leaf", 7)
    traj.f_add_result("table", rows=3, names=("a", "b"), comment="several items")
    traj.f_add_result("bare", comment="without items")
    traj.f_add_result("neuron.bare-too")
    traj.f_add_parameter("unset", comment="without a value")


def job(traj):
    traj.f_add_derived_parameter("squared", traj.x**2, comment="derived in the run")
    traj.f_add_result("neuron.V", np.full(3, traj.x), comment="voltage")
    traj.f_add_result("stats", traj.x, low=traj.x - 1, high=traj.x + 1, comment="three items")
    result = traj.f_add_result("$.placed", traj.y)
    result.v_annotations.f_set(run=traj.v_idx, note="an annotation")
    traj.f_add_result("group.$.deep.r", traj.y)
    traj.f_add_result("$set.$.of_set", traj.v_idx)
    traj.f_add_result("z", traj.x * traj.y, comment="big" if traj.x > 2 else "small")


def test_the_whole_tree_comes_back(store):
    env = environment(store)
    fill(env)
    assert len(env.run(job)) == 12
    env.traj.f_add_result("summary.mean", 3.5, comment="added afterwards")
    env.traj.f_add_result_group("summary.more", comment="a group added afterwards")
    env.traj.f_store()
    back = loaded(store)
    assert (back.parameters.traffic.ncars, back.ncars, back.traffic.lights.green) == (42, 42, 30.0)
    assert back.f_get("ncars").v_comment == "how many"
    assert back.f_get("ncars").v_annotations.f_to_dict() == {"source": "counted", "year": 1999}
    assert back.f_get("traffic").v_annotations.f_to_dict() == {"area": "north"}
    assert back.f_get("lights").v_comment == "the lights"
    assert (back.config.threads, back.f_get("threads").v_comment) == (2, "how many threads")
    assert (back.dpar.mean, back.f_get("mean").v_comment) == (0.5, "derived before")
    assert back.results.v_nodes["neuron"].v_comment == "a neuron"
    assert back.f_get("mine.own").v_comment == "not in a branch"
    assert back.mine.own.leaf == 7
    assert (back.table.rows, back.table.names) == (3, ("a", "b"))
    assert back.f_get("table").v_comment == "several items"
    assert back.f_get("bare").f_is_empty()
    assert back.f_get("bare").v_comment == "without items"
    assert back.f_get("neuron.bare-too").f_is_empty()
    assert back.f_get("parameters.unset").f_is_empty()
    assert back.summary.mean == 3.5
    assert back.f_get("summary.more").v_comment == "a group added afterwards"
    assert back.v_comment == "I am the first example!"


def test_what_runs_left_comes_back(store):
    env = environment(store)
    env.run(job)
    back = loaded(store)
    for run in (0, 5, 11):
        back.v_idx = run
        x, y = back.x, back.y
        name = f"run_{run:08d}"
        assert back[f"derived_parameters.runs.{name}.squared"] == x**2
        assert back.squared == x**2
        assert back.f_get("squared").v_comment == "derived in the run"
        assert back[f"results.runs.{name}.neuron.V"].tolist() == [x] * 3
        stats = back.f_get(f"results.runs.{name}.stats")
        assert (stats.stats, stats.low, stats.high) == (x, x - 1, x + 1)
        assert stats.f_to_dict() == {"stats": x, "low": x - 1, "high": x + 1}
        assert back[f"results.{name}.placed"] == y
        notes = back.f_get(f"results.{name}.placed").v_annotations.f_to_dict()
        assert notes == {"run": run, "note": "an annotation"}
        assert back[f"results.group.{name}.deep.r"] == y
        assert back[f"results.run_set_00000.{name}.of_set"] == run
        assert back.f_get("z").v_comment == ("big" if x > 2 else "small")
    back.v_idx = -1
    assert back.f_get_from_runs("neuron.V", fast_access=True, use_indices=True)[3].tolist() == [2.0] * 3
    ds = env.dataset()
    assert ds["neuron.V"].dims == ("x", "y", "neuron.V.d0")
    assert ds["stats.low"].sel(x=3.0, y=6.0) == 2.0
    where, options = open_place(env.traj.v_spec).below("Multiplication").zarr_store_args()
    with xr.open_datatree(where, engine="zarr", storage_options=options) as tree:
        assert tree["results/neuron"].V.dims[0] == "run"
        assert tree["derived_parameters"].squared.values.tolist() == [x**2 for x in (1, 2, 3, 4) for _ in range(3)]
        assert {"x", "y"} <= set(tree["derived_parameters"].coords)


def test_what_is_added_after_runs_stays_beside_them(at):
    env = environment(at)
    env.run(multiply)
    for k in range(3):
        env.traj.f_add_result(f"summary.mean{k}", float(k))
        env.traj.f_store()
    env.traj.f_add_parameter("late", 1)
    env.traj.f_store()
    back = loaded(at)
    assert [back[f"results.summary.mean{k}"] for k in range(3)] == [0.0, 1.0, 2.0]
    assert back.late == 1
    assert back.r_7.z == 21.0
    assert Environment(back).run(multiply) == []


def test_a_group_that_gets_its_comment_after_the_runs(at):
    env = environment(at)
    env.run(lambda traj: traj.f_add_result("neuron.z", traj.x) and None)
    env.traj.f_add_result("neuron.mean", 2.5)
    env.traj.results.v_nodes["neuron"].v_comment = "a neuron"
    env.traj.f_store()
    back = loaded(at)
    assert back["results.neuron.mean"] == 2.5
    assert back.results.v_nodes["neuron"].v_comment == "a neuron"
    assert back.r_3["neuron.z"] == 2.0
    with xr.open_dataset(f"{at.url}/Multiplication", group="results/neuron", engine="zarr") as ds:
        assert {"x", "y"} <= set(ds.coords)
        assert ds.attrs["comment"] == "a neuron"


def test_groups_in_groups_are_read_by_zarr(at):
    def deep(traj):
        for path in ("a.b", "c", "d.e.f", "b.a", "a.c.d", "d.c"):
            traj.f_add_result(path, traj.x)

    env = environment(at)
    env.run(deep)
    with xr.open_datatree(f"{at.url}/Multiplication", engine="zarr") as tree:
        assert tree["results/d/e"].f.values.tolist() == tree["results/a/c"].d.values.tolist()
    assert set(env.dataset().data_vars) == {"a.b", "c", "d.e.f", "b.a", "a.c.d", "d.c"}


def test_a_result_whose_name_a_run_uses_as_well(at):
    env = environment(at)
    env.traj.f_add_result("z", 100.0, comment="of no run")
    env.run(multiply)
    back = loaded(at)
    assert back["results.z"] == 100.0
    assert back["results.runs.run_00000003.z"] == 12.0


def test_only_what_is_new_is_written(at):
    env = environment(at)
    env.traj.f_add_result("big", np.zeros(10))
    env.traj.f_store()
    generation = env.traj.f_snapshot().meta.generation
    env.traj.f_store()
    assert env.traj.f_snapshot().meta.generation == generation


def test_storing_without_a_store():
    with pytest.raises(xpet.StoreError, match=r"has no store.*filename= or store="):
        Trajectory("homeless").f_store()


def test_a_value_that_cannot_be_kept_is_refused_where_it_is_given(at):
    traj = Trajectory("study", store=at.url)
    for add in (traj.f_add_parameter, traj.f_add_config, traj.f_add_derived_parameter, traj.f_add_result):
        with pytest.raises(xpet.UnsupportedValueError, match=r"group\.odd.*object"):
            add("group.odd", object())


def test_storing_a_trajectory_that_is_in_a_run_does_nothing(at):
    env = environment(at)
    env.run(lambda traj: traj.f_store())
    assert set(env.runs().status) == {"complete"}


def test_units_of_parameters(at):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", xpet.label(1.0, units="mV"), comment="voltage")
    env.traj.f_add_parameter("c", xpet.label(np.arange(3.0), "site", units="nA"))
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.run(lambda traj: traj.f_add_result("y", traj.x) and None)
    with xr.open_dataset(f"{at.url}/Multiplication", group="results", engine="zarr") as ds:
        assert ds.x.attrs["units"] == "mV"
    with xr.open_datatree(f"{at.url}/Multiplication", engine="zarr") as tree:
        assert tree["parameters"].x.attrs["units"] == "mV"
        assert tree["parameters"].c.attrs["units"] == "nA"
        assert tree["parameters"].c.dims[0].endswith("site")
    assert loaded(at).c.tolist() == [0.0, 1.0, 2.0]
