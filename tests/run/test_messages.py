"""What workers report arrives."""

from __future__ import annotations

import pickle
import threading

import pytest

from xpet.run.messages import pack_error, pack_report, unpack_report
from xpet.run.report import BlockReport, RunFailure


class WithContext(OSError):
    """Pickles what it came after too, as exceptions do where tblib is at work."""

    def __reduce__(self):
        return (_with_context, (*self.args, self.__context__, self.__cause__), self.__dict__)


def _with_context(message, context, cause):
    return WithContext(message)


class Unsendable(OSError):
    def __init__(self):
        super().__init__("no licence")
        self.lock = threading.Lock()


def thrown(error):
    """An error that was carried by another one, and is now its own context."""
    try:
        try:
            raise WithContext("carries") from error
        except WithContext as carrier:
            raise carrier.__cause__ from None
    except OSError as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (WithContext("disk full"), WithContext, "disk full"),
        (Unsendable(), RuntimeError, "Unsendable: no licence"),
    ],
    ids=["in a circle", "unsendable"],
)
def test_an_error_arrives_with_its_traceback_as_a_note(error, kind, text):
    arrived = pickle.loads(pack_error(thrown(error), "It was not to be"))
    assert (type(arrived), str(arrived)) == (kind, text)
    (note,) = arrived.__notes__
    assert note.startswith("It was not to be")
    assert "in thrown" in note


def test_a_report_arrives():
    failure = RunFailure(3, "ValueError", "bad", "a traceback", "job.py:2", ValueError("bad"))
    report = BlockReport(7, 2, [3], (failure,), [(1, "one"), (2, threading.Lock())], 0.5, range(4, 6), ("mind",))
    arrived = unpack_report(pack_report(report))
    assert (arrived.block, arrived.n_complete, arrived.failed, list(arrived.rest)) == (7, 2, [3], [4, 5])
    assert arrived.values == [(1, "one")]
    assert type(arrived.failures[0].exception) is ValueError
    assert len(arrived.warnings) == 2
    assert "run 2 returned" in arrived.warnings[1]
