"""Write a frozen store with values of codecs: ``python make_frozen_values.py frozen-0.1-values.tar.xz values``.

The last word is one of ``STORES``. Run once for each, with pint and BRIAN2; what it wrote is then kept as it is.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

TRAJECTORY = sys.argv[2]
# Before the next one, which replaces the clock and the like.
for name in ("brian2", "pint") if TRAJECTORY == "values" else ("fixtures_frozen", "dask"):
    import_module(name)

import make_frozen  # noqa: E402
from fixtures_frozen import Cell, CellCodec, make_values  # noqa: E402
from packing import forget_launches, pack  # noqa: E402

import xpet  # noqa: E402

if __name__ == "__main__":
    xpet.register_codec(CellCodec(), Cell)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        where = Path(folder) / "frozen.zarr"
        make_values(where, TRAJECTORY)
        make_frozen.forget(where)
        forget_launches(where, TRAJECTORY)
        pack(where, make_frozen.ARCHIVE)
