"""What runs left comes back whole, or not at all."""

from __future__ import annotations

import pytest

import xpet


@pytest.mark.parametrize("text", ["\0", "a\0", "a\0\0", "\0a", "long" * 2000, ""], ids=lambda text: repr(text[:9]))
def test_text_of_a_run(text, tmp_path):
    xpet.sweep(lambda x: {"said": text, "x": x}, {"x": [1.0, 2.0]}, store=tmp_path / "s.zarr", name="texts")
    traj = xpet.load_trajectory("texts", store=tmp_path / "s.zarr")
    assert traj.r_1.said == text


def test_a_chunk_that_was_lost_is_an_error(tmp_path):
    xpet.sweep(lambda x: {"n": int(x)}, {"x": [1.0, 2.0]}, store=tmp_path / "s.zarr", name="lost")
    (tmp_path / "s.zarr" / "lost" / "results" / "n" / "c" / "0").unlink()
    traj = xpet.load_trajectory("lost", store=tmp_path / "s.zarr")
    with pytest.raises(xpet.CorruptStoreError, match="results/n/c/0: the chunk of runs 0 to 1 is missing; bring"):
        traj.r_1.n  # noqa: B018  # the access is the test
