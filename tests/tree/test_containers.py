"""pypet's special parameters and results, and classes of the user's own, in memory."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import xpet
from xpet.errors import ParameterLockedException, UnsupportedValueError
from xpet.tree import (
    ArrayParameter,
    BaseParameter,
    BaseResult,
    Parameter,
    PickleParameter,
    PickleResult,
    Result,
    SparseParameter,
    SparseResult,
)
from xpet.values import Opaque, decode, encode, same_value, unpickling

PARAMETERS = (Parameter, ArrayParameter, SparseParameter, PickleParameter)
RESULTS = (Result, SparseResult, PickleResult)
ODD = slice(1, 5)


@pytest.fixture
def traj():
    return xpet.Trajectory("study")


@pytest.mark.parametrize("kind", PARAMETERS)
def test_parameters_are_added_by_class(traj, kind):
    parameter = traj.f_add_parameter(kind, "group.a", np.arange(3), comment="what it is")
    assert (type(parameter), parameter.v_class_name, parameter.v_comment) == (kind, kind.__name__, "what it is")
    assert isinstance(parameter, BaseParameter)
    np.testing.assert_array_equal(traj.group.a, np.arange(3))
    assert parameter.v_locked
    with pytest.raises(ParameterLockedException):
        parameter.f_set(1)


@pytest.mark.parametrize("kind", RESULTS)
def test_results_are_added_by_class(traj, kind):
    result = traj.f_add_result(kind, "group.r", 1, 2, named=3, comment="what it is")
    assert (type(result), result.v_class_name, result.v_comment) == (kind, kind.__name__, "what it is")
    assert isinstance(result, BaseResult)
    assert result.f_to_dict() == {"r": 1, "r_1": 2, "named": 3}


@pytest.mark.parametrize("kind", [*PARAMETERS, *RESULTS])
def test_instances_are_added_pickled_and_copied(traj, kind):
    leaf = kind("results.a" if kind in RESULTS else "a", [1.0])
    again = pickle.loads(pickle.dumps(leaf))
    twin = copy.copy(leaf)
    assert [type(each) for each in (again, twin)] == [kind, kind]
    assert again.f_get() == twin.f_get() == [1.0]
    traj.f_add_leaf(leaf)
    assert traj.a == [1.0]


def test_standard_classes_can_be_these(traj):
    traj.v_standard_parameter, traj.v_standard_result = PickleParameter, PickleResult
    assert type(traj.f_add_parameter("p", ODD)) is PickleParameter
    assert type(traj.f_add_result("r", ODD)) is PickleResult
    assert (traj.p, traj.r) == (ODD, ODD)


RANGES = [
    (ArrayParameter, np.arange(3), [np.arange(2), np.zeros((2, 2))], True),
    (ArrayParameter, (1, 2), [(1,), ("a", 2.0)], True),
    (ArrayParameter, (1, 2), [[1]], False),
    (Parameter, (1, 2), [(1.0, 2)], False),
    (SparseParameter, sp.csr_matrix((2, 2)), [sp.csc_matrix((3, 3)), sp.coo_array((1, 1))], True),
    (SparseParameter, sp.csr_matrix((2, 2)), [np.zeros((2, 2))], False),
    (SparseParameter, (1, 2), [(1,)], True),
    (PickleParameter, ODD, [slice(3), slice(4)], True),
    (PickleParameter, ODD, [3], False),
]


@pytest.mark.parametrize(("kind", "default", "values", "fine"), RANGES)
def test_what_can_be_explored_together(traj, kind, default, values, fine):
    traj.f_add_parameter(kind, "p", default)
    if not fine:
        with pytest.raises(TypeError, match="cannot be explored with"):
            traj.f_explore({"p": values})
        return
    traj.f_explore({"p": values})
    assert traj.f_get("p").f_get_range() is not values
    assert all(a is b for a, b in zip(traj.f_get("p").f_get_range(), values, strict=True))


# Pickles --------------------------------------------------------------------------------------------------------------


def test_what_can_be_kept_is_not_pickled():
    parameter, result = PickleParameter("p", {"a": np.arange(3)}), PickleResult("r", [1.0], half=0.5)
    assert [type(value) for leaf in (parameter, result) for value in leaf.f_items().values()] == [dict, list, float]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_cannot_be_kept_is_pickled(protocol):
    for leaf in (PickleParameter("p", ODD, protocol=protocol), PickleResult("p", ODD, protocol=protocol)):
        assert leaf.v_protocol == protocol
        (kept,) = leaf.f_items().values()
        assert isinstance(kept, Opaque)
        data = encode(kept).part()
        assert (data.dtype, pickle.loads(data.tobytes())) == (np.uint8, ODD)
        leaf.v_protocol = 2
        assert encode(next(iter(leaf.f_items().values()))).part()[1] == 2


def test_a_pickle_is_read_only_where_that_is_allowed():
    kept = PickleParameter("p", ODD).f_items()[""]
    assert "allow_pickle=True" in repr(kept)
    again = decode(encode(kept))
    assert isinstance(again, Opaque)
    assert "allow_pickle=True" in repr(again)
    assert same_value(kept, again)
    with unpickling():
        assert decode(encode(kept)) == ODD
        assert decode(encode([kept, 1])) == [ODD, 1]
    assert isinstance(decode(encode([kept, 1])), Opaque)


def test_functions_and_classes_without_a_module_are_pickled_by_value():
    class Local:
        def __init__(self, x):
            self.x = x

    kept = PickleResult("r", lambda x: x + 1, Local(3)).f_items()
    with unpickling():
        function, value = map(decode, map(encode, kept.values()))
    assert (function(1), value.x) == (2, 3)


def test_a_pickle_that_does_not_unpickle_says_why():
    kept = encode(PickleParameter("p", ODD).f_items()[""])
    part = kept.parts[0]
    data = np.frombuffer(part.data.tobytes().replace(b"slice", b"slyce"), np.uint8)
    with unpickling():
        value = decode(type(kept)(kept.codec, (type(part)(data),)))
    assert "slyce" in repr(value)
    assert same_value(value, value)


@pytest.mark.parametrize("data", [np.zeros(3), "text", np.zeros((2, 2), np.uint8), 3])
def test_a_forged_pickle_is_refused(data):
    kept = encode(PickleParameter("p", ODD).f_items()[""])
    with pytest.raises(xpet.CorruptStoreError, match="series of bytes"):
        decode(type(kept)(kept.codec, (type(kept.parts[0])(data),)))


def test_what_does_not_pickle_is_refused_at_once(traj):
    generator = (i for i in range(3))
    with pytest.raises(UnsupportedValueError, match=r"results\.r: .*generator does not pickle"):
        traj.f_add_result(PickleResult, "r", generator)
    parameter = traj.f_add_parameter(PickleParameter, "p")
    with pytest.raises(UnsupportedValueError, match=r"parameters\.p: .*generator"):
        parameter.f_set(generator)
    assert not parameter.f_supports(generator)
    assert parameter.f_supports(ODD)


def test_what_no_codec_takes_says_that_it_can_be_pickled(traj):
    with pytest.raises(UnsupportedValueError, match=r"register_codec.*PickleParameter.*allow_pickle=True"):
        traj.f_add_result("r", ODD)


# Tables of objects ----------------------------------------------------------------------------------------------------


def test_an_object_table_keeps_the_types_of_what_is_in_it():
    table = xpet.ObjectTable({"a": [1, np.int8(2), "x"], "b": [None, 2.5, (1, 2)]}, index=["u", "v", "w"])
    table.attrs["note"] = "mine"
    table["later"] = np.arange(3)
    again = decode(encode(table))
    assert type(again) is xpet.ObjectTable
    assert [type(each) for each in again["a"]] == [int, np.int8, str]
    assert list(again["b"]) == [None, 2.5, (1, 2)]
    assert again.dtypes.equals(table.dtypes)
    assert list(again.index) == ["u", "v", "w"]
    assert again.attrs == {"note": "mine"}
    assert same_value(table, again)
    assert not same_value(table, again.iloc[:, ::-1])


# Classes of the user's ------------------------------------------------------------------------------------------------


class Polynomial:
    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        return sum(c * x**k for k, c in enumerate(self.coefficients))


class PolynomialParameter(Parameter):
    def f_supports(self, data):
        return isinstance(data, Polynomial)

    def _store(self):
        return {"data": np.array(self._data.coefficients), "kind": "polynomial", "none": None}

    def _load(self, load_dict):
        if self.v_locked:
            raise ParameterLockedException("locked")
        self._data = self._default = Polynomial(*load_dict["data"].tolist())
        self._locked = True


class ReversedResult(Result):
    def _store(self):
        return {name[::-1]: value for name, value in self.f_to_dict().items()}

    def _load(self, load_dict):
        self.f_set(**{name[::-1]: value for name, value in load_dict.items()})


def test_a_parameter_says_what_is_kept_of_it(traj):
    parameter = traj.f_add_parameter(PolynomialParameter, "p", Polynomial(1.0, 2.0))
    items = parameter.f_items()
    assert list(items) == ["", "kind", "none"]
    np.testing.assert_array_equal(items[""], [1.0, 2.0])
    again = PolynomialParameter("p")
    again.f_lock()
    again.f_set_loader(lambda: items)
    assert again.v_locked
    assert again.f_get()(2.0) == again.f_get_default()(2.0) == 5.0
    assert traj.p(1.0) == 3.0
    assert PolynomialParameter("q").f_items() == {}


def test_an_error_of_a_users_load_says_of_what():
    with pytest.raises(KeyError) as caught:
        PolynomialParameter("parameters.p").f_set_loader(lambda: {"kind": "polynomial"})
    assert "PolynomialParameter._load was taking what is stored of 'parameters.p'" in caught.value.__notes__[0]


def test_a_parameter_says_what_it_supports(traj):
    for refused in (lambda: traj.f_add_parameter(PolynomialParameter, "p", 3), lambda: PolynomialParameter("p", 3)):
        with pytest.raises(TypeError, match=r"does not support 3, an int"):
            refused()
    parameter = traj.f_add_parameter(PolynomialParameter, "p", Polynomial(1.0))
    with pytest.raises(TypeError, match="cannot be explored"):
        traj.f_explore({"p": [3]})
    assert not parameter.v_explored


def test_a_parameter_says_what_is_kept_of_its_range(traj):
    parameter = traj.f_add_parameter(PolynomialParameter, "p", Polynomial(1.0))
    values = [Polynomial(2.0), Polynomial(3.0, 1.0)]
    traj.f_explore({"p": [*values, values[0]]})
    kept = parameter.f_kept_range()
    assert kept[0] is kept[2]
    assert [each["data"].tolist() for each in kept[:2]] == [[2.0], [3.0, 1.0]]
    assert parameter.f_restored(kept[1])(2.0) == 5.0
    assert parameter.f_items()[""].tolist() == [1.0]
    assert len(parameter) == 3
    traj.f_set_crun(1)
    assert traj.p(2.0) == 5.0


def test_plain_ranges_are_kept_as_they_are(traj):
    parameter = traj.f_add_parameter(ArrayParameter, "p", 1)
    traj.f_explore({"p": [2, 3]})
    assert parameter.f_kept_range() is parameter.f_get_range(copy=False)


def test_a_result_says_what_is_kept_of_it(traj):
    result = traj.f_add_result(ReversedResult, "ab", 1, cd=2)
    items = result.f_items()
    assert items == {"ba": 1, "dc": 2}
    again = ReversedResult("results.ab")
    again.f_set_loader(lambda: items)
    assert again.f_to_dict() == {"ab": 1, "cd": 2}
    assert again.ab == 1


class Own(BaseParameter):
    """All its own, but the access by runs."""

    def __init__(self, full_name, number=None, comment=""):
        super().__init__(full_name, comment)
        self.number = number

    def f_get(self):
        self.f_lock()
        return self.number

    def f_is_empty(self):
        return self.number is None

    def _store(self):
        return {"number": self.number}

    def _load(self, load_dict):
        self.number = load_dict["number"]


def test_a_parameter_may_keep_its_value_itself(traj):
    traj.f_add_parameter(Own, "own", 3, comment="mine")
    assert (traj.own, traj.f_get("own").v_comment, traj.f_get("own").f_items()) == (3, "mine", {"number": 3})
    assert traj.f_get("own").v_locked
    again = Own("own")
    again.f_set_loader(lambda: {"number": 4})
    assert again.f_get() == 4
