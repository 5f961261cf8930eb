"""Doing the runs: blocks, the worker loop, pools of workers, the coordinator.

:mod:`xpet.run.loop` is the way in; its docstring shows a whole study.
"""
