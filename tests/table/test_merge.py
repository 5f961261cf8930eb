"""Groups become one Dataset in which no name means two things."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from xpet.table.groups import assemble
from xpet.table.merge import merge

RUN = ("run", np.arange(3))


def group(coords: Mapping[str, tuple[object, ...]] = {}, **data: tuple[object, ...]) -> xr.Dataset:
    """A group's dataset with the coordinates that every group repeats."""
    shared = {"run": RUN, "run_status": ("run", [2, 2, 0]), "x": ("run", [1.0, 2.0, 3.0]), **coords}
    variables = {name: xr.Variable(*spec) for name, spec in {**shared, **data}.items()}
    return assemble(variables, set(shared), {"k": 1})


def trace(n: int = 2, dim: str = "time") -> tuple[tuple[str, str], np.ndarray]:
    """A column with an inner dim."""
    return ("run", dim), np.zeros((3, n))


def test_names_are_dotted_and_coordinates_shared() -> None:
    merged = merge(
        [((), group(z=RUN)), (("a",), group(z=RUN)), (("a", "b"), group(z=RUN, c=((), 1)))],
        ["x"],
    )
    assert set(merged.data_vars) == {"z", "a.z", "a.b.z", "a.b.c"}
    assert set(merged.coords) == {"run", "run_status", "x"}
    assert set(merged.xindexes) == {"run"}
    assert merged.attrs == {"k": 1}


@pytest.mark.parametrize(
    ("here", "there", "dims"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.0], ("time", "time"), id="equal"),
        pytest.param([1.0, 2.0], [1.0, 2.5], ("time", "b.time"), id="other-values"),
        pytest.param([1.0, 2.0], [1.0, 2.0, 3.0], ("time", "b.time"), id="other-size"),
        pytest.param([1.0, 2.0], [1, 2], ("time", "b.time"), id="other-type"),
        pytest.param([1.0, 2.0], None, ("time", "b.time"), id="only-the-first-is-labelled"),
        pytest.param(None, [1.0, 2.0], ("time", "b.time"), id="only-the-second-is-labelled"),
        pytest.param(None, None, ("time", "time"), id="neither-is-labelled"),
    ],
)
def test_siblings_share_a_dim_only_if_it_means_the_same(
    here: list[float] | None, there: list[float] | None, dims: tuple[str, str]
) -> None:
    def branch(values: list[float] | None) -> xr.Dataset:
        return group({"time": ("time", values)} if values else {}, V=trace(len(values or [0, 0])))

    merged = merge([((), group()), (("a",), branch(here)), (("b",), branch(there))], ["x"])
    assert (merged["a.V"].dims[1], merged["b.V"].dims[1]) == dims
    for name, values, dim in zip(("a.V", "b.V"), (here, there), dims, strict=True):
        assert (dim in merged[name].coords) == (values is not None)
        if values is not None:
            assert merged[name].coords[dim].values.tolist() == values


def test_units_are_part_of_the_meaning() -> None:
    ms = group({"time": ("time", [1.0, 2.0], {"units": "ms"})}, V=trace())
    s = group({"time": ("time", [1.0, 2.0], {"units": "s"})}, V=trace())
    merged = merge([((), group()), (("a",), ms), (("b",), s)], ["x"])
    assert merged["b.V"].dims == ("run", "b.time")


def test_a_dim_is_inherited() -> None:
    outer = group({"time": ("time", [1.0, 2.0])}, V=trace())
    merged = merge([((), outer), (("a",), group(V=trace()))], ["x"])
    assert merged["a.V"].dims == ("run", "time")


def test_coordinates_along_runs() -> None:
    two = {"time": (("run", "time"), np.arange(6.0).reshape(3, 2))}
    merged = merge([((), group()), (("a",), group(two, V=trace())), (("b",), group(two, V=trace()))], ["x"])
    assert merged["a.V"].dims == ("run", "time")
    assert merged["b.V"].dims == ("run", "b.time")
    assert merged["b.time"].dims == ("run", "b.time")


def test_taken_names_are_numbered() -> None:
    merged = merge(
        [
            ((), group(**{"a.z": RUN, "time": RUN})),
            (("a",), group(z=RUN, V=trace())),
            (("b",), group(V=trace(dim="x"))),
        ],
        ["x"],
    )
    assert {"a.z", "a.z.1"} <= set(merged.data_vars)
    assert merged["a.V"].dims == ("run", "a.time")
    assert merged["b.V"].dims == ("run", "b.x")
