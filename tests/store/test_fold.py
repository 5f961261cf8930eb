"""Columns hold what the runs left, exactly, and plain xarray sees no number that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import (
    do,
    group,
    leaf,
    left_by,
    memory,
    parameter,
    plain,
    read_runs,
    read_statics,
    start,
    to_netcdf,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.store.columns import MOST_VARIANTS, read_columns
from xpet.store.packets import LeafData
from xpet.store.place import Place
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.testing.strategies import BASIC
from xpet.testing.strategies.plain import SCALARS
from xpet.values import label, unlabelled

# Names that other things have: coordinates, groups, the run table's, our own suffixes, the same but for case.
NAMES = st.sampled_from(["x", "z", "run", "run_status", "neuron", "len", "which", "comment", "d0", "time", "Z", "Time"])
PATHS = st.builds(lambda above, name: ".".join([*above, name]), st.lists(NAMES, max_size=2), NAMES)
ITEMS = st.sampled_from(["", "", "len", "which", "comment", "d0", "a", "time"])
TEMPLATES = st.one_of(
    PATHS.map("results.runs.$.{}".format),
    PATHS.map("results.{}".format),
    PATHS.map(lambda path: "results." + ".$.".join(path.rsplit(".", 1)) if "." in path else f"results.$.{path}"),
)


@st.composite
def labelled(draw: st.DrawFn) -> Any:
    """Draw an array whose dims are called like other things and have labels, or none, that differ between runs."""
    shape = tuple(draw(st.lists(st.integers(0, 3), min_size=1, max_size=2)))
    named = st.sampled_from(["time", "x", "run", "z", "cell", "Time", "d0"])
    dims = draw(st.lists(named, min_size=len(shape), max_size=len(shape), unique=True))
    coords = {}
    for dim, size in zip(dims, shape, strict=True):
        numbers = label(np.arange(size) + draw(st.integers(0, 1)), units=draw(st.sampled_from(["ms", "seconds"])))
        coords[dim] = draw(st.sampled_from([None, numbers, np.array(list("abc")[:size], "U1")]))
    array = draw(hnp.arrays(draw(st.sampled_from(["f8", "i8", "u1", "?"])), shape))
    given_coords = {dim: coord for dim, coord in coords.items() if coord is not None}
    return label(array, dims, given_coords, units=draw(st.sampled_from([None, "mV", "days since 2000-01-01"])))


EXTREMES = st.sampled_from(
    [np.int8(-128), np.int8(127), np.uint8(255), np.uint8(0), -(2**63), 2**63 - 1, 5, np.uint64(2**64 - 1)]
)
SIMPLE = st.one_of(
    st.floats(),
    EXTREMES,
    st.booleans(),
    hnp.arrays("i1", st.integers(0, 4)),
    hnp.arrays("f8", hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
)
VALUE = st.one_of(SIMPLE, SIMPLE, labelled(), labelled(), BASIC)
COMMENTS = st.sampled_from(["", "a", "b", "\udcff\0"])
ANNOTATIONS = st.just({}) | st.dictionaries(st.sampled_from(["note", "b"]), SCALARS, max_size=1)


@st.composite
def runs(draw: st.DrawFn) -> list[list[LeafData]]:
    """Draw what some runs leave, under a few templates."""
    templates = draw(st.lists(TEMPLATES, min_size=1, max_size=4, unique=True))
    left = st.builds(
        lambda template, comment, items, annotations: LeafData(
            template, "result", "Result", comment, items, annotations
        ),
        st.sampled_from(templates), COMMENTS, st.dictionaries(ITEMS, VALUE, max_size=2), ANNOTATIONS,
    )  # fmt: skip
    each = st.lists(left, max_size=4, unique_by=lambda leaf: leaf.template)
    return draw(st.lists(each, min_size=1, max_size=6))


@st.composite
def statics(draw: st.DrawFn) -> dict[str, Any]:
    """Draw leaves outside runs; none is where another one's group is."""
    branch = st.sampled_from(["parameters", "results", "derived_parameters", "config", "other"])
    found = draw(st.dictionaries(st.builds("{}.{}".format, branch, PATHS), VALUE, max_size=3))
    return {path: value for path, value in found.items() if not any(other.startswith(f"{path}.") for other in found)}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    runs=runs(),
    outside=statics(),
    explored=st.sampled_from([["x"], ["x", "time"], ["run"], ["run_status", "Z"]]),
    data=st.data(),
)
def test_any_runs_in_any_order(runs: list[list[LeafData]], outside: dict[str, Any], explored: list[str], data: Any):
    place = memory()
    points = {name: [float(k) for k in range(len(runs))] for name in explored}
    writer = start(place, points, [parameter(path, value) for path, value in outside.items()])
    done: set[int] = set()
    waiting: dict[int, list[LeafData]] = {}
    for run in data.draw(st.permutations(range(len(runs)))):
        waiting[run] = runs[run]
        step = data.draw(st.integers(0, 3))
        if step:
            do(place, writer, waiting)
            done |= waiting.keys()
            waiting = {}
        if step > 1:
            writer.fold()
            check(place, runs, done)
        if step > 2:
            writer.lease.release()
            writer = open_for_writing(place, "study")
    if waiting:
        do(place, writer, waiting)
    writer.fold()
    check(place, runs, range(len(runs)))
    writer.expand({f"parameters.{name}": [9.0] for name in explored}, "list", ())
    check(place, runs, range(len(runs)))
    back = read_statics(place)
    assert identical({path: back[path][""] for path in outside}, {p: unlabelled(v) for p, v in outside.items()})
    writer.lease.release()


def check(place: Place, runs: list[list[LeafData]], done: Any) -> None:
    """What is complete is as it was left, and plain xarray opens everything."""
    assert identical(read_runs(place), {run: left_by(runs[run]) for run in sorted(done)})
    assert (plain(place)["runs"].run_status == 2).sum() == len(done)


# What plain xarray sees -----------------------------------------------------------------------------------------------


def folded(runs: dict[int, list[LeafData]], *then: dict[int, list[LeafData]], n: int = 6) -> Place:
    """A place with runs folded one packet after the other."""
    place = memory()
    with start(place, n) as writer:
        for some in (runs, *then):
            do(place, writer, some)
            writer.fold()
    return place


def column(values: Any) -> dict[int, list[LeafData]]:
    return {run: [leaf("results.runs.$.z", value)] for run, value in values.items()}


DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


@pytest.mark.parametrize("shape", [(), (3,)], ids=["scalars", "arrays"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_mean_over_half_a_column_is_that_of_its_runs(dtype: str, shape: tuple[int, ...]):
    low, high = (0, 1) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype[0] in "iu" else (-2, 3)
    made = {run: np.full(shape, value, dtype)[()] for run, value in enumerate([low, high, 1, 0, 1, 1])}
    first, rest = {run: made[run] for run in (0, 3)}, {run: made[run] for run in (1,)}
    # The second fold brings numbers that meant "not there" until then.
    place = folded(column(first), column(rest))
    right = np.mean([made[run].astype("c16" if dtype[0] == "c" else "f8") for run in (0, 1, 3)])
    dataset = group(place)
    assert np.isclose(complex(dataset.z.astype("c16" if dtype[0] == "c" else "f8").mean()), right, rtol=1e-3)
    assert dataset.z.notnull().sum() == 3 * np.prod(shape)
    if dtype not in ("c8", "c16", "f2", "i8", "u8"):
        # netCDF has no such types, and xarray no way to write the largest integers beside NaN.
        xr.testing.assert_equal(to_netcdf(dataset)["z"], dataset["z"])
    with open_for_writing(place, "study") as writer:
        do(place, writer, column({run: made[run] for run in (2, 4, 5)}))
        writer.fold()
    whole = group(place).z
    assert whole.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(whole, np.stack([made[run] for run in range(6)]))
    assert "_FillValue" not in whole.encoding or dtype[0] not in "iu"


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_large_integers_beside_missing_ones_go_through_netcdf(dtype: str):
    low = np.iinfo(dtype).min
    z = group(folded(column({0: np.array([low, 2**53, 5], dtype)}))).z
    xr.testing.assert_equal(to_netcdf(z.to_dataset(name="z"))["z"], z)
    assert z.notnull().sum() == 3


def test_ragged_numbers_that_mean_nothing_there_are_no_data():
    rows = {0: [1, 2, 3], 1: [-128], 2: [127, 5], 3: [], 4: [-127, 126, 4, 4]}
    for n_first in (1, 2, 3):
        arrays = {run: np.array(row, "i1") for run, row in rows.items()}
        place = folded(
            column({r: arrays[r] for r in range(n_first)}), column({r: arrays[r] for r in range(n_first, 5)})
        )
        z = group(place).z
        numbers = np.concatenate(list(arrays.values())).astype(float)
        assert z.notnull().sum() == len(numbers)
        assert float(z.astype("f8").mean()) == numbers.mean()
        np.testing.assert_array_equal(group(place)["z.len"][:5], [3, 1, 2, 0, 4])


def test_every_number_of_a_type_is_used():
    whole = np.arange(256, dtype="u1")
    place = folded(column({0: whole}), column({1: whole[::-1]}), {2: [leaf("results.runs.$.other", 1.0)]})
    doc = read_snapshot(place, "study").hierarchy.array("results/z")
    assert doc.xpet["no_spare"]
    assert "_FillValue" not in doc.attrs
    back = group(place).z
    np.testing.assert_array_equal(back[:2], np.stack([whole, whole[::-1]]))


def test_bools_are_bools_once_complete():
    place = folded(column({0: True, 1: False}), n=3)
    half = group(place).z
    assert half.dtype.kind == "f"
    assert half.mean() == 0.5
    with open_for_writing(place, "study") as writer:
        do(place, writer, column({2: True}))
        writer.fold()
        assert group(place).z.dtype == bool
        writer.expand({"parameters.x": [7.0]}, "list", ())
    np.testing.assert_array_equal(group(place).z, [1, 0, 1, np.nan])


def test_which_kind_of_value_a_run_has():
    place = folded(column({0: 1, 1: "one", 2: 1.5}), {3: [], 4: [leaf("results.runs.$.z", None, other=1)]})
    dataset = group(place)
    np.testing.assert_array_equal(dataset["z.which"], [0, 1, 2, 255, 255, 255])
    assert dataset["z.1"][1] == "one"
    np.testing.assert_array_equal(dataset["z.other.which"], [255, 255, 255, 255, 0, 255])


def test_a_column_that_all_runs_have_needs_no_which():
    assert "z.which" not in group(folded(column({0: 1}), column({1: 2})))


def test_comments_that_differ_and_leaves_that_are_empty():
    z = "results.runs.$.z"
    left = {
        0: [LeafData(z, "result", "Result", "first", {"": 1.0}, {})],
        1: [LeafData(z, "result", "Result", "", {"": 2.0}, {"note": (1,)})],
        2: [LeafData(z, "result", "Result", "first", {}, {})],
        3: [LeafData(z, "result", "Result", "other", {"b": 1}, {})],
    }
    place = folded({run: left[run] for run in (0, 1)}, {run: left[run] for run in (2, 3)})
    assert identical(read_runs(place), {run: left_by(leaves) for run, leaves in left.items()})
    dataset = group(place)
    assert dataset.z.attrs["comment"] == "first"
    assert dataset["z.comment"].values.tolist() == ["", "", "first", "other", "", ""]


def test_each_worker_may_have_a_first_comment_of_its_own():
    place = memory()
    with start(place, 3) as writer:
        for run, comment in enumerate(["a", "b", "a"]):
            do(place, writer, {run: [leaf("results.runs.$.z", 1.0, comment=comment)]}, attempt=run)
        writer.fold()
    assert [left["results.runs.$.z"][1] for left in read_runs(place).values()] == ["a", "b", "a"]


def test_more_kinds_of_value_than_arrays():
    n = 3 * MOST_VARIANTS
    values = {run: xr.DataArray(np.full(2, float(run)), dims="t", attrs={"run": run}) for run in range(n)}
    place = memory()
    with start(place, n + 1) as writer:
        for some in (range(n // 2), range(n // 2, n)):
            do(place, writer, column({run: values[run] for run in some}))
            writer.fold()
    back = read_runs(place)
    assert all(identical(back[run]["results.runs.$.z"][0][""], value) for run, value in values.items())
    (kinds,) = read_columns(read_snapshot(place, "study").hierarchy).values()
    assert len(kinds.variants) == MOST_VARIANTS + 1
    plain(place)


T = np.array([0.0, 0.5, 1.0])


def traces(run: int, **coords: Any) -> list[LeafData]:
    return [leaf("results.runs.$.cells.V", label(np.full(3, float(run)), "time", coords, units="mV"))]


def test_labels_that_all_runs_share_are_stored_once():
    dataset = group(folded({run: traces(run, time=label(T, units="ms")) for run in range(6)}), "results/cells")
    assert dataset.V.dims == ("run", "time")
    assert dataset.time.attrs["units"] == "ms"
    assert float(dataset.V.sel(time=0.5, run=4)) == 4.0
    to_netcdf(dataset)


def test_labels_that_differ_belong_to_their_run():
    same, other = {r: traces(r, time=T) for r in range(3)}, {r: traces(r, time=T + r) for r in range(3, 6)}
    dataset = group(folded(same, other), "results/cells")
    assert dataset.V.dims == ("run", "cells.V.time")
    np.testing.assert_array_equal(dataset["cells.V.time"][1], T)
    np.testing.assert_array_equal(dataset["cells.V.time"][5], T + 5)
    assert "time" not in dataset.variables


def test_labels_that_others_have_too_stay():
    def run_(run: int) -> list[LeafData]:
        return [*traces(run, time=T + max(0, run - 2)), leaf("results.runs.$.cells.W", label(T, "time", {"time": T}))]

    place = folded({run: run_(run) for run in range(3)}, {run: run_(run) for run in range(3, 6)})
    dataset = group(place, "results/cells")
    assert dataset.W.dims == ("run", "time")
    np.testing.assert_array_equal(dataset.time, T)
    check(place, [run_(run) for run in range(6)], range(6))


def test_a_status_is_never_ahead_of_what_makes_sense_of_it(monkeypatch: pytest.MonkeyPatch):
    every = np.arange(256, dtype="u1")
    place = memory()
    with start(place) as writer:
        do(place, writer, {run: [leaf("results.runs.$.n", every)] for run in range(3)})
        writer.fold()
        do(place, writer, {3: [leaf("results.runs.$.m", 1)]})
        publish = writer.publish
        monkeypatch.setattr(writer, "publish", lambda: publish() if writer.complete.sum() < 4 else no_space())
        with pytest.raises(OSError, match="space"):
            writer.fold()
    dataset = group(place)
    assert dataset.run_status[3] == 2
    # Without this the fill of a column in which every number is used would be taken for numbers of this run.
    assert dataset["n.which"].values.tolist() == [0, 0, 0, 255]


def test_only_dims_that_differ_in_length_are_kept_apart():
    def left(run: int) -> list[LeafData]:
        array = label(np.ones((2 + run % 2, 3)), ("cell", "time"), {"time": T})
        return [leaf("results.runs.$.V", array), leaf("results.runs.$.U", label(T, "time", {"time": T}))]

    for place in (folded({0: left(0), 1: left(1)}), folded({0: left(0)}, {1: left(1)})):
        dataset = group(place)
        assert dataset.V.dims == ("run", "V.cell", "time")
        assert dataset.U.dims == ("run", "time")
        np.testing.assert_array_equal(dataset["V.len"][:2], [[2, 3], [3, 3]])


@pytest.mark.parametrize("units", ["seconds", "days", "days since 2000-01-01", "s"])
def test_units_are_no_times_to_plain_tools(units: str):
    place = folded(column({0: label(1.5, units=units)}))
    assert group(place).z.dtype == np.float64
    assert float(group(place).z[0]) == 1.5
    variant = next(iter(read_columns(read_snapshot(place, "study").hierarchy).values())).variants[0]
    assert variant.attrs == {"units": units}


def test_readers_of_what_was_published_are_not_disturbed():
    # In one fold the second column becomes ragged and meets its fill: it is laid out anew twice.
    rows = [np.array([1, 2, 3], "i1"), np.array([-128, 127, 4, 4], "i1"), np.array([126], "i1")]
    place = folded(column({0: rows[0]}))
    url, options = place.below("study").zarr_store_args()
    before = xr.open_dataset(url, group="results", engine="zarr", storage_options=options, cache=False)
    for run in (1, 2):
        with open_for_writing(place, "study") as writer:
            do(place, writer, column({run: rows[run]}))
            writer.fold()
        np.testing.assert_array_equal(before.z[0], rows[0])
        assert before.z.notnull().sum() == 3
    assert float(group(place).z.astype("f8").mean()) == np.concatenate(rows).astype("f8").mean()


def test_a_failing_fold_can_be_tried_again(monkeypatch: pytest.MonkeyPatch):
    place = memory()
    with start(place, 3) as writer:
        do(place, writer, column({0: 1, 1: "a"}))
        with monkeypatch.context() as patch:
            patch.setattr(type(writer.place), "write_many", no_space)
            with pytest.raises(OSError, match="no space"):
                writer.fold()
        assert writer.fold() == 2
        writer.publish()
    assert identical(read_runs(place), {run: left_by(left) for run, left in column({0: 1, 1: "a"}).items()})


def no_space(*_: object) -> None:
    raise OSError("no space")
