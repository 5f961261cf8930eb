"""What an array's dtype is called, whichever of NumPy's names it goes by."""

import numpy as np
import pytest

from xpet.values.codecs.ndarray import codec, dtype_text, is_numeric

CODES = "?bBhHiIlLqQpPefdgFDG"


@pytest.mark.parametrize("order", "<>=")
@pytest.mark.parametrize("code", CODES)
def test_an_array_keeps_the_name_of_its_dtype(code, order):
    dtype = np.dtype(code).newbyteorder(order)
    encoded = codec.encode(np.zeros(2, dtype))
    if not is_numeric(dtype):
        assert encoded is None
        return
    assert encoded.meta == {"dtype": dtype_text(dtype)}
    assert encoded.part().dtype.isnative


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[s]", "U3", "S2", "O", "V3", [("a", "f8")]], ids=str)
def test_what_holds_no_numbers_is_left_to_other_codecs(dtype):
    assert codec.encode(np.zeros(2, dtype)) is None
