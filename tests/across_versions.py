"""Write a store, or read what another Python and zarr wrote: ``python across_versions.py write|read PATH``."""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr
import zarr
from fixtures_frozen import ABSENT, VALUES, Cell, CellCodec, load, make_values, wrong_values

import xpet


def read(store: Path) -> None:
    """Check every value, and that plain xarray opens all of it."""
    traj = load(store)
    known = {leaf.v_name for leaf in traj.f_get("parameters.p").f_iter_leaves()}
    names = [name for name in VALUES if name not in ABSENT and name.replace(".", "_") in known]
    wrong = wrong_values(traj, names)
    if wrong or len(names) < len(VALUES) - 3:
        raise SystemExit(f"{store} is not as it was written: {wrong}, {len(names)} kinds of values")
    for node in xr.open_datatree(store / "values", engine="zarr").subtree:
        node.to_dataset().load()


if __name__ == "__main__":
    xpet.register_codec(CellCodec(), Cell)
    {"write": make_values, "read": read}[sys.argv[1]](Path(sys.argv[2]))
    print(f"zarr {zarr.__version__}: {sys.argv[1]} {sys.argv[2]}")
