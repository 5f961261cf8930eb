"""The front door for plain functions: a few lines over Environment and Trajectory."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xpet.environment import Environment
from xpet.names import is_valid_name
from xpet.space import Points, as_points, is_single
from xpet.trajectory import IfExists
from xpet.tree.exploring import REPLICATE
from xpet.values import shown

if TYPE_CHECKING:
    import xarray as xr

    from xpet.run.loop import OnError
    from xpet.run.ports import Executor
    from xpet.table.dataset import View
    from xpet.trajectory import Trajectory
    from xpet.tree.state import SeedBy


def sweep(
    function: Callable[..., object],
    points: Any,
    store: object = None,
    *,
    name: str | None = None,
    comment: str = "",
    ncores: int | None = None,
    executor: str | Executor | None = None,
    view: View | None = None,
    replicates: int | None = None,
    seed_by: SeedBy | None = None,
    if_exists: IfExists | None = None,
    on_error: OnError = "continue",
    storage_options: Mapping[str, object] | None = None,
    **options: Any,
) -> xr.Dataset:
    """Call a function at every point, store what it returns, and return it as a lazy, labelled Dataset.

    Runs that the store has are not done again: after a crash, or with more points and ``if_exists='extend'``, only the
    missing ones are. A function that was changed is not noticed: give another ``name``, or ``if_exists='overwrite'``.

    Parameters
    ----------
    function
        Takes the parameters as keywords. If it has a parameter ``rng``, it gets the random generator of the run, which
        is the same whenever and wherever the run is done. It returns a dictionary of results, or one value, which is
        then named like the function. Arrays may be given labels with :func:`xpet.label`.
    points
        A dictionary: every combination of the lists in it is a point, and a single value is the same at all of them.
        An array of two dimensions is the list of its rows. A list of dictionaries or a DataFrame: each of them, or each
        row, is a point.
    store
        A path, a URL or a Zarr store; ``./data/<name>.zarr`` if none is given.
    name
        The name of the trajectory; the function's if none is given.
    comment
        What it is about.
    ncores
        Worker processes; 1, or none given, runs in this process, 0 takes one for each core.
    executor
        Where the runs are done, such as ``'thread'``, and `ncores` is how many workers it has; see
        :class:`xpet.Environment`.
    view
        ``'grid'``: the dims of the Dataset are the parameters; ``'flat'``: ``run`` is; None: the grid if the points are
        a full product.
    replicates, seed_by
        Do every point so many times, and what the random numbers depend on; see :meth:`xpet.Trajectory.f_explore`. A
        parameter ``replicate`` of the function gets the number of the repetition.
    if_exists, on_error, storage_options, **options
        As for :class:`xpet.Environment`.

    Returns
    -------
    xarray.Dataset
        One variable for each result, with the parameters as coordinates.

    Raises
    ------
    TypeError
        The function does not take these parameters.
    TrajectoryExistsError
        The store has another trajectory of this name; the message lists the differences.

    Examples
    --------
    >>> import xpet
    >>> def area(width, height):
    ...     return {'area': width * height}
    >>> ds = xpet.sweep(area, {'width': [1.0, 2.0], 'height': [3.0, 4.0, 5.0]}, store='memory://docs-sweep')
    >>> ds.area.sel(width=2.0).values
    array([ 6.,  8., 10.])
    """
    constants, explored = _split(points)
    own = _own_name(function)
    name = own if name is None else name
    if name is None:
        raise ValueError(f"sweep: {function!r} has no name that a trajectory can have; give one with name=")
    names = (*constants, *explored.names)
    given = _given(function, names, replicates)
    _check_signature(function, (*names, *given))
    _check_types(explored)
    env = Environment(
        name, comment=comment, store=store, storage_options=storage_options, if_exists=if_exists, on_error=on_error,
        multiproc=executor is None and ncores not in (None, 1), ncores=ncores, executor=executor, **options,
    )  # fmt: skip
    for parameter, value in constants.items():
        env.traj.f_add_parameter(parameter, value)
    for parameter, column in explored.as_dict().items():
        env.traj.f_add_parameter(parameter, column[0])
    env.traj.f_explore(explored.as_dict(), replicates=replicates, seed_by=seed_by)
    env.run(_Call(function, constants, explored.names, own or name, given))
    return env.dataset(view)


class _Call:
    """A plain function as a job: parameters in as keywords, what it returns out as results."""

    def __init__(
        self,
        function: Callable[..., object],
        constants: Mapping[str, object],
        explored: tuple[str, ...],
        name: str,
        given: tuple[str, ...] = (),
    ) -> None:
        self._function = function
        self._constants = dict(constants)
        self._paths = {f"parameters.{parameter}": parameter for parameter in (*constants, *explored)}
        self._given = given
        self.__wrapped__ = function
        self._name = name
        self.__qualname__ = getattr(function, "__qualname__", name)

    def __call__(self, traj: Trajectory) -> None:
        given = {name: getattr(traj, name) for name in self._given}
        found = self._function(**{name: traj[path] for path, name in self._paths.items()}, **given)
        if found is None:
            return
        for name, value in found.items() if isinstance(found, dict) else ((self._name, found),):
            if not isinstance(name, str):
                raise TypeError(
                    f"{self._name} returned a dictionary with the key {name!r} of type {type(name).__name__}; the keys "
                    "name the results and must be texts"
                )
            traj.f_add_result(name, value)

    def how_to_repeat(self, point: Mapping[str, object], rng: str) -> str:
        """What to type to call the function once more."""
        arguments = {name: _short(value) for name, value in self._constants.items()}
        arguments |= {self._paths[path]: _short(value) for path, value in point.items() if path in self._paths}
        known = {"rng": rng, "replicate": _short(point.get(REPLICATE))}
        arguments |= {name: known[name] for name in self._given}
        return f"{self._name}({', '.join(f'{name}={text}' for name, text in arguments.items())})"


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _split(points: Any) -> tuple[dict[str, Any], Points]:
    """Single values, which are the same at all points, and the points."""
    if isinstance(points, Mapping):
        single = {name: value for name, value in points.items() if is_single(value)}
        explored = {name: value for name, value in points.items() if name not in single}
        if single and not explored:
            return {}, as_points(points)
        return single, as_points(explored)
    return {}, as_points(points)


def _given(function: Callable[..., object], names: tuple[str, ...], replicates: int | None) -> tuple[str, ...]:
    """What the function gets besides the parameters: those of its parameters that ask for it by name."""
    offered = ["rng"] if replicates is None else ["rng", "replicate"]
    try:
        wanted = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()
    return tuple(name for name in offered if name in wanted and name not in names)


def _check_types(points: Points) -> None:
    """Refuse integers among floats: the column of a parameter has values of one type, and none is made another."""
    for name, column in points.as_dict().items():
        first = dict(reversed([(type(value), value) for value in column]))
        if first.keys() == {int, float}:
            raise TypeError(
                f"sweep: among the values of {name!r} are the int {first[int]} and the float {first[float]}, and a "
                f"parameter has values of one type; give all as floats, such as {float(first[int])}"
            )


def _own_name(function: Callable[..., object]) -> str | None:
    """What a function is called, if results and trajectories can be called that."""
    name = getattr(function, "__name__", type(function).__name__)
    return name if is_valid_name(name) else None


def _check_signature(function: Callable[..., object], names: tuple[str, ...]) -> None:
    from xpet.run.options import check_is_done

    if not callable(function):
        raise TypeError(f"sweep takes a function, not a {type(function).__name__}: {function!r}")
    check_is_done(function)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some built-in functions do not tell; the first run will
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        raise TypeError(
            f"sweep: {getattr(function, '__name__', function)}{signature} cannot be called with the parameters "
            f"{', '.join(names)}: {error}"
        ) from None


def open(
    url: object,
    trajectory: str | None = None,
    *,
    view: View | None = None,
    storage_options: Mapping[str, object] | None = None,
) -> xr.Dataset:
    """Open stored results as one lazy, labelled Dataset.

    Parameters
    ----------
    url
        A store, or a trajectory in one: a path, a URL or a Zarr store.
    trajectory
        Which one, if the store holds several.
    view
        As for :func:`sweep`.
    storage_options
        What fsspec needs besides a URL.

    Raises
    ------
    ValueError
        The store holds several trajectories and none was named.
    OSError
        There is nothing, or nothing that xpet wrote.

    Examples
    --------
    >>> import xpet
    >>> _ = xpet.sweep(lambda x: {'y': x * x}, {'x': [1.0, 2.0, 3.0]}, store='memory://docs-open', name='squares')
    >>> xpet.open('memory://docs-open').y.sel(x=3.0).item()
    9.0
    """
    from xpet.table.dataset import open_results

    return open_results(url, storage_options, view=view, trajectory=trajectory)  # type: ignore[arg-type]  # checked there
