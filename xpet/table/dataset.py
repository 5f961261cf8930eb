"""The results of a trajectory as one lazy Dataset, over runs or over the axes of the exploration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import xarray as xr
from xarray.backends import BackendEntrypoint

from xpet.errors import CorruptStoreError
from xpet.store.snapshot import check_same
from xpet.table.grid import to_grid
from xpet.table.groups import RUN, STATUS, assemble, decode, walk
from xpet.table.locate import Located, StorageOptions, Where, locate
from xpet.table.merge import merge
from xpet.table.product import Product, find_product

if TYPE_CHECKING:
    import zarr


View: TypeAlias = Literal["grid", "flat"]

RESULTS = "results"
RUNS = "runs"


def open_results(
    where: Where, storage_options: StorageOptions = None, *, view: View | None = None, trajectory: str | None = None,
    runs: int | None = None, uuid: str = "",
) -> xr.Dataset:
    """Open the published results of a trajectory as one lazy Dataset.

    Everything below ``results`` is in it, under dotted names: ``z``, ``neuron.V``. Opening costs one request for the
    metadata, plus the explored coordinates (unless ``view='flat'``) and the indexed inner ones; the rest is read when
    it is used.

    Parameters
    ----------
    where
        Path, URL or zarr store of the trajectory, or of a store that holds it.
    storage_options
        What fsspec needs to reach a remote place.
    view
        ``'grid'``: dims are the explored parameters; ``'flat'``: one dim, ``run``; None: the grid if the exploration is
        a full product, else flat.
    trajectory
        Which one, if the store holds several.
    runs
        How many of its runs, from the first on; None: all.
    uuid
        Which trajectory it must be; empty: any.

    Raises
    ------
    ValueError
        ``view='grid'`` of an exploration that is not a full product.

    Examples
    --------
    >>> import xpet
    >>> _ = xpet.sweep(lambda x: {'y': x * x}, {'x': [1.0, 2.0]}, store='memory://docs-results', name='squares')
    >>> open_results('memory://docs-results/squares').y.sel(x=2.0).item()
    4.0
    """
    located = locate(where, trajectory=trajectory, storage_options=storage_options)
    check_same(located.meta, uuid, located.url)
    # Only through xarray's front door does a Dataset get the caching and copying of one read from a file.
    return xr.open_dataset(located, engine=_ResultsEntrypoint, view=view, runs=runs)  # type: ignore[arg-type]


def read_results(
    located: Located, view: View | None = None, drop_variables: str | Iterable[str] | None = None,
    runs: int | None = None,
) -> xr.Dataset:
    """Return the results of a located trajectory, unread; see :func:`open_results`."""
    dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
    groups = [(path, decode(group)) for path, group in walk(child(located, RESULTS))]
    dataset = _with_runs(merge(groups, located.explored), located)
    if runs is not None and runs < dataset.sizes[RUN]:
        dataset = dataset.isel({RUN: slice(runs)})
    dataset, product = _find_axes(dataset, located, view)
    dataset = dataset.drop_vars(dropped, errors="ignore")
    if product is not None:
        dataset = to_grid(dataset, product).drop_vars(dropped, errors="ignore")
    dataset.encoding["source"] = located.url
    return dataset


def read_groups(located: Located, view: View | None = None) -> dict[str, xr.Dataset]:
    """Return every group of a located trajectory but our own bookkeeping, unread, by its path.

    ``runs`` keeps its run dim in every view; the columns of the other groups follow ``view``.
    """
    runs = decode(child(located, RUNS))
    _, product = _find_axes(runs, located, view)
    groups = {}
    for path, group in walk(located.group):
        dataset = decode(group)
        if product is not None and path[:1] != (RUNS,) and RUN in dataset.dims:
            dataset = to_grid(dataset, product)
        groups["/" + "/".join(path)] = dataset
    return groups


def child(located: Located, name: str) -> zarr.Group:
    """Return a group that every trajectory has.

    Raises
    ------
    CorruptStoreError
        It is not there.
    """
    import zarr

    group = located.group.get(name)
    if not isinstance(group, zarr.Group):
        raise CorruptStoreError(
            f"{located.url} has no group {name!r}, which every trajectory has; was it copied or deleted only in part?"
        )
    return group


def _with_runs(dataset: xr.Dataset, located: Located) -> xr.Dataset:
    """Return `dataset` with the coordinates of the runs, which a group has only once it has columns."""
    if RUN in dataset.variables:
        return dataset
    runs = decode(child(located, RUNS))
    shared = [name for name in (RUN, STATUS, *located.explored) if name in runs.variables]
    variables = {str(name): variable for name, variable in dataset.variables.items()}
    variables.update({name: runs.variables[name] for name in shared})
    return assemble(variables, {str(name) for name in dataset.coords} | set(shared), dataset.attrs)


def _find_axes(dataset: xr.Dataset, located: Located, view: View | None) -> tuple[xr.Dataset, Product | None]:
    if view not in (None, "grid", "flat"):
        raise ValueError(f"view={view!r} is not a view of the results; expected 'grid', 'flat' or None.")
    names = located.explored
    if view == "flat" or not names:
        return dataset, None
    columns = {name: dataset.variables[name] for name in names if name in dataset.variables}
    if len(columns) < len(names) or any(column.dims != (RUN,) for column in columns.values()):
        _refuse_grid(view, located, "not every explored parameter has one number or text per run")
        return dataset, None
    sizes = dict(located.meta.space.axes)
    order = tuple(sizes) if set(sizes) == set(names) else names
    values = {name: columns[name].values for name in order}
    product = find_product(values, [sizes[name] for name in order] if order == tuple(sizes) else None)
    if product is not None:
        return dataset, product
    _refuse_grid(view, located, f"its {located.meta.n_runs} runs are not one for each combination of their values")
    variables = {str(name): variable for name, variable in dataset.variables.items()}
    # They have been read, so they need not be read again.
    variables.update({name: column.copy(data=values[name]) for name, column in columns.items()})
    return assemble(variables, {str(name) for name in dataset.coords}, dataset.attrs), None


def _refuse_grid(view: View | None, located: Located, why: str) -> None:
    if view == "grid":
        raise ValueError(
            f"{located.url} cannot be viewed as a grid over {', '.join(located.explored)}, because {why}; "
            f"open it with view='flat'."
        )


class _ResultsEntrypoint(BackendEntrypoint):
    open_dataset_parameters: ClassVar[tuple[str, ...] | None] = ("filename_or_obj", "drop_variables", "view", "runs")

    def open_dataset(  # type: ignore[override]
        self, filename_or_obj: Located, *, drop_variables: str | Iterable[str] | None = None, view: View | None = None,
        runs: int | None = None,
    ) -> xr.Dataset:
        return read_results(filename_or_obj, view, drop_variables, runs)
