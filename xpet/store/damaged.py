"""Which trajectories of a store can be read, and which are damaged: nobody should take the rest for all there is."""

from __future__ import annotations

from xpet.errors import CorruptStoreError
from xpet.names import is_valid_name
from xpet.store.create import remains
from xpet.store.lease import PREFIX as LEASES
from xpet.store.place import Place
from xpet.store.snapshot import ROOT, list_trajectories


def trajectories_of(store: Place) -> tuple[list[str], list[str]]:
    """The names of the trajectories that can be read, in the order of their creation, and of those that are damaged.

    Examples
    --------
    >>> import xpet
    >>> from xpet.store.place import open_place, resolve
    >>> _ = xpet.sweep(lambda x: x, {'x': [1.0]}, store='memory://docs-damaged', name='one')
    >>> trajectories_of(open_place(resolve('memory://docs-damaged')))
    (['one'], [])
    """
    names, others = list_trajectories(store)
    return names, [name for name in others if is_valid_name(name) and is_damaged(store, name)]


def is_damaged(store: Place, name: str) -> bool:
    """Whether a name, which no trajectory has that can be read, is that of one whose document is damaged or lost."""
    # Without a lease, xpet has never written there; without finished runs, one without a document is being created.
    if not store.children(f"{name}/{LEASES}"):
        return False
    return store.exists(f"{name}/{ROOT}") or bool(remains(store.below(name)))


def damage(store: Place, name: str) -> CorruptStoreError:
    """What to say of a damaged trajectory."""
    return CorruptStoreError(
        f"{store.url}: the trajectory {name!r} is damaged: its {ROOT} is lost or cannot be read; bring it back from a "
        "copy, or start again with if_exists='overwrite'"
    )


def listed(names: list[str], damaged: list[str]) -> str:
    """Both as a sentence names them."""
    return ", ".join([*map(repr, names), *(f"{name!r} (damaged)" for name in damaged)]) or "none"
