"""What a codec of a user's must do, as tests to inherit."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from xpet import Environment, Trajectory, UnsupportedValueError, load_trajectory, register_codec
from xpet.run.transport import dumps, loads
from xpet.testing.equality import identical
from xpet.testing.seen import codecs_of
from xpet.values import Opaque, decode, encode
from xpet.values.compose import compose
from xpet.values.equality import same_encoded
from xpet.values.registering import ValueCodec
from xpet.values.registry import codecs_apart

_QUIET = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
_FEW = settings(_QUIET, max_examples=4, derandomize=True)
_OTHERS = (1.5, "text", None)


class CodecContract:
    """Tests that a codec passes; inherit from it in a class that pytest collects.

    Attributes
    ----------
    codec
        The codec, as :func:`xpet.register_codec` takes it.
    cls
        The class whose values it takes.
    values
        Values of the class, or a strategy that draws them: small and large ones, and the odd ones.
    older
        What each older version of the codec made of some value, and this value: ``{1: ({'area': 1.5}, Cell(1.5))}``.
    refused
        Values of the class that cannot be kept, so that storing them must raise :class:`xpet.UnsupportedValueError`.

    Notes
    -----
    What comes back is compared with :func:`xpet.testing.identical`; override :meth:`same` to compare in another way.

    Examples
    --------
    >>> from xpet.testing import CodecContract
    >>> class Cell:
    ...     def __init__(self, area):
    ...         self.area = area
    >>> class CellCodec:
    ...     name = 'docs.CellOfContract'
    ...     def encode(self, value):
    ...         return {'area': value.area}
    ...     def decode(self, parts):
    ...         return Cell(parts['area'])
    >>> class TestCellCodec(CodecContract):
    ...     codec, cls, values = CellCodec(), Cell, [Cell(1.5), Cell([1, 2])]
    """

    codec: ClassVar[ValueCodec]
    cls: ClassVar[type]
    values: ClassVar[Sequence[Any] | SearchStrategy[Any]]
    older: ClassVar[Mapping[int, tuple[Mapping[str, Any], Any]]] = {}
    refused: ClassVar[Sequence[Any]] = ()

    def same(self, a: Any, b: Any) -> bool:
        """Tell whether two values are equal, type included."""
        return identical(a, b)

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Have the codec registered in this context."""
        with codecs_apart(self.codec.name):
            register_codec(self.codec, self.cls, replace=True)
            yield

    @pytest.fixture(autouse=True)
    def _registered(self) -> Iterator[None]:
        with self.registered():
            yield

    def _each(self, check: Callable[[Any], None], how: settings = _QUIET) -> None:
        if isinstance(self.values, SearchStrategy):
            how(given(self.values)(check))()
        else:
            assert self.values, f"{type(self).__name__}.values has no value to test the codec with"
            for value in self.values:
                check(value)

    def _some(self) -> list[Any]:
        found: list[Any] = []
        self._each(lambda value: found.append(value), _FEW)
        return (found * 4)[: max(4, len(found))]

    def _check(self, value: Any, back: Any, where: str) -> None:
        assert self.same(value, back), (
            f"{self.codec.name}: {value!r} {where} comes back as {back!r}, which is not the same"
        )

    # The codec alone --------------------------------------------------------------------------------------------------

    def test_comes_back(self) -> None:
        """A value is the same after encoding and decoding, alone and in others."""

        def check(value: Any) -> None:
            encoded = encode(value)
            assert encoded.codec == self.codec.name, (
                f"{value!r} is kept by the codec {encoded.codec!r}, not by this one"
            )
            self._check(value, decode(encoded), "alone")
            self._check(value, decode(encode([1, {"k": (value,)}]))[1]["k"][0], "in a list and a dict")

        self._each(check)

    def test_encode_leaves_the_value_as_it_is(self) -> None:
        """Storing a value does not change it."""

        def check(value: Any) -> None:
            before = copy.deepcopy(value)
            if not self.same(before, value):
                pytest.skip(f"copies of {value!r} are not the same as it, so that a change would not be seen")
            encode(value)
            assert self.same(before, value), f"{self.codec.name}: encode() changed {before!r} into {value!r}"

        self._each(check)

    def test_decode_leaves_its_parts_as_they_are(self) -> None:
        """A value can be decoded again and again."""

        def check(value: Any) -> None:
            encoded = encode(value)
            decode(encoded)
            self._check(
                value, decode(encoded), "decoded for the second time (decode() must not change what it is given)"
            )

        self._each(check)

    def test_equal_values_have_equal_encodings(self) -> None:
        """What is stored depends on the value only; a study that is run again looks for the values that it has."""

        def check(value: Any) -> None:
            first = encode(value)
            why = f"{self.codec.name}: encode() makes of {value!r} something else each time; leave out what varies"
            assert same_encoded(first, encode(value)), why
            assert same_encoded(first, encode(decode(first))), f"{why}, such as what decode() adds"

        self._each(check)

    def test_needs_no_pickle(self) -> None:
        """A value is read without ``allow_pickle=True``."""

        def check(value: Any) -> None:
            what = f"{self.codec.name}: encode() pickles what is in {value!r}; take numbers, texts, arrays out of it"
            assert "pickle" not in codecs_of(encode(value)), what

        self._each(check)

    def test_refuses_what_it_cannot_keep(self) -> None:
        """What cannot be kept raises when it is stored."""
        for value in self.refused:
            said = ""
            try:
                encode(value, "results.z")
            except UnsupportedValueError as error:
                said = str(error)
            assert said, f"{self.codec.name}: encode() takes {value!r}, which it should refuse"
            assert "results.z" in said, f"{said!r} does not say what was to be stored"

    def test_versions(self) -> None:
        """What older versions made is read, and what newer ones make is left alone."""
        now = getattr(self.codec, "version", 1)
        missing = set(range(1, now)) - set(self.older)
        assert not missing, f"{self.codec.name} has the version {now}: give what the versions {missing} made as `older`"
        for version, (parts, value) in self.older.items():
            self._check(value, decode(compose(self.codec.name, parts, version=version)), f"of version {version}")
        newer = encode(self._some()[0])._replace(version=now + 1)
        assert isinstance(decode(newer), Opaque), (
            f"{self.codec.name}: the version {now + 1} is read, which nobody knows"
        )

    # In stores --------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "processes"])
    def test_in_a_study(self, options: Mapping[str, Any], tmp_path: Path) -> None:
        """Every kind of leaf of a study comes back, also from other processes, and plain xarray opens the store."""
        store, values = str(tmp_path / "study.zarr"), self._some()
        self._study(store, values, options)
        traj: Any = load_trajectory("study", filename=store)
        self._check(values[0], traj.parameters.fixed, "as parameter")
        self._check(values[-1], traj.config.setting, "as config")
        self._check(values[0], traj.derived_parameters.before, "as derived parameter")
        found = traj.f_get("varied").f_get_range()
        assert len(found) == len(values), f"{len(values)} explored values come back as {len(found)}"
        for run, (explored, back) in enumerate(zip(values, found, strict=True)):
            self._check(explored, back, f"as explored value of run {run}")
            # Pickles lose what NumPy tells apart, such as long from longlong.
            value = loads(dumps(explored, "it")) if options else explored
            name = f"run_{run:08d}"
            left, derived = traj.results.runs[name], traj.derived_parameters.runs[name]
            self._check(value, left.f_get("result").f_get(), f"as result of run {run}")
            self._check(value, left.f_get("nested").f_get()["k"][0], f"in a result of run {run}")
            self._check(value, derived.f_get("own").f_get(), f"as derived parameter of run {run}")
            mixed, other = left.f_get("mixed").f_get(), _OTHERS[run % 3]
            if run % 2:
                assert identical(mixed, other), f"{other!r} among values of the class comes back as {mixed!r}"
            else:
                self._check(value, mixed, f"as result of run {run}, among others")
        self._open_plainly(store)

    def _study(self, store: str, values: Sequence[Any], options: Mapping[str, Any]) -> None:
        others = _OTHERS

        def job(traj: Any) -> None:
            value = traj.varied
            traj.f_add_result("result", value)
            traj.f_add_result("nested", {"k": [value]})
            traj.f_add_result("mixed", others[traj.v_idx % 3] if traj.v_idx % 2 else value)
            traj.f_add_derived_parameter("own", value)

        env = Environment("study", store=store, **options)
        traj: Any = env.traj
        traj.f_add_parameter("fixed", values[0])
        traj.f_add_parameter("varied", values[0])
        traj.f_add_config("setting", values[-1])
        traj.f_add_derived_parameter("before", values[0])
        traj.f_explore({"varied": list(values)})
        env.run(job)

    def _open_plainly(self, store: str) -> None:
        import xarray as xr

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with xr.open_datatree(f"{store}/study", engine="zarr") as tree:
                tree.load()

    def test_without_the_codec(self, tmp_path: Path) -> None:
        """Where the codec is not registered, a record says so, which is stored again as it is."""
        value, other = self._some()[0], str(tmp_path / "other.zarr")
        traj = Trajectory("study", filename=str(tmp_path / "study.zarr"))
        traj.f_add_result("z", value)
        traj.f_store()
        with codecs_apart(self.codec.name):
            loaded = load_trajectory("study", filename=str(tmp_path / "study.zarr"))
            found = loaded.f_get("results.z").f_get()
            what = (
                f"{self.codec.name}: without it {value!r} should be a record that names it, but comes back as {found!r}"
            )
            assert isinstance(found, Opaque), what
            assert self.codec.name in repr(found), what
            loaded.f_set_store(other)
            loaded.f_store()
        back = load_trajectory("study", filename=other).f_get("results.z").f_get()
        self._check(value, back, "stored again where the codec is not registered")
