"""What workers print: whole, at once, and all of it."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import suppress
from typing import Any


class _Whole:
    """A stream that lets go of what it is given when a line ends there, all at once.

    A print comes in pieces, the last of which is the end of its last line.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.reconfigure(line_buffering=False, write_through=False)
        self._write, self._flush = stream.write, stream.flush
        self._held: list[str] = []
        self._lock = threading.RLock()

    def write(self, text: Any) -> int:
        """Take some text; what is none is refused as the stream does it."""
        if not isinstance(text, str):
            return self._write(text)
        with self._lock:
            self._held.append(text)
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Let go of all that there is."""
        with self._lock:
            held, self._held = "".join(self._held), []
            self._write(held)
            self._flush()


def print_by_line() -> None:
    """Have what is printed leave at once and as a whole: workers share where it goes, and may be killed after it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            whole = _Whole(stream)
            # What is printed goes to whatever the stream has for these, and others ask the stream what it is.
            stream.write, stream.flush = whole.write, whole.flush  # type: ignore[method-assign]  # as said


def flush() -> None:
    """Let go what was printed without the end of its line."""
    for stream in (sys.stdout, sys.stderr):
        # what a stream cannot take is no matter of the runs
        with suppress(Exception):
            stream.flush()
