"""Add points later: the runs that exist stay, the new ones are done. Results go to ./data/expand.zarr."""

from xpet import Environment, cartesian_product


def area(traj):
    traj.f_add_result("area", traj.width * traj.height)
    return traj.width, traj.height


def study(widths, if_exists):
    env = Environment("areas", store="data/expand.zarr", if_exists=if_exists)
    env.trajectory.f_add_parameter("width", 1.0)
    env.trajectory.f_add_parameter("height", 1.0)
    env.trajectory.f_explore(cartesian_product({"width": widths, "height": [3.0, 4.0]}))
    return env


env = study([1.0, 2.0], if_exists="overwrite")
print("at first:", [point for _, point in env.run(area)])

# more points for the trajectory at hand
env.trajectory.f_expand({"width": [5.0, 5.0], "height": [3.0, 4.0]})
print("expanded:", [point for _, point in env.run(area)])

# another day: the script with more points in it, in any order
env = study([0.5, 1.0, 2.0, 5.0], if_exists="extend")
print("extended:", [point for _, point in env.run(area)])

print(env.dataset().area.to_pandas())
