"""The front door for plain functions: sweep and open."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pytest
from fixtures_jobs import Noted, StoreAt, script

import xpet
from xpet import TrajectoryExistsError


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "fi.zarr"))


@pytest.fixture
def url():
    return f"memory://{uuid.uuid4().hex}"


def fi(I, tau):  # noqa: E741 - the symbol of a current
    trace = xpet.label(np.full(5, I), "time", {"time": xpet.label(np.arange(5) * 0.1, units="ms")}, units="mV")
    return {"rate": I * tau, "neuron.V": trace, "spikes": np.arange(int(I)) * 1.0}


class Calls(Noted):
    """The same for a plain function: its first parameter is what is noted."""

    def __init__(self, job, folder):
        super().__init__(job, folder)
        self.__name__ = job.__name__
        self.__wrapped__ = job

    def __call__(self, **parameters):
        with open(self._file, "a") as file:
            file.write(f"{int(next(iter(parameters.values())))}\n")
        return self._job(**parameters)


POINTS = {"I": [1.0, 2.0, 3.0], "tau": [0.1, 0.2]}


@pytest.mark.parametrize("ncores", [1, 2])
def test_the_labelled_dataset(ncores, at, tmp_path):
    function = Calls(fi, tmp_path)
    ds = xpet.sweep(function, POINTS, store=at.url, ncores=ncores)
    assert function.taken() == [1, 1, 2, 2, 3, 3]
    assert dict(ds.sizes) == {"I": 3, "tau": 2, "time": 5, "spikes.d0": 3}
    assert not any(variable._in_memory for name, variable in ds.variables.items() if name not in ds.indexes)
    assert ds.rate.sel(I=3.0, tau=0.2) == pytest.approx(0.6)
    assert ds["neuron.V"].dims == ("I", "tau", "time")
    assert ds["neuron.V"].attrs["units"] == "mV"
    assert ds.time.attrs["units"] == "ms"
    assert ds["neuron.V"].sel(I=2.0).values.tolist() == [[2.0] * 5] * 2
    assert ds.spikes.sel(I=2.0, tau=0.1).values.tolist()[:2] == [0.0, 1.0]
    assert np.isnan(ds.spikes.sel(I=2.0, tau=0.1).values[2])
    assert ds["spikes.len"].sel(tau=0.1).values.tolist() == [1, 2, 3]
    assert xpet.open(at.url).identical(ds)
    assert xpet.open(at.url, "fi").identical(ds)
    assert xpet.load_trajectory("fi", store=at.url).f_dataset().identical(ds)
    again = xpet.sweep(function, POINTS, store=at.url, ncores=ncores)
    assert function.taken() == []
    assert again.identical(ds)
    flat = xpet.sweep(function, POINTS, store=at.url, view="flat")
    assert flat.rate.dims == ("run",)
    more = xpet.sweep(function, {"I": [1.0, 2.0, 3.0, 4.0], "tau": [0.1, 0.2]}, store=at.url, if_exists="extend")
    assert function.taken() == [4, 4]
    assert more.rate.sel(I=slice(1, 3)).values.tolist() == ds.rate.values.tolist()
    assert more.rate.sel(I=4.0).values.tolist() == [0.4, 0.8]


def test_more_points_need_a_word(url):
    xpet.sweep(fi, POINTS, store=url)
    with pytest.raises(TrajectoryExistsError, match="if_exists='extend'"):
        xpet.sweep(fi, {**POINTS, "tau": [0.1, 0.2, 0.3]}, store=url)


def test_every_kind_of_place(store):
    given = {"store": store.url, "storage_options": store.storage_options or None}
    ds = xpet.sweep(fi, POINTS, **given)
    assert ds.rate.sel(I=3.0, tau=0.2) == pytest.approx(0.6)
    assert xpet.open(store.url, storage_options=store.storage_options or None).identical(ds)


def test_a_script_without_a_guard(tmp_path):
    code = """
    import xpet
    factor = 3.0
    def scaled(x):
        return factor * x
    ds = xpet.sweep(lambda x, y: {"z": scaled(x) + y}, {"x": [1.0, 2.0], "y": [0.0, 10.0]}, store="s.zarr", name="s",
                    ncores=2)
    print(ds.z.values.tolist())
    """
    done = script(code, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("[[3.0, 13.0], [6.0, 16.0]]\n", "")


# what the function may be, and return


def test_closures_and_lambdas(at):
    offset = 10.0
    ds = xpet.sweep(lambda x: x + offset, {"x": [1.0, 2.0]}, store=at.url, name="shifted", ncores=2)
    assert ds.shifted.values.tolist() == [11.0, 12.0]


class Model:
    def __init__(self, factor):
        self.factor = factor

    def rate(self, x):
        return self.factor * x

    def __call__(self, x):
        return self.rate(x)


@pytest.mark.parametrize(
    ("function", "name"),
    [(Model(3.0).rate, "rate"), (Model(3.0), "Model"), (np.square, "square")],
    ids=["method", "object", "ufunc"],
)
def test_other_callables(function, name, url):
    if isinstance(function, np.ufunc):
        with pytest.raises(TypeError):
            xpet.sweep(function, {"x": [1.0, 2.0]}, store=url)
        return
    assert xpet.sweep(function, {"x": [1.0, 2.0]}, store=url)[name].values.tolist() == [3.0, 6.0]


def test_a_lambda_has_no_name(url):
    with pytest.raises(ValueError, match="name="):
        xpet.sweep(lambda x: x, {"x": [1.0]}, store=url)


def test_one_value(url):
    def square(x):
        return x * x

    assert xpet.sweep(square, {"x": [1.0, 3.0]}, store=url).square.values.tolist() == [1.0, 9.0]
    assert xpet.sweep(square, {"x": [1.0, 3.0]}, store=url, name="other").square.values.tolist() == [1.0, 9.0]


def test_nothing(url):
    ds = xpet.sweep(lambda x: None, {"x": [1.0, 3.0]}, store=url, name="none")
    assert set(ds.data_vars) == set()
    assert ds.run_status.values.tolist() == [2, 2]


def test_labelled_arrays(url):
    xr = pytest.importorskip("xarray")

    def wave(k):
        time = np.arange(4) * 0.5
        return xr.DataArray(np.sin(k * time), {"time": ("time", time, {"units": "s"})}, attrs={"units": "V"})

    ds = xpet.sweep(wave, {"k": [1.0, 2.0]}, store=url)
    assert ds.wave.dims == ("k", "time")
    assert ds.wave.attrs["units"] == "V"
    assert ds.time.values.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert ds.wave.sel(k=2.0).values.tolist() == np.sin(2 * np.arange(4) * 0.5).tolist()


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, "bool"),
        (3, "int64"),
        (1.5, "float64"),
        (1 + 2j, "complex128"),
        ("text", None),
        (np.float32(2), "float32"),
    ],
    ids=repr,
)
def test_kinds_of_values(value, dtype, url):
    ds = xpet.sweep(lambda x: {"a": value}, {"x": [1.0, 2.0]}, store=url, name="kinds")
    assert dtype is None or ds.a.dtype == dtype
    assert ds.a.values.tolist() in ([value, value], value)
    back = xpet.load_trajectory("kinds", store=url).r_1.a
    assert type(back) is type(value)
    assert back == value


def test_results_of_some_runs_only(url):
    ds = xpet.sweep(lambda x: {"a": x} if x > 1 else {"b": int(x)}, {"x": [1.0, 2.0]}, store=url, name="some")
    assert ds.a.values[1] == 2.0
    assert np.isnan(ds.a.values[0])
    assert ds.b.values[0] == 1.0
    assert np.isnan(ds.b.values[1])


def test_a_result_named_like_a_parameter(url):
    ds = xpet.sweep(lambda x: {"x": x * 2}, {"x": [1.0, 2.0]}, store=url, name="same")
    assert ds.x.values.tolist() == [1.0, 2.0]
    assert ds["x.1"].values.tolist() == [2.0, 4.0]
    assert xpet.load_trajectory("same", store=url).results.r_1.x == 4.0


@pytest.mark.parametrize("found", [{1: 2.0}, {"a b": 2.0}], ids=repr)
def test_results_with_names_that_cannot_be(found, url):
    with pytest.warns(UserWarning, match="2 of 2 runs failed"):
        xpet.sweep(lambda x: found, {"x": [1.0, 2.0]}, store=url, name="odd")
    (name,) = found
    assert repr(name) in xpet.load_trajectory("odd", store=url).f_run_table().error[0]


# what the points may be


def test_constants(url):
    ds = xpet.sweep(lambda x, mode, n: x * n, {"x": [1.0, 2.0], "mode": "fast", "n": 3}, store=url, name="f")
    assert ds.f.dims == ("x",)
    assert ds.f.values.tolist() == [3.0, 6.0]
    assert (ds.attrs["mode"], ds.attrs["n"]) == ("fast", 3)
    with pytest.raises(TrajectoryExistsError, match=r"parameters\.n is 3 in the store and 4 here"):
        xpet.sweep(lambda x, mode, n: x * n, {"x": [1.0, 2.0], "mode": "fast", "n": 4}, store=url, name="f")


def test_constants_only(url):
    ds = xpet.sweep(lambda x, n: x * n, {"x": 2.0, "n": 3}, store=url, name="f")
    assert ds.f.values.ravel().tolist() == [6.0]


def test_arrays_as_axes(url):
    ds = xpet.sweep(lambda x, n: x * n, {"x": np.linspace(0, 1, 3), "n": range(2)}, store=url, name="f")
    assert ds.f.values.tolist() == [[0.0, 0.0], [0.0, 0.5], [0.0, 1.0]]
    traj = xpet.load_trajectory("f", store=url)
    assert {type(value) for value in traj.f_get("x").f_get_range()} == {float}
    assert {type(value) for value in traj.f_get("n").f_get_range()} == {int}


def test_texts_as_axes(url):
    ds = xpet.sweep(lambda mode, on: f"{mode}{on}", {"mode": ["a", "b"], "on": [True, False]}, store=url, name="f")
    assert ds.f.sel(mode="b", on=False) == "bFalse"


def test_a_list_of_points(url):
    rows = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}, {"x": 5.0, "y": 2.0}]
    ds = xpet.sweep(lambda x, y: x * y, rows, store=url, name="f")
    assert ds.f.dims == ("run",)
    assert ds.f.values.tolist() == [2.0, 12.0, 10.0]
    assert ds.x.values.tolist() == [1.0, 3.0, 5.0]


def test_a_data_frame_of_points(url):
    frame = pd.DataFrame({"x": [1.5, 2.5], "n": [1, 2], "mode": ["a", "b"]})
    ds = xpet.sweep(lambda x, n, mode: f"{mode}{x * n}", frame, store=url, name="f", view="flat")
    assert ds.f.values.tolist() == ["a1.5", "b5.0"]
    traj = xpet.load_trajectory("f", store=url)
    assert [type(traj.f_get(name).f_get_range()[1]) for name in ("x", "n", "mode")] == [float, int, str]


def test_numbers_of_two_kinds_are_refused(url):
    with pytest.raises(TypeError, match=r"'x' are the int 2 and the float 1\.0,"):
        xpet.sweep(lambda x: x, {"x": [1.0, 2]}, store=url, name="f")


# what is refused


@pytest.mark.parametrize(
    ("function", "points", "kind", "said"),
    [
        (fi, {"I": [1.0], "tua": [0.1]}, TypeError, ["fi(I, tau)", "I, tua", "tua"]),
        (fi, {"I": [1.0]}, TypeError, ["fi(I, tau)", "tau"]),
        (fi, {"I": [1.0], "tau": [0.1], "more": 1}, TypeError, ["fi(I, tau)", "more"]),
        (fi, {"I": [], "tau": [0.1]}, ValueError, ["no values", "I"]),
        (fi, {}, ValueError, ["no parameters"]),
        (fi, [], ValueError, ["no points"]),
        (fi, [{"I": 1.0, "tau": 0.1}, {"I": 1.0}], ValueError, ["point 1", "tau"]),
        (fi, 7, TypeError, ["dictionary", "int 7"]),
        (fi, "I", TypeError, ["dictionary", "str 'I'"]),
        (None, {"x": [1.0]}, TypeError, ["sweep takes a function", "NoneType"]),
        (lambda **given: 1, {"a b": [1.0]}, ValueError, ["a b"]),
        (lambda **given: 1, {1: [1.0]}, TypeError, ["strings", "int 1"]),
        (lambda **given: 1, {"_x": 1.0, "y": [1.0]}, ValueError, ["_x"]),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict | list | int | str) else "",
)
def test_bad_points(function, points, kind, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as caught:
        xpet.sweep(function, points, name="study")
    for words in said:
        assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_a_failing_function_says_how_to_repeat_it(on_error, url):
    def fragile(x, mode):
        return 1 / (x - 3)

    with pytest.warns(UserWarning, match="1 of . runs failed") as caught:
        ds = xpet.sweep(fragile, {"x": [1.0, 2.0, 3.0, 4.0], "mode": "a"}, store=url, on_error=on_error)
    (warning,) = caught
    assert warning.filename == __file__
    assert "(run 2)" in str(warning.message)
    assert "fragile(mode='a', x=3.0)" in str(warning.message)
    assert "env.replay" not in str(warning.message)
    assert ds.run_status.values.tolist() == ([2, 2, 3, 2] if on_error == "continue" else [2, 2, 3, 0])
    assert np.isnan(ds.fragile.values[2])


@pytest.mark.parametrize("ncores", [1, 2])
def test_a_failing_function_may_raise(ncores, at):
    with pytest.raises(xpet.RunFailures, match=r"f\(x=0\.0\)") as caught:
        xpet.sweep(lambda x: 1 / x, {"x": [0.0]}, store=at.url, name="f", ncores=ncores, on_error="raise")
    (error,) = caught.value.exceptions
    assert type(error) is ZeroDivisionError


def test_an_unknown_option(url):
    with pytest.raises(ValueError, match="no option 'cores'"):
        xpet.sweep(fi, POINTS, store=url, cores=2)


# opening


def test_open_says_what_is_there(tmp_path, url):
    with pytest.raises(OSError, match=r"no store and no trajectory at .*nothing\.zarr"):
        xpet.open(tmp_path / "nothing.zarr")
    for name in ("a", "b"):
        xpet.sweep(fi, POINTS, store=url, name=name)
    with pytest.raises(ValueError, match=r"'a', 'b'.*trajectory="):
        xpet.open(url)
    with pytest.raises(OSError, match=r"no trajectory 'c'.*'a', 'b'"):
        xpet.open(url, "c")
    assert xpet.open(url, "b").identical(xpet.open(f"{url}/b"))
