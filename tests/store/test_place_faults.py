"""What can go wrong at a place: races, killed writers, full disks, missing buckets, forks."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest
from fixtures_processes import end, finish, start

from xpet.errors import StoreError
from xpet.store.place import Place, append_all, open_place, probe_exclusive, resolve

RACERS = 8


# --- exclusive creation -------------------------------------------------------------------------

RACE = """
import os, pickle, sys
from xpet.store.place import open_place
spec, racer = pickle.loads(bytes.fromhex(sys.argv[1])), sys.argv[2]
place = open_place(spec)
place.read("warm-up")
print("ready", flush=True)
sys.stdin.readline()
for i in range(25):
    key = f"race/{i}"
    won = place.create(key, (racer * 500).encode())
    seen = place.read(key)
    assert seen is not None and len(seen) == 500, seen
    if won:
        assert seen == (racer * 500).encode()
        print(key, flush=True)
"""


@pytest.mark.slow
def test_of_many_processes_one_creates(shared_place: Place):
    spec = pickle.dumps(shared_place.spec).hex()
    racers = [start(RACE, spec, str(i)) for i in range(RACERS)]
    try:
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * RACERS
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = [finish(racer, timeout=100).split() for racer in racers]
    finally:
        for racer in racers:
            end(racer)
    assert Counter(key for keys in won for key in keys) == {f"race/{i}": 1 for i in range(25)}


def test_of_many_threads_one_creates(place: Place):
    won: list[str] = []
    barrier = threading.Barrier(RACERS)

    def race() -> None:
        barrier.wait()
        won.extend(key for key in map(str, range(20)) if place.create(key, b"x"))

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(map(str, range(20)))


def test_create_keeps_what_is_there(place: Place):
    assert place.create("a/b", b"first")
    assert not place.create("a/b", b"second")
    place.write("a/c", b"")
    assert not place.create("a/c", b"second")
    assert place.read_many(["a/b", "a/c"]) == {"a/b": b"first", "a/c": b""}
    assert place.list() == ["a/b", "a/c"]


def test_probe_exclusive(place: Place):
    assert probe_exclusive(place)
    assert place.list() == []


def test_probe_exclusive_notices_a_store_that_ignores_the_condition(local: Place, monkeypatch):
    monkeypatch.setattr(type(local), "create", lambda self, key, data: self.write(key, data) or True)
    assert not probe_exclusive(local)
    assert local.list() == []


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_create_without_hard_links(local: Place, monkeypatch, code):
    def refuse(source: str, target: str) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    assert local.create("a/b", b"first")
    assert not local.create("a/b", b"second")
    assert local.read("a/b") == b"first"
    assert files_in(local) == ["a/b"]


# --- what can go wrong locally ------------------------------------------------------------------


def files_in(place: Place) -> list[str]:
    root = Path(place.spec.url)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_writers_and_readers_never_see_a_part(local: Place):
    sizes = (10, 300_000)
    local.write("key", b"x" * sizes[0])
    stop = threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(len(local.read("key") or b""))

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=lambda: [local.write("key", b"x" * size) for size in sizes * 30]) for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert seen <= set(sizes)
    assert files_in(local) == ["key"]


FORBIDDEN = """
import os, pickle, sys
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
if os.geteuid() == 0:
    os.setuid(65534)  # root is never forbidden anything
for action in (
    lambda: place.read("a"),
    lambda: place.write("a", b"2"),
    lambda: place.create("b", b"2"),
    lambda: place.list(),
):
    try:
        action()
    except OSError as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="uses POSIX rights and mounts")
class TestFailures:
    """Failures of the file system, made for real where this user may."""

    def test_a_file_where_a_directory_is_needed(self, local: Place):
        local.write("a", b"1")
        with pytest.raises(StoreError, match="a file is where a directory is needed") as caught:
            local.write("a/b", b"2")
        assert caught.value.errno == errno.ENOTDIR
        assert local.read("a") == b"1"

    def test_a_directory_where_a_file_is_needed(self, local: Place):
        local.write("a/b", b"1")
        with pytest.raises(StoreError, match="a directory is where a file is needed"):
            local.write("a", b"2")
        assert files_in(local) == ["a/b"]

    def test_no_permission(self, local: Place):
        local.write("a", b"1")
        os.chmod(local.spec.url, 0 if os.geteuid() else 0o700)
        try:
            said = finish(start(FORBIDDEN, pickle.dumps(local.spec).hex()))
        finally:
            os.chmod(local.spec.url, 0o700)
        assert said.count("permission was denied") == 4
        assert files_in(local) == ["a"]

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
    def test_refusals_are_sentences(self, local: Place, monkeypatch, code):
        def refuse(*args: object, **kwargs: object) -> None:
            raise OSError(code, os.strerror(code))

        local.write("a", b"1")
        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refuse)
            for action in (lambda: local.read("a"), lambda: local.write("a", b"2"), lambda: local.create("b", b"2")):
                with pytest.raises(
                    StoreError, match=r"store.zarr/[ab] could not be (read|written|created): .*;"
                ) as got:
                    action()
                assert got.value.errno == code
        assert local.read("a") == b"1"

    def test_a_full_disk(self, tmp_path: Path):
        if os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("only root can mount a small disk")
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        try:
            self.fill(open_place(resolve(disk / "store")))
        finally:
            subprocess.run(["umount", disk], check=True)

    @staticmethod
    def fill(place: Place) -> None:
        place.write("old", b"x" * 1000)
        with place.append_file("log") as log:
            append_all(log, b"record")
            for action in (
                lambda: place.write("old", b"y" * 500_000),
                lambda: place.create("new", b"y" * 500_000),
            ):
                with pytest.raises(StoreError, match="no space is left") as caught:
                    action()
                assert caught.value.errno == errno.ENOSPC
            with pytest.raises(OSError) as caught_appending:
                append_all(log, b"z" * 500_000)
            assert caught_appending.value.errno == errno.ENOSPC
            assert files_in(place) == ["log", "old"]
            assert place.read("old") == b"x" * 1000
            append_all(log, b"-next")
        assert place.read("log") == b"record-next"


def test_appending(local: Place):
    with local.append_file("deep/log") as first, local.append_file("deep/log") as second:
        append_all(first, b"one ")
        append_all(second, b"two ")
        append_all(first, b"three")
    assert local.read("deep/log") == b"one two three"


def test_only_local_places_append(store):
    place = open_place(resolve(store.url, store.storage_options))
    file = place.append_file("log")
    assert (file is not None) is place.is_local
    if file is not None:
        file.close()


KILLED = """
import os, pickle, sys
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
place.write("a/key", b"x" * 100)
print("ready", flush=True)
for i in range(10**9):
    place.write("a/key", bytes([i % 256]) * 1_000_000)
"""


def test_a_killed_writer_leaves_whole_keys_and_what_sweep_removes(local: Place):
    for _ in range(3):
        writer = start(KILLED, pickle.dumps(local.spec).hex())
        try:
            assert writer.stdout.readline() == "ready\n"
            threading.Event().wait(0.05)
        finally:
            end(writer)
        content = local.read("a/key")
        assert len(content) in (100, 1_000_000)
        assert len(set(content)) == 1
        assert local.list() == ["a/key"]
        assert local.children("a") == ["key"]
    left = len(files_in(local)) - 1
    assert local.sweep() == 0
    assert local.sweep(older_than=-1.0) == left
    assert files_in(local) == ["a/key"]


# --- what can go wrong elsewhere ----------------------------------------------------------------


def test_no_such_bucket(s3_server):
    place = open_place(resolve("s3://no-such-bucket/study", s3_server.storage_options))
    for action in (
        lambda: place.read("a"),
        lambda: place.read_many(["a", "b"]),
        lambda: place.write("a", b""),
        lambda: place.write_many({"a": b"", "b": b""}),
        lambda: place.create("a", b""),
        lambda: place.list(),
        lambda: place.children(),
        lambda: place.exists("a"),
    ):
        with pytest.raises(StoreError, match="bucket that does not exist; make it first"):
            action()


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    options = {
        "key": "k",
        "secret": "hush",
        "endpoint_url": "http://127.0.0.1:1",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    place = open_place(resolve("s3://bucket/study", options))
    with pytest.raises(StoreError, match=r"s3://bucket/study/a could not be read: .*Could not connect") as caught:
        place.read("a")
    assert "hush" not in str(caught.value)


def test_chains_can_be_read_but_not_written(s3_store):
    plain = open_place(resolve(s3_store.url, s3_store.storage_options))
    plain.write_many({"a/b": b"1", "a/c": b"2"})
    chain = open_place(resolve(f"simplecache::{s3_store.url}", {"s3": s3_store.storage_options}))
    assert chain.read("a/b") == b"1"
    assert chain.read("none") is None
    assert chain.read_many(["a/b", "a/c", "a/d"]) == {"a/b": b"1", "a/c": b"2"}
    assert chain.list() == ["a/b", "a/c"]
    assert chain.children("a") == ["b", "c"]
    assert chain.below("a").read("c") == b"2"
    for action in (
        lambda: chain.write("a/d", b""),
        lambda: chain.create("a/d", b""),
        lambda: chain.delete(["a/b"]),
        lambda: chain.move("a/b", "a/d"),
        lambda: chain.copy_many([("a/b", "a/d")]),
    ):
        with pytest.raises(StoreError, match="can be read but not written"):
            action()
    assert plain.list() == ["a/b", "a/c"]


def test_what_others_write_is_seen_at_once(s3_store):
    place = open_place(resolve(s3_store.url, s3_store.storage_options))
    other = pickle.loads(pickle.dumps(place))
    assert place.children() == []
    other.write("a/b", b"1")
    assert place.children() == ["a"]
    other.write("a/c", b"1")
    assert place.list() == ["a/b", "a/c"]
    other.delete(["a/b"])
    assert place.children("a") == ["c"]
    assert not place.exists("a/b")


def test_a_server_without_bulk_deletion(s3_store, monkeypatch):
    place = open_place(resolve(s3_store.url, s3_store.storage_options))

    def refuse(self, method, *args, **kwargs):
        raise NotImplementedError(method)

    monkeypatch.setattr("s3fs.S3FileSystem.call_s3", refuse)
    place.write_many({str(i): b"" for i in range(10)})
    place.delete(map(str, range(10)))
    assert place.list() == []


FORKED = """
import os, pickle, sys
from xpet.store.place import open_place
place = open_place(pickle.loads(bytes.fromhex(sys.argv[1])))
inner = place.below("inner")
place.write("parent", b"1")
child = os.fork()
if child == 0:
    try:
        again = open_place(place.spec)
        assert again is not place
        assert again.read("parent") == b"1"
        assert place.read("parent") == b"1"
        inner.write("inherited", b"2")
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
assert os.waitpid(child, 0)[1] == 0
assert inner.read("inherited") == b"2"
place.write("parent", b"3")
assert place.read("parent") == b"3"
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_nothing_is_inherited_over_fork(shared_place: Place):
    assert finish(start(FORKED, pickle.dumps(shared_place.spec).hex())) == "fine\n"
