"""Bytes between processes: by value what a worker cannot import."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NamedTuple

from xpet.run.report import RunFailure
from xpet.values import Flat, flattened, is_deep, made_of

_PLAIN = frozenset((bool, int, float, complex, str, bytes))


def dumps(value: object, name: str, modules: Iterable[str | None] = ()) -> bytes:
    """Pickle a value.

    Parameters
    ----------
    value : object
        What to pickle.
    name : str
        What it is, for the error message.
    modules : iterable of str
        Modules whose functions and classes go by value if a new process could not import them.

    Raises
    ------
    TypeError
        It does not pickle.
    """
    import cloudpickle

    try:
        with _by_value(modules):
            try:
                return bytes(cloudpickle.dumps(value))
            except (RecursionError, pickle.PicklingError) as error:
                if not _is_too_deep(error):
                    raise
                return _dumps_deep(value)
    except Exception as error:
        why = "it is nested too deeply to pickle" if _is_too_deep(error) else str(error)
        raise TypeError(f"{name} cannot be sent to another process: {why}") from error


def loads(data: bytes) -> object:
    """Unpickle what :func:`dumps` made, in a process of ours."""
    return _Unpickler(io.BytesIO(data)).load()


def _is_too_deep(error: Exception) -> bool:
    return isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError)


def _dumps_deep(value: object) -> bytes:
    """Pickle a value in which are lists and dicts too deep for pickle, which go without what is in them."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # without types
        def persistent_id(self, value: object) -> Flat | None:
            if not is_deep(value):
                return None
            flat = flattened(value)
            if flat is None:
                raise RecursionError("a structure holds itself")
            return flat

    with io.BytesIO() as file:
        Pickler(file).dump(value)
        return file.getvalue()


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, flat: Flat) -> object:
        return made_of(flat)


def name_of(function: object) -> str:
    """Return a readable name of a callable."""
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


class PackedValues(NamedTuple):
    """Return values of jobs as bytes: all in one if that cannot fail, else one by one."""

    runs: Sequence[int]
    data: bytes | tuple[bytes, ...]


def pack_values(values: Sequence[tuple[int, object]]) -> tuple[PackedValues, list[str]]:
    """Pack return values; what does not pickle is left out and named in a sentence."""
    if {type(value) for _, value in values} <= _PLAIN:
        return PackedValues([run for run, _ in values], pickle.dumps([value for _, value in values])), []
    runs: list[int] = []
    packed: list[bytes] = []
    warnings: list[str] = []
    for run, value in values:
        try:
            packed.append(dumps(value, "it"))
            runs.append(run)
        except TypeError as error:
            warnings.append(_lost(run, f"is a {type(value).__qualname__} that does not pickle ({error.__cause__})"))
    return PackedValues(runs, tuple(packed)), warnings


def unpack_values(packed: PackedValues) -> tuple[list[tuple[int, object]], list[str]]:
    """Unpack return values; what does not unpickle is left out and named in a sentence."""
    if isinstance(packed.data, bytes):
        return list(zip(packed.runs, pickle.loads(packed.data), strict=True)), []
    values: list[tuple[int, object]] = []
    warnings: list[str] = []
    for run, data in zip(packed.runs, packed.data, strict=True):
        try:
            values.append((run, loads(data)))
        except Exception as error:
            warnings.append(_lost(run, f"does not unpickle ({type(error).__name__}: {error})"))
    return values, warnings


def _lost(run: int, why: str) -> str:
    return (
        f"The value that run {run} returned is lost, as it {why}; the run is complete with all its results: "
        f"add the value as a result, or return something that pickles."
    )


@contextmanager
def _by_value(names: Iterable[str | None]) -> Iterator[None]:
    import cloudpickle

    registered = []
    for name in names:
        module = sys.modules.get(name) if name else None
        if module is not None and name != "__main__" and not _importable(module):
            cloudpickle.register_pickle_by_value(module)
            registered.append(module)
    try:
        yield
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def _importable(module: ModuleType) -> bool:
    """Whether a new process with our ``sys.path`` gets the same module by its name."""
    path: Sequence[str] | None = None
    spec = None
    parts = module.__name__.split(".")
    for count in range(1, len(parts) + 1):
        spec = _find(".".join(parts[:count]), path)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    file = getattr(module, "__file__", None)
    return spec is not None and (spec.origin == file or not spec.has_location)


def _find(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    # importlib.util.find_spec answers from sys.modules, which a new process does not have
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def portable(failure: RunFailure) -> RunFailure:
    """A failure as it can be sent: without its exception, if that would not arrive as what it is."""
    error = failure.exception
    if error is None:
        return failure
    # a traceback does not pickle, and the failure has it as a text
    error.__traceback__ = error.__context__ = error.__cause__ = None
    try:
        arrives = type(loads(dumps(error, "it"))) is type(error)
    except Exception:
        arrives = False
    return failure if arrives else replace(failure, exception=None)
