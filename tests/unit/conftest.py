"""What tests of single parts share: an event loop on a clock that they set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.clock import Clock
from helpers.loops import event_loop

from slashservice.supervise.platform.loop import Loop


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    """A loop whose signal handling ends with the test."""
    with event_loop(clock) as made:
        yield made
