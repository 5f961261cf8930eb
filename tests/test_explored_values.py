"""Parameters explored with arrays, dicts and other structures, from the first line to the plain reader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixtures_jobs import Noted, StoreAt, script
from fixtures_plain import RunPlain

import xpet
from xpet import Environment, cartesian_product, load_trajectory
from xpet.errors import TrajectoryExistsError, UnsupportedValueError
from xpet.store.points import PointColumn, encode_alike
from xpet.trajectory import saving
from xpet.values import same_value


class Shape:
    """A class of a user."""

    def __init__(self, corners: Any) -> None:
        self.corners = corners


class ShapeCodec:
    name = "tests.Shape"

    def encode(self, value):
        return {"corners": value.corners}

    def decode(self, parts):
        return Shape(parts["corners"])


TIME = {"time": ("time", [0.0, 0.5], {"units": "ms"})}
KINDS: dict[str, list[Any]] = {
    "arrays": [np.arange(3.0), np.ones(3), np.arange(3.0) * 2],
    "shapes": [np.zeros(3, "i2"), np.zeros((2, 2), "i2"), np.zeros(0, "i2")],
    "lists": [[1.0, 2.0], [3.0], [1, 2]],
    "dicts": [{"a": 1.0, "kind": "x"}, {"a": 2.0, "kind": "x"}, {"b": np.arange(2)}],
    "DataArrays": [xr.DataArray([float(k), 2.0], TIME, ["time"], attrs={"units": "mV"}) for k in range(3)],
    "DataArrays along parameters": [
        xr.DataArray([float(k), 2.0], {"x": ["a", "b"], "w": ("x", [1, 2])}, ["x"]) for k in range(3)
    ],
    "Datasets in dicts": [{f"d{k % 2}": xr.Dataset(coords={"x": [0.5, k], "w": ["a"]})} for k in range(3)],
    "frames": [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), pd.DataFrame({"b": ["x"]})],
    "classes": [Shape(np.arange(k)) for k in range(3)],
}
X = [1.0, 2.0]


@pytest.fixture(autouse=True)
def registered():
    from xpet.values import registry

    with registry.codecs_apart():
        xpet.register_codec(ShapeCodec(), Shape)
        yield


@pytest.fixture(params=["local", "memory"])
def at(request, tmp_path):
    return StoreAt(str(tmp_path / "s.zarr") if request.param == "local" else f"memory://{tmp_path.name}/s.zarr")


def keep(traj):
    traj.f_add_result("seen", traj.w)
    traj.f_add_result("z", traj.x * 10)


def study(at: StoreAt, values: list[Any], **options: Any) -> Environment:
    env = Environment("study", store=at.url, storage_options=at.storage_options or None, **options)
    env.traj.f_add_parameter("w", values[0])
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_explore(cartesian_product({"w": values, "x": X}))
    return env


def load(at: StoreAt) -> Any:
    return load_trajectory("study", filename=at.url, storage_options=at.storage_options or None)


def alike(found: list[Any], wanted: list[Any]) -> bool:
    return len(found) == len(wanted) and all(map(same_value, found, wanted))


@pytest.mark.parametrize("values", KINDS.values(), ids=KINDS)
def test_a_study(values, at, tmp_path):
    noted, points = Noted(keep, tmp_path), [value for value in values for _ in X]
    env = study(at, values)
    env.run(noted)
    assert env.runs()["w"].tolist() == [0, 0, 1, 1, 2, 2]
    grid = env.dataset()
    assert grid.z.dims == ("w", "x")
    assert grid.w.attrs["long_name"] == "position among the values in runs/w.values"
    assert grid.z.sel(w=1).values.tolist() == [10.0, 20.0]
    traj = load(at)
    assert alike(traj.f_get("w").f_get_range(), points)
    assert alike([traj.f_get(f"results.runs.run_{run:08d}.seen").seen for run in range(6)], points)
    assert noted.taken() == list(range(6))
    study(at, values).run(noted)
    study(at, values[::-1]).run(noted)
    assert noted.taken() == []


@pytest.mark.parametrize("values", KINDS.values(), ids=KINDS)
def test_more_points(values, at, tmp_path):
    noted = Noted(keep, tmp_path)
    first, last = values[:2], values[2]
    env = study(at, first)
    env.run(noted)
    env.traj.f_expand({"w": [last, first[1], last], "x": [1.0, 3.0, 2.0]})
    env.run(noted)
    assert noted.taken() == list(range(7))
    points = [first[0], first[0], first[1], first[1], last, first[1], last]
    assert env.dataset().w.values.tolist() == [0, 0, 1, 1, 2, 1, 2]
    assert alike(load(at).f_get("w").f_get_range(), points)
    with pytest.raises(TrajectoryExistsError, match="1 stored points are not among"):
        study(at, values).run(noted)
    study(at, values, if_exists="extend").run(noted)
    assert noted.taken() == []
    assert alike(load(at).f_get("w").f_get_range(), points)


def test_very_many_kinds_of_values(at, tmp_path):
    noted, values = Noted(keep, tmp_path), [{f"k{k}": k} for k in range(70)]
    study(at, values[:66]).run(noted)
    study(at, values[:66]).run(noted)
    assert noted.taken() == list(range(132))
    study(at, values, if_exists="extend").run(noted)
    assert noted.taken() == list(range(132, 140))
    assert alike(load(at).f_get("w").f_get_range(), [value for value in values for _ in X])


@pytest.mark.parametrize(
    ("stored", "new"), [([-(2**63), 0], 2**63), ([pd.Timestamp(2020, 1, 1)], pd.Timestamp(0, tz="UTC"))]
)
def test_a_new_value_that_does_not_fit_the_stored_ones(stored, new):
    env = Environment("t", store="memory://test-misfit")
    env.traj.f_add_parameter("w", stored[0])
    env.traj.f_explore({"w": stored})
    env.run(lambda traj: None)
    env.traj.f_expand({"w": [new]})
    with pytest.raises(UnsupportedValueError, match=r"parameters\.w: the new values, such as .*, do not go into"):
        env.run(lambda traj: None)


@pytest.mark.parametrize("kind", ["arrays", "dicts"])
def test_extended_by_another_script(kind, at, tmp_path):
    noted, values = Noted(keep, tmp_path), KINDS[kind]
    study(at, values[:1]).run(noted)
    assert noted.taken() == [0, 1]
    with pytest.raises(TrajectoryExistsError, match="4 are new here"):
        study(at, values[::-1]).run(noted)
    study(at, values[::-1], if_exists="extend").run(noted)
    assert noted.taken() == [2, 3, 4, 5]
    assert load(at).f_get("w").f_get_range_length() == 6
    assert xpet.open(at.url).w.values.tolist() == [0, 1, 2]


def test_a_store_from_before_that_has_a_text_in_each_run(at, tmp_path, monkeypatch):
    def as_before(path, values, attrs):
        return encode_alike(path, values, PointColumn(path, np.empty(0), "json", {}, attrs))

    noted, values = Noted(keep, tmp_path), KINDS["arrays"]
    with monkeypatch.context() as patch:
        patch.setattr(saving, "encode_points", as_before)
        study(at, values[:2]).run(noted)
    assert xpet.open(at.url, view="flat").w.dtype.kind in "TO"
    study(at, values[:2]).run(noted)
    assert noted.taken() == [0, 1, 2, 3]
    study(at, values, if_exists="extend").run(noted)
    assert noted.taken() == [4, 5]
    assert alike(load(at).f_get("w").f_get_range(), [value for value in values for _ in X])


def test_what_differs_is_shown(at):
    study(at, [np.arange(2.0), np.ones(2)]).run(keep)
    with pytest.raises(TrajectoryExistsError, match=r"w=array\(\[1\., 1\.\]\).*w=array\(\[2\., 2\.\]\)"):
        study(at, [np.arange(2.0), np.full(2, 2.0)]).run(keep)
    with pytest.raises(TrajectoryExistsError, match=r"w=2\.0, x=1\.0"):
        study(at, [1.0, 2.0]).run(keep)


def test_values_that_a_job_changes_in_place(at):
    def change(traj):
        traj.w[0] += traj.x
        traj.f_add_result("first", traj.w[0])

    env = study(at, [np.zeros(2), np.ones(2)])
    env.run(change)
    assert env.dataset("flat").first.values.tolist() == [1.0, 2.0, 2.0, 3.0]
    assert alike(load(at).f_get("w").f_get_range(), [np.zeros(2)] * 2 + [np.ones(2)] * 2)


def test_swept(at):
    def total(w, x):
        return {"total": float(w.sum() * x)}

    for w in ([np.arange(3.0), np.ones((2, 2))], np.arange(4.0).reshape(2, 2)):
        ds = xpet.sweep(total, {"w": w, "x": X}, store=at.url, if_exists="overwrite")
        assert ds.total.dims == ("w", "x")
        assert ds.total.sel(w=1, x=2.0).item() == 2 * w[1].sum()
        assert xpet.sweep(total, {"w": w, "x": X}, store=at.url).total.identical(ds.total)


def test_worker_processes(tmp_path):
    at = StoreAt(str(tmp_path / "s.zarr"))
    code = """
        import sys, numpy as np, xpet
        def total(w, c, x):
            return {"total": float(w.sum() * x) + c["k"][0]}
        w, c = [np.arange(3.0), np.ones((2, 2))], [{"k": [1, 2]}, {"k": [3, 4], "s": "a"}]
        ds = xpet.sweep(total, {"w": w, "c": c, "x": [1.0, 2.0]}, store=sys.argv[1], ncores=2)
        print(ds.total.dims, ds.total.values.ravel().tolist())
    """
    found = script(code, at.url, cwd=tmp_path).stdout.strip()
    assert found == "('w', 'c', 'x') [4.0, 7.0, 6.0, 9.0, 5.0, 9.0, 7.0, 11.0]"


def test_read_without_xpet(tmp_path, plain_python: RunPlain):
    at = StoreAt(str(tmp_path / "s.zarr"))
    study(at, KINDS["DataArrays"]).run(keep)
    code = f"""
        import xarray as xr

        tree = xr.open_datatree({at.url + "/study"!r}, engine="zarr")
        values, results = tree["runs"]["w.values"], tree["results"]
        assert values.dims[1] == "time" and values.time.values.tolist() == [0.0, 0.5], values
        assert values.attrs["units"] == "mV"
        for run in range(6):
            assert (results["seen"][run].values == values[int(results["w"][run])].values).all()
        tree["runs"].to_dataset().to_netcdf({str(tmp_path / "runs.nc")!r})
    """
    plain_python(code)


def test_in_a_bucket(bucket_store, tmp_path):
    noted, values = Noted(keep, tmp_path), KINDS["arrays"]
    env = study(bucket_store, values[:2])
    env.run(noted)
    env.traj.f_expand({"w": values[1:], "x": [3.0, 3.0]})
    env.run(noted)
    assert noted.taken() == list(range(6))
    assert load(bucket_store).f_get("w").f_get_range()[5].tolist() == values[2].tolist()
    assert env.dataset().w.values.tolist() == [0, 0, 1, 1, 1, 2]
