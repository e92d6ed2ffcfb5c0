"""The soak, of ten minutes, or as many as ``SLASHSERVICE_SOAK_MINUTES`` says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

MINUTES = float(os.environ.get("SLASHSERVICE_SOAK_MINUTES", "10"))
SEED = "1"


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 600)
def test_soak(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.soak", "--minutes", str(MINUTES), "--seed", SEED]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
