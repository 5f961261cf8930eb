"""The trajectory: a tree that can be stored, run and looked at as labelled arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xpet.names import WildcardFunctions
from xpet.store.place import open_place
from xpet.trajectory.identity import IF_EXISTS, Identity, IfExists, in_words
from xpet.trajectory.trust import DynamicImports, Trust
from xpet.tree import Root
from xpet.tree.guard import not_in_run

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from xpet.store.snapshot import Snapshot
    from xpet.store.writer import Writer
    from xpet.table.dataset import View

_QUICK = frozenset({float, int, bool, str, complex})


def check(path: str, value: object) -> None:
    """Refuse a value that cannot be kept, where it is handed in."""
    if type(value) not in _QUICK:
        from xpet.values import check_value

        check_value(value, path)


class Trajectory(Identity):
    """Parameters, the points to explore, and the results: the tree of pypet, over a store of labelled arrays.

    Parameters
    ----------
    name
        Letters, digits, ``_`` and ``-``.
    add_time
        Append the present time to the name.
    comment
        What it is about.
    dynamic_imports
        The user's own classes of parameters and results, one or several; a text ``'package.module.Class'`` says where
        to import one from. Leaves of other classes are loaded as a plain Parameter or Result.
    wildcard_functions
        Further wildcards; see :class:`xpet.names.Wildcards`.
    filename, store
        Where it is stored: a path, a URL or a Zarr store; the two are one option. None: nowhere, until it is stored
        or handed to an :class:`~xpet.Environment`.
    storage_options
        What fsspec needs besides a URL.
    allow_pickle
        Read pickles, which runs whatever is in them: only for stores whose writers are trusted.

    Examples
    --------
    >>> traj = Trajectory('study', filename='memory://docs-trajectory')
    >>> _ = traj.f_add_parameter('x', 1.0, comment='in mV')
    >>> traj.f_explore({'x': [1.0, 2.0, 3.0]})
    >>> traj.f_store()
    >>> len(traj), traj.v_stored
    (3, True)
    """

    __slots__ = ()
    check_value = staticmethod(check)

    def __init__(
        self,
        name: str = "my_trajectory",
        add_time: bool = False,
        comment: str = "",
        dynamic_imports: DynamicImports = None,
        wildcard_functions: WildcardFunctions | None = None,
        *,
        filename: object = None,
        store: object = None,
        storage_options: Mapping[str, object] | None = None,
        allow_pickle: bool = False,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a trajectory is a text, like 'study', not a {type(name).__name__}: {name!r}")
        made = time.time()
        if add_time:
            name = f"{name}_{in_words(made)}"
        super().__init__(name, comment, wildcard_functions, made)
        self.f_trust(Trust(dynamic_imports, allow_pickle))
        if filename is not None or store is not None:
            self.f_set_store(filename, store, storage_options)

    # Storing ----------------------------------------------------------------------------------------------------------

    def f_store(self, if_exists: IfExists | None = None) -> None:
        """Store what is new: the trajectory itself, leaves added since, points added since.

        In a run there is nothing to do: what a run adds is stored when it ends.

        Parameters
        ----------
        if_exists
            What to do if the store has another trajectory of this name; see :meth:`f_open`.
        """
        if self.v_is_run:
            return
        with self.f_open(if_exists, to_run=False):
            pass
        self.f_refresh()

    def f_open(self, if_exists: IfExists | None = None, to_run: bool = True) -> Writer:
        """Bring the store up to date with the trajectory and return the store's writer, which others cannot then be.

        Parameters
        ----------
        if_exists
            If the store has a trajectory of this name that is not this one: None goes on with it if the parameters are
            the same and the points are those it has, or the first of them, and raises otherwise; ``'continue'`` takes
            over the stored one's parameters and points if they are others; ``'extend'`` adds the points it lacks;
            ``'overwrite'`` deletes it; ``'new'`` takes another name. Not given: what :attr:`v_if_exists` says.
        to_run
            Whether runs are to be done, for which the points must be known.

        Raises
        ------
        TrajectoryExistsError
            If the store has another trajectory of this name; the message lists the differences.
        StoreBusyError
            If another process writes to it.
        """
        from xpet.trajectory import opening

        if if_exists is not None and if_exists not in IF_EXISTS:
            raise ValueError(f"if_exists is {if_exists!r}; it must be one of {', '.join(map(repr, IF_EXISTS))} or None")
        given = self._if_exists if if_exists is None else if_exists
        writer = opening.open_writer(self, given, to_run)
        if given == self._if_exists and given in ("overwrite", "new"):
            # Once: what is stored now is this one.
            self.v_if_exists = None
        return writer

    def f_refresh(self) -> None:
        """Show the runs that the store has by now."""
        from xpet.trajectory.opening import is_before_exploration
        from xpet.trajectory.stored import BRANCHES, StoredRuns

        snapshot = self.f_snapshot()
        if is_before_exploration(self, snapshot):
            self.attach_runs(None)
            return
        self.attach_runs(StoredRuns(snapshot, BRANCHES - self._left_out, len(self), self._trust))

    def f_snapshot(self) -> Snapshot:
        """The published state of the trajectory.

        Raises
        ------
        DataNotInStorageError
            If the store does not have it.
        StoreError
            If another one has taken its place.
        """
        from xpet.store.snapshot import check_same, read_snapshot

        snapshot = read_snapshot(open_place(self.v_spec), self.v_name)
        check_same(snapshot.meta, self._uuid, snapshot.place.url)
        return snapshot

    # Looking ----------------------------------------------------------------------------------------------------------

    def f_dataset(self, view: View | None = None) -> xr.Dataset:
        """All results as one lazy, labelled Dataset.

        Parameters
        ----------
        view
            ``'grid'``: dims are the explored parameters; ``'flat'``: one dim ``run``; None: the grid if the points
            are a full product.

        Examples
        --------
        >>> import xpet
        >>> _ = xpet.sweep(lambda x: {'y': x * x}, {'x': [1.0, 2.0]}, store='memory://docs-dataset', name='sq')
        >>> xpet.load_trajectory('sq', filename='memory://docs-dataset').f_dataset().y.values
        array([1., 4.])
        """
        from xpet.table.dataset import open_results

        where, options = open_place(self.v_spec).below(self.v_name).zarr_store_args()
        given: Any = where
        return open_results(given, options, view=view, runs=self._runs_here(), uuid=self._uuid)

    def f_run_table(self) -> pd.DataFrame:
        """The run table: parameters, status, start, duration and error of each run."""
        from xpet.table.runs import run_table

        where, options = open_place(self.v_spec).below(self.v_name).zarr_store_args()
        return run_table(where, options, uuid=self._uuid).iloc[: self._runs_here()]  # type: ignore[arg-type]  # any of them

    def f_launches(self) -> pd.DataFrame:
        """What is known of each call of ``env.run``: code, versions, machine, command, seed.

        Returns
        -------
        pandas.DataFrame
            Indexed by the number of the launch, which is in the column ``launch`` of the run table; columns are
            ``time``, ``host``, ``platform``, ``python``, ``command``, ``directory``, ``job``, ``file``, ``source``,
            ``seed``, ``packages``, and of git ``commit``, ``branch``, ``diff`` (a patch, with small
            binary files), ``left_out`` (the changed binary files that are not in it), ``untracked``.

        Examples
        --------
        >>> import xpet
        >>> _ = xpet.sweep(lambda x: x, {'x': [1.0, 2.0]}, store='memory://docs-launches', name='id', seed=42)
        >>> xpet.load_trajectory('id', filename='memory://docs-launches').f_launches().seed.tolist()
        ['42']
        """
        from xpet.table.launches import launch_table

        return launch_table(self.f_snapshot().place)

    @not_in_run
    def f_get_run_information(self, name_or_idx: str | int | None = None, copy: bool = True) -> dict[str, Any]:
        """What is known of a run, or by their names of all runs.

        Parameters
        ----------
        name_or_idx, copy
            The run, None for all; what is returned is the caller's in any case.

        Returns
        -------
        dict
            ``idx``, ``name``, ``timestamp``, ``finish_timestamp`` (seconds since 1970), ``time`` (UTC), ``runtime``,
            ``completed``, ``status``, ``error``, ``launch``, ``parameter_summary``; None for what is not known yet.

        Examples
        --------
        >>> traj = Trajectory('study')
        >>> _ = traj.f_add_parameter('x', 1.0)
        >>> traj.f_explore({'x': [1.0, 2.0]})
        >>> traj.f_get_run_information(1)['parameter_summary'], traj.f_get_run_information(1)['status']
        ('x: 2.0', 'new')
        """
        from xpet.trajectory.information import information

        return information(self, name_or_idx)

    def _runs_here(self) -> int | None:
        """How many runs of the store are those of this trajectory; it may have got more elsewhere."""
        return len(self) if self._uuid and self.explored else None

    # Points -----------------------------------------------------------------------------------------------------------

    def blank(self) -> Trajectory:
        """An empty trajectory of the same name, comment, wildcards and store, into which copies are made."""
        wildcards = self.v_state.wildcards.functions()
        other = Trajectory(self.v_name, comment=self.v_comment, wildcard_functions=wildcards)
        other.f_take_identity(self)
        return other

    def without_ranges(self) -> Root:
        """The copy that travels to workers, which need no store."""
        other: Any = super().without_ranges()
        other.f_leave_store()
        return other  # type: ignore[no-any-return]  # the copy of a Root is one
