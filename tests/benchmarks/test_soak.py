"""The soak, for as long as the whole of the tests allows; other lengths by hand.

``SLASHSERVICE_SOAK_MINUTES`` is how long: 2 by default, as all tests share less than 45 minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

MINUTES = float(os.environ.get("SLASHSERVICE_SOAK_MINUTES", "2"))
SEED = "1"


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 600)
def test_soak(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.soak", "--minutes", str(MINUTES), "--seed", SEED]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
