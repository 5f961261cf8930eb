"""pypet's import paths: what ``import pypet.x`` gave, ``import xpet.x`` gives, for each module of this folder.

Each is a few re-exports; what is not there says so, and why, when it is called (:mod:`xpet.pypet.absent`).
"""
