"""pypet's names that are not here: they can be imported, and say when they are used what to do instead."""

from __future__ import annotations

from typing import Any

_SHARED = (
    "{} is refused: runs write no shared file here; add results in the runs, and read them over all runs with "
    "`traj.f_dataset()`."
)
_PLANNED = "{} is planned and not in this version: {}."

SENTENCES = {
    "HDF5StorageService": (
        "HDF5StorageService is refused: stores are plain Zarr; give `store=` or `filename=` to the trajectory or "
        "Environment."
    ),
    "LazyStorageService": (
        "LazyStorageService is refused: for trying out, give the trajectory `store='memory://name'`."
    ),
    "HasLogger": "HasLogger is refused: use `logging.getLogger(__name__)` of the standard library.",
    "HasSlots": "HasSlots is refused: classes with `__slots__` are pickled by Python itself.",
    "KnowsTrajectory": "KnowsTrajectory is refused: the job has the trajectory; hand a leaf what it needs as values.",
    "StorageContextManager": (
        "StorageContextManager is refused: a store needs not be kept open; each read opens what it needs."
    ),
    "compact_hdf5_file": "compact_hdf5_file is refused: what is deleted in a Zarr store takes no space any more.",
    "get_all_attributes": "get_all_attributes is refused: use `vars()` or `inspect.getmembers()`.",
    "test": "test is refused: run pytest on the tests of the source distribution.",
    "make_ordinary_result": _SHARED.format("make_ordinary_result"),
    "make_shared_result": _SHARED.format("make_shared_result"),
    **{
        name: _SHARED.format(name)
        for name in (
            "SharedArray", "SharedCArray", "SharedEArray", "SharedPandasFrame", "SharedResult", "SharedTable",
            "SharedVLArray",
        )
    },
    "MultiprocContext": _PLANNED.format("MultiprocContext", "do the runs with `Environment(multiproc=True)`"),
    "manual_run": _PLANNED.format("manual_run", "do the runs with `Environment.run`"),
    "merge_all_in_folder": _PLANNED.format("merge_all_in_folder", "as merging is as a whole"),
    "progressbar": "progressbar is refused: `for run in tqdm.tqdm(runs)` shows a bar over any loop.",
    "rename_log_file": _PLANNED.format("rename_log_file", "logging is the application's"),
}  # fmt: skip
"""What each says; it starts with the name, and says `planned` or `refused`."""


class _Absent(type):
    """Raise where the name would be used: called, or made the base of a class."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(cls.__doc__)

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        if bases:
            raise NotImplementedError(bases[0].__doc__)
        super().__init__(name, bases, members)


def absent(name: str) -> type:
    """Return what stands for a name that is not here.

    Raises
    ------
    KeyError
        If pypet has no such name either, or it is here.

    Examples
    --------
    >>> absent("compact_hdf5_file")("results.hdf5")
    Traceback (most recent call last):
    NotImplementedError: compact_hdf5_file is refused: what is deleted in a Zarr store takes no space any more.
    """
    return _Absent(name, (), {"__doc__": SENTENCES[name]})
