"""``python tests``: set up an environment and run the suite in it, two files at a time; arguments go to pytest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".ci"))

from bootstrap import run

# Two, as many tests start processes of their own. Who names what to run gets it in one process, as a debugger needs it.
run(["-m", "pytest", *(sys.argv[1:] or ["-n", "2", "--dist", "loadfile"])], extras=["test"])
