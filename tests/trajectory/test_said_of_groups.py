"""What groups and the trajectory say of themselves is stored: comments, annotations, links."""

from __future__ import annotations

import logging

import pytest
import xarray as xr

import xpet


@pytest.fixture
def url(tmp_path):
    return tmp_path / "s.zarr"


def script(url, **notes):
    env = xpet.Environment("study", store=url, comment="of the study")
    traj = env.traj
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("cell.tau", 20.0)
    traj.f_explore({"x": [1.0, 2.0]})
    traj.v_annotations.f_set(**notes)
    return env


def load(url, **options):
    return xpet.load_trajectory("study", store=url, **options)


def test_annotations_of_the_trajectory(url):
    script(url, note={"a": (1, 2)}).run(lambda traj: traj.f_add_result("z", traj.x))
    traj = load(url)
    assert traj.v_annotations.f_to_dict() == {"note": {"a": (1, 2)}}
    traj.v_annotations.more = 3
    traj.f_store()
    assert load(url).v_annotations.f_to_dict() == {"note": {"a": (1, 2)}, "more": 3}
    assert load(url).v_comment == "of the study"
    script(url).run(lambda traj: traj.f_add_result("z", traj.x))
    assert load(url).v_annotations.more == 3


def test_an_annotation_of_the_trajectory_that_cannot_be_kept(url):
    with pytest.raises(xpet.UnsupportedValueError, match=r"the trajectory \(annotations\)"):
        script(url, note=object()).traj.f_store()


def test_links(url, recwarn):
    env = script(url)
    traj = env.traj
    traj.f_add_link("membrane", "parameters.cell")
    traj.parameters.f_add_link("slow", traj.f_get("tau"))
    traj.f_add_result_group("deep.er").f_add_link("x", "parameters.x")
    env.run(lambda traj: traj.f_add_result("z", traj.x))
    traj = load(url)
    assert (traj.membrane.tau, traj.parameters.slow, traj.results.deep.er.x) == (20.0, 20.0, 1.0)
    assert traj.parameters.f_get_links() == {"slow": traj.f_get("parameters.cell.tau")}
    traj.f_store()
    assert not recwarn


def test_a_link_that_is_added_later(url):
    script(url).run(lambda traj: traj.f_add_result("z", traj.x))
    traj = load(url)
    traj.f_add_link("best", "results.runs.run_00000001.z")
    traj.results.runs.run_00000000.f_add_link("tau", "parameters.cell.tau")
    traj.f_store()
    loaded = load(url)
    assert (loaded.best, loaded.results.runs.run_00000000.tau) == (2.0, 20.0)
    assert loaded.f_get_from_runs("z", fast_access=True, use_indices=True) == {0: 1.0, 1: 2.0}
    parameters_only = load(url, load_results=0)
    parameters_only.f_add_link("slow", "parameters.cell.tau")
    parameters_only.f_store()
    assert (load(url).best, load(url).slow) == (2.0, 20.0)


def test_links_into_runs_do_not_keep_a_trajectory_from_running(url):
    script(url).run(lambda traj: traj.f_add_result("z", traj.x))
    env = xpet.Environment(load(url), store=url)
    env.traj.f_add_link("best", "results.runs.run_00000001.z")
    env.traj.f_expand({"x": [3.0]})
    env.run(lambda traj: traj.f_add_result("z", traj.x))
    assert (load(url).best, load(url).results.runs.r_2.z) == (2.0, 3.0)


def test_a_link_that_leads_nowhere_is_told(url, caplog):
    script(url).run(lambda traj: traj.f_add_result("z", traj.x) if traj.x > 1 else None)
    traj = load(url)
    traj.f_add_link("best", "results.runs.run_00000001.z")
    traj.f_store()
    document = url / "study" / "zarr.json"
    document.write_text(document.read_text().replace("run_00000001.z", "run_00000000.z"))
    with caplog.at_level(logging.WARNING):
        assert "best" not in load(url)
    assert "the link best is left out: " in caplog.text


def test_parameters_that_are_added_later_are_attributes(url):
    def job(traj):
        traj.f_add_result("deep.z", traj.x)

    script(url).run(job)
    traj = load(url)
    traj.f_add_parameter("late.n", 3)
    traj.f_add_parameter("flag", True)
    traj.f_store()
    for group in ("results", "results/deep"):
        with xr.open_dataset(url / "study", group=group, engine="zarr") as plain:
            shown = {name: plain.attrs[name] for name in ("cell.tau", "late.n", "flag")}
            assert shown == {"cell.tau": 20.0, "late.n": 3, "flag": 1}
            assert "x" not in plain.attrs


def telling(traj):
    run = int(traj.x)
    group = traj.f_add_result_group("cell", comment=f"of run {run}")
    if run == 2:
        group.v_annotations.note = {"n": run}
    traj.f_add_result("cell.z", run)
    traj.f_add_derived_parameter_group("bare", comment="nothing in it")
    if run == 1:
        traj.f_add_result("both", 1, comment="a leaf")
    else:
        traj.f_add_result_group("both", comment="a group")


@pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "multiproc"])
def test_groups_that_runs_make(url, options):
    env = xpet.Environment("study", store=url, **options)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
    env.run(telling)
    for traj in (env.traj, load(url)):
        runs = traj.results.runs
        assert [runs[run].cell.v_comment for run in range(3)] == ["of run 1", "of run 2", "of run 3"]
        assert [runs[run].cell.v_annotations.f_to_dict() for run in range(3)] == [{}, {"note": {"n": 2}}, {}]
        assert traj.derived_parameters.runs.r_1.bare.v_comment == "nothing in it"
        both = traj.f_get_from_runs("both", use_indices=True)
        assert [both[run].v_is_leaf for run in range(3)] == [True, False, False]
        assert [both[run].v_comment for run in range(3)] == ["a leaf", "a group", "a group"]
        assert traj.f_get_results(fast_access=True) == {
            "results.runs.run_00000000.cell.z": 1,
            "results.runs.run_00000000.both": 1,
            "results.runs.run_00000001.cell.z": 2,
            "results.runs.run_00000002.cell.z": 3,
        }
    xr.open_datatree(url / "study", engine="zarr").close()


def linking(traj):
    traj.f_add_result("g.z", traj.x)
    group = traj.results.runs.crun
    group.f_add_link("cell", "parameters.cell")
    group.g.f_add_link("same", traj.f_get("z"))
    group.g.f_add_link("up", group)
    if traj.x > 1:
        group.f_add_link("only", "parameters.x")
    assert group.g.same == traj.x


@pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "multiproc"])
def test_links_that_runs_make(url, options, recwarn):
    env = xpet.Environment("study", store=url, **options)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("cell.tau", 20.0)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.run(linking)
    assert not env.traj.v_state.link_names
    for traj in (env.traj, load(url)):
        runs = traj.results.runs
        assert (runs.r_0.g.same, runs.r_1.g.same, traj.r_1.cell.tau) == (1.0, 2.0, 20.0)
        assert runs.r_1.g.f_get("same").v_full_name == "results.runs.run_00000001.g.z"
        assert runs.r_1.g.up.v_full_name == "results.runs.run_00000001"
        assert runs.r_1.g.up.g.up.g.same == 2.0
        assert (runs.r_0.f_links(), runs.r_1.f_links(), runs.f_has_links()) == (1, 2, False)
        assert runs.r_0.f_get_links() == {"cell": traj.f_get("parameters.cell")}
        assert set(dir(runs.r_1)) >= {"g", "cell", "only"}
        assert list(runs.r_1.f_get_children()) == ["cell", "only", "g"]
        assert traj.f_get_from_runs("only", use_indices=True, include_default_run=False).keys() == {1}
        assert traj.f_get_from_runs("same", fast_access=True, use_indices=True) == {0: 1.0, 1: 2.0}
        assert traj.f_get_from_runs("same", use_indices=True, with_links=False) == {}
        assert traj.f_get_from_runs("z", fast_access=True, use_indices=True) == {0: 1.0, 1: 2.0}
        assert "results.runs.run_00000000.g.same" in traj
        assert not traj.f_contains("results.runs.run_00000000.g.same", with_links=False)
        names = [node.v_full_name for node in traj.f_iter_nodes()]
        assert len(names) == len(set(names))
        assert "results.runs.run_00000001.g.z" in names
        for run in (1, 0, 1):
            traj.v_idx = run
            assert (traj.same, traj.crun.same) == (run + 1.0, run + 1.0)
        traj.v_idx = -1
        with pytest.raises(ValueError, match="in the store only"):
            runs.r_0.f_remove_link("cell")
        with pytest.raises(AttributeError, match="link"):
            runs.r_0.f_add_result("cell.w", 1)
        with pytest.raises(AttributeError, match="exists already"):
            runs.r_0.f_add_link("cell", "parameters.x")
    with xr.open_dataset(url / "study", group="results", engine="zarr") as plain:
        assert plain["g.links"].values[1] == (
            '{"same": "results.runs.run_00000001.g.z", "up": "results.runs.run_00000001"}'
        )
    assert not recwarn


def test_a_link_of_a_run_that_leads_to_what_is_not_there(url):
    script(url).run(linking)
    traj = load(url, load_parameters=0)
    group = traj.results.runs.r_0
    assert group.f_links() == 1
    assert group.f_get_links() == {}
    assert list(group.f_get_children()) == ["g"]
    with pytest.raises(AttributeError, match="cell"):
        _ = group.cell


def test_links_of_a_run_are_kept_when_more_is_stored_there(url):
    script(url).run(linking)
    traj = load(url)
    traj.results.runs.r_0.f_add_link("more", "parameters.cell.tau")
    traj.f_store()
    for each in (traj, load(url)):
        assert (each.r_0.more, each.r_0.cell.tau, each.r_0.f_links()) == (20.0, 20.0, 2)


def test_links_that_runs_make_in_groups_of_all_runs_are_told(url):
    def job(traj):
        traj.f_add_result("z", traj.x)
        traj.results.f_add_link("last", traj.f_get("z"))

    env = script(url)
    with pytest.warns(UserWarning, match=r"of all runs are dropped, such as results\.last;") as caught:
        env.run(job)
    assert (len(caught), caught[0].filename) == (1, __file__)
    assert (env.runs().status == "complete").all()
