"""Where a store is: a path, a URL or a Zarr store becomes a :class:`Place` of raw keys.

Raw keys go through this module alone, and it alone knows the inside of zarr.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import uuid
from collections.abc import Mapping
from functools import lru_cache

from xpet.store.places.base import Data, Kind, Place, PlaceSpec, append_all, readable_url

_MOST_OPEN = 64
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(://|::)")
_HDF5 = (".hdf5", ".h5", ".hdf", ".he5")


def resolve(
    store: object = None, storage_options: Mapping[str, object] | None = None, *, name: str = "trajectory"
) -> PlaceSpec:
    """Where `store` is, without looking.

    Parameters
    ----------
    store : str, path-like, zarr.abc.store.Store or None
        A local path (``~`` and relative ones too), an fsspec URL or a Zarr store; None is ``./data/<name>.zarr``.
        The name of an HDF5 file stands for the ``.zarr`` beside it; see :func:`hdf5_sibling`.
    storage_options : dict, optional
        What fsspec takes beside a URL: credentials, endpoint, ….
    name : str
        The trajectory's name, for `store` None.

    Raises
    ------
    ValueError
        If `store` is empty, names no bucket, or `storage_options` come with a local path or a Zarr store.
    TypeError
        If `store` is of another type.

    Examples
    --------
    >>> resolve('s3://bucket/study.hdf5').url
    's3://bucket/study.zarr'
    """
    if store is None:
        store = os.path.join("data", f"{name}.zarr")
    if not isinstance(store, str | bytes | os.PathLike):
        return _of_zarr_store(store, storage_options)
    url = os.fsdecode(store)
    if not url.strip():
        raise ValueError("store is empty, but must be a path, a URL or a Zarr store; None means ./data/<name>.zarr")
    url = hdf5_sibling(url) or url
    scheme = _SCHEME.match(url)
    if scheme is None or scheme[0] in ("file://", "local://"):
        if storage_options:
            raise ValueError(
                f"storage_options go with a URL such as s3://bucket/study, but store is the local path {url!r}; "
                "leave them out or give the URL"
            )
        return PlaceSpec(_local_path(url[len(scheme[0]) :] if scheme else url))
    options = copy.deepcopy(dict(storage_options or {}))
    if scheme[0] == "memory://":
        return PlaceSpec(f"memory://{url.removeprefix('memory://').strip('/')}", options, "memory")
    if not url.rpartition("://")[2].strip("/"):
        raise ValueError(f"{url!r} names a protocol only, but a store needs a place in it, such as {url}bucket/study")
    return PlaceSpec(url.rstrip("/"), options, "fsspec")


def hdf5_sibling(store: object) -> str | None:
    """The ``.zarr`` beside an HDF5 file's name, which is what `store` then stands for; None for other names.

    Examples
    --------
    >>> hdf5_sibling('data/study.hdf5')
    'data/study.zarr'
    """
    if not isinstance(store, str | bytes | os.PathLike):
        return None
    root, suffix = os.path.splitext(os.fsdecode(store))
    return f"{root}.zarr" if suffix.lower() in _HDF5 else None


def open_place(spec: PlaceSpec) -> Place:
    """The place at `spec`, mostly one object per process; nothing is read yet.

    Raises
    ------
    StoreError
        If no file system is known for the URL.
    MissingPackageError
        If it needs a package that is not installed.

    Examples
    --------
    >>> place = open_place(resolve('memory://study'))
    >>> place.create('a/b', b'1'), place.create('a/b', b'2'), place.read('a/b')
    (True, False, b'1')
    """
    if spec.kind == "zarr":
        return _make(spec)
    return _opened(os.getpid(), spec)


@lru_cache(maxsize=_MOST_OPEN)
def _opened(pid: int, spec: PlaceSpec) -> Place:
    """A place for one process, as a forked child cannot use its parent's connections."""
    return _make(spec)


def probe_exclusive(place: Place, prefix: str = "_xpet/journal/probe") -> bool:
    """Whether `place` honours exclusive creation, tried on a key below `prefix` that is deleted again."""
    key = f"{prefix}/{uuid.uuid4().hex}"
    try:
        return place.create(key, b"first") and not place.create(key, b"second")
    finally:
        place.delete([key])


def _make(spec: PlaceSpec) -> Place:
    if spec.kind == "local":
        from xpet.store.places.local import LocalPlace

        return LocalPlace(spec)
    if spec.kind == "memory":
        from xpet.store.places.memory import MemoryPlace

        return MemoryPlace(spec)
    if spec.kind == "fsspec":
        from xpet.store.places.remote import RemotePlace

        return RemotePlace(spec)
    from xpet.store.places.zarr_store import ZarrPlace

    return ZarrPlace(spec)


def _local_path(path: str) -> str:
    if os.name == "nt" and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return os.path.abspath(os.path.expanduser(path))


def _of_zarr_store(store: object, storage_options: Mapping[str, object] | None) -> PlaceSpec:
    # Nobody can hold a Zarr store without having imported zarr, so it is not imported only to say no.
    known = sys.modules.get("zarr.abc.store")
    if known is None or not isinstance(store, known.Store):
        raise TypeError(
            f"store is {store!r} of type {type(store).__name__}, but must be a path, a URL or a zarr.abc.store.Store"
        )
    if storage_options:
        raise ValueError("storage_options go with a URL, but store is a Zarr store, which has its own; leave them out")
    local = sys.modules["zarr.storage"].LocalStore if "zarr.storage" in sys.modules else ()
    if isinstance(store, local) and not store.read_only:
        return PlaceSpec(os.path.abspath(store.root))
    return PlaceSpec(str(store), {}, "zarr", store)


__all__ = [
    "Data",
    "Kind",
    "Place",
    "PlaceSpec",
    "append_all",
    "hdf5_sibling",
    "open_place",
    "probe_exclusive",
    "readable_url",
    "resolve",
]
