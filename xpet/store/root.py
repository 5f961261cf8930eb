"""The store's own document: whose a place is, and how to open what is in it."""

from __future__ import annotations

from xpet.errors import CorruptStoreError, ForeignStoreError, VersionMismatchError
from xpet.store.documents import GroupDoc, dumps
from xpet.store.meta import FORMAT, MARK
from xpet.store.place import Place, readable_url
from xpet.store.snapshot import ROOT, is_store, parse_document

#: what of the storage options is no secret, and needed to find the place
_TOLD = ("anon", "endpoint_url")
_MOST_NAMED = 10


def claim_store(store: Place) -> None:
    """Make a place a store of ours, unless it is one; refuse what is somebody else's."""
    if is_store(store) is False:
        raise ForeignStoreError(
            f"{store.url}: what is there is no store of trajectories, but one trajectory or a Zarr hierarchy that xpet "
            "did not write; choose another store, such as a directory beside it"
        )
    mend_store(store)


def mend_store(store: Place) -> None:
    """Write the store's document if it is lost or damaged: it says nothing that is not known.

    Only for a place that is ours.
    """
    if not _is_readable(store):
        attrs = {
            "title": "xpet store",
            "summary": "trajectories: parameter explorations with their results",
            "Conventions": "CF-1.11",
            "how_to_open": how_to_open(store),
            MARK: dumps({"format": FORMAT, "min_reader": FORMAT}).decode(),
        }
        store.write(ROOT, dumps(GroupDoc(attrs).to_json()))


def _is_readable(store: Place) -> bool:
    data = store.read(ROOT)
    try:
        return data is not None and bool(parse_document(data, store.url))
    except CorruptStoreError:
        return False


def how_to_open(place: Place, group: str = "") -> str:
    """The line to type to open a trajectory's group, or, without one, any trajectory of a store."""
    below = "" if group else "/<trajectory>"
    if place.spec.kind == "zarr":
        where = f"zarr.storage.StorePath(store, {place.spec.prefix + below!r})"
    else:
        where = repr(place.url + below)
    told = {name: place.spec.storage_options[name] for name in _TOLD if name in place.spec.storage_options}
    told = {name: readable_url(value) if isinstance(value, str) else value for name, value in told.items()}
    more = f", storage_options={told!r}" if told else ""
    what = f"open_dataset({where}, group={group!r}" if group else f"open_datatree({where}"
    return f"xarray.{what}, engine='zarr'{more})"


def is_other_folder(place: Place) -> bool:
    """Whether a place is a folder that holds something, but is neither a store nor a trajectory."""
    try:
        return place.is_local and is_store(place) is None and bool(place.children())
    except (CorruptStoreError, VersionMismatchError):
        return False


def store_in(folder: Place, trajectory: str | None = None) -> Place:
    """The store in a folder of other things: the only one, or the only one that holds a trajectory.

    Raises
    ------
    ForeignStoreError
        If there is none.
    ValueError
        If there are several.
    """
    names = [name for name in folder.children() if _is_store(folder, name)]
    if not names:
        raise ForeignStoreError(
            f"{folder.url} was expected to be a trajectory or a store of trajectories, but what is there was not "
            "written by xpet; open it with the engine it was made for, or check the path"
        )
    own = f"{trajectory}.zarr"
    if trajectory is not None:
        names = [name for name in names if folder.exists(f"{name}/{trajectory}/{ROOT}")] or names
    if len(names) > 1 and own not in names:
        raise ValueError(
            f"{folder.url} is a folder with the stores {', '.join(names[:_MOST_NAMED])}"
            f"{', …' if len(names) > _MOST_NAMED else ''}; say which, as in {folder.below(names[0]).url!r}"
        )
    return folder.below(own if own in names else names[0])


def _is_store(folder: Place, name: str) -> bool:
    try:
        return is_store(folder.below(name)) is True
    except (CorruptStoreError, VersionMismatchError):
        return True
    except ValueError:
        return False
