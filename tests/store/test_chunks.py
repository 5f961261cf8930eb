"""zarr reads the documents and chunks that we write, and we read the chunks that it writes."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
import zarr
from fixtures_columns import memory
from numcodecs import Zstd, blosc

from xpet.errors import CorruptStoreError
from xpet.store.chunks import (
    check_reach,
    chunk_key,
    decode_chunk,
    encode_chunk,
    read_row,
    read_rows,
    read_whole,
    write_rows,
    write_whole,
)
from xpet.store.documents import DTYPES, KEYS, ArrayDoc, GroupDoc, doc_from_json, dumps
from xpet.store.hierarchy import Hierarchy
from xpet.store.layout import default_fill
from xpet.store.meta import Meta
from xpet.store.place import Place

SHAPES = {"0-d": (), "1-d": (5,), "empty": (0,), "2-d": (5, 3), "empty inner": (4, 0), "3-d": (3, 2, 5)}


def values_of(dtype: str, shape: tuple[int, ...]) -> Any:
    n = int(np.prod(shape))
    if dtype == "string":
        texts = np.empty(n, object)
        texts[:] = [["", "é😀", "a\0", "a" * 300][k % 4] for k in range(n)]
        return texts.reshape(shape)
    numbers = np.arange(n) % 7
    if dtype.startswith(("float", "complex")):
        numbers = np.where(numbers == 3, np.nan, np.where(numbers == 4, -0.0, numbers))
    return numbers.astype(dtype).reshape(shape)


def document(dtype: str, shape: tuple[int, ...], chunks: tuple[int, ...], keys: Any = "/") -> ArrayDoc:
    dims = tuple(f"d{k}" for k in range(len(shape)))
    fill = False if dtype == "bool" else default_fill(dtype)
    return ArrayDoc(shape, dtype, dims, chunks, fill, {"units": "mV"}, {"of": "a"}, keys)


def publish(place: Place, docs: dict[str, ArrayDoc], consolidated: bool) -> None:
    hierarchy = Hierarchy({"g": GroupDoc(), **docs})
    meta = Meta("t", "0", 0.0, 1)
    if consolidated:
        place.write("zarr.json", hierarchy.root_document(meta, {}))
    else:
        place.write("zarr.json", dumps(GroupDoc().to_json()))
        place.write_many({f"{key}/zarr.json": dumps(hierarchy.to_json(key)) for key in hierarchy})


def by_zarr(place: Place, key: str) -> Any:
    url, options = place.zarr_store_args()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return zarr.open_group(url, mode="r", storage_options=options)[key]


def same(a: Any, b: Any) -> bool:
    if b.dtype == object:
        return bool((np.asarray(a).astype(object) == b).all())
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("consolidated", [True, False], ids=["consolidated", "each node"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_zarr_reads_what_we_write(dtype: str, shape: tuple[int, ...], consolidated: bool):
    place = memory()
    chunks = tuple(max(1, size - 1) for size in shape)
    docs = {f"g/{k}": document(dtype, shape, chunks, keys) for k, keys in enumerate(KEYS)}
    values = values_of(dtype, shape)
    for key, doc in docs.items():
        write_whole(place, key, doc, values)
    publish(place, docs, consolidated)
    for key, doc in docs.items():
        array = by_zarr(place, key)
        assert same(array[...], values)
        assert array.metadata.dimension_names == doc.dims or not doc.dims
        assert dict(array.attrs) == {"units": "mV", "xpet": '{"of":"a"}'}
        assert same(read_whole(place, key, doc), values)
        assert doc_from_json(doc.to_json(), key) == doc or doc.fill != doc.fill or dtype.startswith("complex")


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_a_scalar_without_a_chunk_is_its_fill(dtype: str):
    place = memory()
    fills = {"s": "é\0", "b": True, "f": -0.0, "c": complex(-0.0, float("-inf")), "i": -3, "u": 3}
    fill: Any = fills[dtype[0]]
    doc = ArrayDoc((), dtype, (), (), fill)
    publish(place, {"g/a": doc}, consolidated=True)
    expected = np.array(fill, object if dtype == "string" else dtype)
    assert same(np.asarray(by_zarr(place, "g/a")[...], expected.dtype), expected)
    assert same(read_whole(place, "g/a", doc_from_json(json.loads(json.dumps(doc.to_json())), "a")), expected)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_we_read_what_zarr_writes(dtype: str):
    place = memory()
    doc = document(dtype, (7, 3), (2, 2))
    publish(place, {"g/a": doc}, consolidated=False)
    url, options = place.zarr_store_args()
    values = values_of(dtype, (7, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zarr.open_array(f"{url}/g/a", mode="r+", storage_options=options)[...] = values.astype(
            np.dtypes.StringDType() if dtype == "string" else dtype
        )
    assert same(read_whole(place, "g/a", doc), values)
    assert same(read_row(place, "g/a", doc, 4, (2,)), values[4, :2])
    assert same(read_rows(place, "g/a", doc, 3, 6), values[3:6])


@pytest.mark.parametrize("rows", [[0], [6], [0, 1], [1, 2, 5], list(range(7)), [2, 3]], ids=str)
@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("given", [np.asarray, list], ids=["array", "list"])
def test_rows_are_written_among_others(rows: list[int], keys: Any, given: Any):
    place = memory()
    doc = document("int16", (7, 3), (2, 2), keys)
    before, new = values_of("int16", (7, 3)), -values_of("int16", (7, 3)) - 1
    write_whole(place, "a", doc, before)
    write_rows(place, "a", doc, np.array(rows), given(new[rows][:, :2]))
    after = before.copy()
    after[rows] = doc.fill
    after[rows, :2] = new[rows, :2]
    assert same(read_whole(place, "a", doc), after)


def test_keys_of_one_array_never_meet():
    index = [(0, 1), (3, 0)]
    found = {chunk_key(document("int8", (9, 9), (1, 1), keys), each) for keys in KEYS for each in index}
    assert found == {"c/0/1", "c/3/0", "c.0.1", "c.3.0", "0.1", "3.0"}
    assert {chunk_key(document("int8", (), (), keys), ()) for keys in KEYS} == {"c", "0"}


NUMBERS, TEXTS = document("float64", (4,), (4,)), document("string", (4,), (4,))
HUGE = (2**31 - 1).to_bytes(4, "little")
DAMAGED = {
    "nothing": (NUMBERS, b""),
    "short": (NUMBERS, encode_chunk(NUMBERS, np.zeros(4))[:-3]),
    "too small": (NUMBERS, bytes(blosc.compress(np.zeros(3), b"lz4", 5, 1))),
    "too large": (NUMBERS, bytes(blosc.compress(np.zeros(5), b"lz4", 5, 1))),
    "claims gigabytes": (NUMBERS, bytes(blosc.compress(np.zeros(4), b"lz4", 5, 1))[:4] + HUGE + b"\0" * 40),
    "no texts": (TEXTS, b""),
    "not zstd": (TEXTS, b"abc"),
    "claims gigabytes of text": (TEXTS, bytes.fromhex("28b52ffde0") + HUGE + b"\0" * 40),
    "unpacks to gigabytes": (TEXTS, bytes(Zstd(1).encode(bytes(2**26 + 2**23)))),
    "does not say its size": (TEXTS, bytes.fromhex("28b52ffd0058") + b"\1\0\0"),
    "billions of texts": (TEXTS, bytes(Zstd(1).encode(HUGE))),
    "a text beyond the end": (TEXTS, bytes(Zstd(1).encode((4).to_bytes(4, "little") + HUGE))),
    "no UTF-8": (TEXTS, bytes(Zstd(1).encode((4).to_bytes(4, "little") + b"\1\0\0\0\xff" * 4))),
}


@pytest.mark.parametrize(("doc", "data"), DAMAGED.values(), ids=DAMAGED)
def test_damaged(doc: ArrayDoc, data: bytes):
    tracemalloc.start()
    try:
        with pytest.raises(CorruptStoreError, match="results/z/c/0"):
            decode_chunk(doc, data, "results/z/c/0")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_texts_that_are_packed_a_thousandfold():
    doc = document("string", (40,), (40,))
    texts = np.empty(40, object)
    texts[:] = ["ä" * 10**6] * 40
    data = encode_chunk(doc, texts)
    assert len(data) < 10**6
    assert (decode_chunk(doc, data, "z/c/0") == texts).all()
    place = memory()
    publish(place, {"g/a": doc}, consolidated=True)
    place.write("g/a/c/0", data)
    assert same(by_zarr(place, "g/a")[...], texts)


def test_a_damaged_chunk_says_which_runs_it_has():
    doc = NUMBERS._replace(dims=("run",), shape=(10,))
    with pytest.raises(CorruptStoreError, match=r"results/z/c/2: the chunk of runs 8 to 9 is damaged.*overwrite"):
        decode_chunk(doc, b"", "results/z/c/2")


@pytest.mark.parametrize("keys", KEYS)
def test_a_shape_that_no_chunk_reaches(keys: Any):
    place = memory()
    doc = document("int16", (2, 30), (2, 10), keys)._replace(dims=("run", "z.d0"))
    write_whole(place, "results/z", doc, np.zeros((2, 30), "i2"))
    huge = doc._replace(shape=(2, 10**15))
    check_reach(place, "results/z", doc, 10**15)
    with pytest.raises(CorruptStoreError, match=r"results/z: its shape is \(2, 10+\).*the first 30 items"):
        check_reach(place, "results/z", huge, 2 * 10**15)
    with pytest.raises(CorruptStoreError, match="results/z"):
        read_row(place, "results/z", huge, 0, (10**15,))
    with pytest.raises(CorruptStoreError, match="results/a"):
        read_whole(place, "results/a", document("int16", (10**15,), (10,), keys))


def node(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(NUMBERS.to_json())), **changes}


FORGED = {
    "no type": node(node_type=None),
    "objects": node(data_type="O"),
    "negative shape": node(shape=[-1]),
    "shape of texts": node(shape=["a"]),
    "rank": node(shape=[1, 2]),
    "no chunks": node(chunk_grid={"name": "regular", "configuration": {"chunk_shape": [0]}}),
    "other chunk keys": node(chunk_key_encoding={"name": "default", "configuration": {"separator": "../"}}),
    "no dims": node(dimension_names=None),
    "fill": node(fill_value="abc"),
    "infinite": node(data_type="int8", fill_value=float("inf")),
    "chunks of terabytes": node(chunk_grid={"name": "regular", "configuration": {"chunk_shape": [10**12]}}),
    "another codec": node(codecs=[{"name": "bytes"}, {"name": "gzip", "configuration": {"level": 1}}]),
    "no codecs": node(codecs=[]),
    "ours is deep": node(attributes={"xpet": "[" * 100_000}),
    "ours is not JSON": node(attributes={"xpet": "{"}),
    "ours is no object": node(attributes={"xpet": "[1]"}),
    "attributes": node(attributes=3),
    "not an object": [],
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_forged_documents(forged: Any):
    with pytest.raises(CorruptStoreError, match="results/z"):
        doc_from_json(forged, "results/z")
