"""What workers report, as bytes."""

from __future__ import annotations

import os
from typing import cast

from xpet.run.report import BlockReport
from xpet.run.transport import PackedValues, dumps, loads, pack_values, portable, unpack_values


def pack_report(report: BlockReport) -> bytes:
    """Pack a report; a return value that does not pickle becomes a warning in it."""
    values, warnings = pack_values(report.values)
    failures = tuple(map(portable, report.failures))
    sent = report._replace(values=[], failures=failures, warnings=(*report.warnings, *warnings))
    return dumps((sent, values), "what a worker reports")


def unpack_report(data: bytes) -> BlockReport:
    """Unpack what :func:`pack_report` made; a return value that does not unpickle becomes a warning in it."""
    report, packed = cast(tuple[BlockReport, PackedValues], loads(data))
    values, warnings = unpack_values(packed)
    return report._replace(values=values, warnings=(*report.warnings, *warnings))


def pack_error(error: Exception, what: str) -> bytes:
    """Pack an exception with its traceback as a note; one that does not pickle becomes a RuntimeError."""
    import traceback

    trace = "".join(traceback.format_exception(error))
    # some packages have these pickled too, and they may lead back here
    error.__traceback__ = error.__context__ = error.__cause__ = None
    try:
        sent = loads(dumps(error, "it"))
        reason = f"it became a {type(sent).__name__}"
    except Exception as fault:
        sent, reason = None, str(fault)
    if type(sent) is not type(error):
        what = f"{what} (sent as a text: {reason})"
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"{what}; this happened in worker process {os.getpid()}:\n{trace}")
    return dumps(error, "what a worker reports")
