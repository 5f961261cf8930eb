"""Which codec takes which type.

A codec is known by lazy ``'module:name'`` strings, so that no optional package is imported for
a type that never comes. Types are matched exactly: a subclass is another type, and storing it
as its base would lose it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

from xpet.errors import CorruptStoreError, UnsupportedValueError, warn
from xpet.values.labels import Labelled, relabelled
from xpet.values.nesting import DEEPEST, TooDeep
from xpet.values.parts import Encoded, UnknownCodec
from xpet.values.text import PACKED, from_text


class Codec(Protocol):
    """Turns values of some types into parts and back; ``decode(encode(v)) == v``, type included."""

    name: str

    def encode(self, value: Any) -> Encoded | None:
        """The parts of a value, or None if another codec must take this one."""
        ...

    def decode(self, encoded: Encoded) -> Any:
        """The value of the parts."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A stored value whose codec is not installed; it can be stored again unchanged."""

    encoded: Encoded
    remedy: str = "nobody has tried to"

    def __repr__(self) -> str:
        name, version = self.encoded.codec, self.encoded.version
        return f"<a value in the encoding {name!r}, version {version}, that cannot be read: {self.remedy}>"


_SCALARS = "xpet.values.codecs.scalars"
_JSON = "xpet.values.codecs.structure:codec"
_NESTED = "xpet.values.codecs.structure:nested_codec"
_SEQUENCE = "xpet.values.codecs.sequence:codec"
_XARRAY = "xpet.values.codecs.dataset"
_UNITS = "xpet.values.codecs.units"

_PANDAS = "xpet.values.codecs.pandas_"
_SPARSE = "xpet.values.codecs.sparse:codec"

_NUMPY_SCALARS = (
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128", "longlong", "ulonglong", "intc", "uintc"),
)
_CODECS = "xpet.values.codecs"
#: how arrays of NumPy's are kept, by the names of the encodings
_NUMPY_ARRAYS = {
    "numpy.ndarray": f"{_CODECS}.ndarray:codec",
    "numpy.texts": f"{_CODECS}.texts:texts_codec",
    "numpy.fixed_texts": f"{_CODECS}.texts:fixed_texts_codec",
    "numpy.fixed_bytes": f"{_CODECS}.texts:fixed_bytes_codec",
    "numpy.strings": f"{_CODECS}.texts:strings_codec",
    "numpy.times": f"{_CODECS}.times:codec",
    "numpy.longdouble": f"{_CODECS}.longdouble:codec",
    "numpy.structured": f"{_CODECS}.structured:structured_codec",
    "numpy.void": f"{_CODECS}.structured:void_codec",
    "numpy.objects": f"{_CODECS}.objects:codec",
}

#: where pandas says that its types are: since version 3, and before
_OF_PANDAS: dict[str, tuple[str, str, str]] = {
    "DataFrame": ("", "core.frame", "frames:frame_codec"),
    "Series": ("", "core.series", "frames:series_codec"),
    "Index": ("", "core.indexes.base", "index:codec"),
    "RangeIndex": ("", "core.indexes.range", "index:codec"),
    "MultiIndex": ("", "core.indexes.multi", "index:codec"),
    "CategoricalIndex": ("", "core.indexes.category", "index:codec"),
    "IntervalIndex": ("", "core.indexes.interval", "index:codec"),
    "DatetimeIndex": ("", "core.indexes.datetimes", "index:codec"),
    "TimedeltaIndex": ("", "core.indexes.timedeltas", "index:codec"),
    "PeriodIndex": ("", "core.indexes.period", "index:codec"),
    "Categorical": ("", "core.arrays.categorical", "arrays:categorical"),
    "IntegerArray": ("arrays", "core.arrays.integer", "arrays:masked"),
    "FloatingArray": ("arrays", "core.arrays.floating", "arrays:masked"),
    "BooleanArray": ("arrays", "core.arrays.boolean", "arrays:masked"),
    "StringArray": ("arrays", "core.arrays.string_", "arrays:texts"),
    "StringArrayNumpySemantics": ("arrays", "core.arrays.string_", "arrays:texts"),
    "ArrowStringArray": ("arrays", "core.arrays.string_arrow", "arrays:texts"),
    "ArrowStringArrayNumpySemantics": ("arrays", "core.arrays.string_arrow", "arrays:texts"),
    "IntervalArray": ("arrays", "core.arrays.interval", "arrays:intervals"),
    "NumpyExtensionArray": ("arrays", "core.arrays.numpy_", "arrays:plain"),
    "DatetimeArray": ("arrays", "core.arrays.datetimes", "times:times"),
    "TimedeltaArray": ("arrays", "core.arrays.timedeltas", "times:spans"),
    "PeriodArray": ("arrays", "core.arrays.period", "times:periods"),
    "Timestamp": ("", "_libs.tslibs.timestamps", "times:timestamp"),
    "Timedelta": ("", "_libs.tslibs.timedeltas", "times:timedelta"),
    "Period": ("", "_libs.tslibs.period", "times:period"),
    "Interval": ("", "_libs.interval", "arrays:interval"),
    "NAType": ("api.typing", "_libs.missing", "times:missing"),
    "NaTType": ("api.typing", "_libs.tslibs.nattype", "times:missing"),
}

#: type as 'module.name' -> codecs as 'module:name', tried in order
_BY_TYPE: dict[str, tuple[str, ...]] = {
    "builtins.float": (f"{_SCALARS}:float_codec",),
    "builtins.int": (f"{_SCALARS}:int_codec", _JSON),
    "builtins.bool": (f"{_SCALARS}:bool_codec",),
    "builtins.complex": (f"{_SCALARS}:complex_codec",),
    "builtins.str": (f"{_SCALARS}:str_codec", _JSON),
    "builtins.list": (_SEQUENCE, _NESTED, _JSON),
    "builtins.tuple": (_SEQUENCE, _NESTED, _JSON),
    "builtins.dict": (_NESTED, _JSON),
    **{f"builtins.{name}": (_JSON,) for name in ("NoneType", "set", "frozenset", "range")},
    "builtins.bytes": (f"{_SCALARS}:bytes_codec",),
    **{
        f"datetime.{name}": (f"{_CODECS}.datetimes:{name}_codec", _JSON) for name in ("datetime", "date", "timedelta")
    },
    "datetime.time": (_JSON,),
    **dict.fromkeys(("fractions.Fraction", "decimal.Decimal", "uuid.UUID"), (_JSON,)),
    **{
        f"pathlib{module}.{pure}{system}Path": (_JSON,)
        # Python 3.13 moved the classes, and 3.14 moved them back.
        for module in ("", "._local") for pure in ("", "Pure") for system in ("Posix", "Windows")
    },
    **{f"numpy.{name}": (f"{_SCALARS}:numpy_codec",) for name in _NUMPY_SCALARS},
    **{
        f"numpy.{name}": (f"{_SCALARS}:generic_codec",)
        for name in ("datetime64", "timedelta64", "longdouble", "clongdouble", "void", "record")
    },
    "numpy.str_": (f"{_SCALARS}:numpy_str_codec", _JSON),
    "numpy.bytes_": (f"{_SCALARS}:numpy_bytes_codec",),
    "numpy.ndarray": tuple(_NUMPY_ARRAYS.values()),
    "numpy.matrix": (f"{_CODECS}.subclasses:matrix_codec",),
    "numpy.rec.recarray": (f"{_CODECS}.subclasses:recarray_codec",),
    "numpy.ma.MaskedArray": (f"{_CODECS}.subclasses:masked_codec",),
    "numpy.ma.core.MaskedConstant": (f"{_CODECS}.subclasses:masked_constant_codec",),
    "xarray.core.dataarray.DataArray": ("xpet.values.codecs.dataarray:codec", f"{_XARRAY}:dataarray_codec"),
    "xarray.core.dataset.Dataset": (f"{_XARRAY}:dataset_codec",),
    **{f"xarray.core.variable.{name}": (f"{_XARRAY}:variable_codec",) for name in ("Variable", "IndexVariable")},
    **dict.fromkeys(("pint.Quantity", "pint.registry.Quantity", "pint.util.Quantity"), (f"{_UNITS}:pint_codec",)),
    "brian2.units.fundamentalunits.Quantity": (f"{_UNITS}:brian2_codec",),
    **{
        ".".join(filter(None, ("pandas", module, name))): (_PANDAS + target,)
        for name, (*modules, target) in _OF_PANDAS.items() for module in modules
    },
    **{
        f"scipy.sparse._{form}.{form}_{kind}": (_SPARSE,)
        for form in ("csr", "csc", "bsr", "coo", "dia", "lil", "dok") for kind in ("matrix", "array")
    },
    "xpet.values.objecttable.ObjectTable": (f"{_CODECS}.objecttable:codec",),
}

_BY_NAME: dict[str, str] = {
    "float": f"{_SCALARS}:float_codec",
    "int": f"{_SCALARS}:int_codec",
    "bool": f"{_SCALARS}:bool_codec",
    "complex": f"{_SCALARS}:complex_codec",
    "str": f"{_SCALARS}:str_codec",
    "bytes": f"{_SCALARS}:bytes_codec",
    "numpy.scalar": f"{_SCALARS}:numpy_codec",
    "numpy.generic": f"{_SCALARS}:generic_codec",
    "numpy.str_": f"{_SCALARS}:numpy_str_codec",
    "numpy.bytes_": f"{_SCALARS}:numpy_bytes_codec",
    **_NUMPY_ARRAYS,
    "numpy.matrix": f"{_CODECS}.subclasses:matrix_codec",
    "numpy.recarray": f"{_CODECS}.subclasses:recarray_codec",
    "numpy.ma.MaskedArray": f"{_CODECS}.subclasses:masked_codec",
    "numpy.ma.masked": f"{_CODECS}.subclasses:masked_constant_codec",
    **{name: f"{_CODECS}.datetimes:{name}_codec" for name in ("datetime", "date", "timedelta")},
    "sequence": _SEQUENCE,
    "json": _JSON,
    "nested": _NESTED,
    "xarray.DataArray": f"{_XARRAY}:dataarray_codec",
    "xarray.Dataset": f"{_XARRAY}:dataset_codec",
    "xarray.Variable": f"{_XARRAY}:variable_codec",
    "pint": f"{_UNITS}:pint_codec",
    "brian2": f"{_UNITS}:brian2_codec",
    "pandas.DataFrame": f"{_PANDAS}frames:frame_codec",
    "pandas.Series": f"{_PANDAS}frames:series_codec",
    "pandas.Index": f"{_PANDAS}index:codec",
    "pandas.Categorical": f"{_PANDAS}arrays:categorical",
    "pandas.masked": f"{_PANDAS}arrays:masked",
    "pandas.string": f"{_PANDAS}arrays:texts",
    "pandas.intervals": f"{_PANDAS}arrays:intervals",
    "pandas.Interval": f"{_PANDAS}arrays:interval",
    "pandas.numpy": f"{_PANDAS}arrays:plain",
    "pandas.times": f"{_PANDAS}times:times",
    "pandas.spans": f"{_PANDAS}times:spans",
    "pandas.periods": f"{_PANDAS}times:periods",
    "pandas.Timestamp": f"{_PANDAS}times:timestamp",
    "pandas.Timedelta": f"{_PANDAS}times:timedelta",
    "pandas.Period": f"{_PANDAS}times:period",
    "pandas.missing": f"{_PANDAS}times:missing",
    "scipy.sparse": _SPARSE,
    "xpet.ObjectTable": f"{_CODECS}.objecttable:codec",
    "pickle": f"{_CODECS}.pickled:codec",
}

#: what the codecs of users are known by
_REGISTERED = "registered:"
_loaded: dict[str, Codec] = {}
#: how many types are remembered with their codecs
_KNOWN = 1024


def add_codec(types: Iterable[str], codec: Codec) -> None:
    """Have a codec take some types, given as ``'module.name'``."""
    target = _REGISTERED + codec.name
    _loaded[target] = codec
    _BY_NAME[codec.name] = target
    _BY_TYPE.update(dict.fromkeys(types, (target,)))
    _takers.cache_clear()


def added_codecs() -> Iterator[tuple[Codec, tuple[str, ...]]]:
    """The codecs that were added, and the types that they take."""
    for target in _BY_NAME.values():
        if target.startswith(_REGISTERED):
            yield _loaded[target], tuple(kind for kind, targets in _BY_TYPE.items() if targets == (target,))


@contextmanager
def codecs_apart(without: str = "") -> Iterator[None]:
    """Have what is registered in this context only in it; a user's codec called ``without`` is not there meanwhile."""
    kept = [(known, dict(known)) for known in (_BY_NAME, _BY_TYPE, _loaded)]
    target = _REGISTERED + without
    for key in [key for key, targets in _BY_TYPE.items() if targets == (target,)]:
        del _BY_TYPE[key]
    if _BY_NAME.get(without) == target:
        del _BY_NAME[without]
    _takers.cache_clear()
    try:
        yield
    finally:
        for known, before in kept:
            known.clear()
            known.update(before)  # type: ignore[arg-type]  # each by what it held
        _takers.cache_clear()


def codec_names() -> tuple[str, ...]:
    """What stores call the encodings that there are codecs for."""
    return tuple(_BY_NAME)


def has_codec(key: str) -> bool:
    """Whether there is a codec of a name, or for a type."""
    return key in _BY_NAME or key in _BY_TYPE


def codecs_of(kind: str) -> tuple[str, ...]:
    """The codecs for a type, each the same object as long as it is the same codec."""
    return _BY_TYPE.get(kind, ())


def is_built_in(name: str) -> bool:
    """Whether a name is that of a codec that comes with the package."""
    return not _BY_NAME.get(name, _REGISTERED).startswith(_REGISTERED)


@lru_cache(_KNOWN)
def _takers(kind: type[Any]) -> tuple[str, ...]:
    """The codecs for a type, after a look for packages that bring one if there is none."""
    if _name(kind) not in _BY_TYPE:
        load_codecs()
    return codecs_of(_name(kind))


def _codec(target: str) -> Codec:
    found = _loaded.get(target)
    if found is None:
        module, _, name = target.partition(":")
        found = _loaded[target] = getattr(importlib.import_module(module), name)
    return found


def encode(value: object, where: str = "") -> Encoded:
    """The parts of a value; ``where`` is the tree path, for the message of an error."""
    kind: type[Any] = type(value)
    if isinstance(value, Opaque):
        return value.encoded
    if isinstance(value, Labelled):
        encoded = encode(value.value, where)
        if len(value.labels.dims) not in (0, getattr(encoded.parts[0].data, "ndim", 0)):
            raise UnsupportedValueError(
                f"{where or 'value'} of type {_name(type(value.value))} is not kept as an array of numbers, so "
                f"its dims {value.labels.dims} would be lost; give an array of numbers, or leave the dims out"
            )
        return encoded._replace(labels=relabelled(encoded, value.labels))
    for target in _takers(kind):  # type: ignore[arg-type]  # classes can be hashed
        try:
            found = _codec(target).encode(value)
        except (TooDeep, RecursionError):
            raise TooDeep(
                f"{where or 'value'} of type {_name(kind)}: it is nested more than about {DEEPEST} levels deep, not in "
                "lists and dicts only, or holds itself; store what it is made of under names of its own"
            ) from None
        except UnsupportedValueError as error:
            raise UnsupportedValueError(f"{where or 'value'} of type {_name(kind)}: {error}") from None
        if found is not None:
            return found
    raise UnsupportedValueError(
        f"{where or 'value'}: a value of type {_name(kind)} cannot be kept without loss; register a codec for it with "
        "xpet.register_codec, or use a PickleParameter or PickleResult, read back with allow_pickle=True only"
    )


@cache
def load_codecs() -> None:
    """Let the packages that are installed register their codecs, as reading a store does not by itself.

    Packages name a function that does it as an entry point of the group ``xpet.codecs``. A value to be stored that no
    codec takes has the same effect. One that fails is told by a warning.

    Examples
    --------
    >>> import xpet
    >>> xpet.load_codecs()
    """
    from importlib import metadata

    for each in metadata.entry_points(group="xpet.codecs"):
        try:
            each.load()()
        except Exception as error:
            warn(f"the codecs of {each.value} cannot be used: {type(error).__name__}: {error}")


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def decode(encoded: Encoded) -> Any:
    """The value of the parts; an :class:`Opaque` if its codec, or that of something in it, is not there.

    Raises
    ------
    CorruptStoreError
        If the parts are not what the codec makes.
    """
    if encoded.codec == PACKED:
        encoded = _unpacked(encoded)
    try:
        return decode_whole(encoded)
    except UnknownCodec as unknown:
        return Opaque(encoded, unknown.remedy)


def decode_whole(encoded: Encoded) -> Any:
    """The value of the parts, for what holds it.

    Raises
    ------
    UnknownCodec
        If its codec, or that of something in it, is not there.
    CorruptStoreError
        If the parts are not what the codec makes.
    """
    if encoded.codec == PACKED:
        encoded = _unpacked(encoded)
    # Nothing is imported because a store names it: not the packages that might bring the codec either.
    target = _BY_NAME.get(encoded.codec)
    codec = None if target is None else _codec(target)
    if codec is None or encoded.version > getattr(codec, "version", 1):
        raise UnknownCodec(
            encoded.codec,
            f"no codec here knows the encoding {encoded.codec!r} in its version {encoded.version}; import the package "
            "that brings it, call xpet.load_codecs(), register it with xpet.register_codec, or update xpet",
        )
    try:
        return codec.decode(encoded)
    except (CorruptStoreError, UnknownCodec):
        raise
    except Exception as error:
        raise _damaged(encoded, error) from error


def _unpacked(encoded: Encoded) -> Encoded:
    try:
        return from_text(str(encoded.part()))
    except CorruptStoreError:
        raise
    except Exception as error:
        raise _damaged(encoded, error) from error


def _damaged(encoded: Encoded, error: Exception) -> CorruptStoreError:
    return CorruptStoreError(
        f"a stored value in the encoding {encoded.codec!r} is damaged, as it cannot be rebuilt "
        f"({type(error).__name__}: {error}); rerun what made it"
    )


def canonical(meta: Mapping[str, Any]) -> str:
    """One text for equal metas, so that encodings can be compared and hashed."""
    return json.dumps(meta, sort_keys=True, separators=(",", ":"))
