"""Where the project's own files are."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

PYTHON = "/usr/bin/python3"
"""The interpreter our commands run on: one that every account may execute."""
