"""Leases that others hold: another process for real, another machine by what it would have written."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fixtures_processes import end, start

from xpet.store.lease import PREFIX
from xpet.store.place import Place

HOLD = """
import pickle, sys
from xpet.store.lease import Lease
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
with Lease(place, ttl=float(sys.argv[2])) as lease:
    print(lease.epoch, flush=True)
    for line in sys.stdin:
        print(lease.still_ours(), flush=True)
"""


@contextmanager
def holder(place: Place, ttl: float = 30.0) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease; every line it is sent it answers with `still_ours()`."""
    process = start(HOLD, pickle.dumps(place.spec).hex(), str(ttl))
    try:
        assert process.stdout.readline() == "1\n"
        yield process
    finally:
        end(process)


def asked(process: subprocess.Popen[str]) -> bool:
    """Ask a holder whether the lease is still its own."""
    process.stdin.write("still?\n")
    process.stdin.flush()
    return process.stdout.readline() == "True\n"


def keys(place: Place) -> list[int]:
    """The epochs that have a key."""
    return [int(name) for name in place.children(PREFIX)]


def content(place: Place) -> dict[str, object]:
    """What the highest key says."""
    said: dict[str, object] = json.loads(place.read(f"{PREFIX}/{max(keys(place)):08d}") or b"")
    return said


def forged(**changes: object) -> bytes:
    """What a holder on another host would have written."""
    said = {
        "uuid": "another",
        "host": "elsewhere",
        "machine": "elsewhere/boot/pid:[1]",
        "pid": 4711,
        "started": "1",
        "ttl": 0.6,
        "since": 1.7e9,
        "renewed": 1.7e9,
        "released": False,
    }
    return json.dumps(said | changes).encode()


def forge(place: Place, epoch: int = 7, **changes: object) -> None:
    """Let a holder on another host have this epoch."""
    place.write(f"{PREFIX}/{epoch:08d}", forged(**changes))


def told_to_wait() -> pytest.WarningsRecorder:
    """Expect that whoever takes a lease is told that it may take a while."""
    return pytest.warns(UserWarning, match="waiting up to")
