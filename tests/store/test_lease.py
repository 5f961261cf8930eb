"""One writer at a time, and none that is gone stands in the way."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import threading
import time

import pytest
from fixtures_leases import asked, content, forge, holder, keys, told_to_wait
from fixtures_processes import end, finish, start

from xpet.errors import StoreBusyError, StoreError
from xpet.store.lease import PREFIX, SWEEP_SECONDS, Lease
from xpet.store.place import Place
from xpet.store.processes import is_gone, machine, start_of

# --- taking and giving back ---------------------------------------------------------------------


def test_epochs_only_grow(place: Place):
    held = []
    for _ in range(4):
        with Lease(place) as lease:
            assert lease.still_ours()
            held.append(lease.epoch)
        assert lease.epoch == 0
        assert not lease.still_ours()
    assert held == [1, 2, 3, 4]
    assert keys(place) == [4]
    assert content(place)["released"] is True


def test_half_written_files_are_looked_for_once_a_day(local: Place, monkeypatch: pytest.MonkeyPatch):
    swept: list[float] = []
    monkeypatch.setattr(type(local), "sweep", lambda self, older_than: swept.append(older_than))
    for _ in range(3):
        with Lease(local) as lease:
            lease.sweep()
            lease.sweep()
    assert swept == [SWEEP_SECONDS]
    for epoch, since in ((7, time.time() - SWEEP_SECONDS - 1), (9, time.time() + 1000)):
        forge(local, epoch, released=True, swept=since)
        with Lease(local) as lease:
            lease.sweep()
    assert len(swept) == 3


def test_one_object_may_take_it_again(local: Place):
    lease = Lease(local)
    for expected in (1, 2):
        with lease:
            assert lease.epoch == expected
            with pytest.raises(StoreError, match="held by this object; release it first"):
                lease.acquire()
            with lease:
                assert lease.epoch == expected
            assert lease.epoch == 0


def test_what_the_key_says(local: Place):
    before = time.time()
    with Lease(local, ttl=12) as lease:
        said = content(local)
        assert said["pid"] == os.getpid()
        assert said["machine"] == machine()
        assert said["started"] == start_of(os.getpid())
        assert said["ttl"] == 12
        assert before <= said["since"] <= time.time()
        assert lease.epoch == 1


def test_it_is_given_back_after_an_error(local: Place):
    with pytest.raises(ZeroDivisionError), Lease(local):
        raise ZeroDivisionError
    with Lease(local) as lease:
        assert lease.epoch == 2


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
def test_a_ttl_is_a_time(local: Place, ttl):
    with pytest.raises(ValueError, match="ttl must be"):
        Lease(local, ttl=ttl)


def test_it_is_renewed(place: Place):
    with Lease(place, ttl=0.3) as lease:
        first = content(place)
        time.sleep(0.6)
        later = content(place)
        assert later["renewed"] > first["renewed"]
        assert later["since"] == first["since"]
        assert later["uuid"] == first["uuid"]
        assert lease.still_ours()
    released = place.read(f"{PREFIX}/{1:08d}")
    time.sleep(0.3)
    assert place.read(f"{PREFIX}/{1:08d}") == released


def test_a_failed_attempt_leaves_nothing(local: Place, monkeypatch):
    def interrupt(self: Lease, epoch: int) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "_holds", interrupt)
        with pytest.raises(KeyboardInterrupt):
            Lease(local).acquire()
    assert keys(local) == []
    with Lease(local) as lease:
        assert lease.epoch == 1


# --- others who hold it -------------------------------------------------------------------------


def test_a_second_writer_is_refused(shared_place: Place):
    with holder(shared_place) as process:
        with pytest.raises(StoreBusyError) as caught:
            Lease(shared_place).acquire()
        said = str(caught.value)
        assert said.startswith(f"{shared_place.url} is being written by process {process.pid} on ")
        assert re.search(r" since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d; wait until it has finished, or end it", said)
        assert asked(process)
        process.stdin.close()
        process.wait(timeout=30)
    with Lease(shared_place) as lease:
        assert lease.epoch == 2


@pytest.mark.skipif(os.name != "posix", reason="kills with POSIX signals")
@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_the_lease_of_a_killed_holder_is_taken_at_once(shared_place: Place, reaped):
    with holder(shared_place) as process:
        process.send_signal(signal.SIGKILL)
        if reaped:
            process.wait()
        else:
            while not is_gone(process.pid):
                time.sleep(0.01)
        before = time.monotonic()
        with Lease(shared_place) as lease:
            assert time.monotonic() - before < 5
            assert lease.epoch == 2
            assert lease.still_ours()


def test_a_pid_that_was_given_to_another_process_holds_nothing(local: Place):
    with holder(local) as process:
        local.write(f"{PREFIX}/{1:08d}", json.dumps(content(local) | {"started": "1"}).encode())
        with Lease(local) as lease:
            assert lease.epoch == 2
        assert not asked(process)


def test_objects_of_one_process_exclude_each_other(place: Place):
    with Lease(place) as lease:
        with pytest.raises(StoreBusyError, match=r"by this very process .*; close the trajectory that writes to it"):
            Lease(place).acquire()
        assert lease.still_ours()
    with Lease(place) as other:
        assert other.epoch == 2


def test_threads_exclude_each_other(place: Place):
    inside = 0
    most = 0
    epochs: list[int] = []
    lock = threading.Lock()

    def write() -> None:
        nonlocal inside, most
        while len(epochs) < 8:
            try:
                with Lease(place) as lease:
                    with lock:
                        inside += 1
                        most = max(most, inside)
                        epochs.append(lease.epoch)
                    time.sleep(0.005)
                    with lock:
                        inside -= 1
            except StoreBusyError:
                time.sleep(0.002)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert epochs == sorted(set(epochs))


TAKE = """
import os, pickle, sys, time
from xpet.errors import StoreBusyError
from xpet.store.lease import Lease
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
place.read("warm-up")
print("ready", flush=True)
sys.stdin.readline()
taken = 0
while taken < 5:
    try:
        with Lease(place) as lease:
            epoch = lease.epoch
            assert place.create(f"epochs/{epoch}", b"")
            assert place.create("inside", b"")
            time.sleep(0.005)
            assert lease.still_ours()
            place.delete(["inside"])
            print(epoch, flush=True)
            taken += 1
    except StoreBusyError:
        time.sleep(0.01)
"""


@pytest.mark.slow
def test_processes_exclude_each_other(shared_place: Place):
    spec = pickle.dumps(shared_place.spec).hex()
    takers = [start(TAKE, spec) for _ in range(4)]
    try:
        for taker in takers:
            assert taker.stdout.readline() == "ready\n"
        for taker in takers:
            taker.stdin.write("go\n")
            taker.stdin.flush()
        epochs = [int(line) for taker in takers for line in finish(taker, timeout=100).split()]
    finally:
        for taker in takers:
            end(taker)
    assert len(epochs) == len(set(epochs)) == 20


# --- holders elsewhere --------------------------------------------------------------------------


def test_a_silent_holder_elsewhere_is_waited_for(place: Place):
    forge(place, ttl=0.6)
    before = time.monotonic()
    with told_to_wait(), Lease(place) as lease:
        assert time.monotonic() - before >= 0.6
        assert lease.epoch == 8
    assert keys(place) == [8]


def test_who_waits_is_told_for_whom_and_how_long(local: Place):
    forge(local, ttl=0.5)
    with pytest.warns(UserWarning, match=r"process 4711 on elsewhere; waiting up to 0\.5 s") as caught, Lease(local):
        pass
    assert [warning.filename for warning in caught] == [__file__]


def test_the_clock_of_a_holder_elsewhere_does_not_matter(local: Place):
    forge(local, ttl=0.6, renewed=time.time() + 1e6)
    with told_to_wait(), Lease(local) as lease:
        assert lease.epoch == 8


def test_a_holder_elsewhere_that_renews_keeps_its_lease(place: Place):
    forge(place, ttl=1.0)
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(0.3):
            forge(place, ttl=1.0, renewed=time.time())

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        for _ in range(2):
            with told_to_wait(), pytest.raises(StoreBusyError, match="process 4711 on elsewhere since 2023-11-1"):
                Lease(place).acquire()
    finally:
        stop.set()
        thread.join()
    assert keys(place) == [7]


def test_a_holder_elsewhere_may_release_while_it_is_watched(local: Place):
    forge(local, ttl=30)
    timer = threading.Timer(0.2, lambda: forge(local, ttl=30, released=True))
    timer.start()
    with told_to_wait(), Lease(local) as lease:
        assert lease.epoch == 8
    timer.join()


def test_a_holder_named_like_this_host_but_elsewhere_is_not_judged_by_its_pid(local: Place):
    with holder(local, ttl=0.6) as process:
        mine = content(local)
        process.kill()
        process.wait()
    forge(local, host=mine["host"], machine=f"{mine['host']}/another-boot/pid:[1]", pid=process.pid)
    before = time.monotonic()
    with told_to_wait(), Lease(local):
        assert time.monotonic() - before >= 0.6


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"null", b'{"uuid": "x"}', b"\xff", b"7"])
def test_a_key_that_makes_no_sense_is_waited_for(local: Place, said):
    local.write(f"{PREFIX}/{3:08d}", said)
    with told_to_wait(), Lease(local, ttl=0.3) as lease:
        assert lease.epoch == 4


def test_a_lease_given_back_with_its_trajectory_leaves_nothing(place: Place):
    for _ in range(2):
        with Lease(place) as lease:
            pass
    with Lease(place) as lease:
        lease.release(delete=True)
        assert not lease.still_ours()
    assert place.list() == []
    if place.is_local:
        assert not os.path.exists(place.url)


def test_a_lost_lease_is_not_deleted(place: Place):
    with Lease(place) as lease:
        forge(place, epoch=9)
        lease.release(delete=True)
    assert keys(place) == [1, 9]
