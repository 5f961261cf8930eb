"""The examples run as they stand, without a warning, and what they store is right when plain tools read it."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
RUNS = 75


@dataclass(frozen=True)
class Printed:
    """What a script printed."""

    out: str
    err: str


def run_example(name: str, *arguments: str, cwd: Path, warnings: str = "error") -> Printed:
    """Run an example as a user would and return what it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", warnings, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Printed(done.stdout, done.stderr)


@dataclass(frozen=True)
class Neuron:
    """The main example after its first run."""

    folder: Path
    store: str
    picture: Path
    printed: Printed


@pytest.fixture(scope="module")
def neuron(tmp_path_factory):
    folder = tmp_path_factory.mktemp("neuron")
    printed = run_example("neuron.py", "--store", "a/lif.zarr", "--picture", "b/fi.png", cwd=folder)
    return Neuron(folder, str(folder / "a/lif.zarr"), folder / "b/fi.png", printed)


# neuron.py ------------------------------------------------------------------------------------------------------------


def test_neuron_does_every_run_and_says_nothing_but_its_results(neuron):
    assert neuron.printed.err == ""
    assert neuron.printed.out.startswith(f"{RUNS} of {RUNS} runs were to be done")
    assert sorted(path.name for path in neuron.folder.iterdir()) == ["a", "b"]


def test_neuron_prints_rates_beside_the_closed_form(neuron):
    rows = re.findall(r"^ +(0\.\d{3})((?: +\d+\.\d+ +\d+\.\d+){3})$", neuron.printed.out, re.MULTILINE)
    assert len(rows) == 6
    for _, numbers in rows:
        counted, exact = [*map(float, numbers.split())][::2], [*map(float, numbers.split())][1::2]
        assert counted == pytest.approx(exact, abs=1.0)


def test_neuron_finds_its_runs_when_started_again(neuron):
    again = run_example("neuron.py", "--store", neuron.store, "--picture", "c.png", cwd=neuron.folder)
    first, *rest = again.out.splitlines()
    assert first == f"0 of {RUNS} runs were to be done; all are in {neuron.store}"
    assert rest[:-1] == neuron.printed.out.splitlines()[1:-1]


@pytest.mark.parametrize("picture", [None, "fi-curve.png", "sweep.png"], ids=["drawn", "fi-curve", "sweep"])
def test_pictures_are_sharp_and_small(picture, neuron):
    content = (neuron.picture if picture is None else ROOT / "docs/images" / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert 1200 <= width <= 2000
    assert 600 <= height <= 1200
    assert len(content) < 150_000


def test_plain_xarray_sees_labels_and_units(neuron, plain_python):
    plain_python(
        """
        import sys
        import numpy as np, xarray as xr
        trajectory = sys.argv[1] + "/lif"
        ds = xr.open_dataset(trajectory, group="results/neuron", engine="zarr")
        assert dict(ds.sizes) == {"run": 75, "time": 10001, "neuron.spike_times.spike": 157}, ds.sizes
        assert set(ds.coords) == {"run", "run_status", "I", "t_ref", "time"}, ds.coords
        units = {"V": "mV", "spike_times": "ms", "rate": "Hz", "I": "nA", "t_ref": "ms", "time": "ms"}
        assert {name: ds[name].attrs.get("units") for name in units} == units
        assert ds.I.attrs["comment"] == "input current" and ds.V.attrs["comment"] == "membrane potential"
        assert ds.V.dims == ("run", "time") and ds["count"].dtype == ds["spike_times.len"].dtype == "int64"
        np.testing.assert_array_equal(ds.time, np.linspace(0, 1000, 10001))
        assert (ds.run_status == 2).all() and ds.run_status.flag_meanings.split()[2] == "complete"
        parameters = xr.open_datatree(trajectory, engine="zarr")["parameters"]
        assert float(parameters["neuron/R"]) == 100.0 and parameters["neuron/R"].units == "MΩ"
        assert parameters["neuron/C"].comment == "membrane capacitance" and parameters["clock/dt"].units == "ms"
        """,
        neuron.store,
    )


def test_plain_xarray_finds_spikes_and_rates_of_the_closed_form(neuron, plain_python):
    plain_python(
        """
        import sys
        import numpy as np, xarray as xr
        ds = xr.open_dataset(sys.argv[1] + "/lif", group="results/neuron", engine="zarr").load()
        drive = 100.0 * ds.I.values - 20.0              # how far V would rise above the threshold, in mV
        spiking = drive > 0
        period = np.full(75, np.inf)
        period[spiking] = ds.t_ref.values[spiking] + 20.0 * np.log1p(15.0 / drive[spiking])
        count = ds["spike_times.len"].values
        np.testing.assert_array_equal(count, ds["count"])
        np.testing.assert_allclose(ds.rate, count * 1.0)
        np.testing.assert_allclose(ds.rate, 1000.0 / period, atol=1.0)
        assert (count[~spiking] == 0).all() and (count[spiking] > 20).all() and len(set(count)) > 30
        for run, n in enumerate(count):
            spikes = ds.spike_times.values[run]
            assert np.isnan(spikes[n:]).all()
            np.testing.assert_allclose(np.diff(spikes[:n]), period[run], rtol=1e-9)
            np.testing.assert_allclose(spikes[:n][:1] + ds.t_ref.values[run], period[run], rtol=1e-9)
        assert ds.V.max() <= -50.0 and ds.V.min() >= -70.0
        silent = ds.V.values[~spiking]
        relaxing = -70.0 + 100.0 * ds.I.values[~spiking, None]
        expected = relaxing + (-65.0 - relaxing) * np.exp(-ds.time.values / 20.0)
        np.testing.assert_allclose(silent, expected, rtol=1e-9)
        """,
        neuron.store,
    )


def test_neuron_with_another_constant_is_refused_by_name(neuron):
    other = (EXAMPLES / "neuron.py").read_text(encoding="utf-8").replace('"neuron.R", 100.0', '"neuron.R", 110.0')
    command = [sys.executable, "-W", "error", "-", "--store", neuron.store]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, input=other.encode(), cwd=neuron.folder, env=environment, capture_output=True, timeout=110, check=False
    )
    assert done.returncode == 1
    assert "parameters.neuron.R is 100.0 in the store and 110.0 here" in done.stderr.decode()


# The others -----------------------------------------------------------------------------------------------------------


def test_first_steps_is_pypets_script_and_warns_once_that_it_writes_zarr(tmp_path):
    printed = run_example("first_steps.py", cwd=tmp_path, warnings="default")
    assert printed.err.count("Warning") == 1
    assert "./HDF/example_01.hdf5 becomes ./HDF/example_01.zarr" in printed.err
    assert printed.out.splitlines()[-1].split() == ["4.0", "24.0", "28.0", "32.0"]
    assert [path.name for path in (tmp_path / "HDF").iterdir()] == ["example_01.zarr"]


def test_failing_job_names_records_replays_and_repeats_what_failed(tmp_path):
    printed = run_example("failing_job.py", cwd=tmp_path, warnings="default")
    assert printed.err.count("Warning") == 1
    assert "2 of 6 runs failed (runs 2, 4)" in printed.err
    assert printed.out.splitlines()[0] == "complete: [0, 1, 3, 5]"
    for line in ("run 2: ValueError: ", "replayed: ", "complete as well: [2, 4]"):
        assert re.search(f"^{re.escape(line)}", printed.out, re.MULTILINE)
    assert printed.out.count("NaN") == 2


def test_expand_does_the_new_points_only(tmp_path):
    for _ in range(2):
        printed = run_example("expand.py", cwd=tmp_path)
        assert printed.err == ""
        assert printed.out.splitlines()[:3] == [
            "at first: [(1.0, 3.0), (1.0, 4.0), (2.0, 3.0), (2.0, 4.0)]",
            "expanded: [(5.0, 3.0), (5.0, 4.0)]",
            "extended: [(0.5, 3.0), (0.5, 4.0)]",
        ]
        rows = {tuple(line.split()) for line in printed.out.splitlines()[5:]}
        assert rows == {("0.5", "1.5", "2.0"), ("1.0", "3.0", "4.0"), ("2.0", "6.0", "8.0"), ("5.0", "15.0", "20.0")}


def test_custom_values_come_back_as_the_users_class_and_are_arrays_to_others(tmp_path, plain_python):
    printed = run_example("custom_values.py", cwd=tmp_path)
    assert printed.err == ""
    first, _, *runs = printed.out.splitlines()
    assert first == "plain arrays: {'rod': 3, 'damping': 2, 'time': 1000} in rad over s"
    # A small swing of length l takes 2π √(l / g).
    periods = [float(re.fullmatch(r"run \d: Swing with a period of (\d\.\d\d) s", line)[1]) for line in runs]
    assert periods == pytest.approx([1.42, 1.42, 2.01, 2.01, 2.84, 2.84], abs=0.02)
    plain_python(
        """
        import sys, numpy as np, xarray as xr
        ds = xr.open_dataset(sys.argv[1], group="results", engine="zarr")
        assert ds.swing.dims == ("run", "time") and ds.swing.units == "rad" and ds.time.units == "s"
        np.testing.assert_allclose(ds["swing.damping"], [0, 0.2] * 3)
        """,
        str(tmp_path / "data/swing.zarr/swing"),
    )


def test_every_example_is_tested():
    tested = set(re.findall(r'run_example\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8")))
    assert {path.name for path in EXAMPLES.glob("*.py")} - {"__main__.py"} == tested
