"""Parameter exploration whose results are labelled arrays.

A trajectory is a table of runs: one row per run, one labelled column per
explored parameter and per result, stored as plain Zarr that plain xarray opens.

The public names are imported when they are first used, so that ``import xpet``
itself is quick and loads no numpy, pandas, xarray or zarr.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xpet.environment import Environment
    from xpet.errors import (
        CorruptStoreError,
        DataNotInStorageError,
        ForeignStoreError,
        GitDiffError,
        MissingPackageError,
        NoSuchServiceError,
        NotUniqueNodeError,
        ParameterLockedException,
        PresettingError,
        RunError,
        RunFailures,
        StoreBusyError,
        StoreError,
        TooManyGroupsError,
        TrajectoryExistsError,
        UnsupportedValueError,
        VersionMismatchError,
    )
    from xpet.frontdoor import open, sweep
    from xpet.space import cartesian_product, find_unique_points
    from xpet.trajectory import Trajectory, load_trajectory
    from xpet.tree import (
        ArrayParameter,
        BaseParameter,
        BaseResult,
        ConfigGroup,
        DerivedParameterGroup,
        NNGroupNode,
        Parameter,
        ParameterGroup,
        PickleParameter,
        PickleResult,
        Result,
        ResultGroup,
        SparseParameter,
        SparseResult,
    )
    from xpet.values import label, load_codecs, register_codec
    from xpet.values.objecttable import ObjectTable

__version__ = "0.1.0"

__all__ = [
    "ArrayParameter",
    "BaseParameter",
    "BaseResult",
    "ConfigGroup",
    "CorruptStoreError",
    "DataNotInStorageError",
    "DerivedParameterGroup",
    "Environment",
    "ForeignStoreError",
    "GitDiffError",
    "MissingPackageError",
    "NNGroupNode",
    "NoSuchServiceError",
    "NotUniqueNodeError",
    "ObjectTable",
    "Parameter",
    "ParameterGroup",
    "ParameterLockedException",
    "PickleParameter",
    "PickleResult",
    "PresettingError",
    "Result",
    "ResultGroup",
    "RunError",
    "RunFailures",
    "SparseParameter",
    "SparseResult",
    "StoreBusyError",
    "StoreError",
    "TooManyGroupsError",
    "Trajectory",
    "TrajectoryExistsError",
    "UnsupportedValueError",
    "VersionMismatchError",
    "__version__",
    "cartesian_product",
    "find_unique_points",
    "label",
    "load_codecs",
    "load_trajectory",
    "open",
    "register_codec",
    "sweep",
]

_HOMES = {
    "cartesian_product": "xpet.space:cartesian_product",
    "find_unique_points": "xpet.space:find_unique_points",
    "label": "xpet.values:label",
    "load_codecs": "xpet.values:load_codecs",
    "load_trajectory": "xpet.trajectory:load_trajectory",
    "open": "xpet.frontdoor:open",
    "register_codec": "xpet.values:register_codec",
    "sweep": "xpet.frontdoor:sweep",
    "Environment": "xpet.environment:Environment",
    "Trajectory": "xpet.trajectory:Trajectory",
    "ConfigGroup": "xpet.tree:ConfigGroup",
    "DerivedParameterGroup": "xpet.tree:DerivedParameterGroup",
    "NNGroupNode": "xpet.tree:NNGroupNode",
    "Parameter": "xpet.tree:Parameter",
    "ParameterGroup": "xpet.tree:ParameterGroup",
    "Result": "xpet.tree:Result",
    "ArrayParameter": "xpet.tree:ArrayParameter",
    "BaseParameter": "xpet.tree:BaseParameter",
    "BaseResult": "xpet.tree:BaseResult",
    "PickleParameter": "xpet.tree:PickleParameter",
    "PickleResult": "xpet.tree:PickleResult",
    "SparseParameter": "xpet.tree:SparseParameter",
    "SparseResult": "xpet.tree:SparseResult",
    "ObjectTable": "xpet.values.objecttable:ObjectTable",
    "ResultGroup": "xpet.tree:ResultGroup",
    "CorruptStoreError": "xpet.errors:CorruptStoreError",
    "DataNotInStorageError": "xpet.errors:DataNotInStorageError",
    "ForeignStoreError": "xpet.errors:ForeignStoreError",
    "GitDiffError": "xpet.errors:GitDiffError",
    "MissingPackageError": "xpet.errors:MissingPackageError",
    "NoSuchServiceError": "xpet.errors:NoSuchServiceError",
    "NotUniqueNodeError": "xpet.errors:NotUniqueNodeError",
    "ParameterLockedException": "xpet.errors:ParameterLockedException",
    "PresettingError": "xpet.errors:PresettingError",
    "RunError": "xpet.errors:RunError",
    "RunFailures": "xpet.errors:RunFailures",
    "StoreBusyError": "xpet.errors:StoreBusyError",
    "StoreError": "xpet.errors:StoreError",
    "TooManyGroupsError": "xpet.errors:TooManyGroupsError",
    "TrajectoryExistsError": "xpet.errors:TrajectoryExistsError",
    "UnsupportedValueError": "xpet.errors:UnsupportedValueError",
    "VersionMismatchError": "xpet.errors:VersionMismatchError",
}

_PYPET_HOMES = {
    "NNLeafNode": "xpet.naturalnaming:NNLeafNode",
    "racedirs": "xpet.utils.helpful_functions:racedirs",
}
"""What pypet exports besides, so that its scripts find it here."""

_PYPET_MODULES = frozenset({
    "annotations", "environment", "naturalnaming", "parameter", "pypetconstants", "pypetexceptions", "shareddata",
    "storageservice", "trajectory", "utils",
})  # fmt: skip
"""What ``import pypet`` makes attributes of it."""

# Its modules too: `xpet.parameter` is the file `xpet/pypet/parameter.py`.
__path__ = [*__path__, f"{__path__[0]}/pypet"]

# Hidden from type checkers: they would take every misspelt name for an object.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name in _PYPET_MODULES:
            return import_module(f"xpet.{name}")
        home = _HOMES.get(name) or _PYPET_HOMES.get(name)
        value = _absent(name) if home is None else _found(*home.split(":"))
        globals()[name] = value
        return value


def _found(module: str, name: str) -> object:
    return getattr(import_module(module), name)


def _absent(name: str) -> object:
    from xpet.pypet.absent import SENTENCES, absent

    if name not in SENTENCES:
        raise AttributeError(f"module 'xpet' has no attribute {name!r}; dir(xpet) lists what it has")
    return absent(name)


def __dir__() -> list[str]:
    """List the public names, imported yet or not."""
    return sorted(__all__)
