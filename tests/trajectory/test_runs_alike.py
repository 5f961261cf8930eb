"""What all runs have of a name is searched in one of the runs that are alike; searching in each is the measure."""

from __future__ import annotations

import random
import uuid
import warnings
from typing import Any

import numpy as np
import pytest

import xpet
from xpet.tree import Group, Leaf, queries
from xpet.values import same_value

N = 6
NAMES = (
    *("z", "g", "g.z", "g.v", "v", "w", "a.w", "s", "V", "p", "text", "array", "said", "said.z", "to", "links.to"),
    *("none", "none.z", "$", "r_1", "r_1.z", "results.runs.r_2.z", ("g", "z"), "runs", "_z", ""),
)


class Each:
    """Finds a name by searching every run."""

    def __init__(self, tree: object, name: object, search: Any) -> None:
        self.find = search


def add(traj: Any, feature: str) -> None:
    x = int(traj.x)
    match feature:
        case "z" | "w" | "none":
            traj.f_add_result(f"{'a.' if feature == 'w' else ''}{feature}", x, comment=f"of {x % 2}")
        case "w too":
            traj.f_add_result("b.w", float(x))
        case "g":
            traj.f_add_result("g", x)
        case "g.z":
            traj.f_add_result("g.z", x, more="text")
        case "g.v":
            traj.f_add_result("g.v", a=x, b=f"t{x}\0").v_annotations.f_set(note=x)
        case "s":
            traj.f_add_result("$set.$.s", x)
        case "V":
            traj.f_add_result("neuron.$.V", np.arange(x))
        case "p":
            traj.f_add_derived_parameter("p", x)
        case "p too":
            traj.f_add_derived_parameter("z", x)
        case "array":
            traj.f_add_result("array", np.full(3, x))
        case "text":
            traj.f_add_result("text", "t" * x if x % 2 else x)
        case "said":
            traj.f_add_result_group("said", comment=f"group {x % 2}").f_add_result("z", x)
        case "link":
            traj.f_add_result_group("links").f_add_link("to", traj.f_add_result("far.away", x))
        case "fail":
            raise RuntimeError("meant to")


FEATURES = ("z", "w", "w too", "g", "g.z", "g.v", "s", "V", "p", "p too", "array", "text", "said", "link", "fail")


def study(features: list[set[str]]) -> str:
    """Run a study of which each run adds what is said; the URL of its store."""
    url = f"memory://{uuid.uuid4().hex}"
    env = xpet.Environment("study", store=url)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(len(features)))})

    def job(traj: Any) -> None:
        mine = features[int(traj.x)]
        for feature in FEATURES:
            if feature in mine and not ("g" in mine and feature.startswith("g.")):
                add(traj, feature)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* runs? failed")
        env.run(job)
    return url


def in_memory(traj: Any, what: str) -> None:
    """Do something to a loaded trajectory that makes runs differ."""
    match what:
        case "nodes":
            traj.f_add_result("results.runs.run_00000002.none", "of run 2")
        case "fallback":
            traj.f_add_result("results.runs.run_ALL.z", "of no run")
        case "a changed leaf":
            if "results.runs.run_00000001.z" in traj:
                traj.f_get("results.runs.run_00000001.z").f_set(-1)
        case "a link":
            runs = traj.results.runs if "runs" in traj.results else traj.f_add_result_group("runs")
            if "run_00000003" not in runs:
                runs.f_add_link("run_00000003", traj.f_add_result("away.v", "linked").v_parent)
            else:
                traj.f_get("results.runs.run_00000003").f_add_link("v", traj.f_add_result("away.v", "linked"))
        case "a selected run":
            traj.v_idx = 1


def seen(node: Any) -> Any:
    if isinstance(node, Leaf):
        notes = node.v_annotations.f_to_dict()
        return (type(node).__name__, node.v_full_name, node.v_run, node.v_comment, notes, node.v_is_new, node.f_items())
    return (type(node).__name__, node.v_full_name, node.v_run, node.v_comment) if isinstance(node, Group) else node


def outcome(url: str, change: str, name: Any, options: dict[str, Any]) -> Any:
    """What is found of a name in a trajectory that is loaded for it, or the error."""
    traj = xpet.load_trajectory("study", filename=url)
    in_memory(traj, change)
    try:
        found = traj.f_get_from_runs(name, **options)
    except (AttributeError, ValueError) as error:
        return type(error).__name__, str(error)
    return [(run, seen(node)) for run, node in found.items()]


OPTIONS = {
    "include_default_run": (True, False),
    "use_indices": (True, False),
    "fast_access": (True, False),
    "with_links": (True, False),
    "shortcuts": (True, False),
    "max_depth": (None, 1, 2, 3),
    "auto_load": (True, False),
}
CHANGES = ("nothing", "nodes", "fallback", "a changed leaf", "a link", "a selected run")


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_is_what_a_search_of_every_run_finds(seed: int):
    chosen = random.Random(seed)
    runs = [set(chosen.sample(FEATURES, chosen.randrange(7))) for _ in range(chosen.randrange(1, N))]
    # Many are alike, so that they are not searched.
    url = study([*runs, *runs[:1] * 3, *runs[-1:] * 3])
    for name in NAMES:
        options = {key: chosen.choice(values) for key, values in OPTIONS.items() if chosen.random() < 0.3}
        change = chosen.choice(CHANGES)
        found = outcome(url, change, name, options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queries, "Alike", Each)
            assert same_value(found, outcome(url, change, name, options)), (runs, name, options, change)


def test_one_of_the_runs_that_are_alike_is_searched(monkeypatch: pytest.MonkeyPatch):
    searched = []

    class Counted(queries.Alike):
        def __init__(self, tree: Any, name: Any, search: Any) -> None:
            super().__init__(tree, name, lambda run: searched.append(run) or search(run))

    monkeypatch.setattr(queries, "Alike", Counted)
    traj = xpet.load_trajectory("study", filename=study([{"z"}, {"z", "s"}, {"z"}, {"fail"}, {"z", "s"}, {"fail"}]))
    assert traj.f_get_from_runs("z", use_indices=True, fast_access=True) == {0: 0, 1: 1, 2: 2, 4: 4}
    assert searched == [0, 1, 3]
