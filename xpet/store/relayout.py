"""Writing an array anew at its node, beside the chunks that published readers still use."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.store.chunks import key_form, read_rows, write_rows
from xpet.store.documents import KEYS, ArrayDoc, Keys
from xpet.store.hierarchy import GONE, Hierarchy, name_of, parent
from xpet.store.kept import Kept, in_ragged_rows, in_rows
from xpet.store.ownership import chunks_of
from xpet.store.ragged import blank
from xpet.store.snapshot import ROOT

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

#: seconds for which readers may hold a document whose chunks were replaced
GRACE = 3600.0


def relayout(
    place: Place, node: str, old: ArrayDoc, new: ArrayDoc, rows: Array, lengths: tuple[str, ArrayDoc] | None = None
) -> ArrayDoc:
    """Copy ``rows`` from the layout ``old`` into the layout ``new`` and return the document to publish.

    A published array only grows; every other change (other chunks, another fill) comes through here. The new chunks
    lie under keys of another form, so that readers of the published document are not disturbed; the old ones are
    dropped at a later open, once no reader can still be at them. ``lengths`` are those of a ragged array, whose
    padding becomes the new fill.
    """
    import numpy as np

    made = beside(old, new)
    drop_chunks(place, node, made.keys)
    have = np.zeros(old.shape[0], bool)
    have[rows] = True
    must = in_rows(old, have) if lengths is None else in_ragged_rows(place, old, have, *lengths)
    kept, step = Kept(place, node, old, must), max(old.chunks[0], new.chunks[0])
    for start in range(0, old.shape[0], step):
        stop = min(old.shape[0], start + step)
        some = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
        if len(some):
            data = read_rows(kept, node, old, start, stop)[some - start]
            if lengths is not None:
                sizes = read_rows(Kept(place, *lengths, in_rows(lengths[1], have)), *lengths, start, stop)
                blank(data, sizes[some - start], new.fill)
            write_rows(place, node, made, some, data)
    return made


def has_room(doc: ArrayDoc) -> bool:
    """Whether a set of chunks could lie beside this one without taking the keys of one that may still be read."""
    return len(recent(doc.xpet.get("retired", ()))) < len(KEYS) - 1


def recent(sets: Iterable[Mapping[str, Any]], age: float = GRACE) -> list[Mapping[str, Any]]:
    """Those of some sets of chunks that were in use within ``age`` seconds, so that they may still be read."""
    return [entry for entry in sets if time.time() - entry["since"] <= age]


def beside(old: ArrayDoc, new: ArrayDoc) -> ArrayDoc:
    """The document ``new`` with chunk keys that readers of ``old``, and of what was before it, do not look at."""
    retired: list[dict[str, Any]] = list(old.xpet.get("retired", ()))
    since = {entry["keys"]: entry["since"] for entry in retired}
    # One that was used longest ago, or never.
    keys: Keys = min((each for each in KEYS if each != old.keys), key=lambda each: since.get(each, 0.0))
    left = [entry for entry in retired if entry["keys"] != keys]
    return new._replace(keys=keys, xpet={**new.xpet, "retired": [*left, {"keys": old.keys, "since": time.time()}]})


def retire(docs: Hierarchy, key: str) -> None:
    """Forget an array at whose chunks readers of the published document may be; its group remembers them."""
    doc, group = docs.array(key), parent(key)
    docs.drop(key)
    own = docs.group(group)
    sets = [*doc.xpet.get("retired", ()), {"keys": doc.keys, "since": time.time()}]
    docs.put(group, own._replace(xpet={**own.xpet, GONE: {**own.xpet.get(GONE, {}), name_of(key): sets}}))


def anew(docs: Hierarchy, key: str, doc: ArrayDoc) -> ArrayDoc:
    """The document ``doc`` of a new array, with chunk keys at which no reader of one that was retired there looks."""
    own = docs.group(parent(key))
    gone = dict(own.xpet.get(GONE, {}))
    sets = gone.pop(name_of(key), None)
    if sets is None:
        return doc
    _remember(docs, parent(key), gone)
    return beside(doc._replace(keys=sets[-1]["keys"], xpet={"retired": sets[:-1]}), doc)


def _remember(docs: Hierarchy, group: str, gone: Mapping[str, Any]) -> None:
    own = docs.group(group)
    rest = {key: value for key, value in own.xpet.items() if key != GONE}
    docs.put(group, own._replace(xpet={**rest, GONE: dict(gone)} if gone else rest))


def drop_gone(place: Place, docs: Hierarchy, age: float = GRACE) -> None:
    """Delete the chunks of arrays that were retired at least ``age`` seconds ago, and then their documents."""
    for group, own in list(docs.groups()):
        gone = own.xpet.get(GONE, {})
        left = {}
        for name, sets in gone.items():
            node = f"{group}/{name}" if group else name
            kept = recent(sets, age)
            for entry in sets:
                if entry not in kept:
                    drop_chunks(place, node, entry["keys"])
            if kept:
                left[name] = kept
            else:
                place.delete([f"{node}/{ROOT}"])
        if left != gone:
            _remember(docs, group, left)


def drop_chunks(place: Place, node: str, keys: Keys) -> None:
    """Delete the chunks of a node whose keys have one form."""
    place.delete([key for key in place.list(node) if key_form(key[len(node) + 1 :]) == keys])


def drop_retired(
    place: Place, arrays: Iterable[tuple[str, ArrayDoc]], age: float = GRACE
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Delete chunk sets that were replaced at least ``age`` seconds ago; what is retired still, by array."""
    out = {}
    for node, doc in arrays:
        retired = doc.xpet.get("retired", ())
        left = recent(retired, age)
        for entry in retired:
            if entry not in left:
                drop_chunks(place, node, entry["keys"])
        if len(left) < len(retired):
            out[node] = left
    return out


class Leftovers:
    """What writers that died have left at nodes that were never published."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._names: dict[str, set[str]] = {}

    def clear(self, node: str) -> None:
        """Make sure that a node to be written has no chunks of another one."""
        group = parent(node)
        names = self._names.get(group)
        if names is None:
            names = self._names[group] = set(self._place.children(group))
        if name_of(node) in names:
            self._place.delete(chunks_of(self._place, node))
