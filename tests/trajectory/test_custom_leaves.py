"""Special and users' classes of leaves, stored and loaded, in runs and outside."""

import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import xarray as xr

import xpet
from xpet import (
    ArrayParameter,
    BaseParameter,
    ObjectTable,
    Parameter,
    PickleParameter,
    PickleResult,
    Result,
    SparseParameter,
    SparseResult,
)
from xpet.errors import UnsupportedValueError
from xpet.values import Opaque, same_value

ODD = slice(1, 5)
SERIAL, PROCESSES = {}, {"multiproc": True, "ncores": 2}
HOW = pytest.mark.parametrize("options", [SERIAL, PROCESSES], ids=["serial", "processes"])
MATRIX = sp.csr_matrix(np.diag([1.0, 0.0, 2.0]))


class Polynomial:
    """Something that no codec takes."""

    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        return sum(c * x**k for k, c in enumerate(self.coefficients))


class PolynomialParameter(Parameter):
    def f_supports(self, data):
        return isinstance(data, Polynomial)

    def _store(self):
        return {"data": np.array(self._data.coefficients), "kind": "polynomial", "nested": {"a": [None, {1: 2}]}}

    def _load(self, load_dict):
        assert load_dict["nested"] == {"a": [None, {1: 2}]}
        self._data = Polynomial(*load_dict["data"].tolist())


class PolynomialResult(Result):
    def _store(self):
        return {f"{name}_of": np.array(value.coefficients) for name, value in self.f_to_dict().items()}

    def _load(self, load_dict):
        for name, value in load_dict.items():
            self.f_set_single(name.removesuffix("_of"), Polynomial(*value.tolist()))


class SourceParameter(Parameter):
    def f_set(self, data):
        super().f_set(data.__name__ if callable(data) else data)


OURS = [PolynomialParameter, PolynomialResult, SourceParameter]


@pytest.fixture
def at(tmp_path):
    return str(tmp_path / "study.zarr")


def load(at, **options):
    return xpet.load_trajectory("study", filename=at, **options)


def special_job(traj):
    traj.f_add_result(SparseResult, "sparse", MATRIX * traj.x, n=traj.x)
    traj.f_add_result(PickleResult, "pickle", slice(traj.x), plain=float(traj.x))
    traj.f_add_result("table", ObjectTable({"a": [traj.x, "text"]}))
    traj.f_add_derived_parameter(ArrayParameter, "array", np.arange(traj.x))
    traj.f_add_derived_parameter(PickleParameter, "odd", slice(traj.x))


@HOW
def test_special_classes_come_back_as_what_they_are(at, options):
    env = xpet.Environment("study", filename=at, **options)
    traj = env.traj
    traj.f_add_parameter("x", 0)
    traj.f_add_parameter(SparseParameter, "matrix", MATRIX)
    traj.f_add_parameter(PickleParameter, "odd", ODD, comment="odd")
    traj.f_add_result(PickleResult, "before", ODD)
    traj.f_explore({"x": [1, 2, 3]})
    env.run(special_job)
    assert isinstance(traj.results.r_1.pickle.f_get("pickle"), Opaque)
    traj.v_allow_pickle = True
    assert traj.results.r_2.pickle.f_get("pickle") == slice(3)

    loaded = load(at, allow_pickle=True)
    kinds = {name: type(loaded.f_get(name)) for name in ("matrix", "parameters.odd", "before")}
    assert kinds == {"matrix": SparseParameter, "parameters.odd": PickleParameter, "before": PickleResult}
    assert (loaded.parameters.odd, loaded.before, loaded.f_get("parameters.odd").v_comment) == (ODD, ODD, "odd")
    assert same_value(loaded.matrix, MATRIX)
    run = loaded.results.r_1
    assert [type(run.f_get(name)) for name in ("sparse", "pickle", "table")] == [SparseResult, PickleResult, Result]
    assert (run.pickle.f_get("pickle"), run.pickle.plain) == (slice(2), 2.0)
    assert same_value(run.sparse["sparse"], MATRIX * 2)
    assert same_value(run.table, ObjectTable({"a": [2, "text"]}))
    derived = loaded.derived_parameters.r_1
    assert [type(derived.f_get(name)) for name in ("array", "odd")] == [ArrayParameter, PickleParameter]
    assert same_value(derived.array, np.arange(2))
    assert derived.odd == slice(2)


def test_no_pickle_is_read_unless_asked(at):
    traj = xpet.Trajectory("study", filename=at)
    traj.f_add_parameter(PickleParameter, "bad", Bad())
    traj.f_add_result(PickleResult, "bad", Bad(), fine=1.5)
    traj.f_store()
    Bad.read = 0
    loaded = load(at)
    for value in (loaded.parameters.bad, loaded.results.bad["bad"]):
        assert isinstance(value, Opaque)
        assert "allow_pickle=True" in repr(value)
    assert loaded.results.bad.fine == 1.5
    with xr.open_dataset(f"{at}/study", engine="zarr", group="results") as plain:
        assert plain["bad.fine"] == 1.5
    assert Bad.read == 0
    assert isinstance(load(at, allow_pickle=True).parameters.bad, Bad)
    assert Bad.read == 1


class Bad:
    read = 0

    def __reduce__(self):
        return _made_bad, ()


def _made_bad():
    Bad.read += 1
    return Bad()


def test_what_was_not_unpickled_is_stored_again_unchanged(at, tmp_path):
    traj = xpet.Trajectory("study", filename=at)
    traj.f_add_parameter(PickleParameter, "odd", ODD)
    traj.f_add_result(PickleResult, "r", ODD)
    traj.f_store()
    loaded = load(at)
    loaded.f_set_store(str(tmp_path / "other.zarr"))
    loaded.f_store()
    again = load(str(tmp_path / "other.zarr"), allow_pickle=True)
    assert (again.odd, again.r, type(again.f_get("r"))) == (ODD, ODD, PickleResult)


def odd_job(traj):
    traj.f_add_result("stop", traj.odd.stop)


@HOW
def test_pickles_are_explored_and_gone_on_with(at, options):
    def study(**more):
        env = xpet.Environment("study", filename=at, **options, **more)
        env.traj.f_add_parameter(PickleParameter, "odd", ODD)
        env.traj.f_add_parameter(PickleParameter, "function", lambda x: x)
        env.traj.f_explore({"odd": [slice(k) for k in range(4)]})
        return env

    study().run(odd_job)
    assert study().run(odd_job) == []
    assert study(allow_pickle=True).run(odd_job) == []
    loaded = load(at, allow_pickle=True)
    assert loaded.f_get("odd").f_get_range() == [slice(k) for k in range(4)]
    assert (loaded.odd, loaded.function(3), loaded.r_2.stop) == (ODD, 3, 2)
    loaded.f_set_crun(3)
    assert loaded.odd == slice(3)
    closed = load(at)
    assert all(isinstance(value, Opaque) for value in closed.f_get("odd").f_get_range())
    assert closed.f_dataset().stop.values.tolist() == [0, 1, 2, 3]


def test_a_loaded_trajectory_goes_on_with_its_pickles(at):
    traj = xpet.Trajectory("study", filename=at)
    text = "".join(["sh", "ared"])
    traj.f_add_parameter(PickleParameter, "odd", slice(text, text), protocol=2)
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": [1, 2]})
    traj.f_store()
    for allow in (False, True):
        loaded = load(at, allow_pickle=allow)
        assert isinstance(loaded.odd, slice) is allow
        loaded.f_store()


# Classes of the user's ------------------------------------------------------------------------------------------------


def polynomial_job(traj):
    traj.f_add_result(PolynomialResult, "roots", traj.p, second=Polynomial(float(traj.v_idx)))
    traj.f_add_derived_parameter(PolynomialParameter, "twice", Polynomial(*(2 * c for c in traj.p.coefficients)))
    traj.f_add_result("value", traj.p(2.0))


def polynomial_study(at, **options):
    env = xpet.Environment("study", filename=at, **options)
    env.traj.f_add_parameter(PolynomialParameter, "p", Polynomial(1.0), comment="explored")
    env.traj.f_add_parameter(PolynomialParameter, "q", Polynomial(1.0, 2.0, 3.0), comment="not explored")
    env.traj.f_add_parameter(SourceParameter, "source", polynomial_job)
    env.traj.f_add_result(PolynomialResult, "before", Polynomial(5.0))
    env.traj.f_explore({"p": [Polynomial(float(k), 1.0) for k in range(3)]})
    return env


@HOW
def test_users_classes_come_back_as_what_they_are(at, options):
    env = polynomial_study(at, dynamic_imports=OURS, **options)
    env.run(polynomial_job)
    assert env.traj.results.r_1.roots.second(0.0) == 1.0
    assert polynomial_study(at, dynamic_imports=OURS, **options).run(polynomial_job) == []

    traj = load(at, dynamic_imports=OURS)
    kinds = [type(traj.f_get(name)) for name in ("parameters.p", "q", "source", "before")]
    assert kinds == [PolynomialParameter, PolynomialParameter, SourceParameter, PolynomialResult]
    assert (traj.p(3.0), traj.q(2.0), traj.source, traj.before(0.0)) == (1.0, 17.0, "polynomial_job", 5.0)
    assert traj.f_get("q").v_locked
    assert traj.f_get("q").v_comment == "not explored"
    assert [value(2.0) for value in traj.f_get("p").f_get_range()] == [2.0, 3.0, 4.0]
    run, derived = traj.results.r_2, traj.derived_parameters.r_2
    assert [type(run.f_get("roots")), type(derived.f_get("twice"))] == [PolynomialResult, PolynomialParameter]
    assert (run.roots["roots"](2.0), run.roots.second(0.0), derived.twice(2.0), run.value) == (4.0, 2.0, 8.0, 4.0)
    traj.v_idx = 2
    assert traj.p(2.0) == 4.0


def test_users_classes_can_be_gone_on_with(at):
    polynomial_study(at).run(polynomial_job)
    env = xpet.Environment(load(at, dynamic_imports=OURS))
    assert env.run(polynomial_job) == []
    env.traj.f_expand({"p": [Polynomial(9.0)]})
    env.run(polynomial_job)
    traj = load(at, dynamic_imports=OURS)
    assert (len(traj), traj.results.r_3.value, traj.f_get("p").f_get_range()[3](0.0)) == (4, 9.0, 9.0)


def test_a_change_of_what_is_kept_is_seen(at):
    polynomial_study(at).traj.f_store()
    env = polynomial_study(at)
    env.traj.q.coefficients = (1.0, 2.0, 4.0)
    with pytest.raises(xpet.TrajectoryExistsError, match=r"parameters\.q is array"):
        env.traj.f_store()


def test_leaves_of_unknown_classes_are_plain_and_a_warning_says_so(at, tmp_path):
    polynomial_study(at).run(polynomial_job)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        traj = load(at)
        assert traj.q["kind"] == "polynomial"
        run = traj.results.r_2
        assert type(run.roots) is Result
        assert run.roots.second_of.tolist() == [2.0]
        assert (traj.source, type(traj.f_get("source"))) == ("polynomial_job", Parameter)
        assert traj.q["data"].tolist() == [1.0, 2.0, 3.0]
        assert [value["data"].tolist() for value in traj.f_get("p").f_get_range()] == [[k, 1.0] for k in range(3)]
    said = [str(each.message) for each in caught]
    assert len(said) == len(set(said)) == 3
    for kind in OURS:
        assert any(f"as a {kind.__name__}," in each and "dynamic_imports=" in each for each in said)

    traj.f_set_store(str(tmp_path / "other.zarr"))
    traj.f_store()
    again = load(str(tmp_path / "other.zarr"), dynamic_imports=OURS)
    assert type(again.f_get("q")) is PolynomialParameter
    assert (again.q(2.0), again.source, again.before(0.0)) == (17.0, "polynomial_job", 5.0)
    assert [value(2.0) for value in again.f_get("p").f_get_range()] == [2.0, 3.0, 4.0]


def test_what_is_changed_is_of_the_unknown_class_no_more(at):
    polynomial_study(at).traj.f_store()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traj = load(at)
    q, before = traj.f_get("q"), traj.f_get("before")
    assert (q.v_class_name, before.v_class_name) == ("PolynomialParameter", "PolynomialResult")
    q.f_unlock()
    q.f_set(1)
    before.f_set(1)
    assert (q.v_class_name, before.v_class_name) == ("Parameter", "Result")


class AllOwn(BaseParameter):
    """Keeps its value where only it looks."""

    number = None

    def f_set(self, data):
        self.number = data

    def f_get(self):
        return self.number

    def f_is_empty(self):
        return self.number is None

    def _store(self):
        return {"number": self.number}

    def _load(self, load_dict):
        self.number = load_dict["number"]


def test_a_class_may_keep_all_to_itself(at):
    traj = xpet.Trajectory("study", filename=at)
    traj.f_add_parameter(AllOwn, "own").f_set(3)
    traj.f_store()
    traj.f_store()
    assert load(at, dynamic_imports=AllOwn).own == 3


@pytest.mark.parametrize("made", [{1: 1, "q": 3}, 5, None, [("a", 1)]], ids=str)
@pytest.mark.parametrize("kind", [xpet.Result, xpet.Parameter])
def test_what_a_class_stores_must_have_names(kind, made, at):
    """An item whose key is no text was dropped without a word."""

    class Own(kind):
        def _store(self):
            return made

    traj = xpet.Trajectory("study", filename=at)
    add = traj.f_add_result if kind is xpet.Result else traj.f_add_parameter
    with pytest.raises(UnsupportedValueError, match=r"\.own: .*Own\._store\(\) must return a dictionary .* returned"):
        add(Own, "own", 1)


# Which classes --------------------------------------------------------------------------------------------------------


def test_classes_are_imported_from_where_the_user_says(at, tmp_path, monkeypatch):
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "leaves.py").write_text("import xpet\nclass Mine(xpet.Parameter):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    traj = xpet.Trajectory("study", filename=at, dynamic_imports="mylab.leaves.Mine")
    mine = sys.modules["mylab.leaves"].Mine
    traj.f_add_parameter(mine, "m", 1)
    traj.f_store()
    for given in ("mylab.leaves.Mine", ["mylab.leaves.Mine"], mine, (mine,), [mine, "xpet.Result"]):
        assert type(load(at, dynamic_imports=given).f_get("m")) is mine
    later = xpet.Trajectory("study", filename=at)
    later.f_add_to_dynamic_imports(mine)
    assert later.v_trust.leaf("parameter", "Mine", "parameters.m", "").v_class_name == "Mine"


REFUSED = {
    "no class": (dict, TypeError, "derive from"),
    "no leaf": ("pathlib.Path", TypeError, "derive from"),
    "no module": ("no_such_module.Class", ImportError, "no_such_module"),
    "no such class": ("xpet.NoSuchClass", ImportError, "NoSuchClass"),
    "no path": ("Class", ImportError, "package.module.Class"),
    "a taken name": (type("Result", (Result,), {}), ValueError, "give it another one"),
}


@pytest.mark.parametrize(("given", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_class_is_refused(given, error, match):
    with pytest.raises(error, match=match):
        xpet.Trajectory("study", dynamic_imports=given)
    with pytest.raises(error, match=match):
        xpet.Environment("study", store="memory://refused", dynamic_imports=[given])


def test_no_class_is_imported_because_a_store_names_it(at, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    traj = xpet.Trajectory("study", filename=at)
    for k, name in enumerate(["trap.Class", "os.system", "__class__", "", "Environment"]):
        leaf = traj.f_add_parameter(f"p{k}", k)
        leaf.f_keep_class(name)
    traj.f_store()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load(at)
    assert {type(loaded.f_get(f"p{k}")) for k in range(5)} == {Parameter}
    assert "trap" not in sys.modules


def test_a_result_among_the_parameters_is_a_parameter(at):
    traj = xpet.Trajectory("study", filename=at)
    traj.f_add_parameter("p", 1).f_keep_class("PickleResult")
    traj.f_add_result("r", 1).f_keep_class("ArrayParameter")
    traj.f_store()
    loaded = load(at)
    assert (type(loaded.f_get("p")), type(loaded.f_get("r"))) == (Parameter, Result)
    assert (loaded.p, loaded.r) == (1, 1)


# A script -------------------------------------------------------------------------------------------------------------

SCRIPT = """
    import inspect
    import numpy as np
    from {package} import Environment, Parameter, ArrayParameter, Result

    class FunctionParameter(Parameter):
        def f_set(self, data):
            if callable(data):
                data = inspect.getsource(data)
            return super(FunctionParameter, self).f_set(data)

    class ComplexResult(Result):
        def _store(self):
            return dict(real=self.f_get('re'), imag=self.f_get('im'), tag='c')

        def _load(self, load_dict):
            self.f_set(re=load_dict['real'], im=load_dict['imag'])

    def euler(traj, diff):
        state = np.zeros((traj.steps, 3))
        state[0] = traj.initial_conditions
        params = traj.func_params.f_to_dict(short_names=True, fast_access=True)
        for k in range(1, traj.steps):
            state[k] = state[k - 1] + traj.dt * diff(state[k - 1], **params)
        traj.f_add_result('evolution', data=state, comment='time series')
        traj.f_add_result(ComplexResult, 'last', re=state[-1], im=-state[-1])

    def lorenz(v, sigma, beta, rho):
        return np.array([sigma * (v[1] - v[0]), v[0] * (rho - v[2]) - v[1], v[0] * v[1] - beta * v[2]])

    def main():
        env = Environment(trajectory='euler', filename={filename!r}, overwrite_file=True, multiproc={multiproc},
                          ncores=2, {options})
        traj = env.trajectory
        traj.f_add_parameter('steps', 50, comment='Number of time steps')
        traj.f_add_parameter('dt', 0.01)
        traj.f_add_parameter(ArrayParameter, 'initial_conditions', np.array([0.0, 0.0, 0.0]))
        traj.f_add_parameter('func_params.sigma', 10.0)
        traj.f_add_parameter('func_params.beta', 8.0 / 3.0)
        traj.f_add_parameter('func_params.rho', 28.0)
        traj.f_add_derived_parameter(FunctionParameter, 'diff_eq', lorenz, comment='Source code of our equation!')
        traj.f_explore({{'initial_conditions': [np.array([0.01, 0.01, 0.01]), np.array([42.0, 4.2, 0.42])]}})
        env.run(euler, lorenz)
        del traj
        traj = {load}
        print(type(traj.f_get('diff_eq')).__name__, traj.diff_eq.splitlines()[0])
        print([list(map(float, value)) for value in traj.f_get('initial_conditions').f_get_range()])
        for name in traj.f_get_run_names():
            result = traj.results.f_get(name)
            {fetch}
            print(result.evolution.data.sum(), type(result.last).__name__, (result.last.re + result.last.im).sum(),
                  sorted(result.last.f_to_dict()))
        env.disable_logging()

    if __name__ == '__main__':
        main()
"""


def script(tmp_path, multiproc):
    text = SCRIPT.format(
        package="xpet",
        filename=str(tmp_path / "study.zarr"),
        multiproc=multiproc,
        options="",
        load=f"""__import__('xpet').load_trajectory(
            'euler', filename={str(tmp_path / "study.zarr")!r}, dynamic_imports=[FunctionParameter, ComplexResult])""",
        fetch="",
    )
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("multiproc", [False, True])
def test_pypets_script_with_a_custom_parameter(tmp_path, multiproc):
    said = script(tmp_path, multiproc).splitlines()
    assert said[0] == "FunctionParameter     def lorenz(v, sigma, beta, rho):".replace("     def", " def")
    assert said[1] == "[[0.01, 0.01, 0.01], [42.0, 4.2, 0.42]]"
    assert all("ComplexResult 0.0 ['im', 're']" in line for line in said[2:])
    assert len(said) == 4
