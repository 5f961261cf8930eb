"""Which arrays need no encoding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from xpet.testing.strategies.nested import LEAVES
from xpet.values import array_code, check_value, encode, register_codec
from xpet.values.registry import codecs_apart

CODES = "?bhilqBHILQefdFD"
OTHERS: dict[str, Any] = {
    "number": 1.5,
    "list": [1.5],
    "numpy number": np.float64(1.5),
    "big endian": np.arange(3, dtype=">i4"),
    "texts": np.array(["a"]),
    "objects": np.array([None]),
    "times": np.array(["2020-01-01"], "M8[s]"),
    "long doubles": np.zeros(2, np.longdouble),
    "records": np.zeros(2, [("a", "i4")]),
    "matrix": np.ones((2, 2)).view(np.matrix),
    "masked": np.ma.masked_array([1.0], [True]),
    "with metadata": np.zeros(2, np.dtype("f8", metadata={"a": 1})),
    "too many dimensions": np.zeros((1,) * 64),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2)], ids=str)
def test_an_array_of_numbers_is_kept_as_it_is(code: str, shape: tuple[int, ...]):
    value = np.ones(shape, code)
    assert array_code(value) == code
    assert encode(value).parts[0].data is value


@pytest.mark.parametrize("name", OTHERS)
def test_other_values_are_encoded(name: str):
    assert array_code(OTHERS[name]) == ""


@settings(deadline=None)
@given(LEAVES)
def test_the_code_and_the_rank_say_all_of_the_encoding(value: Any):
    if array_code(value):
        encoded, like = encode(value), encode(np.zeros((0,) * value.ndim, array_code(value)))
        assert (encoded.codec, encoded.version, encoded.meta) == (like.codec, like.version, like.meta)
        assert [(part.name, part.attrs) for part in encoded.parts] == [("", {})]
        assert encoded.labels.dims == ()


class Reversed:
    name = "tests.Reversed"

    def encode(self, value):
        return {"reversed": value[::-1].tolist()}

    def decode(self, parts):
        return np.array(parts["reversed"])[::-1]


def test_what_a_codec_of_the_user_takes_is_encoded():
    value = np.arange(3)
    with codecs_apart():
        register_codec(Reversed(), np.ndarray, replace=True)
        assert array_code(value) == ""
        assert encode(value).codec == Reversed.name
    assert array_code(value)


def test_a_value_that_cannot_be_kept_is_refused():
    check_value(np.arange(3), "a")
    with pytest.raises(Exception, match=r"a\.b"):
        check_value(object(), "a.b")
