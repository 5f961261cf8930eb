"""A store as an archive that says nothing of the machine it was made on."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path


def forget_launches(store: Path, trajectory: str) -> None:
    """Take out what the launches say of where and with what they were done."""
    for file in (store / trajectory / "_xpet/journal/launch").iterdir():
        told = json.loads(file.read_text(encoding="utf-8"))
        known = {name: version for name, version in told["packages"].items() if name in ("numpy", "pandas", "zarr")}
        told |= {"platform": "Linux", "directory": "/", "file": "make_frozen.py", "packages": known, "git": None}
        file.write_text(json.dumps(told), encoding="utf-8")


def pack(store: Path, archive_path: Path) -> None:
    """Put the store into the archive, in order and without times."""
    with tarfile.open(archive_path, "x:xz") as archive:
        for file in sorted(path for path in store.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(file.relative_to(store).as_posix())
            entry.size = file.stat().st_size
            with file.open("rb") as data:
                archive.addfile(entry, data)
