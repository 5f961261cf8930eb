"""A job that fails at some points: what is recorded, how to look into it, and how to do the rest.

Results go to ./data/failing_job.zarr.
"""

import math

from xpet import Environment


def logarithm(traj):
    traj.f_add_result("y", math.log(traj.x), comment="natural logarithm of x")


env = Environment("logarithms", store="data/failing_job.zarr", if_exists="overwrite", on_error="continue")
env.trajectory.f_add_parameter("x", 1.0)
env.trajectory.f_explore({"x": [1.0, 2.0, 0.0, 4.0, -5.0, 6.0]})

done = env.run(logarithm)  # the others go on; a warning at the end names the runs that failed
print("complete:", [run for run, _ in done])

runs = env.runs()  # the run table, a DataFrame
failed = runs[runs.status == "failed"]
print(failed[["x", "status"]])
print("run 2:", failed.error[2].splitlines()[-1])

try:
    env.replay(2)  # in this process, with the real exception, so that a debugger sees it
except ValueError as error:
    print("replayed:", error)


def mended(traj):
    traj.f_add_result("y", math.log(traj.x) if traj.x > 0 else math.nan, comment="natural logarithm of x")


done = env.run(mended)  # only what is not complete
print("complete as well:", [run for run, _ in done])
print(env.dataset().y.to_series())
