"""Do one task in this process: what :mod:`measuring` starts."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from peers.cases import Case, digest, expected


def main(task: str, system: str, job: str, runs: str, workers: str) -> object:
    """Do a task and return what to print."""
    case = Case(system, job, int(runs), int(workers))
    if task == "expected":
        return expected(case)
    module = import_module(f"peers.{system}")
    if task == "version":
        return module.version()
    outcome = getattr(module, task)(case)
    return digest(outcome) if task == "read" and isinstance(outcome, dict) else outcome


if __name__ == "__main__":
    try:
        printed = main(*sys.argv[1:])
    except ModuleNotFoundError as error:
        printed = {"missing": error.name}
    print("\n" + json.dumps(printed))
