"""Every kind of place keeps the same promises."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest
import xarray as xr
import zarr
import zarr.storage
from fixtures_processes import finish, start

from xpet.errors import MissingPackageError, StoreError
from xpet.store.place import Place, PlaceSpec, hdf5_sibling, open_place, probe_exclusive, resolve
from xpet.store.places.remote import RemotePlace


@pytest.fixture(params=["memory", "local-read-only", "fsspec"])
def zarr_store(request, tmp_path):
    if request.param == "memory":
        return zarr.storage.MemoryStore()
    if request.param == "fsspec":
        return zarr.storage.FsspecStore.from_url(f"memory://{tmp_path.name}-{os.getpid()}")
    (tmp_path / "store").mkdir()
    return zarr.storage.LocalStore(tmp_path / "store", read_only=True)


# --- where a store is ---------------------------------------------------------------------------

HOME = os.path.expanduser("~")


@pytest.mark.parametrize(
    ("given", "url", "kind"),
    [
        pytest.param("/data/study.zarr", "/data/study.zarr", "local", id="absolute"),
        pytest.param("/data/a/../study.zarr/", "/data/study.zarr", "local", id="normalised"),
        pytest.param("study", os.path.join(os.getcwd(), "study"), "local", id="relative"),
        pytest.param("~/study", os.path.join(HOME, "study"), "local", id="home"),
        pytest.param(Path("/data") / "study", "/data/study", "local", id="pathlib"),
        pytest.param(b"/data/study", "/data/study", "local", id="bytes"),
        pytest.param("file:///data/study", "/data/study", "local", id="file-url"),
        pytest.param("local:///data/study", "/data/study", "local", id="local-url"),
        pytest.param("/data/study.hdf5", "/data/study.zarr", "local", id="hdf5"),
        pytest.param("/data/study.H5", "/data/study.zarr", "local", id="h5"),
        pytest.param("memory://a/b/", "memory://a/b", "memory", id="memory"),
        pytest.param("s3://bucket/study/", "s3://bucket/study", "fsspec", id="s3"),
        pytest.param("gs://bucket/study.he5", "gs://bucket/study.zarr", "fsspec", id="gs-hdf5"),
        pytest.param("simplecache::s3://bucket/study", "simplecache::s3://bucket/study", "fsspec", id="chain"),
        pytest.param(None, os.path.join(os.getcwd(), "data", "traj.zarr"), "local", id="none"),
    ],
)
def test_resolve(given, url, kind):
    spec = resolve(given, name="traj")
    assert (spec.url, spec.kind) == (url, kind)


@pytest.mark.parametrize("given", [r"C:\data\study", "C:/data/study", "c:study"])
def test_windows_paths_are_local(given):
    assert resolve(given).kind == "local"


@pytest.mark.parametrize(
    ("given", "options", "error", "says"),
    [
        pytest.param("", None, ValueError, "empty", id="empty"),
        pytest.param("  ", None, ValueError, "empty", id="blank"),
        pytest.param("s3://", None, ValueError, "protocol only", id="no-bucket"),
        pytest.param("/data", {"key": "k"}, ValueError, "local path '/data'", id="options-for-a-path"),
        pytest.param(3, None, TypeError, "of type int", id="number"),
    ],
)
def test_resolve_refuses(given, options, error, says):
    with pytest.raises(error, match=says):
        resolve(given, options)


@pytest.mark.parametrize(
    ("given", "sibling"),
    [("a/b.hdf5", "a/b.zarr"), ("b.HDF", "b.zarr"), ("b.zarr", None), ("h5", None), (None, None), (3, None)],
)
def test_hdf5_sibling(given, sibling):
    assert hdf5_sibling(given) == sibling


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        pytest.param("nosuch://bucket/study", StoreError, "Protocol not known: nosuch", id="protocol"),
        pytest.param("hdfs://bucket/study", MissingPackageError, "needs a package", id="package"),
    ],
)
def test_open_place_refuses(url, error, says):
    with pytest.raises(error, match=says):
        open_place(resolve(url))


WITHOUT_S3FS = """
import sys
sys.modules["s3fs"] = None
from xpet.errors import MissingPackageError
from xpet.store.place import open_place, resolve
try:
    open_place(resolve("s3://bucket/study"))
except MissingPackageError as error:
    print(error)
"""


def test_a_missing_package_names_the_extra():
    assert "pip install 'xpet[s3]'" in finish(start(WITHOUT_S3FS))


def test_a_spec_keeps_secrets_and_travels():
    options = {"key": "AKIA", "secret": "hush", "client_kwargs": {"region_name": "eu"}}
    spec = resolve("s3://bucket/study", options)
    assert "hush" not in repr(spec)
    assert "AKIA" not in repr(spec)
    assert "hush" not in str(spec)
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert hash(again) == hash(spec)
    assert resolve("s3://bucket/study", {**options, "secret": "other"}) != spec
    options["client_kwargs"]["region_name"] = "us"
    assert spec.storage_options["client_kwargs"] == {"region_name": "eu"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ftp://user:hush@host/study", "ftp://…@host/study"),
        ("https://host/study?sig=hush", "https://host/study?…"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
    ],
)
def test_urls_for_people_hold_no_secrets(url, shown):
    assert shown in repr(PlaceSpec(url, {}, "fsspec"))


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("s3://b/x", "s3://b/x/sub/deep"),
        ("simplecache::s3://b/x", "simplecache::s3://b/x/sub/deep"),
        ("zip://::s3://b/x.zip", "zip://sub/deep::s3://b/x.zip"),
        ("zip://in::s3://b/x.zip", "zip://in/sub/deep::s3://b/x.zip"),
        ("memory://", "memory://sub/deep"),
    ],
)
def test_the_url_below(url, below):
    assert resolve(url).below("sub/deep").url == below


# --- keys and bytes -----------------------------------------------------------------------------


def test_reading_and_writing(place: Place):
    assert place.read("zarr.json") is None
    assert place.list() == []
    assert place.children() == []
    assert not place.exists("zarr.json")
    place.write("zarr.json", b"1")
    place.write("a/b/c.1", b"")
    place.write("a/b/c.1", bytearray(b"two"))
    place.write("a/d", memoryview(b"three"))
    assert place.read("zarr.json") == b"1"
    assert place.read("a/b/c.1") == b"two"
    assert place.read("a/b") is None
    assert place.read("a/d/e") is None
    assert place.list() == ["a/b/c.1", "a/d", "zarr.json"]
    assert place.list("a/b") == place.list("a/b/") == ["a/b/c.1"]
    assert place.list("a/b/c.1") == place.list("nothing") == []
    assert place.children() == ["a", "zarr.json"]
    assert place.children("a") == ["b", "d"]
    assert place.children("nothing") == []
    assert place.exists("a/d")
    assert not place.exists("a")


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 65_537, 3_000_000])
def test_sizes(place: Place, size):
    data = os.urandom(size)
    place.write("a", data)
    assert place.read("a") == data
    assert place.create("b", data)
    assert place.read("b") == data


def test_prefixes_are_whole_segments(place: Place):
    place.write("ab/c", b"1")
    place.write("a/c", b"2")
    assert place.list("a") == ["a/c"]
    assert place.children("a") == ["c"]
    place.delete_tree("a")
    assert place.list() == ["ab/c"]


def test_many_at_once(place: Place):
    items = {f"m/{i}": b"%d" % i for i in range(150)}
    place.write_many(items)
    assert place.read_many([*items, "m/none"]) == items
    assert place.read_many([]) == {}
    assert place.read_many(["m/none"]) == {}
    place.write_many({})
    copies = {key.replace("m/", "n/"): key for key in sorted(items)[:40]}
    place.copy_many([(src, dst) for dst, src in copies.items()])
    assert place.list("n") == sorted(copies)
    assert place.read_many(copies) == {dst: items[src] for dst, src in copies.items()}
    assert place.sizes("m") == {key: len(data) for key, data in items.items()}
    place.delete([*items, "m/none"])
    assert place.list("m") == []


def test_below(place: Place):
    inner = place.below("one/two")
    inner.write("key", b"1")
    assert place.read("one/two/key") == b"1"
    assert inner.list() == ["key"]
    assert inner.below("three").list() == []
    assert inner.url == f"{place.url}/one/two"
    again = open_place(inner.spec)
    assert again.read("key") == b"1"
    assert again.spec == inner.spec


def test_move(place: Place):
    place.write("a", b"1")
    place.write("deep/b", b"2")
    place.move("a", "deep/b")
    assert place.read("deep/b") == b"1"
    assert place.read("a") is None
    place.move("a", "deep/b")
    place.move("deep/b", "new/folder/c")
    assert place.list() == ["new/folder/c"]
    with pytest.raises(StoreError, match=r"gone could not be moved to nowhere"):
        place.move("gone", "nowhere")


def test_copy(place: Place):
    place.write_many({"a": b"1", "deep/b": b"22", "c": b"3"})
    for _ in range(2):
        place.copy_many([("a", "deep/b"), ("a", "new/folder/d")])
        assert place.read_many(["a", "deep/b", "new/folder/d"]) == {"a": b"1", "deep/b": b"1", "new/folder/d": b"1"}
    # what becomes of one of them is not seen in the others
    place.write("deep/b", b"44")
    place.delete(["a"])
    assert place.read_many(place.list()) == {"c": b"3", "deep/b": b"44", "new/folder/d": b"1"}
    assert place.sizes("deep") == {"deep/b": 2}
    assert place.sizes("none") == {}
    for pairs in ([("gone", "e")], [("c", "e"), ("gone", "f")]):
        with pytest.raises(StoreError, match="gone could not be copied to"):
            place.copy_many(pairs)
    place.copy_many([])
    assert "gone" not in place.list()


def test_copy_where_the_file_system_cannot(monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    place = RemotePlace(PlaceSpec("memory://copies", {}, "fsspec"))
    place.write("a", b"1")

    def cannot(self: object, *paths: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cp_file", cannot)
    place.copy_many([("a", "b/c")])
    assert place.read_many(["a", "b/c"]) == {"a": b"1", "b/c": b"1"}


def test_copy_where_files_have_one_name(tmp_path, monkeypatch):
    place = open_place(resolve(tmp_path / "s"))
    place.write("a", b"1")

    def link(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "no links here", target)

    monkeypatch.setattr(os, "link", link)
    place.copy_many([("a", "b/c")])
    assert place.read_many(["a", "b/c"]) == {"a": b"1", "b/c": b"1"}
    assert sorted(os.listdir(tmp_path / "s" / "b")) == ["c"]


def test_delete_tree(place: Place):
    place.write_many({f"t/{key}": b"" for key in ("zarr.json", "a/zarr.json", "a/c/0", "b")})
    place.write("u", b"")
    place.delete_tree("t")
    place.delete_tree("t")
    assert place.list() == ["u"]
    with pytest.raises(ValueError):
        place.delete_tree("")


def test_prune_removes_what_is_empty(local: Place):
    local.write_many({"t/a/c/0": b"", "t/notes/mine": b""})
    Path(local.url, "t", "notes", "mine.partial").write_bytes(b"")
    Path(local.url, "t", "a", "c", ".1-2-3.partial").write_bytes(b"")
    local.delete(["t/a/c/0", "t/notes/mine"])
    Path(local.url, "t", "lease").mkdir()
    Path(local.url, "t", "lease", ".1-2-4.partial").write_bytes(b"")
    local.below("t").prune("lease")
    left = {"t", "t/notes", "t/notes/mine.partial", "t/lease", "t/lease/.1-2-4.partial"}
    assert {path.relative_to(local.url).as_posix() for path in Path(local.url).rglob("*")} == left


def test_drop_empty_removes_a_folder_and_what_it_is_in(local: Place):
    local.write("t/notes", b"")
    Path(local.url, "t", "a", "b").mkdir(parents=True)
    local.below("t").drop_empty("a/b")
    assert sorted(path.name for path in Path(local.url).rglob("*")) == ["notes", "t"]
    local.delete(["t/notes"])
    local.below("t").drop_empty("a/b")
    assert not Path(local.url, "t").exists()


def test_places_are_kept_open_within_bounds():
    first = open_place(PlaceSpec("memory://kept-0", {}, "memory"))
    assert open_place(first.spec) is first
    for number in range(1, 100):
        open_place(PlaceSpec(f"memory://kept-{number}", {}, "memory"))
    assert open_place(first.spec) is not first


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", "./a", "a/./b", "a\\b", "a\0b", "a.partial"],
)
def test_keys_are_checked(local: Place, key):
    for action in (
        lambda: local.read(key),
        lambda: local.write(key, b""),
        lambda: local.create(key, b""),
        lambda: local.delete([key]),
        lambda: local.exists(key),
        lambda: local.move("a", key),
        lambda: local.move(key, "a"),
        lambda: local.append_file(key),
        lambda: local.below(key),
    ):
        with pytest.raises(ValueError, match="not a key"):
            action()


@pytest.mark.parametrize("key", ["a..b", ".hidden", "a/.hidden", "z.which", "c/0/1", "run_0001", "x-1", "a b"])
def test_keys_may_hold(place: Place, key):
    place.write(key, b"1")
    assert place.list() == [key]


def test_keys_may_look_like_patterns(shared_place: Place):
    inner = shared_place.below("a[1]")
    inner.write_many({"x": b"1", "y": b"2"})
    assert inner.read_many(["x", "y", "z"]) == {"x": b"1", "y": b"2"}
    inner.delete([*"xy", *"abcdef"])
    assert inner.list() == []


def test_a_place_travels(shared_place: Place):
    shared_place.write("a", b"1")
    assert pickle.loads(pickle.dumps(shared_place)).read("a") == b"1"
    assert open_place(shared_place.spec) is open_place(pickle.loads(pickle.dumps(shared_place.spec)))


def test_credentials_may_come_from_the_environment(environment_store):
    place = open_place(resolve(environment_store.url))
    place.write("a", b"1")
    assert place.read("a") == b"1"
    assert probe_exclusive(place)


# --- Zarr stores, and what zarr and xarray open -------------------------------------------------


def test_zarr_stores_are_places(zarr_store):
    place = open_place(resolve(zarr_store))
    if zarr_store.read_only:
        assert place.read("a") is None
        with pytest.raises(StoreError, match="could not be written"):
            place.write("a", b"1")
        return
    assert place.in_process_only
    assert place.read("a/b") is None
    assert place.create("a/b", b"1")
    assert not place.create("a/b", b"2")
    place.write_many({"a/c": b"2", "d": b"3"})
    assert place.read_many(["a/b", "a/c", "x"]) == {"a/b": b"1", "a/c": b"2"}
    assert place.list() == ["a/b", "a/c", "d"]
    assert place.list("a") == ["a/b", "a/c"]
    assert place.children() == ["a", "d"]
    assert place.children("a") == place.below("a").children() == ["b", "c"]
    assert place.children("none") == []
    assert place.exists("d")
    assert not place.exists("e")
    place.move("d", "a/d")
    place.move("d", "a/d")
    assert place.below("a").list() == ["b", "c", "d"]
    place.delete(["a/b", "none"])
    place.delete_tree("a")
    assert place.list() == []


def test_a_zarr_store_object_does_not_travel():
    spec = resolve(zarr.storage.MemoryStore())
    with pytest.raises(StoreError, match="lives in one process"):
        pickle.dumps(spec)


def test_a_local_zarr_store_is_its_directory(tmp_path: Path):
    assert resolve(zarr.storage.LocalStore(tmp_path)) == resolve(tmp_path)


def test_storage_options_do_not_go_with_a_zarr_store():
    with pytest.raises(ValueError, match="leave them out"):
        resolve(zarr.storage.MemoryStore(), {"key": "k"})


def test_zarr_and_xarray_open_what_a_place_names(place: Place):
    open_with_zarr_and_xarray(place)


def test_zarr_and_xarray_open_a_zarr_store():
    open_with_zarr_and_xarray(open_place(resolve(zarr.storage.MemoryStore())))


def open_with_zarr_and_xarray(place: Place) -> None:
    for one in (place, place.below("traj")):
        url, options = one.zarr_store_args()
        group = zarr.open_group(url, mode="a", storage_options=options)
        group.create_array("x", data=xr.DataArray([1, 2, 3]).values, dimension_names=("run",))
        assert one.exists("x/zarr.json")
        with xr.open_dataset(url, engine="zarr", consolidated=False, storage_options=options) as opened:
            assert opened.x.values.tolist() == [1, 2, 3]


def test_a_copy_whose_link_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = open_place(resolve(tmp_path / "s"))
    place.write("a", b"1")
    link = os.link

    def twice(source: str, target: str) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    place.copy_many([("a", "b/c")])
    assert place.read_many(place.list()) == {"a": b"1", "b/c": b"1"}
