"""Write a store, or read what another Python and zarr wrote: ``python across_versions.py write|read PATH``."""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr
import zarr
from fixtures_frozen import ABSENT, STORES, Cell, CellCodec, load, make_values, wrong_values

import xpet


def read(store: Path) -> None:
    """Check every value, and that plain xarray opens all of it."""
    for trajectory, names in STORES.items():
        traj = load(store, trajectory)
        known = {leaf.v_name for leaf in traj.f_get("parameters.p").f_iter_leaves()}
        here = [name for name in names if name not in ABSENT and name.replace(".", "_") in known]
        wrong = wrong_values(traj, here)
        if wrong or len(here) < len(names) - 3:
            raise SystemExit(f"{trajectory} in {store} is not as it was written: {wrong}, {len(here)} kinds of values")
        for node in xr.open_datatree(store / trajectory, engine="zarr").subtree:
            node.to_dataset().load()


def write(store: Path) -> None:
    """Leave every value."""
    for trajectory in STORES:
        make_values(store, trajectory)


if __name__ == "__main__":
    xpet.register_codec(CellCodec(), Cell)
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
    print(f"zarr {zarr.__version__}: {sys.argv[1]} {sys.argv[2]}")
