"""One writer at a time: a lease in the journal, taken over when its holder is gone.

The lease is the highest of the keys ``_xpet/journal/lease/<epoch>``, made by exclusive creation. Epochs only
grow: a released lease stays as a marked key, so that a holder that slept through a takeover can never meet
its own epoch again.
"""

from __future__ import annotations

import json
import math
import os
import platform
import threading
import time
import uuid
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self

from xpet.errors import StoreBusyError, StoreError, logger, warn
from xpet.store.place import Place
from xpet.store.processes import is_gone, machine, start_of

PREFIX = "_xpet/journal/lease"
TTL = 30.0
#: younger half-written files may be being written
SWEEP_SECONDS = 86400.0


class Holder(NamedTuple):
    """Who holds a lease, as its key says.

    Parameters
    ----------
    uuid : str
        Names this holding of the lease, not the process.
    host, machine : str
        The host's name, for people; what tells two machines, or two containers, of one name apart.
    pid : int
        The process.
    started : str
        When the process started, in the machine's own terms; empty if unknown.
    ttl : float
        Seconds without a renewal after which the lease may be taken.
    since, renewed : float
        When it was taken and last renewed, in seconds since 1970 by the holder's clock.
    released : bool
        Whether it was given back.
    swept : float
        When a holder last looked for half-written files, be it this one or one before it.
    """

    uuid: str
    host: str
    machine: str
    pid: int
    started: str
    ttl: float
    since: float
    renewed: float
    released: bool = False
    swept: float = 0.0


class Lease:
    """The right to change one trajectory, for the length of a ``with`` block.

    Parameters
    ----------
    place : Place
        The place of the trajectory.
    ttl : float
        Seconds after which others may take the lease if it was not renewed; it is renewed three times as often.

    Examples
    --------
    >>> from xpet.store.place import open_place, resolve
    >>> with Lease(open_place(resolve('memory://leases')).below('study')) as lease:
    ...     lease.epoch, lease.still_ours()
    (1, True)
    """

    def __init__(self, place: Place, *, ttl: float = TTL) -> None:
        if not 0 < ttl < math.inf:
            raise ValueError(f"ttl must be a finite number of seconds above 0, but is {ttl!r}")
        self._place = place
        self._ttl = float(ttl)
        self._epoch = 0
        self._us: Holder | None = None
        self._writing = threading.Lock()
        self._stop = threading.Event()

    @property
    def epoch(self) -> int:
        """The number of the lease held; each is higher than all before it. 0 if none is held."""
        return self._epoch

    def acquire(self) -> Self:
        """Take the lease.

        A holder on this machine is known to live or not. Of one elsewhere nothing is known, so its key is
        watched: a change means that it lives, none for its ttl that it does not.

        Raises
        ------
        StoreBusyError
            If another process, or another object of this one, holds it.
        StoreError
            If the store cannot be read or written, or this object holds the lease already.
        """
        if self._epoch and self._here():
            raise StoreError(f"the lease {self._epoch} of {self._place.url} is held by this object; release it first")
        now = time.time()
        self._epoch, self._us = 0, _holder_here(self._ttl, now)
        while not self._epoch:
            highest = self._highest()
            content = self._place.read(_key(highest)) if highest else None
            before = _said(content, self._ttl)
            holder = None if before is None or before.released else before
            if before is not None:
                self._us = self._us._replace(swept=before.swept)
            if holder is None or self._may_take(highest, content, holder):
                self._try(highest + 1)
        self._writing, self._stop = threading.Lock(), threading.Event()
        threading.Thread(target=self._keep, args=(self._epoch, self._stop), name="xpet-lease", daemon=True).start()
        return self

    def release(self, *, delete: bool = False) -> None:
        """Give the lease back; does nothing if none is held, if it is lost, or in a forked child.

        With ``delete`` no key of a lease stays, as nothing else does where a trajectory was deleted.
        """
        if not self._epoch or not self._here():
            return
        self._stop.set()
        with self._writing:
            epoch, self._epoch = self._epoch, 0
            if self._us is None or not self._holds(epoch):
                return
            if not delete:
                self._place.write(_key(epoch), _content(self._us._replace(renewed=time.time(), released=True)))
            self._place.delete([_key(old) for old in self._epochs() if old < epoch])
            if delete:
                # While it is there nobody else makes a lower one.
                self._place.delete([_key(epoch)])
                self._place.drop_empty(PREFIX)

    def sweep(self) -> None:
        """Look for half-written files, unless that was done within the time for which they are left alone."""
        if self._us is not None and not 0 <= time.time() - self._us.swept < SWEEP_SECONDS:
            self._place.sweep(SWEEP_SECONDS)
            self._us = self._us._replace(swept=time.time())

    def still_ours(self) -> bool:
        """Whether the lease is held and nobody has taken it since; to be asked before every publish."""
        return self._epoch > 0 and self._here() and self._holds(self._epoch)

    def __enter__(self) -> Self:
        return self if self._epoch and self._here() else self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _here(self) -> bool:
        return self._us is not None and self._us.pid == os.getpid()

    def _epochs(self) -> list[int]:
        return [int(name) for name in self._place.children(PREFIX) if name.isdecimal()]

    def _highest(self) -> int:
        return max(self._epochs(), default=0)

    def _try(self, epoch: int) -> None:
        """Make the key of `epoch`, and hold the lease if that succeeds and none is higher."""
        assert self._us is not None
        try:
            # False also if a repeated request met its own first try, so what counts is whose key it is.
            self._place.create(_key(epoch), _content(self._us))
            if self._holds(epoch):
                self._epoch = epoch
        finally:
            if not self._epoch and self._owns(epoch):
                self._place.delete([_key(epoch)])

    def _owns(self, epoch: int) -> bool:
        holder = _holder(self._place.read(_key(epoch)), self._ttl)
        return holder is not None and self._us is not None and holder.uuid == self._us.uuid

    def _holds(self, epoch: int) -> bool:
        return self._owns(epoch) and self._highest() == epoch

    def _may_take(self, epoch: int, content: bytes | None, holder: Holder) -> bool:
        """Whether `holder` is gone; False if things have changed and must be looked at again."""
        gone = is_gone(holder.pid, holder.started) if _is_here(holder) else None
        if gone:
            return True
        # A lease of this process that is not renewed is one that could not be released.
        abandoned = holder.pid == os.getpid() and holder.renewed + holder.ttl < time.time()
        if gone is False and not abandoned:
            raise self._busy(holder)
        warn(
            f"{self._place.url} seems to be written by {_named(holder)}; waiting up to {holder.ttl:g} s for a sign of "
            "life, and taking over if there is none"
        )
        end = time.monotonic() + holder.ttl
        while time.monotonic() < end:
            time.sleep(min(1.0, holder.ttl / 10))
            now = self._place.read(_key(epoch))
            if now != content:
                living = _holder(now, self._ttl)
                if living is None:
                    return False
                raise self._busy(living)
        return True

    def _busy(self, holder: Holder) -> StoreBusyError:
        if holder.pid == os.getpid() and _is_here(holder):
            who, advice = f"this very process ({holder.pid} on {holder.host})", "close the trajectory that writes to it"
        else:
            who = _named(holder)
            advice = "wait until it has finished, or end it"
        since = f" since {datetime.fromtimestamp(holder.since):%Y-%m-%d %H:%M:%S}" if holder.since else ""
        return StoreBusyError(f"{self._place.url} is being written by {who}{since}; {advice}, then try again")

    def _keep(self, epoch: int, stop: threading.Event) -> None:
        """Renew the lease until it is released or lost."""
        while not stop.wait(self._ttl / 3):
            try:
                with self._writing:
                    if stop.is_set() or self._us is None:
                        return
                    if not self._holds(epoch):
                        told = "the lease %d of %s was taken by another writer"
                        _warn(told, epoch, self._place.url)
                        return
                    self._place.write(_key(epoch), _content(self._us._replace(renewed=time.time())))
            except StoreError as error:
                _warn("the lease %d of %s could not be renewed: %s", epoch, self._place.url, error)


def _warn(told: str, *about: object) -> None:
    """Say it, unless nothing more can be imported or opened: a lease must be renewed all the same."""
    with suppress(ImportError, OSError):
        logger(__name__).warning(told, *about)


def _key(epoch: int) -> str:
    return f"{PREFIX}/{epoch:08d}"


def _content(holder: Holder) -> bytes:
    return json.dumps(holder._asdict()).encode()


def _holder_here(ttl: float, now: float) -> Holder:
    pid = os.getpid()
    return Holder(uuid.uuid4().hex, platform.node(), machine(), pid, start_of(pid), ttl, now, now)


def _named(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.host}" if holder.pid else "an unknown process"


def _is_here(holder: Holder) -> bool:
    return holder.machine == machine() if holder.machine else holder.host == platform.node()


def _holder(content: bytes | None, ttl: float) -> Holder | None:
    """Who holds a lease with this content; None if nobody does, somebody unknown if it makes no sense."""
    said = _said(content, ttl)
    return None if said is None or said.released else said


def _said(content: bytes | None, ttl: float) -> Holder | None:
    """Who held, or holds, a lease with this content."""
    if content is None:
        return None
    try:
        said = json.loads(content)
        holder = Holder(
            uuid=str(said["uuid"]),
            host=str(said["host"]),
            machine=str(said.get("machine", "")),
            pid=int(said["pid"]),
            started=str(said.get("started") or ""),
            ttl=float(said["ttl"]),
            since=float(said.get("since", 0.0)),
            renewed=float(said.get("renewed", 0.0)),
            released=said.get("released") is True,
            swept=float(said.get("swept", 0.0)),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Holder("", "", "?", 0, "", ttl, 0.0, 0.0)
    return holder if 0 < holder.ttl < math.inf else holder._replace(ttl=ttl)
