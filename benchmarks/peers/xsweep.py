"""xsweep: a decorated function over a Dataset, into a Zarr store with a status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers.cases import LENGTH, RESULTS, Case, arrays, axes, product

if TYPE_CHECKING:
    import numpy as np

CONTRACTS = {
    "scalar": "loop(x, y) -> z()",
    "array": "loop(x, y) -> a(), b(), c(), v(t)",
}


def version() -> str:
    """Return the version."""
    import xsweep

    return f"xsweep {xsweep.__version__}"


def scalar(x: float, y: float) -> float:
    """Return a product."""
    return product(x, y)


def array(x: float, y: float) -> dict[str, object]:
    """Return 8 kB and three scalars."""
    import xarray as xr

    found = arrays(x, y)
    return {**found, "v": xr.DataArray(found["v"], {"t": range(LENGTH)})}


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import xarray as xr
    import xsweep

    lifted = xsweep.sweep(CONTRACTS[case.job], store="store.zarr")({"scalar": scalar, "array": array}[case.job])
    lifted(xr.Dataset({name: (name, values) for name, values in axes(case.runs).items()}))
    return {}


def read(case: Case) -> dict[str, np.ndarray]:
    """Return what plain xarray finds in the store."""
    import xarray as xr

    with xr.open_zarr("store.zarr") as ds:
        grid = ds.sel(axes(case.runs)).transpose("x", "y", ...)
        shape = {name: (case.runs, LENGTH) if name == "v" else (case.runs,) for name in RESULTS[case.job]}
        return {name: grid[name].values.reshape(shape[name]) for name in RESULTS[case.job]}
