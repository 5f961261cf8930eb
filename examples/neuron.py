"""The f–I curve of a leaky integrate-and-fire neuron, from the first line to the figure.

A constant current I charges the membrane, τ dV/dt = −(V − V_rest) + R I with τ = R C. When V reaches V_th the neuron
spikes, and V is held at V_reset for the absolute refractory period t_ref. The neuron is simulated for every combination
of 25 currents and 3 refractory periods; the results are then read with plain xarray, checked against the closed form,
and drawn:

    python examples/neuron.py [--store PATH] [--ncores N] [--picture PATH]

Started again, it finds every run in the store and goes straight to the figure.
"""

import argparse
from math import exp, log
from pathlib import Path

import numpy as np
import xarray as xr

import xpet
from xpet import Environment, cartesian_product

COLOURS = ["#0072B2", "#D55E00", "#009E73"]  # told apart by everybody (Okabe and Ito)
MARKERS = ["o", "s", "^"]
T_REF = r"$t_\mathrm{ref}$"


# The simulation -------------------------------------------------------------------------------------------------------


def integrate(times, V_inf, tau, V_th, V_reset, t_ref):
    """Return V at `times` and the times of the spikes.

    For a constant current the exponential Euler step is exact, whatever its length. A step that would cross V_th is
    thus split where it does, and the spike times do not depend on the step either.
    """
    V, spikes = np.empty(len(times)), []
    v, now = V_reset, times[0]
    for k, end in enumerate(times):
        while now < end:  # not so in the refractory period: there `now` lies ahead
            v_end = V_inf + (v - V_inf) * exp(-(end - now) / tau)
            if v_end <= V_th:
                v, now = v_end, end
            else:
                spikes.append(now + tau * log((V_inf - v) / (V_inf - V_th)))
                v, now = V_reset, spikes[-1] + t_ref
        V[k] = v
    return V, np.array(spikes)


def simulate(traj):
    """The job: one run at one point of the exploration."""
    n, clock = traj.parameters.neuron, traj.parameters.clock
    times = np.linspace(0.0, clock.duration, round(clock.duration / clock.dt) + 1)
    V, spikes = integrate(times.tolist(), n.V_rest + n.R * n.I, n.R * n.C, n.V_th, n.V_reset, n.t_ref)
    rate = 1000 * len(spikes) / clock.duration

    axis = {"time": xpet.label(times, units="ms")}
    traj.f_add_result("neuron.V", xpet.label(V, "time", axis, units="mV"), comment="membrane potential")
    traj.f_add_result("neuron.spike_times", xpet.label(spikes, "spike", units="ms"), comment="times of the spikes")
    traj.f_add_result("neuron.count", len(spikes), comment="number of spikes")
    traj.f_add_result("neuron.rate", xpet.label(rate, units="Hz"), comment="spikes per second")


def explore(store, ncores):
    """Do the runs that the store does not have yet; return how many these were, and how many runs there are."""
    env = Environment("lif", comment="f–I curve of a LIF neuron", store=store, multiproc=ncores != 1, ncores=ncores)
    traj = env.trajectory

    def add(name, value, units, comment):
        traj.f_add_parameter(name, xpet.label(value, units=units), comment=comment)

    add("neuron.C", 0.2, "nF", "membrane capacitance")
    add("neuron.R", 100.0, "MΩ", "membrane resistance")
    add("neuron.V_rest", -70.0, "mV", "resting potential")
    add("neuron.V_th", -50.0, "mV", "threshold")
    add("neuron.V_reset", -65.0, "mV", "potential after a spike, and at first")
    add("neuron.I", 0.0, "nA", "input current")
    add("neuron.t_ref", 2.0, "ms", "absolute refractory period")
    add("clock.duration", 1000.0, "ms", "simulated time")
    add("clock.dt", 0.1, "ms", "step of the stored trace")

    currents = np.linspace(0.0, 0.6, 25).tolist()
    traj.f_explore(cartesian_product({"neuron.I": currents, "neuron.t_ref": [0.0, 2.0, 5.0]}))
    return len(env.run(simulate)), len(traj)


# The analysis, as a colleague without xpet would write it -------------------------------------------------------------


def read(store):
    """Return the results, the run dimension unstacked to current × refractory period, and the parameters."""
    n = xr.open_dataset(f"{store}/lif", group="parameters/neuron", engine="zarr")
    clock = xr.open_dataset(f"{store}/lif", group="parameters/clock", engine="zarr")
    runs = xr.open_dataset(f"{store}/lif", group="results/neuron", engine="zarr")
    results = runs.load().set_index(run=["I", "t_ref"]).unstack("run")
    for name in ("I", "t_ref"):
        results[name].attrs = runs[name].attrs
    return results, n.merge(clock)


def closed_form(current, t_ref, n):
    """Return the rate in Hz: a period is t_ref and the time that V takes from V_reset to V_th."""
    V_inf = n.V_rest + n.R * current
    spiking = V_inf > n.V_th
    ratio = (V_inf - n.V_reset) / (V_inf - n.V_th).where(spiking)
    return (1000 / (t_ref + n.R * n.C * np.log(ratio))).where(spiking, 0.0)


def check(results, n):
    """Compare the rates with the closed form and return the largest relative deviation."""
    expected = closed_form(results.I, results.t_ref, n)
    one_spike = 1000 / n.duration
    assert abs(results.rate - expected).max() <= one_spike, "counting is off by at most one spike"

    count, spikes = results["spike_times.len"], results.spike_times
    assert (count == results["count"]).all()
    ticking = count > 1
    period = (spikes.max("neuron.spike_times.spike") - spikes.min("neuron.spike_times.spike")) / (count - 1)
    deviation = float(abs(1000 / period.where(ticking) / expected - 1).max())
    assert deviation < 1e-9, f"the periods deviate by {deviation}"  # a NaN, from no periods at all, fails as well
    return deviation


def show(results, n, deviation):
    """Print some of the rates beside the closed form."""
    some = results.rate.sel(I=[0.15, 0.2, 0.25, 0.3, 0.45, 0.6], method="nearest")
    expected = closed_form(some.I, some.t_ref, n)
    print("rate (Hz): counted, closed form")
    print("  I (nA)  ", *(f"t_ref = {t_ref:g} ms".center(16) for t_ref in some.t_ref.values))
    for k, current in enumerate(some.I.values):
        pairs = zip(some.isel(I=k).values, expected.isel(I=k).values, strict=True)
        print(f"  {current:6.3f}  ", *(f"{counted:7.1f} {exact:8.2f}" for counted, exact in pairs))
    print(f"mean inter-spike intervals agree with the closed form within {deviation:.0e}")


def draw(results, n, path):
    """Draw the rates beside the trace of one run."""
    import matplotlib

    matplotlib.use("Agg")  # a file is written, no window opened
    import matplotlib.pyplot as plt

    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5), width_ratios=[3, 2], layout="constrained")
        figure.get_layout_engine().set(wspace=0.06)
        draw_rates(left, results, n)
        draw_trace(right, results.isel(t_ref=-1).sel(I=0.35, method="nearest"), n)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)
        plt.close(figure)


def draw_rates(axes, results, n):
    """Draw the rate over the current: counted as points, the closed form as lines."""
    fine = xr.DataArray(np.linspace(0.0, 0.6, 2001), dims="I")
    for t_ref, colour, marker in zip(results.t_ref, COLOURS, MARKERS, strict=True):
        axes.plot(fine, closed_form(fine, t_ref, n), color=colour, linewidth=1.2)
        label = f"{T_REF} = {float(t_ref):g} {t_ref.units}"
        axes.plot(results.I, results.rate.sel(t_ref=t_ref), marker, color=colour, markersize=4, label=label)
    axes.plot([], [], color="0.35", linewidth=1.2, label="closed form")
    axes.set_xlabel(f"{results.I.comment} $I$ ({results.I.units})")
    axes.set_ylabel(f"firing rate ({results.rate.units})")
    axes.legend(loc="upper left")


def draw_trace(axes, run, n):
    """Draw the first part of the membrane potential of one run, spikes as vertical lines."""
    trace = run.V.sel(time=slice(0.0, 100.0))
    spikes = run.spike_times[run.spike_times <= 100.0]
    colour = COLOURS[-1]
    axes.plot(trace.time, trace, color=colour, linewidth=1.2)
    axes.vlines(spikes, n.V_th, -30.0, color=colour, linewidth=1.2)
    axes.axhline(n.V_th, color="0.5", linewidth=0.8, linestyle=":")
    axes.text(97.0, float(n.V_th), r"$V_\mathrm{th}$", color="0.35", ha="center", va="bottom")
    axes.set_xlabel(f"time ({trace.time.units})")
    axes.set_ylabel(f"{trace.comment} ({trace.units})")
    axes.set_title(f"$I$ = {run.I:.2f} {run.I.units}, {T_REF} = {run.t_ref:g} {run.t_ref.units}", fontsize=10)


def main():
    """Explore, check and draw."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--store", default="data/neuron.zarr", help="where the results go (default: %(default)s)")
    arguments.add_argument("--ncores", type=int, default=2, help="worker processes (default: %(default)s)")
    arguments.add_argument("--picture", type=Path, default="data/fi-curve.png", help="default: %(default)s")
    given = arguments.parse_args()

    done, runs = explore(given.store, given.ncores)
    print(f"{done} of {runs} runs were to be done; all are in {given.store}")
    results, n = read(given.store)
    show(results, n, check(results, n))
    draw(results, n, given.picture)
    print(f"drawn: {given.picture}")


main()
