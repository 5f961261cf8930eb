"""Values of all kinds come back from every store, and what they need is every codec, layout and change of layout."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_columns import memory, plain
from fixtures_kinds import ABSENT, FOLDS, KINDS, check_folds, check_kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpet.store.place import Place
from xpet.testing import values
from xpet.testing.seen import Seen
from xpet.values import encode

#: The same examples in each run of the tests; those of other tests differ.
FEW = settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
#: BRIAN2 takes long to be imported, and has tests of its own.
EXCUSED = ("brian2", "pint", "numpy.longdouble") if "pint" not in KINDS else ("brian2", "numpy.longdouble")


@FEW
@given(st.lists(st.lists(values() | st.just(ABSENT), max_size=3), min_size=1, max_size=3))
def test_values_of_all_kinds_come_back_from_runs(folds: list[list[Any]]):
    place, flat = memory(), [value for fold in folds for value in fold if value is not ABSENT]
    check_folds(place, folds, Seen(), dict(enumerate(flat)))
    plain(place)


@pytest.mark.parametrize("folds", FOLDS.values(), ids=FOLDS)
def test_runs_that_change_a_layout_come_back(folds: list[list[Any]]):
    check_folds(memory(), folds, Seen())


def test_every_codec_layout_and_change_is_come_by():
    seen = Seen()
    check_kinds(memory(), list(KINDS.values()), seen)
    for folds in FOLDS.values():
        check_folds(memory(), folds, seen)
    assert seen.missing(EXCUSED) == []


def test_values_of_all_kinds_come_back_from_every_store(place: Place):
    # Each array of a column is an object; a bucket gets a few of each kind of package.
    few = list(KINDS.values()) if place.is_local else list(KINDS.values())[::5]
    check_kinds(place, few, Seen())


def test_what_was_not_come_by_is_told():
    seen = Seen()
    missing = seen.missing()
    assert {"the codec int", "the layout 'ragged'", "the change from 'constant' to 'dense'"} <= set(missing)
    seen.value(encode(1))
    check_folds(memory(), FOLDS["constant, then dense"], seen)
    gone = set(missing) - set(seen.missing())
    assert {"the codec int", "the layout 'constant'", "the change from 'constant' to 'dense'"} <= gone
    assert "the layout 'ragged'" not in gone
