"""xpet, pypet, xyzpy, psweep, signac, xsweep, plain zarr and a plain loop on the same jobs, in one go.

``python benchmarks/compare.py`` makes the environments it needs, measures whole processes in interleaved rounds, with
imports on every side, and prints tables of medians. A number is there only if what was stored was read back, in
another process, and is what was computed. xpet is as it comes: with journal, run status, checksums and provenance.
``--full`` takes the largest cases as well. It needs Linux or macOS, and Python 3.12 or newer for pypet. How a million
runs with more results do is measured by ``benchmarks/million.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import heavy
import sections
from measuring import ROOT, Bench, Refused, say
from overhead import newer_python, xpet_python
from peers.cases import Case
from picture import draw
from reporting import Report, target_table

PEERS = (
    "pypet==0.7.0",
    "xyzpy==1.3.5",
    "psweep==0.16.0",
    "signac==2.4.1",
    "xsweep==0.5.0",
    "zarr",
    "h5netcdf",
    "matplotlib",
)
SYSTEMS = ("xpet", "pypet", "xyzpy", "psweep", "signac", "xsweep", "loop", "zarr")


def peers_python() -> Path:
    """Return the interpreter of an environment with the peers, made on first use; what does not install is left out."""
    home = ROOT / ".venv-peers"
    python = home / "bin" / "python"
    stamp = home / "made-from.json"
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == list(PEERS):
        return python
    say(f"making {home.name}; this takes a minute or two")
    subprocess.check_call([str(newer_python()), "-m", "venv", "--clear", str(home)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call([*pip, *PEERS], stdout=sys.stderr):
        for package in PEERS:
            subprocess.call([*pip, package], stdout=sys.stderr)
    stamp.write_text(json.dumps(PEERS), encoding="utf-8")
    return python


def versions(bench: Bench) -> str:
    """Return the versions of everything, for the line above the tables."""
    found = []
    for system in SYSTEMS:
        try:
            found.append(str(bench.start("version", Case(system, "scalar", 0), ROOT).printed))
        except Refused as error:
            found.append(f"{system} ({error})")
    return ", ".join(dict.fromkeys(found))


def parts(options: argparse.Namespace) -> dict[str, Callable[[Bench], Report]]:
    """Return the parts of the comparison by name."""
    full = options.full
    return {
        "scalar": sections.per_run,
        "array": sections.arrays,
        "workers": sections.workers,
        "read": sections.reading,
        "large": lambda bench: heavy.large(bench, 100 if full else 20),
        "generations": lambda bench: heavy.generations(bench, 1_000 if full else 300),
        "curve": lambda bench: heavy.curve(bench, 1_000_000 if full else 100_000),
    }


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(parts(argparse.Namespace(full=False)))
    parser.add_argument(
        "--only", nargs="+", choices=known, default=known, metavar="PART", help=f"of {', '.join(known)}"
    )
    parser.add_argument("--full", action="store_true", help="100 × 100 MB, 1 000 generations, a million runs")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case (default 3)")
    parser.add_argument("--peers", type=Path, help="an environment that has the peers")
    parser.add_argument("--xpet-python", type=Path, help="an interpreter that has what xpet depends on")
    parser.add_argument("--directory", help="where the stores are (default: the temporary directory)")
    parser.add_argument("--picture", type=Path, help="where to draw the cost over the number of runs")
    options = parser.parse_args()
    theirs = options.peers / "bin" / "python" if options.peers else peers_python()
    ours = options.xpet_python or xpet_python()
    bench = Bench({"xpet": ours, "generations": ours, "peers": theirs}, options.rounds, options.directory)
    reports = {}
    python = ".".join(map(str, sys.version_info[:2]))
    lines = f"{os.cpu_count()} cores, Python {python}, {versions(bench)}; medians of {options.rounds} rounds"
    for name, part in parts(options).items():
        if name in options.only:
            reports[name] = part(bench)
            say(reports[name].markdown())
    print(lines, target_table([target for report in reports.values() for target in report.targets]), sep="\n\n")
    for report in reports.values():
        print(f"\n{report.markdown()}")
    if options.picture and "curve" in reports:
        draw(reports["curve"].data, options.picture)


if __name__ == "__main__":
    main()
