"""Kill studies at random instants, and see that nothing finished is lost.

``python benchmarks/kill.py --kills 200 --config serial-local,process-s3`` does that many trials of each configuration
and adds them to a table, ``--out``; trials that are in it already are not done again. A trial begins a study in a
process of its own, disturbs it at an instant that follows from the trial's name, looks at the store as plain xarray and
as xpet show it, does the rest in another process, and compares all arrays with those of a study that nobody disturbed.
It needs xpet's extra ``test``, Linux, and for full disks the right to mount.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import logging
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fixtures_disturbances import (  # noqa: E402
    DropConnections,
    FullDisk,
    KillServer,
    PersistentServer,
    Proxy,
    small_disk,
)
from fixtures_killed import Settings  # noqa: E402
from fixtures_kills import Nest, Reference, is_gone, nearby, place_of  # noqa: E402
from fixtures_servers import BUCKET, running  # noqa: E402
from fixtures_trials import Disturbance, Duration, Kill, Trial, do_trial  # noqa: E402

EXECUTORS = ("serial", "thread", "process", "loky")
KINDS = ("local", "local-chunks", "s3", "s3-chunks", "s3-server", "s3-proxy", "full-disk")
#: bytes from which workers write chunks in the kinds that are named for that
CHUNK = 2**16
#: seconds that a run takes at least: workers should be at runs most of the time, not starting
PAUSES = {"serial": 0.005, "thread": 0.01, "process": 0.03, "loky": 0.03}
SAID = {
    "local": "local disk, SIGKILL",
    "local-chunks": "local disk, chunks by workers, SIGKILL",
    "s3": "S3, SIGKILL",
    "s3-chunks": "S3, chunks by workers, SIGKILL",
    "s3-server": "S3, SIGKILL of the server",
    "s3-proxy": "S3, connections dropped",
    "full-disk": "local disk, full",
}
NAMED = {"process": "the process", "worker": "a worker", "coordinator": "the coordinator", "all": "all processes"}
COLUMNS = ["config", "trial", *(each.name for each in fields(Trial) if each.name != "seed"), "server", "version"]


@dataclass
class Bench:
    """Where the studies of one configuration are, and what disturbs them."""

    folder: Path
    root: str
    disturbance: Disturbance
    options: dict[str, object]
    disk: FullDisk | None = None
    chunk: int = 2**20


@contextlib.contextmanager
def bench_of(kind: str, executor: str, folder: Path, program: str | None) -> Iterator[Bench]:
    """Set up what a kind of disturbance needs; ``program`` is the path of localbucket, if that is to be the server."""
    chunk = CHUNK if kind.endswith("chunks") else 2**20
    with contextlib.ExitStack() as stack:
        if kind == "full-disk":
            disk = FullDisk(stack.enter_context(small_disk()))
            yield Bench(folder, str(disk.folder), disk, {}, disk)
            return
        kill = Kill(("worker", "coordinator", "all") if executor in ("process", "loky") else ("process",))
        if kind.startswith("local"):
            yield Bench(folder, str(folder), kill, {}, chunk=chunk)
            return
        if kind == "s3-server" or program is not None:
            persistent = stack.enter_context(PersistentServer(folder, program))
            server = persistent.server
        else:
            server = stack.enter_context(running("moto"))
        disturbance: Disturbance = kill
        if kind == "s3-server":
            disturbance = KillServer(persistent)
        elif kind == "s3-proxy":
            proxy = Proxy(int(server.endpoint.rpartition(":")[2]))
            disturbance, server = DropConnections(proxy), replace(server, endpoint=f"http://127.0.0.1:{proxy.port}")
        yield Bench(folder, f"s3://{BUCKET}/{folder.name}", disturbance, server.storage_options, chunk=chunk)


def settings_of(bench: Bench, executor: str, name: str) -> Settings:
    """How the study of a trial is done."""
    log = bench.folder / f"{name}.log"
    for old in (log, Path(f"{log}.rest")):
        old.unlink(missing_ok=True)
    remote = {"fold": 1.5, "block": 0.2} if bench.options else {}
    how = {"pause": PAUSES[executor], "chunk": bench.chunk} | remote
    return Settings(f"{bench.root}/{name}", str(log), bench.options, executor, **how)


def calibrate(nest: Nest, bench: Bench, executor: str) -> tuple[Reference, Duration]:
    """What an undisturbed study leaves, and how long it takes."""
    firsts, wholes = [], []
    for count in range(1 if bench.options else 2):
        settings = settings_of(bench, executor, f"reference-{count}")
        study, most = nest.begin(settings), 0
        while not is_gone(study.pid):
            if study.said_bytes() and len(firsts) == count:
                firsts.append(time.monotonic() - study.begun)
            most = max(most, bench.disk.used() if bench.disk else 0)
            time.sleep(0.002)
        if study.end():
            raise RuntimeError(f"the undisturbed study failed: {study.said()}")
        wholes.append(time.monotonic() - study.begun)
        said = study.said_bytes()
    with nearby(settings) as place:
        expected = Reference.of(place)
    if bench.disk:
        bench.disk.measured(most - bench.disk.used() // 2)
        for store in bench.disk.folder.iterdir():
            shutil.rmtree(store)
    return expected, Duration(statistics.median(firsts), statistics.median(wholes), said)


def drop(settings: Settings) -> None:
    """Delete what a good trial left: a server may have all of it in memory."""
    if settings.options:
        place = place_of(settings)
        place.delete(place.list())
    else:
        shutil.rmtree(settings.store, ignore_errors=True)


def do_config(config: str, kills: int, out: Path, version: str, program: str | None) -> None:
    """Do the trials of a configuration that the table lacks."""
    executor, _, kind = config.partition("-")
    done = [row for row in read(out) if row["config"] == config]
    count, hits = len(done), sum(row["role"] != "nobody" for row in done)
    server = "localbucket" if program else "ministack" if kind == "s3-server" else "moto"
    about = {"config": config, "server": server if kind.startswith("s3") else "", "version": version}
    with (
        tempfile.TemporaryDirectory(prefix="xpet-kill-") as name,
        bench_of(kind, executor, Path(name), program) as bench,
    ):
        nest = Nest(bench.folder)
        try:
            expected, duration = calibrate(nest, bench, executor)
            while hits < kills:
                seed = f"{config}-{count}"
                settings = settings_of(bench, executor, seed)
                if bench.disk:
                    bench.disk.prepare(random.Random(seed))
                trial = do_trial(nest, settings, expected, bench.disturbance, seed, duration)
                write(out, {**about, "trial": count}, trial)
                count, hits = count + 1, hits + (trial.role != "nobody")
                if not trial.problems:
                    drop(settings)
        finally:
            nest.close()


def read(out: Path) -> list[dict[str, str]]:
    """The rows of the table."""
    if not out.exists():
        return []
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def write(out: Path, about: dict[str, object], trial: Trial) -> None:
    """Add a trial to the table."""
    row = {**asdict(trial), **about, "instant": f"{trial.instant:.3f}"}
    del row["seed"]
    row["problems"] = " | ".join(trial.problems)
    if trial.problems:
        print(row, flush=True)
    is_new = not out.exists()
    with out.open("a", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        if is_new:
            table.writeheader()
        table.writerow(row)


def table(rows: list[dict[str, str]]) -> str:
    """What came of all trials, as a table in Markdown."""
    lines = ["| executor | store, what happens | trials | hit | reported finished | lost | done again | wrong |",
             "|---|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    for executor in EXECUTORS:
        for kind in KINDS:
            for role, its in _by_role(rows, f"{executor}-{kind}"):
                sums = [sum(int(row[name]) for row in its) for name in ("finished", "lost", "recomputed")]
                hits = sum(row["role"] != "nobody" for row in its)
                wrong = sum(bool(row["problems"]) for row in its)
                cells = (executor, f"{SAID[kind]}{role}", len(its), hits, *sums, wrong)
                lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _by_role(rows: list[dict[str, str]], config: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The trials of a configuration by whom they hit, where they differ in that."""
    its = [row for row in rows if row["config"] == config]
    roles = sorted({row["role"] for row in its} - {"nobody"})
    for role in roles:
        # those that ended before they were hit are counted once
        found = [row for row in its if row["role"] in (role, "nobody" if role == roles[0] else role)]
        yield (f" of {NAMED[role]}" if role in NAMED else ""), found


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many trials of each configuration must hit")
    parser.add_argument("--config", default="serial-local,process-local", help="such as serial-local,process-s3-proxy")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "data" / "kills.csv", help="the table")
    parser.add_argument("--table", action="store_true", help="only print what came of the trials in the table")
    parser.add_argument("--localbucket", help="the path of this S3 server; moto and ministack are used otherwise")
    parser.add_argument("--version", default="", help="what is tested, for the table")
    given = parser.parse_args()
    if given.table:
        print(table(read(given.out)))
        return
    logging.getLogger("xpet").setLevel(logging.ERROR)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for config in given.config.split(","):
        executor, _, kind = config.partition("-")
        if executor not in EXECUTORS or kind not in KINDS:
            parser.error(f"{config}: give one of {', '.join(EXECUTORS)}, then one of {', '.join(KINDS)}")
        began = time.monotonic()
        do_config(config, given.kills, given.out, given.version, given.localbucket)
        print(f"{config}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
