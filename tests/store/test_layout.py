"""Where things go: keys, chunk lengths, fills, attributes, names of dims."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from fixtures_columns import memory
from hypothesis import given
from hypothesis import strategies as st

from xpet.errors import CorruptStoreError
from xpet.store import layout
from xpet.store.dims import Dims, Naming
from xpet.store.documents import DTYPES, ArrayDoc, GroupDoc, itemsize
from xpet.store.hierarchy import Hierarchy, name_of
from xpet.values import Coord
from xpet.values.attrs import plain_attrs

INTEGERS = sorted(dtype for dtype in DTYPES if layout.is_integer(dtype))


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("results.runs.$.z", ("results", "z")),
        ("results.runs.$.neuron.V", ("results.neuron", "V")),
        ("results.neuron.$", ("results", "neuron")),
        ("results.$set.$.a.b", ("results.a", "b")),
        ("results.runs.z", ("results.runs", "z")),
        ("results.total", ("results", "total")),
        ("results.$", ("results", "value")),
        ("derived_parameters.runs.$.a", ("derived_parameters", "a")),
    ],
)
def test_place_of(template: str, place: tuple[str, str]):
    assert layout.place_of(template) == place


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_chunks_are_of_a_fair_size(dtype: str):
    for inner in [(), (1,), (3,), (1000,), (10**5,), (0,), (10**4, 10**4), (7, 0, 5)]:
        chunks = layout.inner_chunks(dtype, inner, ragged=False)
        rows = layout.run_chunk(dtype, chunks)
        assert all(chunk >= 1 for chunk in chunks)
        assert 1 <= rows <= layout.MAX_NUMBERS
        if dtype != "string":
            size = itemsize(dtype) * math.prod(chunks)
            assert size <= 2**25
            assert rows == 1 or rows * size <= 2 * layout.CHUNK_BYTES


@pytest.mark.parametrize("dtype", INTEGERS)
def test_numbers_that_may_mean_not_there(dtype: str):
    spare = list(layout.spare_fills(dtype))
    bounds = np.iinfo(dtype)
    assert len(set(spare)) == len(spare) >= 255
    assert all(bounds.min <= number <= bounds.max for number in spare)
    assert len(set(map(float, spare))) == len(spare)
    assert all(int(float(number)) == number for number in spare)


@pytest.mark.parametrize(
    ("attrs", "seen"),
    [
        ({"units": "mV", "k": 1, "f": 0.5}, {"units": "mV", "k": 1, "f": 0.5}),
        ({"units": "seconds"}, {"units": "s"}),
        ({"units": "days since 2000-01-01"}, {}),
        ({"_FillValue": 1, "dtype": "bool", "coordinates": "x", "scale_factor": 2.0}, {}),
        ({"a": math.nan, "b": math.inf, "c": 2**63, "d": True, "e": [1], "f": None}, {}),
        ({"a": "\udcff", "b": "\0", "c": "x" * 5000}, {}),
        ({"a b": 1, "_a": 1, "CLASS": "x", "é": 1, "": 1}, {}),
    ],
    ids=str,
)
def test_plain_attributes(attrs: dict[str, Any], seen: dict[str, Any]):
    assert plain_attrs(attrs) == seen
    assert plain_attrs(attrs, "said") == {"comment": "said", **seen}


# Keys -----------------------------------------------------------------------------------------------------------------


def array(*dims: str, size: int = 3, **xpet: Any) -> ArrayDoc:
    return ArrayDoc((size,) * len(dims), "float64", dims, (size,) * len(dims), 0.0, xpet=xpet)


def hierarchy(**extra: ArrayDoc | GroupDoc) -> Hierarchy:
    docs = Hierarchy()
    docs.put("runs/x", array("run", parameter="parameters.x"))
    docs.put("results/z", array("run", "time"))
    docs.put("results/neuron", GroupDoc())
    for key, doc in extra.items():
        docs.put(key, doc)
    return docs


@pytest.mark.parametrize(
    ("group", "name", "key"),
    [
        ("results", "a", "results/a"),
        ("results", "z", "results/z.1"),
        ("results", "Z", "results/Z.1"),
        ("results", "neuron", "results/neuron.1"),
        ("results", "run", "results/run.1"),
        ("results", "run_status", "results/run_status.1"),
        ("results", "run_any", "results/run_any.1"),
        ("results", "runner", "results/runner"),
        ("results", "x", "results/x.1"),
        ("results", "X", "results/X.1"),
        ("results/neuron", "x", "results/neuron/x.1"),
        ("results", "time", "results/time.1"),
        ("results/neuron", "time", "results/neuron/time.1"),
        ("other", "time", "other/time"),
        ("parameters", "x", "parameters/x"),
        ("parameters", "run_time", "parameters/run_time"),
        ("", "runs", "runs.1"),
        ("", "_xpet", "_xpet.1"),
    ],
)
def test_free_key(group: str, name: str, key: str):
    assert hierarchy().free_key(group, name) == key


@pytest.mark.parametrize("group", ["results", "results/" + "g" * 127])
def test_names_are_no_longer_than_those_of_folders(group: str):
    docs, long = hierarchy(), "x" * 127
    keys = []
    for name in [f"{long}.{long}", f"{long}.{long}", *(f"{long}.{long}.{'nxt.' * n}value" for n in range(1, 300, 50))]:
        keys.append(docs.free_key(group, name))
        docs.put(keys[-1], array("run"))
        for suffix in ("which", "len"):
            keys.append(docs.free_key(group, f"{name_of(keys[-1])}.{suffix}"))
            docs.put(keys[-1], array("run"))
    assert len(set(keys)) == len(keys)
    assert max(len(name_of(key).encode()) for key in keys) <= 240
    assert keys[1].endswith(".which")


@given(st.lists(st.sampled_from(["a", "A", "run", "run_a", "x", "time", "z.1"]), max_size=12))
def test_keys_are_never_given_twice(names: list[str]):
    docs = hierarchy()
    keys = []
    for name in names:
        keys.append(docs.free_key("results", name))
        docs.put(keys[-1], array("run"))
    assert len({key.lower() for key in keys}) == len(keys)


def test_groups_are_found_again():
    docs = hierarchy()
    assert docs.group_key("results.neuron") == "results/neuron"
    assert docs.group_key("results.z.a") == "results/z.1/a"
    assert docs.group_key("results.z.a") == "results/z.1/a"
    assert docs.group_key("results.NEURON") == "results/NEURON.1"
    assert docs.group_key("runs.a") == "runs.1/a"
    assert docs.group_key("") == ""
    again = Hierarchy({key: docs.group(key) for key, _ in docs.groups()})
    assert again.group_key("results.z.a.b") == "results/z.1/a/b"


@pytest.mark.parametrize("key", ["../x", "a/../b", "/etc/passwd", "a//b", "a/.b", "", "a/", "a\\b", "a\0"])
def test_keys_that_lead_elsewhere(key: str):
    root = {"consolidated_metadata": {"metadata": {key: array("run").to_json()}}}
    with pytest.raises(CorruptStoreError, match="not the key of a node"):
        Hierarchy.from_root(root)


# Dims -----------------------------------------------------------------------------------------------------------------

T = Coord(np.array([0.0, 0.5, 1.0]))


def named(docs: Hierarchy, key: str, *dims: str, coord: Coord | None = None, size: int = 3) -> tuple[str, ...]:
    return Naming(Dims(memory(), docs), key, {dims[0]: coord} if coord else {}).names(
        key, dims, (size,) * len(dims), (True,) * len(dims)
    )




@pytest.mark.parametrize(
    ("key", "dim", "size", "name"),
    [
        ("results/V", "cell", 9, "cell"),
        ("results/V", "time", 3, "time"),
        ("results/V", "time", 4, "V.time"),
        ("results/neuron/V", "time", 3, "time"),
        ("results/neuron/V", "time", 4, "neuron.V.time"),
        ("other/V", "time", 4, "time"),
        ("results/V", "run", 3, "V.run"),
        ("results/V", "x", 3, "V.x"),
        ("parameters/V", "run", 3, "V.run"),
        ("results/V", "V", 3, "V.V"),
        ("results/V", "z", 3, "V.z"),
        ("results/V", "neuron", 3, "V.neuron"),
        ("top", "d", 3, "d"),
    ],
)
def test_declared_dims(key: str, dim: str, size: int, name: str):
    assert named(hierarchy(), key, dim, size=size) == (name,)


def test_dims_without_names():
    dims = Dims(memory(), hierarchy(**{"results/a.d0": array("run")}))
    assert dims.default("results/neuron/V", 2) == ("neuron.V.d0", "neuron.V.d1")
    assert dims.default("results/a", 1) == ("a.d0.1",)
    assert dims.default("top", 1) == ("top.d0",)


def test_labels_are_shared_if_they_are_equal():
    place, docs = memory(), Hierarchy()
    dims = Dims(place, docs)
    docs.put("results/V", array("run", "time"))
    assert dims.share("results", "time", T) == "results/time"
    other = Coord(T.values + 1)

    def name(key: str, coord: Coord | None) -> str:
        found = Naming(Dims(place, docs), key, {"time": coord} if coord else {})
        return found.names(key, ("time",), (3,), (True,))[0]

    assert name("results/U", other) == "U.time"
    for key in ("results/U", "results/neuron/U"):
        assert name(key, T) == "time"
        assert name(key, other) != "time"
        # An array without labels must not get those of another one.
        assert name(key, None) != "time"
    assert named(docs, "other/U", "time", coord=other) == ("time",)


def test_no_two_dims_of_one_array_are_alike():
    for first, second in itertools.permutations(["x", "run", "time", "V"], 2):
        names = named(hierarchy(), "results/V", first, second, size=4)
        assert len(set(names)) == 2
