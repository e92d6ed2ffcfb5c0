"""What tests of services have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.services.directory import ServiceDirectory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[ServiceDirectory]:
    made = ServiceDirectory(bytes(tmp_path), b"service")
    made.acquire(b"life", 1000)
    yield made
    made.release()
