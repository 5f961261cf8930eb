"""What an interactive session offers for the tab key: members and children."""

from __future__ import annotations

import rlcompleter

import pytest

import xpet

WANTED = [
    ("traj.", {"parameters", "results", "other", "ln", "f_add_parameter", "v_idx"}),
    ("traj.par", {"parameters"}),
    ("traj.parameters.", {"cell", "x", "f_get"}),
    ("traj.parameters.cell.t", {"tau"}),
    ("traj.results.", {"z", "f_add_result"}),
]


@pytest.fixture
def traj() -> xpet.Trajectory:
    traj = xpet.Trajectory("study")
    traj.f_add_parameter("cell.tau", 1.0)
    traj.f_add_parameter("x", 1.0)
    traj.f_add_result("z", 1)
    traj.f_add_group("other")
    traj.f_add_link("ln", "parameters.cell")
    return traj


@pytest.mark.parametrize(("text", "wanted"), WANTED)
def test_python_offers_members_and_children(traj: xpet.Trajectory, text: str, wanted: set[str]) -> None:
    completer, offered = rlcompleter.Completer({"traj": traj}), set()
    while (found := completer.complete(text, len(offered))) is not None:
        offered.add(found.rstrip("(").rpartition(".")[2])
    assert wanted <= {name.rstrip("()") for name in offered}


@pytest.mark.filterwarnings("default")  # of IPython and Jedi themselves
@pytest.mark.parametrize(("text", "wanted"), WANTED)
def test_ipython_offers_members_and_children(traj: xpet.Trajectory, text: str, wanted: set[str]) -> None:
    completing = pytest.importorskip("IPython.core.completer", reason="IPython is not installed")
    pytest.importorskip("jedi", reason="Jedi, by which IPython completes, is not installed")
    completer = completing.IPCompleter(namespace={"traj": traj}, use_jedi=True)
    with completing.provisionalcompleter():
        assert wanted <= {found.text for found in completer.completions(text, len(text))}


@pytest.mark.filterwarnings("default")  # of IPython itself
def test_ipython_offers_keys(traj: xpet.Trajectory) -> None:
    completing = pytest.importorskip("IPython.core.completer", reason="IPython is not installed")
    completer = completing.IPCompleter(namespace={"traj": traj, "group": traj.parameters}, use_jedi=False)
    with completing.provisionalcompleter():
        for text, wanted in (('traj["', {"parameters", "other", "ln"}), ("group['", {"cell", "x"})):
            assert wanted <= {found.text.strip("'\"]") for found in completer.completions(text, len(text))}
