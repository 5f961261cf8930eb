"""``python examples``: set up an environment and run the main example in it; arguments go to the example."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / ".ci"))

from bootstrap import run

run([str(HERE / "neuron.py"), *sys.argv[1:]], extras=["plot"], cwd=Path.cwd())
