"""``python tests``: set up an environment and run the suite in it; arguments go to pytest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".ci"))

from bootstrap import run

run(["-m", "pytest", *sys.argv[1:]], extras=["test"])
