"""Keep values of a class of one's own: what they are made of becomes columns. Results go to ./data/swing.zarr."""

import numpy as np

import xpet


class Swing:
    """A damped swing: its angle over time, and what it was."""

    def __init__(self, angle, dt, damping):
        self.angle, self.dt, self.damping = angle, dt, damping

    def period(self):
        down = np.flatnonzero((self.angle[:-1] > 0) & (self.angle[1:] <= 0))
        return float(np.diff(down).mean() * self.dt)


class SwingCodec:
    name = "examples.Swing"

    def encode(self, swing):
        time = xpet.label(np.arange(len(swing.angle)) * swing.dt, units="s")
        angle = xpet.label(swing.angle, "time", {"time": time}, units="rad")
        return {"": angle, "dt": swing.dt, "damping": swing.damping}

    def decode(self, parts):
        return Swing(parts[""], parts["dt"], parts["damping"])


xpet.register_codec(SwingCodec(), Swing)


def swing(rod, damping):
    dt, angle, speed = 0.01, 0.2, 0.0
    angles = []
    for _ in range(1000):
        speed -= dt * (9.81 / rod * np.sin(angle) + damping * speed)
        angle += dt * speed
        angles.append(angle)
    return {"swing": Swing(np.array(angles), dt, damping)}


points = {"rod": [0.5, 1.0, 2.0], "damping": [0.0, 0.2]}
ds = xpet.sweep(swing, points, store="data/swing.zarr", if_exists="overwrite")
print("plain arrays:", dict(ds.swing.sizes), "in", ds.swing.units, "over", ds.time.units)
print("largest angle at the end:", ds.swing.sel(time=slice(9, None)).max("time").round(2).values.tolist())

traj = xpet.load_trajectory("swing", filename="data/swing.zarr")
for run in range(len(traj)):
    found = traj.results.runs[f"run_{run:08d}"].swing
    print(f"run {run}: {type(found).__name__} with a period of {found.period():.2f} s")
