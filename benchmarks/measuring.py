"""Measure whole processes in interleaved rounds, and believe a time only if what was stored is what was computed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from peers.cases import Case

SLOW = 10.0
"""Seconds from which a case is measured in half of the rounds only."""
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Timing:
    """One process.

    Attributes
    ----------
    wall, cpu : float
        Seconds, of the process and of those it started and waited for.
    memory : int
        Bytes: the largest resident size of the process.
    printed : object
        What it printed.
    stored : int
        Bytes of all files that it left.
    """

    wall: float
    cpu: float
    memory: int
    printed: object
    stored: int = 0

    @property
    def inside(self) -> float:
        """Seconds that the process itself took for the task, imports of other packages apart."""
        return self.printed["inside"]


class Refused(Exception):
    """There is no number: a system is not installed, does not finish, or stored something else."""


@dataclass
class Bench:
    """Where processes are started.

    Attributes
    ----------
    pythons : dict of str to Path
        The interpreter of each system; ``peers`` for those without one of their own.
    rounds : int
        How often each case is measured.
    directory : str or None
        Where the stores are.
    timeout : float
        Seconds after which a process is given up.
    """

    pythons: dict[str, Path]
    rounds: int = 3
    directory: str | None = None
    timeout: float = 900.0
    refused: dict[Case, str] = field(default_factory=dict)
    _digests: dict[tuple[str, int], object] = field(default_factory=dict)

    def start(self, task: str, case: Case, cwd: Path) -> Timing:
        """Do a task in a fresh process."""
        python = self.pythons.get(case.system, self.pythons["peers"])
        command = [str(python), "-m", "peers", task, case.system, case.job, str(case.runs), str(case.workers)]
        paths = [str(HERE), str(ROOT)] if python == self.pythons["xpet"] else [str(HERE)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": ""}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.perf_counter()
            process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=err)
            status, usage = _wait(process, self.timeout)
            wall = time.perf_counter() - began
            printed, complaint = (_all(stream) for stream in (out, err))
        if status == -signal.SIGKILL:
            raise Refused(f"{task} {case.system}: not done after {self.timeout:.0f} s")
        if status:
            raise Refused(f"{task} {case.system}: {(complaint.strip() or 'no message').splitlines()[-1][:200]}")
        last = json.loads(printed.splitlines()[-1])
        if isinstance(last, dict) and "missing" in last:
            raise Refused(f"not installed: {last['missing']}")
        return Timing(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT, last)

    def expected(self, job: str, runs: int) -> object:
        """Return the digest of what must have been stored."""
        if (job, runs) not in self._digests:
            self._digests[job, runs] = self.start("expected", Case("loop", job, runs), ROOT).printed
        return self._digests[job, runs]

    def check(self, case: Case, cwd: Path) -> None:
        """Read in a fresh process what a case stored and compare it."""
        if self.start("read", case, cwd).printed != self.expected(case.job, case.runs):
            raise Refused("what was read back is not what was computed")

    def once(self, case: Case) -> Timing:
        """Measure a case in an empty directory and compare what it stored."""
        cwd = Path(tempfile.mkdtemp(prefix="compare-", dir=self.directory))
        try:
            timing = self.start("run", case, cwd)
            self.check(case, cwd)
            return Timing(timing.wall, timing.cpu, timing.memory, timing.printed, _size(cwd))
        finally:
            shutil.rmtree(cwd, ignore_errors=True)

    def all(self, cases: Iterable[Case]) -> dict[Case, list[Timing]]:
        """Measure cases in interleaved rounds; one that is refused has no timings."""
        wanted = list(dict.fromkeys(cases))
        found: dict[Case, list[Timing]] = {case: [] for case in wanted}
        for number in range(self.rounds):
            for case in wanted:
                if case in self.refused or (2 * number > self.rounds and found[case][0].wall > SLOW):
                    continue
                try:
                    found[case].append(self.once(case))
                except Refused as error:
                    self.refuse(case, error)
                    found[case] = []
                else:
                    say(f"round {number + 1}: {case}: {found[case][-1].wall:.3f} s")
        return found

    def refuse(self, case: Case, error: Refused) -> None:
        """Measure a case no more."""
        self.refused[case] = str(error)
        say(f"{case}: {error}")

    def why(self, *cases: Case) -> str:
        """Return why there are no numbers for these cases; nothing if there are."""
        return "; ".join(dict.fromkeys(self.refused[case] for case in cases if case in self.refused))


def median(timings: Iterable[Timing], of: Callable[[Timing], float]) -> float:
    """Return the median of something; of nothing, nan."""
    values = [of(timing) for timing in timings]
    return statistics.median(values) if values else float("nan")


def wall(timing: Timing) -> float:
    """Return the seconds by the clock."""
    return timing.wall


def cpu(timing: Timing) -> float:
    """Return the seconds of CPU, of which other work on the machine takes none."""
    return timing.cpu


def say(line: str) -> None:
    """Tell what goes on, apart from the result."""
    print(line, file=sys.stderr, flush=True)


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _wait(process: subprocess.Popen[bytes], timeout: float) -> tuple[int, resource.struct_rusage]:
    """Wait for a process and return its status and what it used."""
    alarm = threading.Timer(timeout, process.kill)
    alarm.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def _all(stream: object) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
