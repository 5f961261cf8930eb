"""Failures and summaries."""

from __future__ import annotations

import traceback

import pytest

from xpet.run import report
from xpet.run.report import RunFailure, RunSummary, failure_of


def failure(run=0, kind="ValueError", message="x", where="job.py:3"):
    return RunFailure(run, kind, message, "", where)


def test_nothing_is_imported_to_tell_of_a_failure():
    """A job that used up all files, or moved the path, has failed alone only if that can be told."""
    assert report.traceback is traceback


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (failure(5), True),
        (failure(kind="KeyError"), False),
        (failure(where="job.py:4"), False),
        (failure(message="y"), False),
    ],
    ids=["another run", "another class", "another line", "another message"],
)
def test_alike(other, alike):
    assert failure().alike(other) is alike


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("x is 1.0", "x is 2", True),
        ("x is 1e-05", "x is -3.25E+7", True),
        ("x is 1", "y is 1", False),
        ("1", "", False),
    ],
)
def test_numbers_in_messages_do_not_matter(one, two, alike):
    assert failure(message=one).alike(failure(message=two)) is alike


def test_a_failure_leaves_out_our_own_frames_and_keeps_the_cause():
    def job():
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("no key") from error

    with pytest.raises(RuntimeError) as caught:
        job()
    whole = failure_of(2, caught.value, "another file", keep=True)
    trimmed = failure_of(2, caught.value, __file__)
    assert whole.exception is caught.value
    assert (whole.run, whole.error_type, whole.message) == (2, "RuntimeError", "no key")
    assert whole.where.startswith(__file__)
    assert "KeyError: 'key'" in whole.traceback
    assert "no key" in whole.traceback
    assert trimmed.where == ""
    assert trimmed.exception is None


def test_an_exception_without_a_message_is_a_failure_all_the_same():
    class OddError(Exception):
        def __str__(self):
            raise ValueError("nothing to say")

    assert "no readable message" in failure_of(0, OddError(), "").message


def summary(failed, **changes):
    failures = [failure(run) for run in failed]
    given = RunSummary([], 3, failed, failures, None, 0, 0.0, [])
    return given._replace(**changes)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (summary([4]), ["1 of 4 runs failed (run 4)", "ValueError: x (job.py:3)", "env.replay(4)"]),
        (summary(list(range(20))), ["20 of 23", "runs 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10 more"]),
        (
            summary([1], stopped_because="error", n_complete=1, n_left=28),
            ["1 of 30 runs failed (run 1) and 1 completed;", "After the first failure, 28 runs were not begun."],
        ),
        (
            summary([1, 2, 9], stopped_because="alike", n_complete=0, n_left=1),
            ["3 of 4 runs failed (runs 1, 2, 9) and 0 completed;", "failed in the same way", "1 run was not begun."],
        ),
    ],
    ids=["one", "many", "stopped", "alike"],
)
def test_a_summary_says_what_failed_and_what_to_do(given, parts):
    for part in parts:
        assert part in given.sentence()


def test_a_summary_without_failures_says_nothing():
    assert summary([]).sentence() == ""


def test_a_summary_has_the_beginning_of_a_very_long_message():
    said = summary([1], failures=[failure(1, message="x" * 10**6)]).sentence()
    assert "x" * 2000 + "… (1000000 characters in all)" in said
    assert len(said) < 3000
