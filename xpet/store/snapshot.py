"""The published state of a trajectory, from the one document that holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreError, shown
from xpet.store.hierarchy import RUN, Hierarchy
from xpet.store.meta import MARK, Meta, check_format, unpack_complete
from xpet.store.place import Place

if TYPE_CHECKING:
    from xpet.values.parts import Array

ROOT = "zarr.json"
_MOST_NAMED = 20


class Snapshot(NamedTuple):
    """What readers of a trajectory see: its facts and its documents.

    ``place`` is where the trajectory is, with keys relative to it.
    """

    place: Place
    meta: Meta
    hierarchy: Hierarchy
    attrs: Mapping[str, Any]

    @property
    def complete(self) -> Array:
        """Which runs are complete, as bools along the runs."""
        return unpack_complete(self.meta.complete, self.meta.n_runs, self.place.url)


def _document(place: Place, key: str) -> dict[str, Any] | None:
    data = place.read(key)
    return None if data is None else parse_document(data, f"{place.url}/{key}")


def parse_document(data: bytes, where: str) -> dict[str, Any]:
    """A metadata document from its bytes; ``where`` is for errors."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptStoreError(f"{where}: not JSON ({error}); the object is damaged") from error
    if not isinstance(document, dict):
        raise CorruptStoreError(f"{where}: not a JSON object; the object is damaged")
    return document


def check_same(meta: Meta, uuid: str, url: str) -> None:
    """Refuse what has taken the place of the trajectory with a uuid; an empty one is none in particular."""
    if uuid and meta.uuid != uuid:
        raise StoreError(
            f"{url}: the trajectory that was stored or loaded here is not there any more: another one of its name has "
            "taken its place; load that one"
        )


def check_still(place: Place, uuid: str) -> None:
    """Refuse a place where the trajectory with a uuid is not any more."""
    document = _document(place, ROOT)
    if document is None:
        raise DataNotInStorageError(f"{place.url}: the trajectory was deleted after it was loaded or stored here")
    check_same(Meta.from_json(_mark(document), place.url), uuid, place.url)


@contextmanager
def same_points(snapshot: Snapshot) -> Iterator[None]:
    """Refuse what is read within if other points have taken the place of these, which had no complete run."""
    try:
        yield
    finally:
        if not snapshot.complete.any():
            check_still(snapshot.place, snapshot.meta.uuid)


def _mark(document: Mapping[str, Any]) -> object:
    attributes = document.get("attributes")
    return attributes.get(MARK) if isinstance(attributes, dict) else None


def _is_of_store(mark: object) -> bool:
    """Whether our mark is the one of a store, not that of a trajectory."""
    try:
        node = json.loads(str(mark))
    except (ValueError, RecursionError):
        return False
    return isinstance(node, dict) and "format" in node and "uuid" not in node


def is_store(place: Place) -> bool | None:
    """Whether a place is a store of ours; None if nothing is there that says so or not.

    Where its document is lost or damaged, trajectories of ours say it.

    Raises
    ------
    VersionMismatchError
        If it is one of a format that this version does not know.
    CorruptStoreError
        If its document is damaged and no trajectories are there, or it says nothing that makes sense.
    """
    try:
        document = _document(place, ROOT)
    except CorruptStoreError:
        if list_trajectories(place)[0]:
            return True
        raise
    if document is None:
        return True if list_trajectories(place)[0] else None
    mark = _mark(document)
    if mark is None or not _is_of_store(mark):
        return False
    try:
        check_format(json.loads(str(mark)), place.url)
    except (ValueError, KeyError) as error:
        raise CorruptStoreError(f"{place.url}: the attribute {MARK!r} of the store is damaged ({error!r})") from error
    return True


def list_trajectories(store: Place) -> tuple[list[str], list[str]]:
    """The names of the trajectories in a store, in the order of their creation, and of whatever else is there."""
    found: list[tuple[float, str]] = []
    others = []
    for name in store.children():
        if name == ROOT:
            continue
        try:
            document = _document(store, f"{name}/{ROOT}")
            mark = None if document is None else _mark(document)
            if mark is None:
                others.append(name)
            else:
                found.append((float(json.loads(str(mark))["created"]), name))
        except (CorruptStoreError, ValueError, KeyError, TypeError, RecursionError):
            others.append(name)
    return [name for _, name in sorted(found)], others


def find_snapshot(store: Place, name: str) -> Snapshot | None:
    """The published state of a trajectory; None if the store has none of that name."""
    place = store.below(name)
    document = _document(place, ROOT)
    if document is None:
        return None
    mark = _mark(document)
    if mark is None or _is_of_store(mark):
        what = "a Zarr hierarchy that xpet did not write" if mark is None else "a store of trajectories"
        raise ForeignStoreError(
            f"{place.url}: {what} is there, where a trajectory was expected; choose another name or store"
        )
    snapshot = snapshot_of(place, document)
    # Its folder may have been renamed since, and what workers write must be where it is.
    return snapshot._replace(meta=snapshot.meta._replace(name=name))


def snapshot_of(place: Place, document: Mapping[str, Any]) -> Snapshot:
    """The published state that the root document of a trajectory tells of."""
    meta = Meta.from_json(_mark(document), place.url)
    try:
        hierarchy = Hierarchy.from_root(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptStoreError(f"{place.url}/{ROOT}: its consolidated metadata is damaged ({error!r})") from error
    for key, doc in hierarchy.arrays():
        if doc.dims[:1] == (RUN,) and doc.shape[0] != meta.n_runs:
            raise CorruptStoreError(
                f"{place.url}/{key}: it has {doc.shape[0]} runs, and the trajectory has {meta.n_runs}; bring "
                f"{ROOT} back from a copy, or start the trajectory again with if_exists='overwrite'"
            )
    attrs = {key: value for key, value in document["attributes"].items() if key != MARK}
    return Snapshot(place, meta, hierarchy, attrs)


def read_snapshot(store: Place, name: str) -> Snapshot:
    """The published state of a trajectory; an error that says which there are if there is none of that name."""
    snapshot = find_snapshot(store, name)
    if snapshot is None:
        raise DataNotInStorageError(f"{store.url}: no trajectory {shown(name)} is there; {_there(store)}")
    return snapshot


def _there(store: Place) -> str:
    names, _ = list_trajectories(store)
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return f"there are {', '.join(map(repr, names[:_MOST_NAMED]))}{more}"
    state = is_store(store)
    if state is None:
        return "nothing that xpet wrote is at this place"
    return "the store is empty" if state else "what is there was not written by xpet"
