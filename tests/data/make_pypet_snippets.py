"""Write pypet-0.7-snippets.json: what the snippets of tests/pypet_snippets.py give in pypet.

Run it with a Python that has pypet 0.7: ``python tests/data/make_pypet_snippets.py``.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    snippets, pypet = import_module("pypet_snippets"), import_module("pypet")
    found = {name: snippets.results(pypet, name, mkdtemp()) for name in snippets.SNIPPETS}
    (HERE / "pypet-0.7-snippets.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
