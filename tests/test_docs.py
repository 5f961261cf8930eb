"""The how-tos run as they stand, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDES = {path.name: path for path in [ROOT / "docs/custom-values.md"]}
each_guide = pytest.mark.parametrize("guide", GUIDES.values(), ids=GUIDES)
#: What pytest would do with the tests of a guide, but for those that take long.
QUICKLY = """
for contract in [kind() for name, kind in list(globals().items()) if name.startswith("Test")]:
    with contract.registered():
        for name in dir(contract):
            if name.startswith("test_") and name not in ("test_in_a_study", "test_without_the_codec"):
                getattr(contract, name)()
                print(name)
"""


@each_guide
def test_blocks_run_one_after_the_other(guide: Path, tmp_path: Path):
    blocks = re.findall(r"^```python\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = tmp_path / "guide.py"
    script.write_text("\n".join([*blocks, QUICKLY]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("test_") >= ("CodecContract" in "".join(blocks))


@each_guide
def test_links_lead_somewhere(guide: Path):
    for path, anchor in re.findall(r"\]\(((?!http)[^)#]+)#?([^)]*)\)", guide.read_text(encoding="utf-8")):
        linked = guide.parent / path
        assert linked.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings]
