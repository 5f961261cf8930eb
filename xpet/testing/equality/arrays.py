"""When arrays and scalars of NumPy are identical."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical; of arrays, without how they lie in memory."""
    if isinstance(a, np.ma.MaskedArray):
        return _same_masked(a, b)
    if isinstance(a, np.str_ | np.bytes_):
        # Their own == drops NULs at the end.
        return bool(a[:] == b[:])
    if isinstance(a, np.dtype):
        return _same_dtype(a, b)
    if not isinstance(a, np.ndarray | np.generic):
        return bool(a == b)
    return _same_dtype(a.dtype, b.dtype) and a.shape == b.shape and _same_data(np.asarray(a), np.asarray(b))


def _same_dtype(a: Any, b: Any) -> bool:
    if not (a == b and a.char == b.char and a.type is b.type and a.isalignedstruct == b.isalignedstruct):
        return False
    if a.subdtype is not None:
        return a.shape == b.shape and _same_dtype(a.base, b.base)
    if a.names is None:
        return True
    # Each field is its dtype, its offset and its title, if any.
    fields = [(a.fields[name], b.fields[name]) for name in a.names]
    return a.names == b.names and all(x[1:] == y[1:] and _same_dtype(x[0], y[0]) for x, y in fields)


def _same_data(a: Any, b: Any) -> bool:
    """Tell whether arrays of one dtype and shape have the same elements."""
    if a.dtype.names is not None:
        return all(_same_data(a[name], b[name]) for name in a.dtype.names)
    if a.dtype.kind == "c":
        return _same_data(a.real, b.real) and _same_data(a.imag, b.imag)
    if a.dtype.kind == "f":
        return bool(((np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))).all())
    if a.dtype.kind in "OT":
        return all(map(identical, a.ravel().tolist(), b.ravel().tolist()))
    return bool(a.tobytes() == b.tobytes())


def _same_masked(a: Any, b: Any) -> bool:
    if a is np.ma.masked or b is np.ma.masked:
        return a is b
    hidden = (a.mask is np.ma.nomask) == (b.mask is np.ma.nomask) and a.hardmask == b.hardmask
    # The mask of a single record is an array or a record.
    masks = [np.asarray(np.ma.getmaskarray(each)) for each in (a, b)]
    same_data = identical(a.data, b.data) and identical(*masks)
    return hidden and same_data and identical(a.view().fill_value, b.view().fill_value)
