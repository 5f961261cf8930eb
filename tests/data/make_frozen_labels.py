"""Write the frozen store with labels of all kinds and chunks that wait: ``make_frozen_labels.py <archive>``.

Run once for a version of the encodings; what it wrote is then kept as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from fixtures_labelled import SHOWN, add_all, dataset, large, segment  # noqa: E402

# xarray looks for other packages, which ask for this process; the next import gives it another number.
dataset(0)

import make_frozen  # noqa: E402
from packing import forget_launches, pack  # noqa: E402

import xpet  # noqa: E402
from xpet.store.journal import open_packer  # noqa: E402
from xpet.store.packets import LeafData  # noqa: E402
from xpet.store.place import open_place, resolve  # noqa: E402
from xpet.store.writer import open_for_writing  # noqa: E402


def make_waiting(store: Path) -> None:
    """A packet that tells of chunks which no fold has given their place."""
    traj = xpet.Trajectory("waiting", filename=store)
    traj.f_add_parameter("i", 0)
    traj.f_explore({"i": [0, 1]})
    traj.f_store()
    spec = resolve(store)
    with open_for_writing(open_place(spec), "waiting") as writer:
        packer = open_packer(spec, "waiting", writer.attempt)
        packer.begin(0, 0)
        packer.complete(0, [LeafData("results.runs.$.z", "result", "Result", "", {"": large(0)}, {})], 1.7e9, 0.25)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "labels.zarr"
        env = xpet.Environment("labels", store=where)
        for name, (make, _, _) in SHOWN.items():
            env.traj.f_add_parameter(segment(name), make(1))
        env.traj.f_add_parameter("i", 0)
        env.traj.f_explore({"i": [0, 1, 2]})
        env.run(add_all)
        make_waiting(where)
        make_frozen.forget(where)
        forget_launches(where, "labels")
        pack(Path(folder), make_frozen.ARCHIVE)
