"""A place for logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logs


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory where fsync costs nothing."""
    with logs.scratch() as made:
        yield made
