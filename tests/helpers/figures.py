"""Figures that were not kept at once, told of at the end of a run."""

from __future__ import annotations

MISSED = "promises missed at the first attempt"
"""The property of a test under which such promises are noted."""
