"""A lease that is lost, cannot be given back or was never had is noticed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time

import pytest
from fixtures_leases import asked, content, forge, holder, keys, told_to_wait
from fixtures_processes import finish, start

from xpet.errors import StoreBusyError, StoreError
from xpet.store.lease import PREFIX, Lease
from xpet.store.place import Place, open_place, resolve


def test_a_lost_lease_is_noticed(place: Place, caplog):
    with Lease(place, ttl=0.3) as lease:
        assert lease.still_ours()
        forge(place, epoch=2, ttl=30)
        assert not lease.still_ours()
        time.sleep(0.3)
        assert "was taken by another writer" in caplog.text
    assert keys(place) == [1, 2]
    assert content(place)["uuid"] == "another"


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_lease_whose_key_is_gone_is_lost(local: Place, change):
    with Lease(local) as lease:
        if change == "deleted":
            local.delete_tree("_xpet")
        else:
            forge(local, epoch=1)
        assert not lease.still_ours()
    assert len(keys(local)) == (change == "replaced")


@pytest.mark.skipif(os.name != "posix", reason="stops with POSIX signals")
def test_a_sleeper_finds_its_lease_taken(local: Place):
    with holder(local, ttl=0.6) as process:
        process.send_signal(signal.SIGSTOP)
        # What a taker on another machine sees of it.
        local.write(f"{PREFIX}/{1:08d}", json.dumps(content(local) | {"machine": "elsewhere"}).encode())
        with told_to_wait(), Lease(local) as lease:
            assert lease.epoch == 2
            process.send_signal(signal.SIGCONT)
            assert not asked(process)
            time.sleep(0.4)
            assert lease.still_ours()
        assert keys(local) == [2]


def test_renewal_goes_on_after_an_error(local: Place, monkeypatch, caplog):
    write = type(local).write
    failures = iter([True, True])

    def failing(self, key, data):
        if next(failures, False):
            raise StoreError("no answer")
        return write(self, key, data)

    with Lease(local, ttl=0.15) as lease:
        first = content(local)
        monkeypatch.setattr(type(local), "write", failing)
        time.sleep(0.5)
        assert "could not be renewed: no answer" in caplog.text
        assert content(local)["renewed"] > first["renewed"]
        assert lease.still_ours()


def test_a_lease_that_could_not_be_released_is_taken_when_it_is_old(local: Place, monkeypatch):
    lease = Lease(local, ttl=0.3).acquire()

    def fail(self, key, data):
        raise StoreError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(type(local), "write", fail)
        with pytest.raises(StoreError, match="no answer"):
            lease.release()
    with pytest.raises(StoreBusyError):
        Lease(local).acquire()
    time.sleep(0.4)
    with told_to_wait(), Lease(local) as other:
        assert other.epoch == 2


FORKED = """
import os, pickle, sys
from xpet.errors import StoreBusyError
from xpet.store.lease import Lease
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
with Lease(place) as lease:
    child = os.fork()
    if child == 0:
        try:
            assert not lease.still_ours()
            lease.release()
            try:
                Lease(place).acquire()
            except StoreBusyError:
                os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert lease.still_ours()
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_does_not_hold_its_parents_lease(shared_place: Place):
    assert finish(start(FORKED, pickle.dumps(shared_place.spec).hex())) == "fine\n"


def test_a_place_that_cannot_be_written_says_so(s3_store):
    chain = open_place(resolve(f"simplecache::{s3_store.url}", {"s3": s3_store.storage_options}))
    with pytest.raises(StoreError, match="can be read but not written"):
        Lease(chain).acquire()
