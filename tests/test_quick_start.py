"""pypet's first script with its import line changed and nothing else, and what others read of it afterwards."""

from __future__ import annotations

import pytest
from fixtures_jobs import StoreAt, environment, multiply, products, script

import xpet

SCRIPT = """\
from xpet import Environment, cartesian_product

def multiply(traj):
    z = traj.x * traj.y
    traj.f_add_result('z', z, comment='I am the product of two values!')

env = Environment(trajectory='Multiplication', filename='./HDF/example_01.hdf5', file_title='Example_01',
                  comment='I am the first example!'{options})
traj = env.trajectory
traj.f_add_parameter('x', 1.0, comment='Im the first dimension!')
traj.f_add_parameter('y', 1.0, comment='Im the second dimension!')
traj.f_explore(cartesian_product({{'x': [1.0, 2.0, 3.0, 4.0], 'y': [6.0, 7.0, 8.0]}}))
{run}
"""


@pytest.mark.parametrize("options", ["", ", multiproc=True", ", multiproc=True, ncores=2"], ids=str)
def test_the_script(options, tmp_path):
    done = script(SCRIPT.format(options=options, run="print(env.run(multiply))"), cwd=tmp_path)
    assert done.stdout == f"{[(run, None) for run in range(12)]}\n"
    assert done.stderr.count("Warning") == 1
    assert "./HDF/example_01.hdf5" in done.stderr
    assert "./HDF/example_01.zarr" in done.stderr
    assert "script.py:7: UserWarning" in done.stderr
    assert sorted(path.name for path in (tmp_path / "HDF").iterdir()) == ["example_01.zarr"]
    ds = xpet.open(tmp_path / "HDF" / "example_01.zarr")
    assert ds.z.dims == ("x", "y")
    assert ds.z.values.ravel().tolist() == products()


def test_the_script_again_does_nothing(tmp_path):
    code = SCRIPT.format(options="", run="print(env.run(multiply))")
    script(code, cwd=tmp_path)
    done = script(code, cwd=tmp_path)
    assert done.stdout == "[]\n"
    assert done.stderr.count("Warning") == 1


PLAIN = """
import sys, warnings
import numpy as np, xarray as xr
where, options = sys.argv[1], eval(sys.argv[2]) or None
given = dict(engine="zarr", storage_options=options)
tree = xr.open_datatree(where, **given)
assert {"results", "runs", "parameters", "config", "derived_parameters"} <= set(tree.children), tree
assert tree.attrs["title"] == "Example_01" and "example" in tree.attrs["summary"], tree.attrs
assert tree["parameters"].x.item() == 1.0
results = xr.open_dataset(where, group="results", **given)
runs = xr.open_dataset(where, group="runs", **given)
for ds in (results, runs, tree["results"].to_dataset(), tree["runs"].to_dataset()):
    assert {"x", "y"} <= set(ds.coords), ds
    assert ds.x.dims == ds.y.dims == ("run",)
    assert ds.x.values.tolist() == [x for x in (1.0, 2.0, 3.0, 4.0) for y in range(3)]
    assert ds.y.values.tolist() == [6.0, 7.0, 8.0] * 4
    assert ds.x.attrs["comment"] == "dimension x", ds.x.attrs
    assert ds.run_status.values.tolist() == [2] * 12
assert results.z.values.tolist() == (results.x * results.y).values.tolist()
assert results.z.attrs["comment"] == "I am the product of two values!"
assert (runs.run_duration >= 0).all() and runs.run_started.notnull().all()
grid = results.set_index(run=["x", "y"]).z.unstack("run")
assert grid.sel(x=2.0, y=7.0) == 14.0
for number, ds in enumerate((results, runs, tree["results"].to_dataset())):
    ds.to_netcdf(f"out-{number}.nc")
    with xr.open_dataset(f"out-{number}.nc") as back:
        xr.testing.assert_equal(back.load(), ds.load())
tree.to_netcdf("tree.nc")
exec(xr.open_datatree(where, **given).attrs["how_to_open"].replace("xarray", "xr"))
print("fine")
"""


def test_without_xpet(tmp_path, plain_python):
    store = StoreAt(str(tmp_path / "store.zarr"))
    environment(store, file_title="Example_01").run(multiply)
    assert plain_python(PLAIN, f"{store.url}/Multiplication", "{}") == "fine\n"


def test_without_xpet_and_by_environment_variables_alone(environment_store, plain_python):
    environment(environment_store, multiproc=True, ncores=2, file_title="Example_01").run(multiply)
    assert plain_python(PLAIN, f"{environment_store.url}/Multiplication", "{}") == "fine\n"


FRESH = """
import sys
import xarray as xr
import xpet
from xpet.backend import XpetBackendEntrypoint

store, options = sys.argv[1], eval(sys.argv[2]) or None
given = dict(engine=XpetBackendEntrypoint, storage_options=options)
for where in (store, store + "/Multiplication"):
    ds = xr.open_dataset(where, **given)
    assert dict(ds.sizes) == {"x": 4, "y": 3}, ds
    assert ds.z._in_memory is False
    assert ds.z.sel(x=2.0, y=7.0) == 14.0
    assert ds.x.values.tolist() == [1.0, 2.0, 3.0, 4.0]
    flat = xr.open_dataset(where, view="flat", **given)
    assert flat.z.dims == ("run",) and flat.x.dims == ("run",)
    assert flat.z.values.tolist() == (flat.x * flat.y).values.tolist()
    assert xpet.open(where, storage_options=options).identical(ds)

traj = xpet.load_trajectory("Multiplication", filename=store, storage_options=options)
assert traj.parameters.x == 1.0 and traj.x == 1.0
assert traj.f_get("parameters.x").v_comment == "dimension x"
assert traj.v_comment == "I am the first example!"
assert traj.results.runs.run_00000003.z == traj.r_3.z == traj.results.runs.r_3.z == 12.0
assert traj["results.runs.run_00000003.z"] == 12.0
assert type(traj.r_3.z) is float
assert traj.f_get("r_3.z").v_comment == "I am the product of two values!"
products = traj.f_get_from_runs("z", fast_access=True, use_indices=True)
points = [(x, y) for x in (1.0, 2.0, 3.0, 4.0) for y in (6.0, 7.0, 8.0)]
assert dict(products) == {run: x * y for run, (x, y) in enumerate(points)}
assert [leaf.z for leaf in traj.f_get_from_runs("z").values()] == list(products.values())
assert traj.f_get("x").f_get_range() == [x for x in (1.0, 2.0, 3.0, 4.0) for _ in range(3)]
seen = []
for name in traj.f_iter_runs():
    assert traj.v_crun == name
    seen.append((traj.v_idx, traj.x, traj.y, traj.z, traj.crun.z, traj["$"].z))
assert seen == [(run, x, y, x * y, x * y, x * y) for run, (x, y) in enumerate(points)]
assert traj.v_idx == -1 and traj.x == 1.0
traj.v_idx = 7
assert (traj.x, traj.y, traj.z) == (3.0, 7.0, 21.0)
traj.v_idx = -1
try:
    traj.z
except xpet.NotUniqueNodeError:
    pass
else:
    raise SystemExit("traj.z was one of many")
assert list(traj.f_find_idx(["x", "y"], lambda x, y: x * y == 24.0)) == [8, 9]
assert traj.f_dataset().identical(ds)
table = traj.f_run_table()
assert table.index.name == "run" and len(table) == 12
assert list(table.columns[:2]) == ["x", "y"]
assert table.x.tolist() == traj.f_get("x").f_get_range()
assert set(table.status) == {"complete"} and (table.duration >= 0).all() and table.started.notna().all()
print("fine")
"""


def test_with_xpet_in_a_fresh_process(shared_store, tmp_path):
    environment(shared_store, multiproc=True, ncores=2).run(multiply)
    done = script(FRESH, shared_store.url, repr(shared_store.storage_options), cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_at_every_kind_of_place(store_anywhere):
    store = store_anywhere
    env = environment(store)
    assert env.run(multiply) == [(run, None) for run in range(12)]
    assert env.dataset().z.sel(x=2.0, y=7.0) == 14.0
    again = environment(store)
    assert again.run(multiply) == []
    given = {"storage_options": store.storage_options or None}
    assert xpet.open(store.url, **given).identical(env.dataset())
    traj = xpet.load_trajectory(filename=store.url, **given)
    assert traj.v_name == "Multiplication"
    assert traj.r_11.z == 32.0
    assert again.runs().equals(traj.f_run_table())
