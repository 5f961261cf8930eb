"""What the user registered is there in workers, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import xpet

SCRIPT = """
import xpet

class Cell:
    def __init__(self, area): self.area = area

class CellCodec:
    name = "tests.Cell"
    def encode(self, value): return {"area": value.area}
    def decode(self, parts): return Cell(parts["area"])

xpet.register_codec(CellCodec(), Cell)

def job(traj):
    traj.f_add_result("cell", Cell(traj.x * traj.par.first.area))

env = xpet.Environment(trajectory="cells", filename=STORE, ncores=2, multiproc=MULTIPROC)
env.traj.f_add_parameter("x", 0.0)
env.traj.f_add_parameter("first", Cell(10.0))
env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
env.run(job)
traj = xpet.load_trajectory("cells", filename=STORE)
print([traj.f_get(f"results.runs.run_0000000{k}.cell").f_get().area for k in range(3)])
"""


@pytest.mark.parametrize("multiproc", [False, True], ids=["serial", "process"])
def test_codecs_of_a_script(multiproc, tmp_path):
    code = SCRIPT.replace("STORE", repr(str(tmp_path / "s.zarr"))).replace("MULTIPROC", repr(multiproc))
    (tmp_path / "study.py").write_text(code)
    place = {**os.environ, "PYTHONPATH": str(Path(xpet.__file__).parents[1])}
    command = [sys.executable, "study.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=place, timeout=120)
    assert done.stdout.splitlines()[-1:] == ["[10.0, 20.0, 30.0]"], done.stdout + done.stderr
