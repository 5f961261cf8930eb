"""What travels between processes, and how."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from operator import itemgetter
from types import ModuleType

import pytest

from xpet.run.job import Job
from xpet.run.transport import dumps, loads, pack_values, unpack_values

LOCK = threading.Lock()


def with_lock(traj):
    return LOCK.locked()


def plain(traj, a=1):
    return a


def with_default(traj, a=1, lock=LOCK):
    return lock


class Holder:
    def __init__(self):
        self.lock = threading.Lock()

    def job(self, traj):
        return self.lock


def closure_over_lock():
    inner = threading.Lock()
    return lambda traj: inner.locked()


@pytest.mark.parametrize(
    ("job", "named"),
    [
        (Job(with_lock), "the global variable `LOCK`, a lock"),
        (Job(closure_over_lock()), "the variable `inner` of its closure, a lock"),
        (Job(plain, (1, LOCK)), "its argument 2, a lock"),
        (Job(plain, (), {"a": LOCK}), "its argument `a`, a lock"),
        (Job(with_default), "the default of its parameter `lock`, a lock"),
        (Job(Holder().job), "the object it is a method of, a Holder"),
        (Job(functools.partial(with_lock)), "the global variable `LOCK`, a lock"),
    ],
    ids=["global", "closure", "argument", "keyword", "default", "method", "partial"],
)
def test_what_does_not_pickle_is_named(job, named, monkeypatch):
    # as in a script: only then a function takes its globals along
    monkeypatch.setattr(sys.modules[__name__], "__file__", "elsewhere")
    with pytest.raises(TypeError, match="cannot be sent to another process") as caught:
        job.to_bytes()
    assert named in str(caught.value)
    assert "multiproc" in str(caught.value)


def test_functions_of_modules_that_a_worker_cannot_import_go_by_value():
    module = ModuleType("no_such_file")
    exec("FACTOR = 3\ndef job(traj, a): return FACTOR * a", module.__dict__)
    sys.modules["no_such_file"] = module
    try:
        data = Job(module.job, (14,)).to_bytes()
    finally:
        del sys.modules["no_such_file"]
    check = (
        "import sys; from xpet.run.job import Job; job = Job.from_bytes(sys.stdin.buffer.read()); "
        "print(job.function(None, *job.args), 'no_such_file' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], input=data, capture_output=True, timeout=30, check=True)
    assert done.stdout.split() == [b"42", b"False"]


@pytest.mark.parametrize(
    "function", [functools.reduce, itemgetter(1), len, dumps], ids=["C", "object", "builtin", "own"]
)
def test_functions_of_importable_modules_go_by_name(function):
    assert len(Job(function).to_bytes()) < 200


def test_deep_values_travel():
    inner = [object]
    deep: list[object] = [inner, inner]
    for _ in range(20_000):
        deep = [(deep,), {"a": deep}]  # twice the same
    found, levels = loads(dumps({"x": deep}, "it"))["x"], 0  # type: ignore[index]
    while len(found) == 2 and found[0] is not found[1]:
        (first,), named = found
        assert named["a"] is first
        found, levels = first, levels + 1
    assert levels == 20_000
    assert found == [[object], [object]]


def test_too_deep_a_value_is_a_type_error():
    deep: list[object] = []
    deep.append(deep)
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TypeError, match="it cannot be sent to another process: it is nested too deeply to pickle"):
        dumps(deep, "it")


class Local:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is Local and other.value == self.value

    __hash__ = None


class Unloadable:
    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise ValueError("not today")


@pytest.mark.parametrize(
    "values",
    [[], [(3, 1), (1, 2.5), (2, "a")], [(0, [1, {"a": None}]), (1, Local(3))], [(0, lambda: 1)]],
    ids=["none", "plain", "objects", "lambda"],
)
def test_values_travel(values):
    packed, warnings = pack_values(values)
    unpacked, more = unpack_values(loads(dumps(packed, "values")))
    assert warnings == more == []
    assert [run for run, _ in unpacked] == [run for run, _ in values]
    if not values or not callable(values[0][1]):
        assert unpacked == values
        assert [type(value) for _, value in unpacked] == [type(value) for _, value in values]


def test_a_value_that_does_not_pickle_is_lost_aloud():
    packed, warnings = pack_values([(0, 1), (7, threading.Lock()), (8, "kept")])
    assert unpack_values(packed) == ([(0, 1), (8, "kept")], [])
    assert len(warnings) == 1
    assert "run 7 returned" in warnings[0]
    assert "lock" in warnings[0]


def test_a_value_that_does_not_unpickle_is_lost_aloud():
    values, warnings = unpack_values(pack_values([(0, Unloadable()), (1, [2])])[0])
    assert values == [(1, [2])]
    assert len(warnings) == 1
    assert "run 0 returned" in warnings[0]
    assert "ValueError: not today" in warnings[0]
