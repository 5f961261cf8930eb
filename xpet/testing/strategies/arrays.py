"""Arrays and scalars of NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.testing.strategies.plain import TEXTS

NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
DTYPES = st.sampled_from(NUMBERS).flatmap(lambda name: st.sampled_from([np.dtype(f"<{name}"), np.dtype(f">{name}")]))


def _stride(array: Any) -> Any:
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


NUMERIC = st.one_of(
    hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    hnp.arrays(DTYPES, (2, 3)).map(np.asfortranarray),
    hnp.arrays(DTYPES, hnp.array_shapes(max_dims=2, max_side=4)).map(_stride),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)


def objects_of(items: list[Any], columns: int = 1) -> Any:
    """Make an array of objects of what may be arrays itself."""
    array = np.empty(len(items) // columns * columns, object)
    for k in range(len(array)):
        array[k] = items[k]
    return array.reshape(-1, columns) if columns > 1 else array


_STRING_DTYPES = [
    np.dtypes.StringDType(),
    np.dtypes.StringDType(coerce=False),
    np.dtypes.StringDType(na_object=None),
    np.dtypes.StringDType(na_object=math.nan),
    np.dtypes.StringDType(na_object="-"),
]


@st.composite
def _strings(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(_STRING_DTYPES))
    texts: st.SearchStrategy[Any] = st.text(max_size=4)
    if hasattr(dtype, "na_object"):
        texts |= st.just(dtype.na_object)
    return objects_of(draw(st.lists(texts, max_size=4)), draw(st.integers(1, 2))).astype(dtype)


TEXT_ARRAYS = st.one_of(
    hnp.arrays(st.sampled_from(["<U3", ">U5", "<U1"]), SHAPES),
    st.builds(np.array, st.lists(TEXTS, min_size=1, max_size=3)),
    st.lists(st.text(max_size=4), max_size=4).map(objects_of),
    _strings(),
)


def _raw(dtype: str) -> st.SearchStrategy[Any]:
    """Arrays of a dtype of which any bytes are values."""
    size = np.dtype(dtype).itemsize
    return SHAPES.flatmap(lambda shape: hnp.arrays("u1", (*shape, size))).map(
        lambda array: np.ndarray(array.shape[:-1], dtype, array.tobytes()).copy()
    )


BYTE_ARRAYS = hnp.arrays(st.sampled_from(["S1", "S4"]), SHAPES) | _raw("V1") | _raw("V3")
_UNITS = ["", *(f"[{unit}]" for unit in ("Y", "M", "W", "D", "h", "m", "25s", "s", "ms", "us", "ns", "ps", "as"))]
TICKS = st.one_of(
    st.sampled_from([-(2**63), 0, 1 - 2**63]), st.integers(-(10**6), 10**6), st.integers(-(2**63), 2**63 - 1)
)
DATETIMES = st.builds(
    lambda ticks, kind, order, unit: ticks.astype(f"{order}i8").view(f"{order}{kind}8{unit}"),
    hnp.arrays("i8", SHAPES, elements=TICKS),
    st.sampled_from("mM"),
    st.sampled_from("<>"),
    st.sampled_from(_UNITS),
)


@np.errstate(invalid="ignore")
def _third(array: Any) -> Any:
    """Numbers that are long doubles, with a few bits more than doubles have."""
    return np.asarray(array.astype("G" if array.dtype.kind == "c" else "g") / 3)


LONG_DOUBLES = hnp.arrays(st.sampled_from(["f4", "c8"]), SHAPES).map(_third)
#: fields that overlap, and bytes of none
_UNION = np.dtype({"names": ["i", "f", "s"], "formats": [">u4", "f4", "S3"], "offsets": [0, 0, 6], "itemsize": 12})
_FIELDS = [
    np.dtype("i4, >f8"),
    np.dtype("i1, c16, ?", align=True),
    np.dtype([("a", "f4", (2, 1)), ("b", [("c", "<M8[D]"), ("d", "U2")]), ("é b", "S3")]),
    np.dtype([(("Title", "t"), "u2"), ("", "i8")]),
    np.dtype({"names": ["x", "y"], "formats": ["f8", "V2"], "offsets": [8, 2], "itemsize": 40}),
    np.dtype((np.record, [("X", "m8[s]"), ("x", ">U1")])),
    np.dtype([("a", "U0"), ("b", "S0"), ("c", "V0"), ("d", "f8", (0,))]),
    _UNION,
    np.dtype((np.record, _UNION)),
    np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2], "titles": ["T", None]}, align=True),
    np.dtype([]),
    np.dtype({"names": [], "formats": [], "itemsize": 5}),
    np.dtype([("a", _UNION, (2,)), ("b", []), ("c", "f4")]),
]


def _fill(draw: st.DrawFn, array: Any) -> Any:
    for name in array.dtype.names:
        field = array[name]
        if field.dtype.names is not None:
            _fill(draw, field)
        elif field.dtype.kind not in "V" and field.dtype.itemsize:
            field[...] = draw(hnp.arrays(field.dtype, field.shape))
    return array


STRUCTURED = st.composite(lambda draw: _fill(draw, np.zeros(draw(SHAPES), draw(st.sampled_from(_FIELDS)))))()
ARRAYS = st.one_of(NUMERIC, TEXT_ARRAYS, BYTE_ARRAYS, DATETIMES, LONG_DOUBLES, STRUCTURED)


@st.composite
def _masked(draw: st.DrawFn) -> Any:
    data = draw(ARRAYS.filter(lambda array: array.dtype.kind not in "OT"))
    mask = draw(st.just(np.ma.nomask) | hnp.arrays("?", data.shape))
    array = np.ma.MaskedArray(data, mask, hard_mask=draw(st.booleans()))
    if data.size and draw(st.booleans()):
        array.fill_value = data.ravel()[0]
    return array


def _element(array: Any) -> Any:
    return array.ravel()[0] if array.size and array.dtype.names is not None else array


MASKED = _masked().flatmap(lambda array: st.sampled_from([array, _element(array)]))
MATRICES = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=2, max_dims=2)).map(lambda array: array.view(np.matrix))
RECORDS = STRUCTURED.map(lambda array: array.view(np.recarray))
NUMPY_SCALARS = (
    st.sampled_from([*NUMBERS, "q", "Q"]).flatmap(lambda name: hnp.arrays(name, ())).map(lambda array: array[()])
)
OTHER_SCALARS = st.one_of(
    st.one_of(DATETIMES, LONG_DOUBLES, STRUCTURED, RECORDS, BYTE_ARRAYS)
    .filter(lambda array: array.size)
    .map(lambda array: array.ravel()[0]),
    TEXTS.map(np.str_),
    st.binary(max_size=4).map(np.bytes_),
    st.just(np.ma.masked),
)
