"""pypet's first script, with its import line changed and a last line added. Results go to ./HDF/example_01.zarr."""

# fmt: off

from xpet import Environment, cartesian_product


def multiply(traj):
    z = traj.x * traj.y
    traj.f_add_result('z', z, comment='I am the product of two values!')


env = Environment(trajectory='Multiplication', filename='./HDF/example_01.hdf5', file_title='Example_01', comment='I am the first example!')  # noqa: E501
traj = env.trajectory
traj.f_add_parameter('x', 1.0, comment='Im the first dimension!')
traj.f_add_parameter('y', 1.0, comment='Im the second dimension!')
traj.f_explore(cartesian_product({'x': [1.0, 2.0, 3.0, 4.0], 'y': [6.0, 7.0, 8.0]}))
env.run(multiply)          # -> [(run index, return value), …]

print(env.dataset().z.to_pandas())
