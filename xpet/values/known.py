"""The codecs that come with the package: by the types that they take, and by what stores call them."""

from __future__ import annotations

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
    "SparseArray": ("arrays", "core.arrays.sparse.array", "sparse:codec"),
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
BY_TYPE: dict[str, tuple[str, ...]] = {
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
    **dict.fromkeys(("numpy.ma.mvoid", "numpy.ma.core.mvoid"), (f"{_CODECS}.subclasses:mvoid_codec",)),
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

#: what stores call an encoding -> its codec as 'module:name'
BY_NAME: dict[str, str] = {
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
    "numpy.ma.mvoid": f"{_CODECS}.subclasses:mvoid_codec",
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
    "pandas.SparseArray": f"{_PANDAS}sparse:codec",
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
