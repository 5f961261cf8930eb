"""What an executor must do so that studies can be done on it, as tests to inherit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from xpet import Environment, RunError, RunFailures

_N = 40


class ExecutorContract:
    """Tests that an executor passes; inherit from it in a class that pytest collects.

    Attributes
    ----------
    is_here
        The runs are done in this process.
    is_parallel
        It does two runs at the same time.
    outlives_its_workers
        It goes on after a worker was killed; otherwise the study ends with an error.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from contextlib import contextmanager
    >>> from xpet.testing import ExecutorContract
    >>> class TestThreads(ExecutorContract):
    ...     is_here = True
    ...     @contextmanager
    ...     def opened(self):
    ...         with ThreadPoolExecutor(2) as executor:
    ...             yield {'executor': executor, 'ncores': 2}
    """

    is_here: ClassVar[bool] = False
    is_parallel: ClassVar[bool] = True
    outlives_its_workers: ClassVar[bool] = True

    def opened(self) -> AbstractContextManager[Mapping[str, Any]]:
        """Open an executor of two workers, and give the options with which an :class:`xpet.Environment` uses it."""
        raise NotImplementedError(f"{type(self).__name__} must say what it tests, by a context manager opened()")

    @pytest.fixture(scope="class")
    @classmethod
    def options(cls) -> Iterator[Mapping[str, Any]]:
        """What the executor is, the same one for all tests that leave it whole."""
        with cls().opened() as options:
            yield options

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """What the job of these tests leaves, done in this process."""
        env = _study(tmp_path_factory.mktemp("expected"))
        env.run(_measuring())
        return env.dataset("flat").load()

    def test_results_are_the_same_to_the_last_bit(
        self, options: Mapping[str, Any], tmp_path: Path, expected: Any
    ) -> None:
        """Also where runs fail, are tried again, or are done by another call."""
        measure = _measuring()

        def job(traj: Any, bad: list[int]) -> int:
            tries = tmp_path / str(traj.v_idx)
            if traj.v_idx in bad and not (traj.v_idx == 17 and tries.exists()):
                tries.touch()
                raise ValueError(f"{traj.x} is bad")
            return measure(traj)

        env = _study(tmp_path, retries=1, **options)
        with pytest.warns(UserWarning, match=r"1 of 40 runs failed \(run 13\).*ValueError: 13\.0 is bad"):
            returned = env.run(job, bad=[13, 17])
        assert [run for run, _ in returned] == [run for run in range(_N) if run != 13]
        assert (os.getpid() in {pid for _, pid in returned}) == self.is_here, "the runs were done in the other place"
        assert "13.0 is bad" in env.runs().error[13]
        assert len(env.run(job, [])) == 1
        assert env.runs().attempt[17] == 2
        _check_same(env, expected)

    def test_jobs_of_every_kind_travel(self, options: Mapping[str, Any], tmp_path: Path) -> None:
        """Closures with arguments, objects of local classes; what they return need not be wanted."""

        class Local:
            def __init__(self, value: float) -> None:
                self.value = value

            def __call__(self, traj: Any, factor: float) -> float:
                return factor * float(traj.x) + self.value

        offset = 100
        env = _study(tmp_path, n=3, **options)
        assert env.run(lambda traj, factor: traj.x * factor + offset, 5) == [(0, 100.0), (1, 105.0), (2, 110.0)]
        again = _study(tmp_path, n=3, name="again", **options)
        assert again.run(Local(7), factor=2) == [(0, 7.0), (1, 9.0), (2, 11.0)]
        none = _study(tmp_path, n=3, name="none", collect=False, **options)
        assert none.run(lambda traj: traj.x) == []

    def test_two_runs_are_done_at_the_same_time(self, options: Mapping[str, Any], tmp_path: Path) -> None:
        """Each waits for the other."""
        if not self.is_parallel:
            pytest.skip("it does one run at a time")

        def meet(traj: Any) -> tuple[int, int]:
            (tmp_path / f"met-{traj.v_idx}").touch()
            end = time.monotonic() + 60
            while len(list(tmp_path.glob("met-*"))) < 2:
                assert time.monotonic() < end, "the other run does not come"
                time.sleep(0.01)
            return os.getpid(), threading.get_ident()

        assert len({where for _, where in _study(tmp_path, n=2, **options).run(meet)}) == 2

    @pytest.mark.parametrize("on_error", ["stop", "raise"])
    def test_a_failing_run_may_end_the_study(self, options: Mapping[str, Any], tmp_path: Path, on_error: Any) -> None:
        """No worker begins another one."""

        def job(traj: Any) -> None:
            if traj.v_idx % 2:
                raise ValueError(f"{traj.x} is odd")

        env = _study(tmp_path, n=1000, on_error=on_error, **options)
        if on_error == "stop":
            with pytest.warns(UserWarning, match="runs were not begun"):
                env.run(job)
        else:
            with pytest.raises(RunFailures, match=r"\d\.0 is odd") as caught:
                env.run(job)
            assert {type(error) for error in caught.value.exceptions} == {ValueError}
        counts = env.runs().status.value_counts()
        assert 1 <= counts["failed"] <= 2
        assert counts["new"] > 0

    def test_runs_that_all_fail_alike_stop_soon(self, options: Mapping[str, Any], tmp_path: Path) -> None:
        """After some from the start, the middle and the end."""
        env = _study(tmp_path, n=1000, **options)
        with pytest.warns(UserWarning, match="all failed in the same way"):
            env.run(lambda traj: 1 / 0)
        assert (env.runs().status == "failed").sum() < 10

    def test_a_journal_that_cannot_be_written_ends_the_study(
        self, options: Mapping[str, Any], tmp_path: Path, expected: Any
    ) -> None:
        """And nothing is lost once it can."""
        env = _study(tmp_path, **options)
        env.traj.f_store()
        packets = tmp_path / "s.zarr" / "study" / "_xpet" / "journal" / "packet"
        packets.parent.mkdir(parents=True, exist_ok=True)
        packets.touch()
        with pytest.raises(OSError, match="packet"):
            env.run(_measuring())
        packets.unlink()
        env.run(_measuring())
        _check_same(env, expected)

    @pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
    def test_a_killed_worker_loses_nothing(self, tmp_path: Path, expected: Any) -> None:
        """The study goes on, or ends with an error, and then the next one does what is missing."""
        if self.is_here:
            pytest.skip("its workers are this process")
        job = _killed_once(tmp_path)
        with self.opened() as options:
            env = _study(tmp_path, collect=False, **options)
            if self.outlives_its_workers:
                env.run(job)
                assert (tmp_path / "killed").exists()
                _check_same(env, expected)
                return
            with pytest.raises(RunError, match=r"is broken .*every finished run is kept.*it was at runs"):
                env.run(job)
        before = env.runs().status == "complete"
        again = _study(tmp_path)
        # what other workers wrote while the executor broke is taken in
        again.run(job, runs=[])
        complete = again.runs().status == "complete"
        assert before.any()
        assert complete[before].all()
        missing = [run for run in range(_N) if not complete[run]]
        assert 5 in missing
        (tmp_path / "calls").unlink()
        again.run(job)
        assert sorted(map(int, (tmp_path / "calls").read_text().split())) == missing
        _check_same(again, expected)


def _study(folder: Path, n: int = _N, name: str = "study", **options: Any) -> Environment:
    env = Environment(name, store=str(folder / "s.zarr"), seed=3, **options)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_add_parameter("scale", np.array([1.0, 2.0]))
    env.traj.f_explore({"x": [float(run) for run in range(n)]})
    return env


def _measuring() -> Callable[[Any], int]:
    # a function of this module would have workers import pytest
    def measure(traj: Any) -> int:
        traj.f_add_result("z", traj.x * 3)
        traj.f_add_result("noise", traj.rng.random(2) * traj.scale)
        traj.f_add_result("text", f"x is {traj.x}")
        return os.getpid()

    return measure


def _killed_once(folder: Path) -> Callable[[Any], int]:
    """A job that notes its calls, and whose worker is killed in run 5, the first time."""
    measure = _measuring()

    def job(traj: Any) -> int:
        with open(folder / "calls", "a") as file:
            file.write(f"{traj.v_idx}\n")
        if traj.v_idx == 5 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return measure(traj)

    return job


def _check_same(env: Environment, expected: Any) -> None:
    found = env.dataset("flat").load()
    assert found.identical(expected), f"these differ:\n{found}\n{expected}"
    for name in ("z", "noise"):
        assert found[name].values.tobytes() == expected[name].values.tobytes(), f"{name} differs in some bit"
