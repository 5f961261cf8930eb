"""SciPy's sparse matrices and arrays come back as they are, and forged ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.testing.strategies.sparse import FORMATS, KINDS, SCIPY, SPARSE
from xpet.values import Encoded, Part, decode, encode, same_value


@settings(deadline=None)
@given(SPARSE)
def test_comes_back(value: Any):
    back = decode(encode(value))
    assert identical(value, back)
    assert same_value(value, back)


@pytest.mark.parametrize(
    ("kind", "shape"),
    # SciPy has no empty blocks.
    [(kind, shape) for kind in KINDS for shape in [(2, 3), (0, 0), (0, 3), (3, 0)] if kind[:3] != "bsr" or all(shape)],
)
@pytest.mark.parametrize("dtype", ["f8", "?", "c8", "i1"])
def test_empty_ones(kind: str, shape: tuple[int, int], dtype: str):
    value = getattr(sp, kind)(shape, dtype=dtype)
    assert identical(value, decode(encode(value)))


def test_explicit_zeros_and_the_order_of_entries():
    lil, dok = sp.lil_array((2, 3)), sp.dok_array((2, 3))
    lil.rows[1], lil.data[1] = [0, 2], [0.0, 5.0]
    for key in ((1, 2), (0, 1)):
        dok.setdefault(key, 0.0)
    blocks = sp.bsr_array((np.zeros((2, 1, 3)), [1, 0], [0, 2]), shape=(1, 6))
    wide = sp.dia_array((np.arange(10.0).reshape(2, 5), np.array([-1, 7], "i8")), shape=(3, 8))
    for value in (lil, dok, blocks, wide):
        assert identical(value, decode(encode(value)))


@pytest.mark.parametrize("dtype", ["g", "G"])
@pytest.mark.parametrize("kind", KINDS)
def test_long_doubles(kind: str, dtype: str):
    value = getattr(sp, kind)(np.diag([1, 0, 2]).astype(dtype) / 3)
    back = decode(encode(value))
    assert back.dtype.char == dtype
    assert identical(value, back)


@pytest.mark.skipif(SCIPY < (1, 15), reason="SciPy has arrays of three dimensions since version 1.15")
def test_three_dimensions():
    value = sp.coo_array((np.array([0, 1]), ([0, 0], [1, 1], [2, 2])), shape=(1, 2, 3))
    assert identical(value, decode(encode(value)))


def test_parts_have_clear_names():
    encoded = encode(sp.csr_array(np.eye(2)))
    assert [part.name for part in encoded.parts] == ["", "data", "indices", "indptr", "shape"]
    assert encoded.part() == "scipy.sparse of data, indices, indptr, shape"


def test_meta_does_not_tell_size_or_entries():
    for name in FORMATS:
        metas = [encode(getattr(sp, f"{name}_array")(sp.eye_array(n, n + 1))).meta for n in (2, 7)]
        assert metas[0] == metas[1]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (sp.csr_array(np.eye(2)), sp.csr_matrix(np.eye(2))),
        (sp.csr_array(np.eye(2)), sp.csc_array(np.eye(2))),
        (sp.coo_array(([1.0, 0.0], ([0, 1], [0, 1]))), sp.coo_array(([1.0], ([0], [0])), shape=(2, 2))),
        (sp.csr_array((2, 3)), sp.csr_array((2, 4))),
        (sp.csr_array((2, 3)), sp.csr_array((2, 3), dtype="f4")),
    ],
)
def test_tells_apart(a: Any, b: Any):
    assert not same_value(a, b)


def test_refuses_what_is_no_number():
    value = sp.csr_array((1, 1), dtype="f8")
    value.data = value.data.astype(object)
    with pytest.raises(UnsupportedValueError, match=r"^z of type .*csr_array: a sparse matrix of object cannot"):
        encode(value, "z")


def forged(value: Any, **parts: Any) -> Encoded:
    """Encode a value and replace some of its parts."""
    encoded = encode(value)
    changed = [Part(parts[part.name], part.name) if part.name in parts else part for part in encoded.parts]
    return encoded._replace(parts=tuple(changed))


EYE = np.eye(3)
LONG = sp.csr_array(EYE)
LONG.indices = LONG.indices.astype("i8")
HUGE = np.array([10**15, 10**15])


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(forged(sp.csr_array(EYE), indices=np.array([0, 1, 3], "i4")), id="column beyond"),
        pytest.param(forged(sp.csc_array(EYE), indices=np.array([0, 1, -1], "i4")), id="negative row"),
        pytest.param(forged(sp.csr_array(EYE), indptr=np.array([0, 1, 2, 2**31 - 1], "i4")), id="entries beyond"),
        pytest.param(forged(sp.csr_array(EYE), indptr=np.array([0, 3, 2, 3], "i4")), id="falling"),
        pytest.param(forged(LONG, indices=np.array([0, 1, 2**40], "i8")), id="column beyond 32 bits"),
        pytest.param(forged(sp.csr_array(EYE), indices="abc"), id="text for indices"),
        pytest.param(forged(sp.bsr_array(np.eye(4)), indices=np.array([7, 9, 9, 9], "i4")), id="block beyond"),
        pytest.param(forged(sp.coo_array(EYE), indices0=np.array([0, 1, 3], "i4")), id="coo beyond"),
        pytest.param(forged(sp.coo_array(EYE), indices0=np.array([0, 1], "i4")), id="coo of two lengths"),
        pytest.param(forged(sp.dia_array(EYE), offsets=np.array([0, 1, 2], "i4")), id="offsets without data"),
        pytest.param(forged(sp.lil_array(EYE), lengths=np.array([1, 1, 2**62])), id="long row"),
        pytest.param(forged(sp.lil_array(EYE), indices=np.array([0, 1, 5])), id="lil beyond"),
        pytest.param(forged(sp.dok_array(EYE), indices=np.array([[0, 0], [1, 1], [2, 9]])), id="dok beyond"),
        pytest.param(forged(sp.csr_array(EYE), shape=HUGE), id="huge csr"),
        pytest.param(forged(sp.lil_array(EYE), shape=HUGE), id="huge lil"),
        pytest.param(forged(sp.csr_array(EYE), shape=np.array([])), id="no shape"),
        pytest.param(forged(sp.csr_array(EYE), shape=np.array([3])), id="shape of one"),
        pytest.param(forged(sp.csr_array(EYE), shape=np.array([-3, 3])), id="negative shape"),
    ],
)
def test_forged_parts(encoded: Encoded):
    with pytest.raises(CorruptStoreError):
        decode(encoded)


@pytest.mark.parametrize("kind", ["spmatrix", "os.system", "csr_array.__init__", 7, ["csr_array"]])
def test_forged_class(kind: Any):
    encoded = encode(sp.csr_array(EYE))
    meta = {**encoded.meta, "more": {**encoded.meta["more"], "class": kind}}
    with pytest.raises(CorruptStoreError):
        decode(encoded._replace(meta=meta))
