"""The xarray engine ``"xpet"``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import xarray as xr
from xarray.backends import BackendEntrypoint

if TYPE_CHECKING:
    from xpet.table.locate import Where


class XpetBackendEntrypoint(BackendEntrypoint):
    """Open a store or a trajectory of xpet with ``xr.open_dataset(…, engine="xpet")``.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.open_dataset("fi.zarr", engine="xpet")  # doctest: +SKIP
    >>> ds.rate.sel(I=2.0, tau=5.0).values  # doctest: +SKIP
    """

    description: ClassVar[str] = "Open the results of parameter explorations stored by xpet"
    url: ClassVar[str] = "https://xpet.readthedocs.io"
    supports_groups: ClassVar[bool] = True
    open_dataset_parameters: ClassVar[tuple[str, ...] | None] = (
        "filename_or_obj",
        "drop_variables",
        "view",
        "trajectory",
        "storage_options",
    )

    def guess_can_open(self, filename_or_obj: object) -> bool:
        """Return whether this is a local path whose ``zarr.json`` bears our mark."""
        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        try:
            with open(os.path.join(filename_or_obj, "zarr.json"), "rb") as file:
                text = file.read()
            # Most documents are not ours, and a search is a hundred times quicker than parsing one.
            return b'"xpet"' in text and "format" in json.loads(json.loads(text)["attributes"]["xpet"])
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: Where,
        *,
        drop_variables: str | Iterable[str] | None = None,
        view: Literal["grid", "flat"] | None = None,
        trajectory: str | None = None,
        storage_options: Mapping[str, object] | None = None,
    ) -> xr.Dataset:
        """Return everything below ``results`` as one lazy Dataset with dotted names.

        Parameters
        ----------
        filename_or_obj
            Path, URL or zarr store of a store or of a trajectory.
        drop_variables
            Variables to leave out.
        view
            ``'grid'``: dims are the explored parameters; ``'flat'``: one dim, ``run``; None: the grid if the
            exploration is a full product, else flat.
        trajectory
            Which one, if the store holds several.
        storage_options
            What fsspec needs to reach a remote place.
        """
        from xpet.table.dataset import read_results
        from xpet.table.locate import locate

        located = locate(filename_or_obj, trajectory=trajectory, storage_options=storage_options)
        return read_results(located, view, drop_variables)

    def open_groups_as_dict(  # type: ignore[override]
        self,
        filename_or_obj: Where,
        *,
        drop_variables: str | Iterable[str] | None = None,
        view: Literal["grid", "flat"] | None = None,
        trajectory: str | None = None,
        storage_options: Mapping[str, object] | None = None,
    ) -> dict[str, xr.Dataset]:
        """Return the groups of the trajectory by their paths; parameters as :meth:`open_dataset`.

        ``/runs`` is the run table and keeps its ``run`` dim in every view.
        """
        from xpet.table.dataset import read_groups
        from xpet.table.locate import locate

        located = locate(filename_or_obj, trajectory=trajectory, storage_options=storage_options)
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        groups = read_groups(located, view)
        return {path: dataset.drop_vars(dropped, errors="ignore") for path, dataset in groups.items()}

    def open_datatree(  # type: ignore[override]
        self,
        filename_or_obj: Where,
        *,
        drop_variables: str | Iterable[str] | None = None,
        view: Literal["grid", "flat"] | None = None,
        trajectory: str | None = None,
        storage_options: Mapping[str, object] | None = None,
    ) -> xr.DataTree:
        """Return the trajectory as a tree; parameters as :meth:`open_dataset`."""
        groups = self.open_groups_as_dict(
            filename_or_obj,
            drop_variables=drop_variables,
            view=view,
            trajectory=trajectory,
            storage_options=storage_options,
        )
        return xr.DataTree.from_dict(groups)
