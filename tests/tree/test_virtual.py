"""Runs of a store shown as groups, lazily: a fake store of a million runs counts what is asked of it."""

import itertools

import pytest

from xpet.errors import DataNotInStorageError, NotUniqueNodeError
from xpet.tree import Parameter, Result, Root

RUNS = 10**6


class Where:
    """The runs that have a leaf."""

    def __init__(self, store, template):
        self.store, self.template = store, template

    def __contains__(self, run):
        self.store.asked += 1
        return self.store.has(self.template, run)


class Store:
    """A store in which some runs have some leaves."""

    def __init__(self, leaves, complete=range(RUNS), says=()):
        self.leaves, self.runs, self.says = leaves, complete, dict(says)
        self.asked, self.loaded, self.different = 0, [], ()

    def has(self, template, run):
        return run in self.runs and self.leaves[template](run)

    def templates(self):
        return list(self.leaves)

    def runs_with(self, template):
        return Where(self, template)

    def groups(self):
        return list(self.says)

    def runs_with_group(self, template):
        return [run for run in range(10) if self.says[template](run)]

    def said(self, template, run):
        return f"of {run}", {"note": run}, {}

    def kinds(self):
        said = [lambda run, template=template: self.has(template, run) for template in self.leaves]
        seen = {}
        runs = range(max(self.runs, default=-1) + 1) if len(self.runs) < 1000 else ()
        return [seen.setdefault(tuple(has(run) for has in (*said, *self.says.values())), len(seen)) for run in runs]

    def differ(self, template):
        return template in self.different

    def complete(self):
        return self.runs

    def load(self, template, run):
        if not self.has(template, run):
            raise DataNotInStorageError(template)
        self.loaded.append((template, run))
        name = template.rpartition(".")[2].replace("$", "") or "value"
        if template.startswith("derived"):
            return Parameter(name, run * 10, comment="stored")
        return Result(name, run * 10, comment="stored")


def every(run):
    return True


@pytest.fixture
def store():
    return Store(
        {
            "results.runs.$.z": every,
            "results.runs.$.deep.er.w": lambda run: run % 2 == 0,
            "results.neuron.$.V": lambda run: run != 4,
            "results.$set.$.s": every,
            "results.rare.$.once": lambda run: run == 7,
            "results.total": lambda run: run == 9,
            "results.often": every,
            "derived_parameters.runs.$.a": lambda run: run < 3,
        }
    )


@pytest.fixture
def traj(store):
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(RUNS)}, RUNS)
    traj.attach_runs(store)
    yield traj
    assert len(store.loaded) < 100
    assert len(traj.f_get("results.runs").v_nodes) < 5  # no node per run


def test_attaching_asks_for_nothing(traj, store):
    assert (store.asked, store.loaded) == (0, [])
    assert [node.v_full_name for node in traj.results][:2] == ["results.runs", "results.neuron"]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(lambda t: t.results.runs.run_00000003.z, 30, id="full"),
        pytest.param(lambda t: t.results.runs.r_3.z, 30, id="abbreviated"),
        pytest.param(lambda t: t.results.runs[3].z, 30, id="integer"),
        pytest.param(lambda t: t["results.runs.r_3.z"], 30, id="path"),
        pytest.param(lambda t: t["results", "runs", 3, "z"], 30, id="tuple"),
        pytest.param(lambda t: t.res.runs.run_999999.z, 9999990, id="last"),
        pytest.param(lambda t: t.f_get("results.runs.run_00000003.z", shortcuts=False).f_get(), 30, id="no-shortcuts"),
        pytest.param(lambda t: t.res.runs.r_4.w, 40, id="shortcut-in-run"),
        pytest.param(lambda t: t.res.runs.r_4.deep.er.w, 40, id="nested"),
        pytest.param(lambda t: t.res.neuron.r_3.V, 30, id="own-parent"),
        pytest.param(lambda t: t.results.run_set_00004.run_00004042.s, 40420, id="set"),
        pytest.param(lambda t: t["res.rts_4042.r_4042.s"], 40420, id="set-abbreviated"),
        pytest.param(lambda t: t.dpar.runs.r_2.a, 20, id="derived"),
        pytest.param(lambda t: t.once, 70, id="only-one-run-has-it"),
        pytest.param(lambda t: t.total, 90, id="full-path-one-run"),
        pytest.param(lambda t: t.results.often, 0, id="full-path-every-run"),
        pytest.param(lambda t: t.results.neuron.f_get("r_5.V").v_full_name, "results.neuron.run_00000005.V", id="name"),
    ],
)
def test_reading(traj, read, value):
    assert read(traj) == value


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("z", NotUniqueNodeError),
        ("results.runs.w", NotUniqueNodeError),
        ("results.runs.r_3.w", AttributeError),
        ("results.neuron.r_4", AttributeError),
        ("results.runs.run_1000000", AttributeError),
        ("results.runs.run_ALL", AttributeError),
        ("results.runs.nope", AttributeError),
        ("results.runs.r_3.V", AttributeError),
        ("results.run_set_00004.r_3.s", AttributeError),
        ("r_3", NotUniqueNodeError),
        ("dpar.runs.r_3", AttributeError),
    ],
)
def test_not_found_or_not_unique(traj, store, name, error):
    with pytest.raises(error) as caught:
        traj.f_get(name)
    assert type(caught.value) is error
    assert store.loaded == []
    assert store.asked < 100 or name in ("results.often", "dpar.runs.r_3")


def test_what_runs_left_at_one_path(traj, store):
    store.different = ["results.often"]
    with pytest.warns(UserWarning, match=r"different values at 'results\.often', and that of run 0 is shown"):
        assert traj.results.often == 0
    assert traj.often == 0  # told once
    traj.v_idx = 5
    assert (traj.results.often, traj.often) == (50, 50)
    traj.attach_runs(store)
    assert traj.often == 50  # a selected run's own is no surprise
    assert "total" not in traj.results


def test_a_selected_run(traj, store):
    for run in (4, 1, 4):
        traj.v_idx = run
        assert (traj.z, traj.results.z, traj.often, traj.res.runs.crun.z, traj["res.runs.$.z"]) == (run * 10,) * 5
        assert hasattr(traj, "V") == (run != 4)
        assert hasattr(traj, "w") == (run == 4)
        assert hasattr(traj, "a") == (run < 3)
        assert traj["res.$set.$.s"] == run * 10
    assert traj.results.runs.r_5.z == 50
    traj.f_restore_default()
    with pytest.raises(NotUniqueNodeError):
        _ = traj.z
    assert store.asked < 200


def test_loaded_leaves_are_whole_and_loaded_once(traj, store):
    leaf = traj.f_get("results.runs.r_3.z")
    assert traj.results.runs.r_3.f_get("z") is leaf
    assert store.loaded == [("results.runs.$.z", 3)]
    assert (leaf.v_full_name, leaf.v_template, leaf.v_run, leaf.v_comment, leaf.v_is_new, leaf.v_stored) == (
        "results.runs.run_00000003.z",
        "results.runs.$.z",
        3,
        "stored",
        False,
        True,
    )
    group = traj.results.runs.r_3
    assert (group.v_full_name, group.v_run_branch, group.v_depth, type(group)) == (
        "results.runs.run_00000003",
        "run_00000003",
        3,
        type(traj.results),
    )
    assert group.f_get_parent() is traj.results.runs


def test_iteration_is_lazy(traj, store):
    names = [node.v_name for node in itertools.islice(traj.results.runs, 3)]
    assert names == ["run_00000000", "run_00000001", "run_00000002"]
    assert store.asked < 100
    assert [node.v_name for node in traj.results.runs.r_4.f_iter_nodes()] == ["z", "deep", "er", "w"]
    assert [node.v_name for node in traj.results.runs.r_5] == ["z"]
    assert [group.v_name for group in itertools.islice(traj.results.neuron, 3, 5)] == ["run_00000003", "run_00000005"]
    assert traj.results.runs.f_has_children()
    assert str(traj.results.runs).count("run_") == 6
    assert str(traj.results.runs.r_3) == "ResultGroup results.runs.run_00000003: z"
    assert "run_00000000" in dir(traj.results.runs)
    assert store.asked < 3000


def test_sets_are_counted_one_by_one(traj, store):
    names = traj.results.f_dir_data()
    assert len(names) == 3 + 1000 + 2  # groups, sets, and the leaves that are the same in all runs
    assert {"runs", "neuron", "rare", "run_set_00000", "run_set_00999", "total", "often"} == {
        name for name in names if not name.startswith("run_set_") or name[-3:] in ("000", "999")
    }
    asked = store.asked
    assert traj.results.f_children() == len(names)
    assert store.asked - asked < 1100  # which run has the leaf is known by now


def test_only_the_last_groups_are_kept(traj):
    for run in range(500):
        assert f"run_{run:08d}" in traj.results.runs
    assert traj.f_get("results.runs").v_nodes == {}


def test_post_processing_may_add_to_a_run(traj):
    leaf = traj.f_add_result("runs.run_5.extra", 1)
    assert (leaf.v_template, leaf.v_run) == ("results.runs.$.extra", 5)
    for run in range(100):  # the group of run 5 must outlive the others
        _ = traj.results.runs[run]
    assert (traj.results.runs.r_5.extra, traj.extra, traj.results.runs.r_5.z) == (1, 1, 50)
    with pytest.raises(AttributeError, match="exists already"):
        traj.f_add_result("runs.run_6.z", 1)
    traj.results.runs.r_7.f_add_result("other.more", 2)
    for run in range(100):
        _ = traj.results.runs[run]
    assert traj.results.runs.r_7.other.more == 2


def test_a_run_does_not_see_its_former_results(traj):
    traj.enter_run(4)
    assert not hasattr(traj, "z")
    leaf = traj.f_add_result("z", 1)
    assert (traj.z, traj.results.runs.r_4.z, traj.results.runs.r_5.z) == (1, 1, 50)
    assert "w" not in traj.results.runs.r_4
    assert traj.leave_run() == [leaf]
    assert traj.results.runs.r_4.z == 40


def test_exploring_anew_needs_no_complete_runs(traj):
    traj.f_add_parameter("y", 0)
    with pytest.raises(TypeError, match="f_expand"):
        traj.f_explore({"y": [1]})
    with pytest.raises(TypeError, match="force=True"):
        traj.f_shrink()


def small():
    store = Store(
        {
            "results.runs.$.z": lambda run: run != 1,
            "results.runs.$.deep.z2": every,
            "results.other.$.q": every,
            "derived_parameters.runs.$.z3": every,
        },
        complete=[0, 1, 3],
    )
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": [5, 6, 7, 8]})
    traj.attach_runs(store)
    return traj, store


def test_small_store_as_a_whole():
    traj, _ = small()
    assert list(traj.results.runs.f_get_children()) == ["run_00000000", "run_00000001", "run_00000003"]
    assert traj.results.runs.f_children() == 3
    assert traj.f_get_from_runs("z", use_indices=True, fast_access=True) == {0: 0, 3: 30}
    assert traj.f_get_from_runs("deep.z2", fast_access=True) == {
        "run_00000000": 0,
        "run_00000001": 10,
        "run_00000003": 30,
    }
    assert traj.f_get_from_runs("q", use_indices=True, fast_access=True) == {0: 0, 1: 10, 3: 30}
    assert traj.f_get_from_runs("z3", use_indices=True, fast_access=True) == {0: 0, 1: 10, 3: 30}
    assert set(traj.f_get_results()) == {
        *(f"results.runs.run_0000000{run}.z" for run in (0, 3)),
        *(f"results.runs.run_0000000{run}.deep.z2" for run in (0, 1, 3)),
        *(f"results.other.run_0000000{run}.q" for run in (0, 1, 3)),
    }
    assert [each.v_idx for each in traj.f_iter_runs(yields="self") if "z" in each] == [0, 3]
    copied = traj.f_copy()
    copied.v_idx = 3
    assert (copied.z, traj.v_idx) == (30, -1)
    kept = [node.v_full_name for node in traj.results.f_iter_nodes(predicate=(1,))]
    assert kept == [
        "results.runs",
        "results.other",
        "results.runs.run_00000001",
        "results.other.run_00000001",
        "results.runs.run_00000001.deep",
        "results.other.run_00000001.q",
        "results.runs.run_00000001.deep.z2",
    ]


def test_detaching():
    traj, _ = small()
    assert traj.results.runs.r_0.z == 0
    traj.attach_runs(None)
    assert traj.results.runs.f_children() == 0
    assert traj.length == 4


def test_groups_between_set_and_run():
    store = Store({"results.$set.part.$.z": every, "results.$set.sum": lambda run: run in (5, 1005, 1006)}, range(3000))
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": range(3000)})
    traj.attach_runs(store)
    for selected in (-1, 1005):
        traj.v_idx = selected
        assert [node.v_name for node in traj.results] == ["run_set_00000", "run_set_00001", "run_set_00002"]
        assert traj.results.run_set_00002.part.run_00002000.z == 20000
        assert traj.results.run_set_00002.part.f_children() == 1000
        assert traj.results.run_set_00000.sum == 50
        assert not traj.f_contains("results.run_set_00002.sum")
        assert traj.results.run_set_00001.sum == 10050
        assert traj.f_contains("results.run_set_00002.part.run_00001000") is False
    assert (traj.z, traj["$set.z"], traj["res.$set.sum"]) == (10050, 10050, 10050)


def test_attaching_again_shows_the_new_state():
    traj, store = small()
    traj.f_add_result("runs.run_0.extra", 1)
    assert traj.results.runs.r_0.z == 0
    traj.attach_runs(Store({"results.runs.$.z": every}, complete=[0, 2]))
    assert [node.v_name for node in traj.results.runs] == ["run_00000000", "run_00000002"]
    assert (traj.results.runs.r_0.extra, traj.results.runs.r_2.z) == (1, 20)
    assert len(store.loaded) == 1
    traj.attach_runs(None)
    assert [node.v_name for node in traj.results.runs.r_0] == ["extra"]


def test_a_copy_for_workers_has_no_store():
    traj, _ = small()
    worker = traj.without_ranges()
    assert "run_00000000" not in worker.results.runs
    worker.enter_run(0, (5,))
    assert worker.f_add_result("z", 1).v_full_name == "results.runs.run_00000000.z"


def test_wildcards_of_the_user():
    store = Store({"results.$tens.$.z": every}, complete=range(25))
    traj = Root("study", wildcard_functions={("$tens", "tens"): lambda run: f"tens_{run // 10}"})
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": list(range(25))})
    traj.attach_runs(store)
    assert [node.v_name for node in traj.results] == ["tens_0", "tens_1", "tens_2"]
    assert [node.v_name for node in traj.results.tens_2] == [f"run_0000002{digit}" for digit in range(5)]
    assert traj["results.tens_2.r_21.z"] == 210
    assert not traj.f_contains("results.tens_1.run_00000021")
    traj.v_idx = 13
    assert (traj["$tens.$.z"], traj.z) == (130, 130)


def test_run_names_of_the_user():
    store = Store({"results.runs.$.z": every}, complete=range(3))
    traj = Root("study", wildcard_functions={("$", "crun"): lambda run: f"trial{run}"})
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": [1, 2, 3]})
    traj.attach_runs(store)
    assert [node.v_name for node in traj.results.runs] == ["trial0", "trial1", "trial2"]
    assert (traj.results.runs.trial1.z, traj.r_2.z, traj.trial2.z) == (10, 20, 20)


def of_run(*runs):
    return lambda run: run in runs


@pytest.fixture
def mixed():
    """Names that are a leaf in one run and a group in another."""
    store = Store(
        {
            "results.runs.$.g.z": of_run(1, 3),
            "results.runs.$.g": of_run(0, 3000),
            "results.own.$": of_run(0),
            "results.own.$.z": of_run(1),
            "results.shared": of_run(0),
            "results.shared.z": of_run(1),
        },
        complete=range(4000),
    )
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(5000)}, 5000)
    traj.attach_runs(store)
    return traj


def test_a_leaf_in_one_run_and_a_group_in_another(mixed):
    runs = mixed.results.runs
    assert (runs.r_0.g, runs.r_1.g.z, runs.r_3.g.z, runs[3000].g) == (0, 10, 30, 30000)
    assert (mixed.results.own.run_00000000, mixed.results.own.run_00000001.z) == (0, 10)
    assert [node.v_full_name for node in runs.r_0.f_iter_nodes()] == ["results.runs.run_00000000.g"]
    names = ["results.runs.run_00000001.g", "results.runs.run_00000001.g.z"]
    assert [node.v_full_name for node in runs.r_1.f_iter_nodes()] == names
    assert "g" not in runs.f_get_children()
    with pytest.raises(AttributeError):
        runs.r_0.f_get("z")


def test_such_a_name_over_all_runs(mixed):
    found = mixed.f_get_from_runs("g", use_indices=True)
    assert {run: node.v_is_leaf for run, node in found.items()} == {0: True, 1: False, 3: False, 3000: True}
    found = mixed.f_get_from_runs("g.z", use_indices=True, fast_access=True)
    assert found == {1: 10, 3: 30}
    runs = {name: value for name, value in mixed.f_to_dict(fast_access=True).items() if ".runs." in name}
    assert runs == {
        "results.runs.run_00000000.g": 0,
        "results.runs.run_00000001.g.z": 10,
        "results.runs.run_00000003.g.z": 30,
        "results.runs.run_00003000.g": 30000,
    }


def test_leaves_that_are_named_by_their_runs():
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(RUNS)}, RUNS)
    traj.attach_runs(Store({"results.own.$": every, "results.runs.$.own.$set": every}))
    own = traj.results.own
    assert [own.r_0, own.r_1, own.r_2] == [0, 10, 20]
    assert (own.f_get_default("$"), traj.results.runs.r_1.own.rts_0) == (None, 10)
    assert traj.results.runs.r_1.own.f_dir_data() == ["run_set_00000"]


@pytest.mark.parametrize(("run", "shared"), [(0, 0), (1, "group"), (-1, "group")])
def test_such_a_name_in_a_group_of_all_runs(mixed, run, shared):
    mixed.v_idx = run
    node = mixed.f_get("results.shared")
    assert (node.f_get() if node.v_is_leaf else "group") == shared
    if run:
        assert node.z == 10


def test_groups_of_runs_say_what_they_are():
    says = {"results.runs.$.g": of_run(1, 2), "results.runs.$.bare": of_run(3), "results.shared": of_run(4, 5)}
    leaves = {"results.runs.$.g.z": every, "results.runs.$.g": of_run(), "results.shared.z": of_run(1)}
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(RUNS)}, RUNS)
    traj.attach_runs(Store(leaves, says=says))
    runs = traj.results.runs
    assert [runs[run].f_get("g").v_comment for run in range(3)] == ["", "of 1", "of 2"]
    assert runs.r_2.g.v_annotations.note == 2
    assert runs.r_3.bare.v_comment == "of 3"
    assert not runs.r_3.bare.f_has_children()
    assert "bare" not in runs.r_2
    assert traj.results.shared.v_comment == "of 4"


def test_all_of_a_name_are_found(store):
    store.runs = [0, 1, 4, 7]
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(10)}, 10)
    traj.f_add_result("own.z", 5)
    traj.attach_runs(store)

    def paths(start, *asked, **how):
        return sorted(node.v_full_name.replace("run_0000000", "run_") for node in start.f_get_all(*asked, **how))

    assert paths(traj, "z") == ["results.own.z", *(f"results.runs.run_{run}.z" for run in store.runs)]
    assert paths(traj, "runs.z") == [f"results.runs.run_{run}.z" for run in store.runs]
    assert paths(traj, "r_1.z") == ["results.runs.run_1.z"]
    assert paths(traj, "deep.w") == [f"results.runs.run_{run}.deep.er.w" for run in (0, 4)]
    assert paths(traj, "w", max_depth=4) == []
    assert paths(traj, "r_7") == [
        "results.neuron.run_7", "results.rare.run_7", "results.run_set_00000.run_7", "results.runs.run_7",
    ]  # fmt: skip
    assert paths(traj, "often") == ["results.often"]
    assert paths(traj.results.runs.r_4, "w") == ["results.runs.run_4.deep.er.w"]
    assert paths(traj.results.neuron, "z") == paths(traj, "r_1.once") == []
    assert [node.f_get() for node in traj.f_get_all("once")] == [70]
    traj.v_idx = 1
    assert paths(traj, "$.z") == ["results.runs.run_1.z"]


def test_of_a_million_runs_one_is_found_by_name(traj, store):
    assert [node.f_get() for node in traj.f_get_all("r_999999.z")] == [9999990]
    assert store.loaded == [("results.runs.$.z", 999999)]


def test_a_set_is_listed_whichever_of_its_runs_have_something():
    store = Store({"results.$set.$.s": lambda run: run in (3, 2500), "results.runs.$.z": every}, range(3000))
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(3000)}, 3000)
    traj.attach_runs(store)
    assert sorted(traj.results.f_get_children()) == ["run_set_00000", "run_set_00002", "runs"]
    assert list(traj.results.run_set_00002.f_get_children()) == ["run_00002500"]


def test_inspectors_see_stored_runs():
    store = Store({"results.runs.$.z": every, "results.total": lambda run: run == 9}, range(3000))
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.adopt_exploration({"parameters.x": range(3000)}, 3000)
    traj.attach_runs(store)
    seen = traj.f_debug()
    assert (seen.results.runs.run_00000002.z.f_get(), seen.results.total.f_get()) == (20, 90)
    assert len(vars(seen.results.runs)) == 1000
