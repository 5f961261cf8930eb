"""One group of a trajectory as a decoded, lazy Dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr
from xarray.backends import StoreBackendEntrypoint, ZarrStore
from xarray.indexes import PandasIndex

from xpet.table.checked import CheckedStore, believing, checked

if TYPE_CHECKING:
    import zarr

RUN = "run"
STATUS = "run_status"
HIDDEN = "_xpet"


def decode(group: zarr.Group) -> xr.Dataset:
    """Return the arrays of ``group``, CF-decoded and unread, without what is addressed to xpet itself."""
    store = group.store
    assert isinstance(store, CheckedStore)
    node = store.node(f"{group.path}/")
    timedeltas = xr.coders.CFTimedeltaCoder(decode_via_units=False)
    with believing(f"{store.snapshot.place.url}/{node}"):
        dataset = StoreBackendEntrypoint().open_dataset(ZarrStore(group, mode="r"), decode_timedelta=timedeltas)
    for name in dataset.xindexes:
        # The labels of inner dimensions were read to index them.
        store.check_written(f"{node}{name}")
    variables = {str(name): checked(each, store, f"{node}{name}") for name, each in dataset.variables.items()}
    for attrs in (dataset.attrs, *(variable.attrs for variable in variables.values())):
        attrs.pop("xpet", None)
    return assemble(variables, {str(name) for name in dataset.coords}, dataset.attrs)


def walk(group: zarr.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], zarr.Group]]:
    """Yield ``group`` and every group beneath it with their paths, parents first, without our own bookkeeping."""
    yield path, group
    for name, child in sorted(group.groups()):
        if path or name != HIDDEN:
            yield from walk(child, (*path, name))


def assemble(variables: Mapping[str, xr.Variable], coords: Collection[str], attrs: Mapping[str, object]) -> xr.Dataset:
    """Return a Dataset of ``variables`` that has read none of them; only runs are indexed."""
    own = {name: variables[name] for name in variables if name in coords}
    indexes = {}
    if RUN in own and own[RUN].dims == (RUN,):
        # The format fixes `run` as 0 … N-1, so its index needs neither a request nor N numbers in memory.
        indexes[RUN] = PandasIndex(pd.RangeIndex(own[RUN].size, name=RUN), RUN)
        own.update(indexes[RUN].create_variables({RUN: own[RUN]}))
    data = {name: variable for name, variable in variables.items() if name not in coords}
    return xr.Dataset(data, coords=xr.Coordinates(own, indexes=indexes), attrs=dict(attrs))
