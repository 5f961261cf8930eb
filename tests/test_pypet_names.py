"""pypet's import paths lead to the same things here, and its absent names say what to do instead."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import import_module

import pytest

import xpet
from xpet.pypet.absent import SENTENCES

PATHS = {
    "trajectory": ("Trajectory", "load_trajectory"),
    "environment": ("Environment",),
    "parameter": ("Parameter", "ArrayParameter", "SparseParameter", "PickleParameter", "Result", "SparseResult",
                  "PickleResult", "BaseParameter", "BaseResult", "ObjectTable"),
    "naturalnaming": ("NNGroupNode", "NNLeafNode", "ParameterGroup", "DerivedParameterGroup", "ConfigGroup",
                      "ResultGroup"),
    "pypetexceptions": ("NotUniqueNodeError", "DataNotInStorageError", "PresettingError", "VersionMismatchError"),
    "utils.explore": ("cartesian_product", "find_unique_points"),
    "utils.helpful_functions": ("racedirs", "progressbar"),
    "utils.decorators": ("manual_run",),
    "storageservice": ("HDF5StorageService", "LazyStorageService"),
    "shareddata": ("SharedArray", "SharedTable", "StorageContextManager", "make_shared_result"),
}  # fmt: skip
ALL = [(path, name) for path, names in PATHS.items() for name in names]


@pytest.mark.parametrize(("path", "name"), ALL, ids=[f"{path}.{name}" for path, name in ALL])
def test_path_leads_to_what_the_package_exports(path: str, name: str):
    found, exported = getattr(import_module(f"xpet.{path}"), name), getattr(xpet, name)
    assert found is exported or found.__doc__ == exported.__doc__ == SENTENCES[name]


@pytest.mark.parametrize("name", SENTENCES)
def test_absent_name_says_so(name: str):
    thing = getattr(import_module("xpet.utils.comparisons") if name == "get_all_attributes" else xpet, name)
    sentence = SENTENCES[name]
    assert sentence.startswith((f"{name} is planned", f"{name} is refused"))
    with pytest.raises(NotImplementedError) as called:
        thing("some", key="words")
    with pytest.raises(NotImplementedError) as subclassed:
        type("Mine", (thing,), {})
    assert str(called.value) == str(subclassed.value) == sentence


def test_paths_are_found_as_modules_are():
    code = "import xpet.utils.explore, xpet.pypetconstants as c, sys; print(c.LOAD_DATA, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "2 False\n", done.stderr


def test_leaves_are_compared():
    from xpet.utils.comparisons import nested_equal, parameters_equal, results_equal

    assert not nested_equal([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="Two results were expected"):
        results_equal(xpet.Parameter("x", 1), xpet.Parameter("x", 1))
    with pytest.raises(ValueError, match="Two parameters were expected"):
        parameters_equal(xpet.Result("x", 1), xpet.Result("x", 1))
    explored = xpet.Trajectory("study")
    explored.f_add_parameter("x", 1)
    explored.f_explore({"x": [1, 2]})
    assert not parameters_equal(explored.f_get("x"), xpet.Parameter("parameters.x", 1))
    assert not results_equal(xpet.Result("x", 1), xpet.Parameter("x", 1))


def test_directories_are_made(tmp_path):
    xpet.racedirs(str(tmp_path / "a" / "b"))
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        xpet.racedirs(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("name", "old"),
    [("run", "f_run"), ("resume", "f_resume"), ("disable_logging", "f_disable_logging"), ("traj", "v_traj"),
     ("trajectory", "v_trajectory"), ("timestamp", "v_timestamp"), ("time", "v_time")],
)  # fmt: skip
def test_members_of_environment_have_both_spellings(name: str, old: str):
    assert getattr(xpet.Environment, name) is getattr(xpet.Environment, old)


def test_time_is_written_as_in_pypet():
    env = xpet.Environment("study", store="memory://names-time")
    then = time.strptime(env.time, "%Y_%m_%d_%Hh%Mm%Ss")
    assert abs(time.mktime(then) - env.timestamp) <= 1


def test_modules_are_attributes_as_of_pypet():
    code = (
        "import sys, xpet; assert 'numpy' not in sys.modules; assert xpet.pypetconstants.LOAD_DATA == 2; "
        "assert xpet.utils.comparisons.results_equal and xpet.parameter.Parameter is xpet.Parameter; "
        "assert xpet.trajectory.Trajectory is xpet.Trajectory; assert not hasattr(xpet.utils, 'nothing')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
