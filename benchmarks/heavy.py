"""The parts of the comparison that take long: large arrays, many generations, cost over the number of runs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from measuring import Bench, Refused, Timing, cpu, median, say, wall
from peers.cases import BIG, Case
from reporting import Report, Target, number

LENGTHS = {
    "xpet": (100, 1_000, 10_000, 100_000, 1_000_000),
    "xyzpy": (100, 1_000, 10_000, 100_000, 1_000_000),
    "psweep": (100, 1_000, 10_000, 100_000),
    "xsweep": (100, 1_000, 10_000, 100_000),
    "signac": (100, 1_000, 10_000),
    "pypet": (100, 300, 1_000, 2_000),
    "loop": (100, 1_000, 10_000, 100_000, 1_000_000),
}


def large(bench: Bench, runs: int) -> Report:
    """Measure 100 MB per run with two workers, against plain zarr writing the same with two processes."""
    ours, plain = Case("xpet", "big", runs, 2), Case("zarr", "big", runs, 2)
    timings = bench.all([ours, plain])
    seconds = {case: median(timings[case], wall) for case in timings}
    report = Report(f"{runs} runs of 100 MB, two workers", ["system", "whole process, s", "MB/s", ""])
    for case, title in ((ours, "xpet"), (plain, "plain zarr, a chunk per run")):
        rate = runs * BIG * 8 / 1e6 / seconds[case]
        report.lines.append([title, number(seconds[case]), number(rate), bench.why(case)])
    if timings[ours]:
        again = median(timings[ours], _written) / (runs * BIG * 8)
        report.text = f"The process that folds wrote {number(again)} times the bytes."
    note = f"{number(seconds[ours])} to {number(seconds[plain])} s"
    report.targets = [
        Target(f"{runs} × 100 MB, 2 workers, against plain zarr", seconds[ours] / seconds[plain], 1.5, "×", note=note)
    ]
    report.targets.append(_once(bench))
    return report


def _written(timing: Timing) -> float:
    return timing.printed["written"]


def _once(bench: Bench) -> Target:
    """The bytes that leave a worker for each byte of a result."""
    case = Case("xpet", "big", 6, 2)
    place = Path(tempfile.mkdtemp(prefix="compare-", dir=bench.directory))
    try:
        bench.start("run", case, place)
        found = bench.start("written", case, place).printed
    except Refused as error:
        bench.refuse(case, error)
        found = []
    finally:
        shutil.rmtree(place, ignore_errors=True)
    each = max(found) / (BIG * 8) if found and max(found) else float("nan")
    return Target("bytes that a worker writes for each byte of a 100 MB result", each, 1.01, "")


def generations(bench: Bench, count: int) -> Report:
    """Measure adding 32 points and doing them, many times, in one process."""
    case = Case("generations", "scalar", count)
    place = Path(tempfile.mkdtemp(prefix="compare-", dir=bench.directory))
    report = Report(f"{count:,} generations of `f_expand` by 32 points and `env.run`")
    try:
        found = bench.start("run", case, place).printed
        if bench.start("read", case, place).printed is not True:
            raise Refused("what was read back is not what was computed")
    except Refused as error:
        report.text = str(error)
        bench.refuse(case, error)
        return report
    finally:
        shutil.rmtree(place, ignore_errors=True)
    first, last = found["first"], found["last"]
    before, after = found["memory_first"] / 1e6, found["memory_last"] / 1e6
    report.head = ["", "s of CPU per generation", "MB of memory"]
    report.lines = [["first hundred", number(first), number(before)], ["last hundred", number(last), number(after)]]
    note = f"{number(first * 1e3)} to {number(last * 1e3)} ms of CPU"
    each = (found["memory_last"] - found["memory_first"]) / (count * 0.9) / 1e3
    report.targets = [
        Target("time of a generation, last against first hundred", last / first, 1.2, "×", note=note),
        Target(
            "memory, after the last against after the first hundred",
            after / before,
            1.1,
            "×",
            note=f"{number(each)} kB per generation",
        ),
    ]
    return report


def curve(bench: Bench, longest: int) -> Report:
    """Measure whole processes over the number of runs."""
    cases = [Case(system, "scalar", runs) for system, lengths in LENGTHS.items() for runs in lengths if runs <= longest]
    timings: dict[Case, list[Timing]] = bench.all(cases)
    lengths = sorted({case.runs for case in cases})
    report = Report("Whole process per run over the number of runs, µs of CPU")
    report.head = ["system", *(f"{runs:,}" for runs in lengths)]
    for system in LENGTHS:
        micros = {
            case.runs: median(timings[case], cpu) / case.runs * 1e6
            for case in cases
            if case.system == system and timings[case]
        }
        why = bench.why(*(case for case in cases if case.system == system))
        report.lines.append(
            [f"{system} ({why})" if why else system, *(number(micros.get(runs, float("nan"))) for runs in lengths)]
        )
        report.data[system] = micros
    ours = report.data["xpet"]
    steps = sorted(runs for runs in ours if runs >= 10_000)
    if len(steps) >= 3:
        early, late = (_slope(ours, *pair) for pair in (steps[:2], steps[-2:]))
        note = f"{number(early)} µs of CPU up to {steps[1]:,} runs, {number(late)} µs up to {steps[-1]:,}"
        report.targets = [
            Target("cost of a further run, among many against among few", late / early, 1.2, "×", note=note)
        ]
    say("curve done")
    return report


def _slope(micros: dict[int, float], few: int, many: int) -> float:
    return (micros[many] * many - micros[few] * few) / (many - few)
