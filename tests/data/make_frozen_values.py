"""Write the frozen store with a value of every codec: ``python make_frozen_values.py frozen-0.1-values.tar.xz``.

Run once for a version of the encodings, with pint and BRIAN2; what it wrote is then kept as it is.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

# Before the next one, which replaces the clock and the like.
for name in ("brian2", "pint"):
    import_module(name)

import make_frozen  # noqa: E402
from fixtures_frozen import Cell, CellCodec, make_values  # noqa: E402

import xpet  # noqa: E402


def forget_launches(store: Path) -> None:
    """Take out what the launches say of where and with what they were done."""
    for file in (store / "values/_xpet/journal/launch").iterdir():
        told = json.loads(file.read_text(encoding="utf-8"))
        known = {name: version for name, version in told["packages"].items() if name in ("numpy", "pandas", "zarr")}
        told |= {"directory": "/", "file": "make_frozen_values.py", "packages": known, "git": None}
        file.write_text(json.dumps(told), encoding="utf-8")


def pack(store: Path) -> None:
    """Put the store into the archive, in order and without times."""
    with tarfile.open(make_frozen.ARCHIVE, "x:xz") as archive:
        for file in sorted(path for path in store.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(file.relative_to(store).as_posix())
            entry.size = file.stat().st_size
            with file.open("rb") as data:
                archive.addfile(entry, data)


if __name__ == "__main__":
    xpet.register_codec(CellCodec(), Cell)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        where = Path(folder) / "frozen.zarr"
        make_values(where)
        make_frozen.forget(where)
        forget_launches(where)
        pack(where)
