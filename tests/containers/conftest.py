"""One engine for all tests here, with the images that they run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.engine import Engine, engine


@pytest.fixture(scope="session")
def ours() -> Iterator[Engine]:
    """An engine that has built the recipes of ``container/``."""
    with engine() as made:
        made.build_ours()
        yield made
