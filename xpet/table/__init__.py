"""Columns as lazy xarray objects: the run view, the grid view and the run table."""
