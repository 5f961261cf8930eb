"""Where stores can be: one fixture per port, the same tests for every kind of place."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
from fixtures_servers import BUCKET, Server, running

from xpet.store.place import Place, open_place, resolve

S3_KINDS = ("moto", "ministack")


@dataclass(frozen=True)
class StoreAt:
    """Where a test's store is, which is new and empty."""

    url: str
    storage_options: dict[str, object] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can open it."""
        return not self.url.startswith("memory://")


def server(kind: str) -> Iterator[Server]:
    """Run a server; if it is not installed, that is a reason to skip, but in CI a failure."""
    with contextlib.ExitStack() as stack:
        try:
            import_module("s3fs")
            up = stack.enter_context(running(kind))
        except (FileNotFoundError, ImportError) as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        yield up


@pytest.fixture(autouse=True)
def memory_is_given_back() -> Iterator[None]:
    """Forget what a test leaves in ``memory://``: every listing there looks at all keys of the process."""
    from fsspec.implementations.memory import MemoryFileSystem

    before = set(MemoryFileSystem.store)
    yield
    for key in MemoryFileSystem.store.keys() - before:
        # A writer that the test left open goes on renewing its lease, and would warn into the log of later tests.
        if "/_xpet/journal/lease/" not in key:
            MemoryFileSystem.store.pop(key, None)


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """A moto server."""
    yield from server("moto")


@pytest.fixture(scope="session")
def ministack() -> Iterator[Server]:
    """A ministack server."""
    yield from server("ministack")


@pytest.fixture(params=[pytest.param(kind, id=f"s3-{kind}", marks=pytest.mark.s3) for kind in S3_KINDS])
def s3_server(request: pytest.FixtureRequest) -> Server:
    """Each of the S3 servers."""
    found: Server = request.getfixturevalue(request.param)
    return found


def make_store(request: pytest.FixtureRequest, kind: str) -> StoreAt:
    """Return a store of this kind that no other test has."""
    unique = uuid.uuid4().hex
    if kind == "local":
        tmp_path: Path = request.getfixturevalue("tmp_path")
        return StoreAt(str(tmp_path / "store.zarr"))
    if kind == "memory":
        return StoreAt(f"memory://{unique}/store.zarr")
    up: Server = request.getfixturevalue(kind.removeprefix("s3-"))
    return StoreAt(f"s3://{BUCKET}/{unique}/store.zarr", up.storage_options)


def kinds(*names: str) -> list[object]:
    """Return the parameters of a fixture, S3 marked as such."""
    return [pytest.param(name, id=name, marks=[pytest.mark.s3] if name.startswith("s3") else []) for name in names]


@pytest.fixture(params=kinds("local", "memory", "s3-ministack"))
def store(request: pytest.FixtureRequest) -> StoreAt:
    """A new, empty store at every kind of place; one S3 server, as servers differ in nothing above `Place`."""
    return make_store(request, request.param)


@pytest.fixture(params=kinds("local", "memory", *(f"s3-{kind}" for kind in S3_KINDS)))
def store_anywhere(request: pytest.FixtureRequest) -> StoreAt:
    """A new, empty store at every kind of place, and on every S3 server."""
    return make_store(request, request.param)


@pytest.fixture(params=kinds("local", *(f"s3-{kind}" for kind in S3_KINDS)))
def shared_store(request: pytest.FixtureRequest) -> StoreAt:
    """A new, empty store at every kind of place that other processes can open."""
    return make_store(request, request.param)


@pytest.fixture(params=kinds(*(f"s3-{kind}" for kind in S3_KINDS)))
def s3_store(request: pytest.FixtureRequest) -> StoreAt:
    """A new, empty store on every S3 server."""
    return make_store(request, request.param)


@pytest.fixture(params=kinds("s3-ministack"))
def bucket_store(request: pytest.FixtureRequest) -> StoreAt:
    """A new, empty store on an S3 server, where what is tested is above `Place`."""
    return make_store(request, request.param)


@pytest.fixture(params=kinds(*(f"s3-{kind}" for kind in S3_KINDS)))
def environment_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StoreAt:
    """A new, empty store on every S3 server, with credentials and endpoint in the environment alone."""
    up: Server = request.getfixturevalue(request.param.removeprefix("s3-"))
    for key, value in up.environment.items():
        monkeypatch.setenv(key, value)
    return StoreAt(make_store(request, request.param).url)


@pytest.fixture
def place(store_anywhere: StoreAt) -> Place:
    """The place of `store_anywhere`."""
    return open_place(resolve(store_anywhere.url, store_anywhere.storage_options))


@pytest.fixture
def shared_place(shared_store: StoreAt) -> Place:
    """The place of `shared_store`."""
    return open_place(resolve(shared_store.url, shared_store.storage_options))


@pytest.fixture
def local(tmp_path: Path) -> Place:
    """The place of a new directory that is not there yet."""
    return open_place(resolve(tmp_path / "store.zarr"))
