"""``python examples``: set up an environment and run the main example in it; arguments go to the example."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".ci"))

from bootstrap import ROOT, run

run([str(ROOT / "examples" / "neuron.py"), *sys.argv[1:]], extras=["plot"], cwd=Path.cwd())
