"""Quantities come back with their units; plots of plain xarray show them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_plain import RunPlain
from hypothesis import given, settings
from hypothesis import strategies as st

import xpet
from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.testing import identical
from xpet.testing.strategies.arrays import NUMERIC
from xpet.testing.strategies.plain import FLOATS, INTS
from xpet.testing.strategies.units import UNITS
from xpet.values import Opaque, decode, encode, label, same_value

pint = pytest.importorskip("pint", reason="needs pint: pip install 'xpet[pint]'")
OTHER: Any = pint.UnitRegistry()


@pytest.fixture(scope="module")
def brian2() -> ModuleType:
    """BRIAN2, which warns of much when it is imported."""
    if "brian2" not in sys.modules:
        with warnings.catch_warnings(action="ignore"):
            pytest.importorskip("brian2", reason="needs brian2: pip install 'xpet[brian2]'", exc_type=Exception)
    return sys.modules["brian2"]


# pint -----------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(FLOATS | INTS | NUMERIC, st.sampled_from(UNITS))
def test_pint_comes_back(magnitude: Any, units: str):
    value = OTHER.Quantity(magnitude, OTHER.Unit(units))
    back = decode(encode(value))
    assert identical(back, value)
    assert same_value(back, value)
    assert isinstance(back, pint.Quantity)


@pytest.mark.parametrize("magnitude", [Decimal("1.5"), Fraction(1, 3), 1j, np.float32(2), np.array(["2020"], "M8[s]")])
def test_pint_of_other_numbers(magnitude: Any):
    value = pint.get_application_registry().Quantity(magnitude, "s")
    assert identical(decode(encode(value)), value)


def test_pint_in_the_application_registry():
    back = decode(encode(OTHER.Quantity([1, 2], "mV")))
    assert (back + pint.get_application_registry().Quantity(1, "V")).magnitude.tolist() == [1001, 1002]


def test_pint_of_other_exponents_is_refused():
    exact: Any = pint.UnitRegistry(non_int_type=Fraction)
    value = exact.Quantity(1, exact.UnitsContainer({"meter": Fraction(1, 3)}))
    with pytest.raises(UnsupportedValueError, match=r"results\.length.*use ints or floats"):
        encode(value, "results.length")


def test_pint_in_xarray():
    volts = OTHER.Quantity(np.array([1.0, 2.0]), "V")
    value = xr.DataArray(volts, {"x": [1, 2]}, ["x"], name="V")
    encoded = encode(value)
    assert encoded.labels.attrs == {"units": "V"}
    back = decode(encoded)
    assert identical(back.data, volts)
    assert back.name == "V"
    assert back.x.values.tolist() == [1, 2]


NEAR = {
    "units": (OTHER.Quantity(1, "m"), OTHER.Quantity(1, "s")),
    "scales": (OTHER.Quantity(1, "m"), OTHER.Quantity(1000, "mm")),
    "names": (OTHER.Quantity(1, "micron"), OTHER.Quantity(1, "um")),
    "numbers": (OTHER.Quantity(1, "m"), OTHER.Quantity(1.0, "m")),
    "degrees": (OTHER.Quantity(1, "degC"), OTHER.Quantity(1, "delta_degC")),
    "no units": (OTHER.Quantity(1, ""), 1),
}


@pytest.mark.parametrize(("a", "b"), NEAR.values(), ids=NEAR)
def test_near(a: Any, b: Any):
    assert not same_value(a, b)


def test_registries_do_not_matter():
    assert same_value(OTHER.Quantity(1, "m"), pint.get_application_registry().Quantity(1, "m"))


def test_a_unit_of_ones_own_is_asked_for():
    registry: Any = pint.UnitRegistry()
    registry.define("smoot = 1.7018 * meter")
    encoded = encode([registry.Quantity(364.4, "smoot")])
    back = decode(encoded)
    assert isinstance(back, Opaque)
    assert "define its unit 'smoot'" in repr(back)
    assert encode(back) is encoded
    before = pint.get_application_registry().get()
    pint.set_application_registry(registry)
    try:
        assert identical(decode(encode(back))[0], registry.Quantity(364.4, "smoot"))
    finally:
        pint.set_application_registry(before)


@pytest.mark.parametrize("units", ['{"9**9": 1}', '{"meter": "a"}', "1", "[1]", '{"__import__(\'os\')": 1}'])
def test_forged_units(units: str):
    encoded = encode(OTHER.Quantity(1.0, "m"))
    with pytest.raises(CorruptStoreError):
        decode(encoded._replace(meta={**encoded.meta, "more": {"units": units}}))


# Without the package --------------------------------------------------------------------------------------------------


@pytest.fixture
def no_pint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if pint was not installed."""
    monkeypatch.setitem(sys.modules, "pint", None)
    return


@pytest.mark.parametrize("value", [OTHER.Quantity(1.0, "m"), {"a": (OTHER.Quantity([1.0], "m"),)}], ids=["one", "deep"])
def test_without_the_package(value: Any, no_pint: None):
    encoded = encode(value)
    back = decode(encoded)
    assert isinstance(back, Opaque)
    assert "pip install 'xpet[pint]'" in repr(back)
    assert encode(back) is encoded


# BRIAN2 ---------------------------------------------------------------------------------------------------------------


def same_brian2(a: Any, b: Any) -> bool:
    """Tell whether two quantities have the same number and dimensions."""
    return type(a) is type(b) and a.dim is b.dim and identical(np.asarray(a), np.asarray(b))


@settings(deadline=None)
@given(numbers=NUMERIC, exponents=st.lists(st.sampled_from([0, 1, -3, 0.5, 1 / 3, -2.25]), min_size=7, max_size=7))
def test_brian2_comes_back(brian2: ModuleType, numbers: Any, exponents: list[float]):
    dim = brian2.get_or_create_dimension(exponents)
    value = brian2.Quantity(numbers, dim=dim, force_quantity=True)
    back = decode(encode(value))
    assert same_brian2(back, value)
    assert same_value(back, value)


def test_brian2_units(brian2: ModuleType):
    for value, units in ((5 * brian2.mV, "V"), ([1.0, 2.0] * brian2.nS, "S"), (3 * brian2.ms, "s")):
        encoded = encode(value)
        assert encoded.labels.attrs == {"units": units}
        assert same_brian2(decode(encoded), value)
    assert encode(brian2.Quantity(1.0)).labels.attrs == {}
    assert not same_value(5 * brian2.mV, 5 * brian2.mA)
    assert not same_value(brian2.Quantity(1.0), np.array(1.0))


def test_brian2_refused(brian2: ModuleType):
    with pytest.raises(UnsupportedValueError, match=r"brian2\.units\.fundamentalunits\.Unit"):
        encode(brian2.mV)


@pytest.mark.parametrize("dim", [[1.0], [1.0] * 8, ["a"] * 7, None, [float("nan")] * 7, [1e999] * 7])
def test_brian2_forged(brian2: ModuleType, dim: Any):
    encoded = encode(5 * brian2.mV)
    with pytest.raises(CorruptStoreError):
        decode(encoded._replace(meta={**encoded.meta, "more": {"dim": dim}}))


def test_brian2_labels(brian2: ModuleType):
    labels = label([1.0, 2.0] * brian2.mV, "time", {"time": [0.0, 1.0] * brian2.ms}).labels
    assert labels.attrs == {"units": "V"}
    assert labels.coords["time"].attrs == {"units": "s"}
    assert labels.coords["time"].values.tolist() == [0.0, 0.001]


# In a store -----------------------------------------------------------------------------------------------------------


def test_labels_have_the_units_of_the_value():
    volts = OTHER.Quantity(np.array([1.0, 2.0]), "mV")
    labelled = label(volts, "time", {"time": OTHER.Quantity(np.array([0, 1]), "ms")}, attrs={"long_name": "potential"})
    assert labelled.labels.attrs == {"units": "mV", "long_name": "potential"}
    assert labelled.labels.coords["time"].attrs == {"units": "ms"}
    assert label(volts, units="mV").labels.attrs == {"units": "mV"}
    with pytest.raises(ValueError, match=r"has the units 'mV', so that units='V' cannot be given"):
        label(volts, units="V")


PLAIN = """
import sys, warnings
warnings.simplefilter("error")
import xarray as xr
xr.open_datatree(sys.argv[1], engine="zarr").load()
ds = xr.open_dataset(sys.argv[1], group="results", engine="zarr")
assert ds.V.attrs["units"] == "mV" and ds.V.values.tolist() == [0.0, 1.0, 2.0], ds.V
assert ds.g.dims == ("run", "time") and ds.g.attrs["units"] == "nS" and ds.time.attrs["units"] == "ms", ds.g
assert ds.tau.attrs["units"] == "V/s", ds.tau
parameters = xr.open_dataset(sys.argv[1], group="parameters", engine="zarr")
assert parameters.rest.attrs["units"] == "mV" and parameters.rest.item() == -70
print("read")
"""


def results_of(run: int) -> dict[str, Any]:
    registry = pint.get_application_registry()
    return {
        "V": registry.Quantity(float(run), "mV"),
        "g": registry.Quantity(np.arange(2.0) + run, "nS"),
        "tau": registry.Quantity(run, "V / s"),
        "both": [registry.Quantity(run, "m"), OTHER.Quantity(np.arange(run), "s")],
    }


def job(traj: xpet.Trajectory) -> None:
    for name, value in results_of(traj.v_idx).items():
        given = value if name != "g" else xpet.label(value, "time", {"time": OTHER.Quantity(np.arange(2), "ms")})
        traj.f_add_result(name, given)


def test_over_runs(tmp_path: Path, plain_python: RunPlain):
    env = xpet.Environment("main", store=tmp_path)
    env.traj.f_add_parameter("rest", OTHER.Quantity(-70, "mV"))
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": range(3)})
    env.run(job)
    traj = xpet.load_trajectory("main", filename=tmp_path)
    assert identical(traj["parameters.rest"], OTHER.Quantity(-70, "mV"))
    for run in range(3):
        for name, value in results_of(run).items():
            back = traj.f_get(f"results.runs.r_{run}.{name}").f_get(name)
            pairs = zip(back, value, strict=True) if name == "both" else [(back, value)]
            assert all(identical(a, b) for a, b in pairs)
    assert plain_python(PLAIN, tmp_path / "main").split() == ["read"]


@pytest.mark.parametrize("kind", [float, int, complex, np.float32, np.uint8])
def test_explored_quantities(kind: type, tmp_path: Path):
    env = xpet.Environment("main", store=tmp_path)
    values = [OTHER.Quantity(kind(each), "mV") for each in (1, 2)]
    env.traj.f_add_parameter("V", values[0])
    env.traj.f_explore({"V": values})
    env.run(lambda traj: traj.f_add_result("z", traj.V.to("V").magnitude.real * 1000))
    traj = xpet.load_trajectory("main", filename=tmp_path)
    assert all(map(identical, traj.f_get("parameters.V").f_get_range(), values))
    assert traj.f_get("results.runs.r_1.z").f_get("z") == pytest.approx(2.0)
    for seen in (env.dataset(), xr.open_dataset(tmp_path / "main", group="results", engine="zarr")):
        assert seen.V.dtype == np.array(values[0].magnitude).dtype
        assert (seen.V.values.tolist(), seen.V.units) == ([1, 2], "mV")
