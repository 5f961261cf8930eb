"""Find the trajectory under a URL, and read and check its root document."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreError, shown
from xpet.store.damaged import damage, listed, trajectories_of
from xpet.store.meta import MARK, Meta, check_format
from xpet.store.place import Place, open_place, resolve
from xpet.store.root import store_in
from xpet.store.snapshot import ROOT, list_trajectories, parse_document, snapshot_of

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store

Where: TypeAlias = "str | os.PathLike[str] | Store"
StorageOptions: TypeAlias = Mapping[str, object] | None


@dataclass(frozen=True)
class Located:
    """A trajectory as its root document publishes it.

    Attributes
    ----------
    url
        Where the trajectory is, for people and for ``ds.encoding["source"]``.
    group
        The root group; its consolidated metadata holds every node, so nothing below costs a request.
    meta
        What the document says of the trajectory.
    """

    url: str
    group: zarr.Group
    meta: Meta

    @property
    def explored(self) -> tuple[str, ...]:
        """Names of the coordinates of the explored parameters, in the order of exploration."""
        return tuple(coordinate.name for coordinate in self.meta.space.coordinates)


def locate(where: Where, *, trajectory: str | None = None, storage_options: StorageOptions = None) -> Located:
    """Return the trajectory at, or in the store at, `where`.

    One request if `where` is the trajectory itself or `trajectory` is given; otherwise the store's own document, a
    listing and the document of each trajectory.

    Parameters
    ----------
    where
        Path, URL or zarr store of a trajectory or of a store of trajectories.
    trajectory
        Name of the trajectory; needed if the store holds several.
    storage_options
        What fsspec needs to reach a remote place.

    Raises
    ------
    FileNotFoundError
        Nothing is there.
    ForeignStoreError
        Something is there, but not written by xpet.
    DataNotInStorageError
        The store has no trajectory of this name.
    ValueError
        The store holds several trajectories and none is named.
    VersionMismatchError
        It was written in a format that this version cannot read.
    """
    place = open_place(resolve(where, storage_options))
    if trajectory is not None:
        found = _open_trajectory(place.below(trajectory))
        if found is not None:
            return found
    root = place.read(ROOT)
    try:
        here = None if root is None else _as_trajectory(root, place)
    except CorruptStoreError:
        if not list_trajectories(place)[0]:
            raise
        here = None
    if here is not None and trajectory in (None, here.meta.name):
        return here
    if here is not None:
        raise _which(place, [here.meta.name], [], trajectory)
    names = place.children()
    found = _only_one(place, names) if trajectory is None else None
    if found is not None:
        return found
    there, damaged = trajectories_of(place)
    if not (there or damaged) and (root is None or not _is_ours(_attributes(root, place), place.url)):
        if root is None and names and place.is_local:
            return locate(store_in(place, trajectory).url, trajectory=trajectory)
        raise _foreign_or_missing(place, names)
    raise _which(place, there, damaged, trajectory)


def _only_one(place: Place, names: list[str]) -> Located | None:
    candidates, damaged = [name for name in names if name != ROOT], list[str]()
    if len(candidates) > 1:
        candidates, damaged = trajectories_of(place)
    return _open_trajectory(place.below(candidates[0])) if len(candidates) == 1 and not damaged else None


def _which(place: Place, names: list[str], damaged: list[str], trajectory: str | None) -> Exception:
    if trajectory in damaged or (trajectory is None and damaged and not names):
        return damage(place, trajectory or damaged[0])
    there = listed(names, damaged)
    if trajectory is not None:
        return DataNotInStorageError(f"{place.url} has no trajectory {shown(trajectory)}; it holds {there}.")
    if names:
        return ValueError(
            f"The store {place.url} holds {len(names) + len(damaged)} trajectories ({there}); name the one to open "
            f"with trajectory={names[0]!r}."
        )
    return StoreError(f"The store {place.url} holds no trajectory yet; run something into it first.")


def _is_ours(attributes: Mapping[str, object], url: str) -> bool:
    text = attributes.get(MARK)
    try:
        node = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return False
    if not isinstance(node, dict) or "format" not in node:
        return False
    check_format({"min_reader": node["format"], **node}, url)
    return True


def _open_trajectory(place: Place) -> Located | None:
    data = place.read(ROOT)
    return None if data is None else _as_trajectory(data, place)


def _attributes(data: bytes, place: Place) -> Mapping[str, object]:
    attributes = parse_document(data, f"{place.url}/{ROOT}").get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _as_trajectory(data: bytes, place: Place) -> Located | None:
    attributes = _attributes(data, place)
    if not _is_ours(attributes, place.url) or "n_runs" not in json.loads(str(attributes[MARK])):
        return None
    import zarr

    from xpet.table.checked import believing, checked_store

    snapshot = snapshot_of(place, parse_document(data, f"{place.url}/{ROOT}"))
    with believing(f"{place.url}/{ROOT}"):
        # zarr_format spares the three requests that look for a store of format 2.
        group = zarr.open_group(checked_store(data, snapshot), mode="r", zarr_format=3)
    return Located(place.url, group, snapshot.meta)


def _foreign_or_missing(place: Place, names: list[str]) -> OSError:
    if names or (place.is_local and os.path.exists(place.url)):
        return ForeignStoreError(
            f"{place.url} was expected to be a trajectory or a store of trajectories, but what is there was not "
            f"written by xpet; open it with the engine it was made for."
        )
    return FileNotFoundError(
        f"There is no store and no trajectory at {place.url}; check the path, or run something into it first."
    )
