"""The values of several batches as one."""

import numpy as np
import pytest

from xpet.store.fields import Field, PartSpec
from xpet.store.pieces import Piece, merged

SPEC = PartSpec("", "array", "float64")
FIELD = Field("results.runs.$.z", "", "result", "xpet.Result", "", "float", 1, "{}", (SPEC,))


def piece(rows, data):
    return Piece(FIELD, np.array(rows), (data,))


@pytest.mark.parametrize(
    ("pieces", "rows", "values"),
    [
        pytest.param([([0, 1, 4], [1.0, 2.0, 3.0])], [0, 1, 4], [1.0, 2.0, 3.0], id="one, in order"),
        pytest.param([([4, 0, 1], [3.0, 1.0, 2.0])], [0, 1, 4], [1.0, 2.0, 3.0], id="one, out of order"),
        pytest.param([([0, 1], [1.0, 2.0]), ([4], [3.0])], [0, 1, 4], [1.0, 2.0, 3.0], id="two, one after the other"),
        pytest.param([([4, 0], [3.0, 1.0]), ([1], [2.0])], [0, 1, 4], [1.0, 2.0, 3.0], id="two, mixed"),
    ],
)
@pytest.mark.parametrize("kind", [np.array, list])
def test_values_come_in_the_order_of_their_rows(pieces, rows, values, kind):
    found, (data,) = merged([piece(each, kind(given)) for each, given in pieces])
    assert found.tolist() == rows
    assert list(data) == values


def test_arrays_come_in_the_order_of_their_rows():
    first, second = np.arange(6.0).reshape(2, 3), np.arange(6.0, 9.0).reshape(1, 3)
    rows, (data,) = merged([piece([4, 0], first), piece([1], second)])
    assert rows.tolist() == [0, 1, 4]
    assert data.tolist() == [first[1].tolist(), second[0].tolist(), first[0].tolist()]


def test_one_batch_in_order_is_not_copied():
    values = np.arange(3.0)
    _, (data,) = merged([piece([0, 1, 4], values)])
    assert data is values
