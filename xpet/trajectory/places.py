"""Where a trajectory is stored, from what the user calls the place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from xpet.errors import logger, warn
from xpet.store.place import PlaceSpec, hdf5_sibling, open_place, resolve


def locate(filename: object, store: object, storage_options: Mapping[str, object] | None, name: str) -> PlaceSpec:
    """Where a store is; warns once if the name of an HDF5 file was given."""
    if filename is not None and store is not None and filename != store:
        raise ValueError(f"filename={filename!r} and store={store!r} are two words for one thing; give one of them")
    where = filename if store is None else store
    sibling = hdf5_sibling(where)
    if sibling is not None:
        warn(f"xpet writes Zarr, not HDF5: {where} becomes {sibling}")
    return resolve(where, storage_options, name=name)


def into_folder(spec: PlaceSpec, name: str, given: Any) -> PlaceSpec:
    """Where a store is to be written: a folder of other things gets it inside, as in pypet."""
    from xpet.store.root import is_other_folder

    is_path = spec.kind == "local" and isinstance(given, str | bytes | os.PathLike)
    if not is_path or not is_other_folder(open_place(spec)):
        return spec
    inside = resolve(os.path.join(spec.url, f"{name}.zarr"))
    sentence = f"{spec.url} is a folder of other things, so that the store is {inside.url}"
    if not os.fsdecode(given).endswith(("/", os.sep)):
        warn(f"{sentence}; give that, or the folder with a '/' behind it")
    else:
        logger(__name__).info("%s", sentence)
    return inside
