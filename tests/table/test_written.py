"""What the store's own writer publishes is what the views show, in every state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xpet.backend import XpetBackendEntrypoint
from xpet.space import cartesian_product
from xpet.store.create import NewTrajectory, create
from xpet.store.documents import ArrayDoc
from xpet.store.journal import open_packer
from xpet.store.leaves import StaticLeaf
from xpet.store.packets import LeafData
from xpet.store.place import open_place, resolve
from xpet.store.points import encode_points
from xpet.store.writer import Writer
from xpet.table.dataset import open_results
from xpet.table.runs import run_table
from xpet.table.written import touched

POINTS = cartesian_product({"x": [1.0, 2.0, 3.0, 4.0], "y": [6, 7, 8]})
N = 12


def leaf(template: str, **items: object) -> LeafData:
    """A result as a run leaves it."""
    comment = "I am the product of two values!"
    return LeafData(template, "result", "Result", comment, {k.rstrip("_"): v for k, v in items.items()}, {})


def leaves(run: int) -> list[LeafData]:
    """What run `run` stores: a number, an int, a bool, a text, a trace and a train of another length in every run."""
    x, y = POINTS["x"][run], POINTS["y"][run]
    trace = xr.DataArray(np.full(3, x), dims="time", coords={"time": [0.0, 0.1, 0.2]}, attrs={"units": "mV"})
    return [
        leaf("results.runs.$.z", _=x * y, half=x / 2),
        leaf("results.neuron.$.V", _=trace),
        leaf("results.neuron.deep.$.spikes", _=np.arange(float(run))),
        leaf("results.runs.$.n", _=y),
        leaf("results.runs.$.big", _=y > 6, label=f"r{run}"),
    ]


def start(path: Path) -> Writer:
    """A trajectory with nothing but its points."""
    points = [(name, encode_points(f"parameters.{name}", values, {})) for name, values in POINTS.items()]
    k = StaticLeaf("parameters.k", "parameter", "Parameter", "", {}, {"": 42})
    axes = (("x", 4), ("y", 3))
    return create(open_place(resolve(path)), NewTrajectory("Multiplication", "", N, "product", axes, points, [k]))


def run(writer: Writer, path: Path, runs: Any, failing: Any = ()) -> None:
    """Do runs and publish them."""
    packer = open_packer(resolve(path), "Multiplication", writer.attempt)
    packer.begin(0, runs[0])
    for each in runs:
        if each in failing:
            packer.fail(each, "Traceback …\nValueError: no\n", 1.7e9, 0.1)
        else:
            packer.complete(each, leaves(each), 1.7e9, 0.5)
    packer.end()
    writer.fold()


def check(ds: xr.Dataset, complete: set[int]) -> None:
    """Every complete cell has its values, every other says that it has none."""
    assert ds.z.dims == ("x", "y")
    for i, x in enumerate(POINTS["x"][::3]):
        for j, y in enumerate(POINTS["y"][:3]):
            cell = ds.sel(x=x, y=y).load()
            assert (cell.run_status == 2) == (3 * i + j in complete)
            if 3 * i + j in complete:
                assert cell.z == x * y
                assert cell["z.half"] == x / 2
                assert cell["n"] == y
                assert cell["big"] == (y > 6)
                assert cell["big.label"] == f"r{3 * i + j}"
                np.testing.assert_array_equal(cell["neuron.V"], [x] * 3)
                train = cell["neuron.deep.spikes"][: int(cell["neuron.deep.spikes.len"])]
                np.testing.assert_array_equal(train, np.arange(3.0 * i + j))
            else:
                assert cell.z.isnull()
                assert cell["n"].isnull()
                assert cell["big"].isnull()


def test_every_state(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    with start(path) as writer:
        empty = open_results(path)
        assert dict(empty.sizes) == {"x": 4, "y": 3}
        assert run_table(path).status.tolist() == ["new"] * N
        run(writer, path, range(8), failing={3})
        half, unread = open_results(path), open_results(path)
        check(half, set(range(8)) - {3})
        assert half.n.dtype.kind == "f"
        table = run_table(path)
        assert table.status.value_counts().to_dict() == {"complete": 7, "new": 4, "failed": 1, "running": 0}
        assert table.error[3] == "ValueError: no"
        assert table.started.notna().sum() == 8
        run(writer, path, [3, *range(8, 12)])
    full = open_results(path)
    check(full, set(range(N)))
    assert full.n.dtype == np.int64
    assert full.big.dtype == bool
    assert full.attrs == {"k": 42}
    assert full.z.attrs == {"comment": "I am the product of two values!"}
    assert full["neuron.V"].attrs["units"] == "mV"
    assert full.time.values.tolist() == [0.0, 0.1, 0.2]
    # What was complete when a Dataset was opened stays so; other rows may have filled in.
    before = [0, 1, 2, 4, 5, 6, 7]
    again = open_results(path)
    assert "..." in repr(unread)
    np.testing.assert_array_equal(unread.z.values.ravel()[before], again.z.values.ravel()[before])


@pytest.mark.parametrize("view", ["grid", "flat"])
def test_export(tmp_path: Path, view: Any) -> None:
    path = tmp_path / "s.zarr"
    with start(path) as writer:
        run(writer, path, range(N))
    ds = xr.open_dataset(path, engine=XpetBackendEntrypoint, view=view)
    ds.to_netcdf(tmp_path / "copy.nc")
    tree = xr.open_datatree(path, engine=XpetBackendEntrypoint, view=view)
    tree.to_netcdf(tmp_path / "tree.nc")
    assert set(tree.children) == {"parameters", "config", "derived_parameters", "results", "runs"}
    assert not [one for node in tree.subtree for one in node.variables.values() if "xpet" in one.attrs]
    with xr.open_dataset(tmp_path / "copy.nc") as copy:
        np.testing.assert_array_equal(copy.z, ds.z)


def test_the_chunks_of_a_forged_length_are_not_counted_one_by_one():
    doc = ArrayDoc((3, 2**62), "float64", ("run", "x"), (2, 2**20), float("nan"))
    assert touched(doc, (slice(None), slice(None))) == [range(2), range(2**42)]
    assert touched(doc, (slice(2, None, -1), slice(2**21 + 1, 5, -2))) == [range(2), range(3)]
