"""Texts of runs come back with every character."""

from __future__ import annotations

import pytest

import xpet


@pytest.mark.parametrize("text", ["\0", "a\0", "a\0\0", "\0a", "long" * 2000, ""], ids=lambda text: repr(text[:9]))
def test_text_of_a_run(text, tmp_path):
    xpet.sweep(lambda x: {"said": text, "x": x}, {"x": [1.0, 2.0]}, store=tmp_path / "s.zarr", name="texts")
    traj = xpet.load_trajectory("texts", store=tmp_path / "s.zarr")
    assert traj.r_1.said == text
