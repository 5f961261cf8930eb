"""The parts of the comparison that take minutes: cost per run, two workers, reading."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import Bench, Refused, Timing, cpu, median, say, wall
from peers.cases import Case, axes, middle, product
from reporting import Report, Target, number

NAMES = {
    "xpet": "xpet",
    "pypet": "pypet",
    "xyzpy": "xyzpy",
    "psweep": "psweep",
    "signac": "signac",
    "xsweep": "xsweep",
    "loop": "loop, `np.save` at the end",
}
KEEPS = {
    "xpet": "every finished run",
    "pypet": "every finished run",
    "xyzpy": "nothing",
    "psweep": "nothing",
    "signac": "every finished run",
    "xsweep": "finished chunks",
    "loop": "nothing",
}
FEW, MANY, SHORTER = 1_000, 10_000, (200, 1_000)
ARRAYS = (1_000, 4_000)
READ = 1_000


@dataclass(frozen=True)
class Slope:
    """What each further run costs: two lengths of the same case."""

    few: Case
    many: Case

    @classmethod
    def of(cls, system: str, job: str) -> Slope:
        """Return the lengths to measure a system at; pypet's cost grows with the length, so that it has short ones."""
        few, many = SHORTER if system == "pypet" else ARRAYS if job == "array" else (FEW, MANY)
        return cls(Case(system, job, few), Case(system, job, many))

    def micros(self, timings: dict[Case, list[Timing]], of: Callable[[Timing], float] | None = None) -> float:
        """Return the cost of a run in microseconds, if `of` is in seconds; by default of CPU.

        The difference of two processes is small against what else goes on in a machine, which CPU time leaves out.
        """
        of = of or cpu
        found = median(timings[self.many], of) - median(timings[self.few], of)
        return found / (self.many.runs - self.few.runs) * 1e6


def stored(timing: Timing) -> float:
    """Return what makes a slope in bytes: millions of them."""
    return timing.stored / 1e6


def per_run(bench: Bench) -> Report:
    """Measure what a run of one scalar costs, in every system."""
    slopes = {system: Slope.of(system, "scalar") for system in NAMES}
    own = {job: Slope.of("xpet", job) for job in ("random", "failing")}
    single = {system: Case(system, "scalar", 1) for system in NAMES}
    imports = Case("loop", "nothing", 1)
    both = [case for slope in (*slopes.values(), *own.values()) for case in (slope.few, slope.many)]
    timings = bench.all([imports, *single.values(), *both])
    report = Report(
        "One scalar per run, serial",
        ["system", "µs per run, CPU", "by the clock", "whole process, one run, s", f"{MANY:,} runs, s", "MB of memory",
         "bytes per run on disk", "kill -9 keeps"],
    )  # fmt: skip
    for system, slope in slopes.items():
        last = timings[slope.many] if slope.many.runs == MANY else []
        cells = [NAMES[system], number(slope.micros(timings)), number(slope.micros(timings, wall))]
        cells += [number(median(timings[single[system]], wall)), number(median(last, wall))]
        cells += [number(median(timings[slope.many], lambda timing: timing.memory / 1e6))]
        cells += [number(slope.micros(timings, stored)), bench.why(slope.few, slope.many) or KEEPS[system]]
        report.lines.append(cells)
    ours, theirs = slopes["xpet"].micros(timings), slopes["pypet"].micros(timings)
    random, mixed = (own[job].micros(timings) for job in ("random", "failing"))
    fixed, waiting = (median(timings[single["xpet"]], of) - median(timings[imports], of) for of in (cpu, wall))
    ours_b, theirs_b = (slopes[system].micros(timings, stored) for system in ("xpet", "pypet"))
    clock = slopes["xpet"].micros(timings, wall)
    report.targets = [
        Target("scalar run", ours, 20, "µs", note=f"of CPU; {number(clock)} µs by the clock"),
        Target("`traj.rng` used", random - ours, 15, "µs more", note="of CPU"),
        Target("a failing run", 2 * mixed - ours, 200, "µs", note="of CPU; every other run raises"),
        Target("scalar run against pypet", theirs / ours, 500, "×", False, _both(theirs, ours)),
        _whole(timings, slopes, "xyzpy", 4),
        _whole(timings, slopes, "psweep", 2),
        Target("fixed cost", fixed * 1e3, 100, "ms", note=f"of CPU; {number(waiting * 1e3)} ms by the clock"),
        Target("disk, scalar run", theirs_b / ours_b, 50, "×", False, f"{number(theirs_b)} to {number(ours_b)} B"),
    ]  # fmt: skip
    return report


def _both(one: float, other: float) -> str:
    return f"{number(one)} to {number(other)} µs of CPU"


def _whole(timings: dict[Case, list[Timing]], slopes: dict[str, Slope], system: str, limit: float) -> Target:
    """The target for whole processes of many runs."""
    ours, theirs = (timings[slopes[name].many] for name in ("xpet", system))
    ratio, busy = (median(theirs, of) / median(ours, of) for of in (wall, cpu))
    note = f"{number(median(theirs, wall))} to {number(median(ours, wall))} s; {number(busy)} × in CPU"
    return Target(f"{MANY:,} scalar runs against {system}, whole processes", ratio, limit, "×", False, note)


def arrays(bench: Bench) -> Report:
    """Measure what a run of 8 kB and three scalars costs."""
    slopes = {system: Slope.of(system, "array") for system in NAMES}
    timings = bench.all(case for slope in slopes.values() for case in (slope.few, slope.many))
    report = Report(
        "8 kB array and three scalars per run, serial",
        ["system", "µs per run, CPU", "by the clock", "MB of memory", "bytes per run on disk", ""],
    )
    for system, slope in slopes.items():
        cells = [NAMES[system], number(slope.micros(timings)), number(slope.micros(timings, wall))]
        cells += [number(median(timings[slope.many], lambda timing: timing.memory / 1e6))]
        cells += [number(slope.micros(timings, stored)), bench.why(slope.few, slope.many)]
        report.lines.append(cells)
    ours, theirs, floor = (slopes[system].micros(timings) for system in ("xpet", "pypet", "loop"))
    report.targets = [
        Target("array run against pypet", theirs / ours, 200, "×", False, _both(theirs, ours)),
        Target("array run against `np.save`", ours / floor, 2, "×", note=_both(ours, floor)),
    ]
    return report


def workers(bench: Bench) -> Report:
    """Measure two workers, the start of the pool included."""
    cases = [Case(system, "scalar", FEW, 2) for system in ("xpet", "pypet")]
    timings = bench.all(cases)
    ours, theirs = (median(timings[case], wall) for case in cases)
    report = Report(f"{FEW:,} scalar runs, two workers", ["system", "whole process, s", ""])
    report.lines = [[NAMES[case.system], number(median(timings[case], wall)), bench.why(case)] for case in cases]
    note = f"{number(theirs)} to {number(ours)} s, whole processes"
    report.targets = [
        Target(f"2 workers, {FEW:,} scalar runs, against pypet QUEUE", theirs / ours, 30, "×", False, note)
    ]
    return report


def reading(bench: Bench) -> Report:
    """Measure reading one result of all runs, and of one run, in a fresh process."""
    cases = {system: Case(system, "scalar", READ) for system in ("xpet", "pypet")}
    wanted = {"read_all": _sum(READ), "read_one": _one(READ)}
    found: dict[tuple[str, str], list[Timing]] = {(task, system): [] for task in wanted for system in cases}
    with _stores(bench, cases) as places:
        for number_ in range(bench.rounds):
            for (task, system), timings in found.items():
                if system in places:
                    timing = bench.start(task, cases[system], places[system])
                    if timing.printed["value"] != wanted[task]:
                        raise Refused(f"{task} {system}: read {timing.printed['value']}, not {wanted[task]}")
                    timings.append(timing)
                    say(f"round {number_ + 1}: {task} {system}: {timing.wall:.3f} s")
    report = Report(
        f"Reading `z` of {READ:,} scalar runs, in a fresh process",
        ["system", "all runs, s", "after the import, s", "one run, s", "after the import, s", ""],
    )
    for system, case in cases.items():
        both = [found[task, system] for task in wanted]
        cells = [number(median(timings, of)) for timings in both for of in (wall, _inside)]
        report.lines.append([NAMES[system], *cells, bench.why(case)])
    for task, what, limit in (("read_all", "all runs", 50), ("read_one", "one run", 5)):
        for title, of in (("whole processes", wall), ("imports apart", _inside)):
            ours, theirs = (median(found[task, system], of) for system in ("xpet", "pypet"))
            note = f"{number(theirs)} to {number(ours)} s"
            report.targets.append(
                Target(f"read z of {what} against pypet, {title}", theirs / ours, limit, "×", False, note)
            )
    return report


@contextmanager
def _stores(bench: Bench, cases: dict[str, Case]) -> Iterator[dict[str, Path]]:
    """One store of each system, checked, for as long as it is read."""
    places: dict[str, Path] = {}
    try:
        for system, case in cases.items():
            place = Path(tempfile.mkdtemp(prefix="compare-", dir=bench.directory))
            places[system] = place
            try:
                bench.start("run", case, place)
                bench.check(case, place)
            except Refused as error:
                bench.refuse(case, error)
                shutil.rmtree(places.pop(system))
        yield places
    finally:
        for place in places.values():
            shutil.rmtree(place, ignore_errors=True)


def _inside(timing: Timing) -> float:
    return timing.inside


def _sum(runs: int) -> float:
    grid = axes(runs)
    return sum(product(x, y) for x in grid["x"] for y in grid["y"])


def _one(runs: int) -> float:
    grid = axes(runs)
    return [product(x, y) for x in grid["x"] for y in grid["y"]][middle(runs)]
