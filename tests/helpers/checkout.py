"""Where the project's own files are."""

from __future__ import annotations

import sys
from pathlib import Path

import plumbum

CHECKOUT = Path(__file__).resolve().parents[2]

PACKAGES = Path(plumbum.__file__).parents[1]
"""Where the packages are that the installer needs: with ``./coverage`` in another checkout."""

PYTHON = "/usr/bin/python3"
"""The interpreter our commands run on: one that every account may execute."""

COMMAND = str(Path(sys.executable).parent / "slashservice")
"""The command that pip has installed for the interpreter that runs us."""
