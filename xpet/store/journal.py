"""The journal: where packets wait to be folded.

On a local disk a packet is a log: a file that grows by one write for each finished run, called ``….open`` until its
block is done or it has 32 MiB. Elsewhere a packet is an object that is written whole when its block is done, when
``flush_interval`` has passed, or at 32 MiB. A block may need several. Every worker writes under names of its own.
"""

from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import Iterable, Iterator

from xpet.errors import StoreError
from xpet.store.carried import Carrier
from xpet.store.packets import Packer
from xpet.store.place import Place, PlaceSpec, append_all, open_place
from xpet.store.unpacking import finished_runs

ROOT = "_xpet/journal"
PACKETS = f"{ROOT}/packet"
DAMAGED = f"{ROOT}/damaged"
OPEN = ".open"
_FLUSH_BYTES = 32 * 2**20


class _Names:
    """The keys of one worker's packets: no two are alike, also if it does a block again."""

    def __init__(self, attempt: int) -> None:
        self._worker = f"{attempt:08d}-{uuid.uuid4().hex[:8]}"
        self._block = ""
        self._numbers = itertools.count()

    def begin(self, block: int, first_run: int) -> None:
        self._block = f"{PACKETS}/{block:08d}/{first_run:010d}-{self._worker}"

    def next(self) -> str:
        return f"{self._block}.{next(self._numbers)}"


class LogSink:
    """Packets as append-only local files; a run is durable when its record is appended."""

    def __init__(self, place: Place, attempt: int) -> None:
        self._place = place
        self._names = _Names(attempt)
        self._key = ""
        self._size = 0
        self._file: io.FileIO | None = None

    def open(self, block: int, first_run: int) -> None:
        """Begin the packet of a block; the file comes to be with its first record."""
        self._names.begin(block, first_run)

    def append(self, data: bytes) -> bool:
        """Append records with one write; True if the file is closed as it has grown large."""
        if self._file is None:
            self._key, self._size = self._names.next(), 0
            self._file = self._place.append_file(self._key + OPEN)
            assert self._file is not None
        append_all(self._file, data)
        self._size += len(data)
        if self._size < _FLUSH_BYTES:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Say that the block is done: the packet may be folded."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._place.move(self._key + OPEN, self._key)


class ObjectSink:
    """Packets as objects; a run is durable when the object that holds it is written."""

    def __init__(self, place: Place, attempt: int) -> None:
        self._place = place
        self._names = _Names(attempt)
        self._buffer = bytearray()

    def open(self, block: int, first_run: int) -> None:
        """Begin the packets of a block."""
        self._names.begin(block, first_run)

    def append(self, data: bytes) -> bool:
        """Add records; True if there were so many that they were written."""
        self._buffer += data
        if len(self._buffer) < _FLUSH_BYTES:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Write what is not written yet; what comes next begins another object."""
        if self._buffer:
            self._place.write(self._names.next(), bytes(self._buffer))
            self._buffer.clear()


def open_packer(spec: PlaceSpec, trajectory: str, attempt: int, flush_interval: float = 1.0, uuid: str = "") -> Packer:
    """The packer of a worker, in whatever process it is."""
    place = open_place(spec).below(trajectory)
    carrier = Carrier(place)
    if place.is_local:
        return Packer(LogSink(place, attempt), attempt, uuid, None, carrier)
    return Packer(ObjectSink(place, attempt), attempt, uuid, flush_interval, carrier)


def check_place(spec: PlaceSpec, trajectory: str, attempt: int, flush_interval: float = 1.0, uuid: str = "") -> None:
    """Whether packets that are written here, by whatever worker, are those of this trajectory.

    Raises
    ------
    StoreError
        The trajectory is not here: the worker sees other files.
    """
    from socket import gethostname

    place = open_place(spec).below(trajectory)
    if uuid.encode() not in (place.read("zarr.json") or b""):
        raise StoreError(
            f"a worker on {gethostname()} does not find the trajectory at {place.url}; workers elsewhere need a "
            "store that all of them reach under this name, such as one on a shared file system or in a bucket"
        )


def waiting(place: Place, unfinished: bool = False) -> list[str]:
    """The keys of packets to fold; with ``unfinished``, those too that a worker did not close."""
    keys = place.list(PACKETS)
    return [key for key in keys if unfinished or not key.endswith(OPEN)]


def discard(place: Place, keys: Iterable[str]) -> None:
    """Delete keys of the journal, and the folders that they leave empty; who writes the next one there makes them."""
    gone = list(keys)
    place.delete(gone)
    for folder in sorted({key.rpartition("/")[0] for key in gone}):
        place.drop_empty(folder)


def _of_block(place: Place, block: int, attempt: int) -> Iterator[bytes]:
    """The packets of one block that were written at or after an attempt."""
    for key in place.list(f"{PACKETS}/{block:08d}"):
        written = key.rpartition("/")[2].split("-")[1:2]
        data = place.read(key) if written and written[0].isdecimal() and int(written[0]) >= attempt else None
        if data is not None:
            yield data


def set_aside(place: Place, key: str, data: bytes) -> str:
    """Keep a packet that cannot be read as a whole where nobody folds it; its new key."""
    kept = f"{DAMAGED}/{key.removeprefix(PACKETS + '/').replace('/', '-')}"
    place.write(kept, data)
    return kept


def recorded(place: Place, block: int, attempt: int) -> dict[int, str | None]:
    """The runs of a block that the journal has: None if complete, else the error."""
    out: dict[int, str | None] = {}
    for data in _of_block(place, block, attempt):
        out.update(finished_runs(data))
    return out
