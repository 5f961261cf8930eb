"""Loading a trajectory: the tree comes at once, data when they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from xpet.errors import DataNotInStorageError, logger, shown
from xpet.store.damaged import damage, listed, trajectories_of
from xpet.store.journal import waiting
from xpet.store.place import Place, open_place
from xpet.store.root import is_other_folder, store_in
from xpet.store.snapshot import ROOT, Snapshot, read_snapshot
from xpet.trajectory.places import locate
from xpet.trajectory.stored import BRANCHES, StoredRuns, adopt_space, build, link
from xpet.trajectory.trajectory import Trajectory
from xpet.trajectory.trust import DynamicImports, Trust

_LEVELS = (0, 1, 2, 3)


def load_trajectory(
    name: str | None = None,
    index: int | None = None,
    load_parameters: int = 2,
    load_derived_parameters: int = 1,
    load_results: int = 1,
    load_other_data: int = 1,
    load_data: int | None = None,
    *,
    filename: object = None,
    store: object = None,
    storage_options: Mapping[str, object] | None = None,
    dynamic_imports: DynamicImports = None,
    allow_pickle: bool = False,
    load_all: int | None = None,
) -> Trajectory:
    """Load a trajectory.

    One request brings the tree; data are read when they are looked at, whatever the levels say.

    Parameters
    ----------
    name
        Its name; may be left out if the store holds only one.
    index
        Instead of the name: its position in the order of creation, −1 being the newest.
    load_parameters, load_derived_parameters, load_results, load_other_data
        pypet's levels, 0 to 3: 0 leaves the branch out; the others are alike, as nothing is read before it is needed.
    load_data, load_all
        One level for all four; two words for one thing.
    filename, store
        The store; two words for one thing. The name of an HDF5 file stands for the ``.zarr`` beside it.
    storage_options
        What fsspec needs besides a URL.
    dynamic_imports
        The user's own classes of parameters and results, one or several; a text ``'package.module.Class'`` says where
        to import one from. Leaves of other classes come as a plain Parameter or Result, and a warning says so.
    allow_pickle
        Read pickles, which runs whatever is in them: only for stores whose writers are trusted.

    Raises
    ------
    ValueError
        If both name and index are given, a level is not one, or nothing says which of several is meant.
    DataNotInStorageError
        If the store has no such trajectory; the message says which there are.
    VersionMismatchError
        If it was written in a format that this version cannot read.

    Examples
    --------
    >>> import xpet
    >>> _ = xpet.sweep(lambda x: {'y': x * x}, {'x': [1.0, 2.0]}, store='memory://docs-loading', name='squares')
    >>> traj = xpet.load_trajectory('squares', filename='memory://docs-loading')
    >>> traj.r_1.y, traj.f_get_from_runs('y', fast_access=True, use_indices=True)
    (4.0, {0: 1.0, 1: 4.0})
    """
    if name is not None and index is not None:
        raise ValueError(f"name={name!r} and index={index!r} both say which trajectory; give one of them")
    if None not in (load_data, load_all):
        raise ValueError(f"load_data={load_data!r} and load_all={load_all!r} are two words for one thing; give one")
    every = load_data if load_all is None else load_all
    branches = _branches(load_parameters, load_derived_parameters, load_results, load_other_data, every)
    spec = locate(filename, store, storage_options, name or "trajectory")
    place = open_place(spec)
    is_here = name is not None and place.is_local and place.exists(f"{name}/{ROOT}")
    if not is_here and is_other_folder(place):
        place = store_in(place, name)
    if name is None:
        name = _choose(place, index)
    return load_from(place, name, Trust(dynamic_imports, allow_pickle), branches)


def load_from(place: Place, name: str, trust: Trust, branches: AbstractSet[str] = BRANCHES) -> Trajectory:
    """Load branches of a trajectory from a place; see :func:`load_trajectory`."""
    snapshot = _read(place, name)
    traj = Trajectory(snapshot.meta.name, comment=snapshot.meta.comment)
    traj.f_trust(trust)
    traj.v_title = str(snapshot.attrs.get("title", ""))
    traj.f_set_spec(place.spec)
    traj.f_bind(name, snapshot.meta.uuid, snapshot.meta.created)
    traj.f_leave_out(BRANCHES - branches)
    build(traj, snapshot, branches)
    if "parameters" in branches:
        adopt_space(traj, snapshot)
    traj.attach_runs(StoredRuns(snapshot, branches, snapshot.meta.n_runs, traj.v_trust))
    link(traj, snapshot, branches)
    _tell_waiting(snapshot)
    return traj


def load_as(like: Trajectory, name: str) -> Trajectory:
    """Load a trajectory from the store of another one, with what that one was given: wildcards, settings, the seed."""
    traj = load_from(open_place(like.v_spec), name, like.v_trust.copy())
    traj.f_add_wildcard_functions(like.v_state.wildcards.functions())
    traj.v_state.set_as(like.v_state)
    if like.v_state.seed_given:
        traj.v_seed = like.v_seed
    return traj


def _branches(parameters: int, derived: int, results: int, other: int, everything: int | None) -> set[str]:
    """The branches that are wanted."""
    levels = {
        "parameters": parameters, "config": parameters, "derived_parameters": derived, "results": results,
        "other": other,
    }  # fmt: skip
    if everything is not None:
        levels = dict.fromkeys(levels, everything)
    for branch, level in levels.items():
        if level not in _LEVELS:
            raise ValueError(f"the load level of {branch} is {level!r}; it must be one of {_LEVELS}")
    return {branch for branch, level in levels.items() if level}


def _tell_waiting(snapshot: Snapshot) -> None:
    packets = waiting(snapshot.place, unfinished=True)
    if packets:
        logger(__name__).warning(
            "%s: %d %s with finished runs not shown yet; running it, or storing, does that",
            snapshot.place.url, len(packets), "packet waits" if len(packets) == 1 else "packets wait",
        )  # fmt: skip


def _choose(store: Place, index: int | None) -> str:
    names, damaged = trajectories_of(store)
    if damaged and not names:
        raise damage(store, damaged[0])
    there = listed(names, damaged)
    # The place of one that is damaged in the order of creation is not known.
    if (index is None and len(names) != 1) or damaged:
        if not names:
            raise DataNotInStorageError(f"{store.url}: no trajectory is there")
        how = "name=" if damaged else "name= or index="
        raise ValueError(f"{store.url} holds the trajectories {there}; say which by {how}")
    try:
        return names[0 if index is None else index]
    except IndexError:
        raise ValueError(f"index={index} is beyond the trajectories of {store.url}: {there}") from None


def _read(store: Place, name: str) -> Snapshot:
    try:
        return read_snapshot(store, name)
    except DataNotInStorageError:
        names, damaged = trajectories_of(store)
        if name in damaged:
            raise damage(store, name) from None
        if damaged:
            raise DataNotInStorageError(
                f"{store.url}: no trajectory {shown(name)} is there; there are {listed(names, damaged)}"
            ) from None
        raise
