"""xyzpy: a Runner over the combinations, its Dataset saved as netCDF once at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers.cases import LENGTH, RESULTS, Case, arrays, axes, product

if TYPE_CHECKING:
    import numpy as np

FILE = "results.h5"


def version() -> str:
    """Return the version."""
    from importlib.metadata import version as of

    return f"xyzpy {of('xyzpy')}"


def array(x: float, y: float) -> tuple[object, ...]:
    """Return 8 kB and three scalars."""
    return tuple(arrays(x, y).values())


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import xyzpy

    if case.job == "scalar":
        runner = xyzpy.Runner(product, "z")
    else:
        runner = xyzpy.Runner(array, RESULTS["array"], var_dims={"v": "t"}, var_coords={"t": range(LENGTH)})
    ds = runner.run_combos(axes(case.runs), verbosity=0)
    xyzpy.save_ds(ds, FILE)
    return {}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what the file holds."""
    import xarray as xr

    with xr.open_dataset(FILE, engine="h5netcdf") as ds:
        grid = ds.sel(axes(case.runs)).transpose("x", "y", ...)
        shape = {name: (case.runs, LENGTH) if name == "v" else (case.runs,) for name in RESULTS[case.job]}
        return {name: grid[name].values.reshape(shape[name]) for name in RESULTS[case.job]}
