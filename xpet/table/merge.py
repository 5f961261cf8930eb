"""Nested groups as one Dataset with dotted names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import xarray as xr

from xpet.table.groups import RUN, STATUS, assemble

Path = tuple[str, ...]


def merge(groups: Sequence[tuple[Path, xr.Dataset]], explored: Collection[str]) -> xr.Dataset:
    """Merge the datasets of a group and of the groups beneath it, unread.

    A variable of a nested group is named by its dotted path. Dims and their coordinates keep their names; where two
    branches mean different things by one dim, the later one's becomes dotted.

    Parameters
    ----------
    groups
        Path and dataset of each group, the outermost first and parents before their children.
    explored
        Coordinates that every group repeats.
    """
    _, top = groups[0]
    merged = _Merged(top, {RUN, STATUS, *explored})
    for path, dataset in groups[1:]:
        merged.add(path, dataset)
    return assemble(merged.variables, merged.coords, top.attrs)


class _Merged:
    def __init__(self, top: xr.Dataset, repeated: set[str]) -> None:
        self.variables = {str(name): variable for name, variable in top.variables.items()}
        self.coords = {str(name) for name in top.coords}
        self._repeated = repeated
        self._sizes = {str(dim): size for dim, size in top.sizes.items()}
        self._owners: dict[str, Path] = dict.fromkeys(self._sizes, ())

    def add(self, path: Path, dataset: xr.Dataset) -> None:
        dims = self._name_dims(path, dataset)
        for dim, size in dataset.sizes.items():
            self._sizes.setdefault(dims[str(dim)], size)
            self._owners.setdefault(dims[str(dim)], path)
        for name in (str(name) for name in dataset.variables):
            if name in dims or name in self._repeated:
                new = dims.get(name, name)
                if new in self.variables:
                    continue
            else:
                new = self._free((*path, name))
            variable = dataset.variables[name].to_base_variable()
            self.variables[new] = _rename(variable, {str(dim): dims[str(dim)] for dim in variable.dims})
            if name in dataset.coords:
                self.coords.add(new)

    def _name_dims(self, path: Path, dataset: xr.Dataset) -> dict[str, str]:
        names = {}
        for dim in (str(dim) for dim in dataset.sizes):
            known = dim in self._sizes or dim in self.variables
            shared = dim == RUN or (not known and dim not in self._repeated) or self._means_the_same(dim, path, dataset)
            names[dim] = dim if shared else self._free((*path, dim))
        return names

    def _means_the_same(self, dim: str, path: Path, dataset: xr.Dataset) -> bool:
        if self._sizes.get(dim) != dataset.sizes[dim]:
            return False
        ours, theirs = self.variables.get(dim), dataset.variables.get(dim)
        owner = self._owners[dim]
        if owner == path[: len(owner)]:
            # The format promises equal coordinates along one line of descent, so they need not be read.
            return theirs is None or ours is not None
        if ours is None or theirs is None:
            return ours is theirs
        if ours.dims != (dim,) or theirs.dims != (dim,) or ours.dtype != theirs.dtype:
            return False
        return xr.DataArray(ours, dims=dim).identical(xr.DataArray(theirs, dims=dim))

    def _free(self, path: Path) -> str:
        name = free = ".".join(path)
        k = 0
        while free in self.variables or free in self._sizes or free in self._repeated:
            k += 1
            free = f"{name}.{k}"
        return free


def _rename(variable: xr.Variable, dims: Mapping[str, str]) -> xr.Variable:
    """Return `variable` with other names for its dims, unread."""
    changed = {old: new for old, new in dims.items() if new != old}
    # Only a Dataset can do it; the variable has a name there that no dim has.
    return xr.Dataset({0: variable}).rename_dims(changed)[0].variable if changed else variable
