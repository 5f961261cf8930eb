"""The environment: one trajectory, and running a job at each of its points."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xpet.errors import shown, warn
from xpet.trajectory import DynamicImports, IfExists, Trajectory
from xpet.trajectory.identity import in_words

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from xpet.run.job import Job
    from xpet.run.loop import OnError
    from xpet.run.options import RunChoice
    from xpet.run.pools import StartMethod
    from xpet.run.ports import Executor
    from xpet.table.dataset import View


class Environment:
    """Run a job at every point of a trajectory and store what it leaves behind.

    Parameters
    ----------
    trajectory
        The name of a new trajectory, or a trajectory.
    add_time
        Append the present time to the name of a new trajectory.
    comment
        What a new trajectory is about.
    filename, store
        Where it is stored; two words for one thing. A local path, an fsspec URL or a Zarr store; ``./data/<name>.zarr``
        if neither is given. The name of an HDF5 file stands for the ``.zarr`` beside it.
    storage_options
        What fsspec needs besides a URL.
    file_title
        The title of the stored trajectory.
    overwrite_file
        Delete the trajectories that the store has, at once. What xpet did not write stays, and is named.
    if_exists
        What to do if the store has another trajectory of this name when it is run or stored. None goes on with it if
        the parameters are the same and the points are those it has, or the first of them, and raises otherwise;
        ``'continue'`` takes over the stored parameters and points if they are others; ``'extend'`` adds the points it
        lacks; ``'overwrite'`` deletes it; ``'new'`` takes another name.
    multiproc, ncores
        Do the runs in that many worker processes; 0 is one for each core. Without `multiproc` and `executor` the runs
        are done in this process, whatever `ncores` is, as in pypet.
    executor
        Where the runs are done, instead of `multiproc`: ``'serial'``, ``'thread'``, ``'process'`` or ``'loky'``, with
        `ncores` workers, by default one for each core; or an object with ``submit(function, *args)`` that returns a
        future, such as the executors of :mod:`concurrent.futures` or a client of dask.distributed, of whose workers
        `ncores` are kept busy, by default all if it tells how many there are. It is not shut down.
    on_error
        When a run fails: ``'continue'`` does the others and warns at the end; ``'stop'`` begins no further ones;
        ``'raise'`` raises as well. The failed runs are recorded with their traceback in any case. If the first runs
        all fail in the same way, nothing further is begun.
    flush_interval
        On an object store: seconds after which finished runs are written; 0 is after each run.
    collect
        Return what the job returns; without, :meth:`run` returns nothing.
    retries
        How often a run is tried again that failed, or whose worker process died; of these one is tried again in any
        case.
    timeout
        Seconds that a run may take; it has failed if it takes longer, and its worker process is replaced. Only where
        there are worker processes.
    progress
        Show a bar with rate, time left and failures, on a terminal or in a notebook (with tqdm, extra ``progress``).
        None: if tqdm is there.
    graceful_exit
        At the first Ctrl-C finish the runs that are being done, begin no further ones, store, and return normally; a
        second one interrupts. Without it, the first one interrupts, and what is finished is stored all the same.
    resumable, delete_resume
        Keep the job itself, as a pickle, in the store until all runs are complete (or for good), so that
        :meth:`resume` finds it in another process.
    start_method
        How worker processes start: ``'forkserver'``, ``'spawn'`` or ``'fork'``; by default the safest there is.
    wildcard_functions
        Further wildcards; see :class:`xpet.names.Wildcards`.
    dynamic_imports, allow_pickle
        What may be read back; see :class:`xpet.Trajectory`.
    seed
        What the random numbers of all runs come from, an integer; see :attr:`xpet.Trajectory.rng`. A new trajectory
        draws one and keeps it, so that a run that is done again has the same numbers in any case.
    **options
        Properties of the trajectory, such as ``v_fast_access=False``, and further options of pypet: those that ask for
        what always holds here are fine, and those that are not there are refused by name.

    Raises
    ------
    ValueError
        An option is unknown, not available, or has a value that it cannot have.

    Examples
    --------
    >>> def multiply(traj):
    ...     traj.f_add_result('z', traj.x * traj.y, comment='the product')
    >>> env = Environment(trajectory='docs', store='memory://docs-environment', overwrite_file=True)
    >>> _ = env.traj.f_add_parameter('x', 1.0), env.traj.f_add_parameter('y', 1.0)
    >>> env.traj.f_explore({'x': [1.0, 2.0], 'y': [6.0, 7.0]})
    >>> env.run(multiply)
    [(0, None), (1, None)]
    >>> env.dataset().z.values
    array([ 6., 14.])
    """

    def __init__(
        self,
        trajectory: str | Trajectory = "trajectory",
        add_time: bool = False,
        comment: str = "",
        *,
        filename: object = None,
        store: object = None,
        storage_options: Mapping[str, object] | None = None,
        file_title: str | None = None,
        overwrite_file: bool = False,
        if_exists: IfExists | None = None,
        multiproc: bool = False,
        ncores: int | None = None,
        executor: str | Executor | None = None,
        on_error: OnError = "continue",
        flush_interval: float = 1.0,
        collect: bool = True,
        retries: int = 0,
        timeout: float | None = None,
        progress: bool | None = None,
        graceful_exit: bool = False,
        resumable: bool = False,
        delete_resume: bool = True,
        start_method: StartMethod | None = None,
        wildcard_functions: Any = None,
        dynamic_imports: DynamicImports = None,
        allow_pickle: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        from xpet.run.options import Options, workers_of
        from xpet.run.pypet_options import check_options

        _check_if_exists(if_exists)
        workers = workers_of(multiproc, ncores, executor)
        how = (on_error, flush_interval, start_method, collect, retries, timeout, progress)
        self._options = Options(workers, *how, graceful_exit, resumable, delete_resume, executor)
        properties = check_options(options)
        self._traj = _trajectory(trajectory, add_time, comment, wildcard_functions)
        self._traj.f_add_to_dynamic_imports(dynamic_imports)
        self._traj.v_allow_pickle |= allow_pickle
        self._set_store(filename, store, storage_options)
        if file_title is not None:
            self._traj.v_title = file_title
        if seed is not None:
            self._traj.v_seed = seed
        if properties:
            self._traj.f_set_properties(**properties)
        self._traj.v_if_exists = if_exists
        self._job: Job | None = None
        self._timestamp = time.time()
        if overwrite_file:
            self._overwrite()

    def _set_store(self, filename: object, store: object, storage_options: Mapping[str, object] | None) -> None:
        if self._traj.v_store is None or filename is not None or store is not None:
            self._traj.f_set_store(filename, store, storage_options)
        elif storage_options is not None:
            raise ValueError("storage_options say nothing of where: give store= as well")

    # The trajectory ---------------------------------------------------------------------------------------------------

    @property
    def trajectory(self) -> Trajectory:
        """The trajectory."""
        return self._traj

    traj = v_trajectory = v_traj = trajectory

    @property
    def timestamp(self) -> float:
        """When the environment was made, in seconds since 1970."""
        return self._timestamp

    @property
    def time(self) -> str:
        """When the environment was made, as in ``2026_01_31_12h00m00s``."""
        return in_words(self._timestamp)

    v_timestamp, v_time = timestamp, time

    # Running ----------------------------------------------------------------------------------------------------------

    def run(
        self, runfunc: Callable[..., object], *args: object, runs: RunChoice = "missing", **kwargs: object
    ) -> Sequence[tuple[int, object]]:
        """Call ``runfunc(traj, *args, **kwargs)`` for every run that is not complete.

        Runs that failed before are among them. Whatever ends it, an interrupt included, every finished run is in the
        store afterwards.

        Parameters
        ----------
        runfunc
            The job.
        *args, **kwargs
            What it is called with after the trajectory.
        runs
            ``'missing'``: what is not complete; ``'failed'``: of these, what failed before; or indices of runs, of
            which those that are complete are not done again.

        Returns
        -------
        sequence of (int, object)
            Run and return value of each run that this call completed, in the order of the runs; it is compared, added
            and indexed as a list, but values that are None take no memory. Empty with ``collect=False``.

        Raises
        ------
        TypeError
            The job cannot be called like this.
        TrajectoryExistsError
            The store has another trajectory of this name; the message lists the differences.
        RunFailures
            Runs failed and ``on_error='raise'``; the group of the jobs' exceptions.
        """
        from xpet.run.job import Job
        from xpet.run.options import check_call, checked_runs
        from xpet.run.study import check_reach, run_missing

        check_call(runfunc, args, kwargs)
        # With 'continue' it is the store that says how many runs there are, once it is open.
        chosen = checked_runs(runs, 2**63 if self._traj.v_if_exists == "continue" else len(self._traj))
        check_reach(self._traj.v_spec, self._options.place)
        self._job = job = Job(runfunc, args, kwargs)
        self._traj.freeze()
        with self._traj.f_open() as writer:
            try:
                outcome = run_missing(self._traj, writer, job, self._options, chosen)
            finally:
                self._traj.f_restore_default()
                self._traj.f_refresh()
        for sentence in (*outcome.summary.warnings, outcome.summary.sentence()):
            if sentence:
                warn(sentence)
        return outcome.values

    f_run = run

    def resume(self, trajectory_name: str | None = None, resume_folder: None = None) -> Sequence[tuple[int, object]]:
        """Do what is not complete of a stored trajectory with the job that was run last.

        Running the script, or :meth:`run`, again does the same. In a new process the job is taken from the store, if
        it was run with ``resumable=True``; as it is a pickle, which runs whatever is in it, this needs
        ``allow_pickle=True``.

        Parameters
        ----------
        trajectory_name
            The stored trajectory, which becomes that of the environment, with the wildcards and settings of the one
            before; by default the present one.
        resume_folder
            pypet's; what is needed is in the store.

        Returns
        -------
        sequence of (int, object)
            As of :meth:`run`.

        Raises
        ------
        ValueError
            It is not known what was run last.

        Examples
        --------
        >>> env = Environment('again', store='memory://docs-resume', overwrite_file=True)
        >>> _ = env.traj.f_add_parameter('x', 1)
        >>> env.traj.f_explore({'x': [1, 2, 3]})
        >>> env.run(lambda traj: traj.x, runs=[1])
        [(1, 2)]
        >>> env.resume()
        [(0, 1), (2, 3)]
        """
        from xpet.run.resuming import stored_job
        from xpet.trajectory.loading import load_as

        if resume_folder is not None:
            raise ValueError(f"resume_folder={resume_folder!r}: what is needed to resume is in the store; leave it out")
        name = trajectory_name or self._traj.v_name
        if name != self._traj.v_name or not self._traj.v_stored:
            self._traj, self._job = load_as(self._traj, name), None
        job = self._job or stored_job(self._traj)
        return self.run(job.function, *job.args, runs="missing", **job.kwargs)

    f_resume = resume

    def replay(self, run: int, job: Callable[..., object] | None = None, *args: object, **kwargs: object) -> object:
        """Do one run again in this process and let its exception through; nothing is stored.

        Parameters
        ----------
        run
            The index of the run.
        job
            The function with its arguments; by default what was run last.

        Returns
        -------
        object
            What the job returned.

        Examples
        --------
        >>> env = Environment('again', store='memory://docs-replay', overwrite_file=True)
        >>> _ = env.traj.f_add_parameter('x', 1)
        >>> env.traj.f_explore({'x': [1, 2, 3]})
        >>> env.replay(1, lambda traj: traj.x * 10)
        20
        """
        from xpet.run.job import Job
        from xpet.run.worker import replay

        again = self._job if job is None else Job(job, args, kwargs)
        if again is None:
            raise ValueError(f"env.replay({run}): nothing was run here yet; give the job, as in env.replay({run}, job)")
        if not 0 <= run < len(self._traj):
            raise ValueError(f"env.replay({run}): the trajectory has the runs 0 to {len(self._traj) - 1}")
        return replay(self._traj, again, run)

    # Looking ----------------------------------------------------------------------------------------------------------

    def dataset(self, view: View | None = None) -> xr.Dataset:
        """All results as one lazy, labelled Dataset; see :meth:`Trajectory.f_dataset`."""
        return self._traj.f_dataset(view)

    def runs(self) -> pd.DataFrame:
        """The run table: parameters, status, start, duration and error of each run."""
        return self._traj.f_run_table()

    def launches(self) -> pd.DataFrame:
        """What is known of each call of :meth:`run`; see :meth:`Trajectory.f_launches`."""
        return self._traj.f_launches()

    # Ending -----------------------------------------------------------------------------------------------------------

    def disable_logging(self, remove_all_handlers: bool = True) -> None:
        """Undo what the environment set up for logging, which is nothing: logging is the application's."""

    f_disable_logging = disable_logging

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.disable_logging()

    def _overwrite(self) -> None:
        from xpet.store.place import open_place
        from xpet.trajectory.removing import remove_all
        from xpet.trajectory.saving import fetch

        if self._traj.v_stored:
            fetch(self._traj)
            self._traj.f_bind(self._traj.v_name, "")
        _, others = remove_all(open_place(self._traj.v_spec))
        if others:
            shown = ", ".join(others[:10])
            warn(f"overwrite_file: {self._traj.v_store} also holds what xpet did not write, which stays: {shown}")

    def __repr__(self) -> str:
        return f"<Environment of {self._traj!r} in {self._traj.v_store}>"


def _check_if_exists(if_exists: object) -> None:
    from xpet.trajectory.identity import IF_EXISTS

    if if_exists is not None and if_exists not in IF_EXISTS:
        wanted = ", ".join(map(repr, IF_EXISTS))
        raise ValueError(f"if_exists is {shown(if_exists)}; it must be one of {wanted} or None")


def _trajectory(given: str | Trajectory, add_time: bool, comment: str, wildcard_functions: Any) -> Trajectory:
    """The trajectory that is given, or a new one of that name."""
    if isinstance(given, Trajectory):
        _check_given(given, add_time, comment, wildcard_functions)
        return given
    return Trajectory(given, add_time, comment, wildcard_functions=wildcard_functions)


def _check_given(trajectory: Trajectory, add_time: bool, comment: str, wildcard_functions: object) -> None:
    """Refuse what is said of a new trajectory when one is given."""
    for name, value in {"add_time": add_time, "comment": comment, "wildcard_functions": wildcard_functions}.items():
        if value:
            raise ValueError(f"{name}={value!r} is for a new trajectory, but {trajectory!r} was given; leave it out")
