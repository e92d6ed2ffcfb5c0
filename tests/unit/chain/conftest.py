"""What waits for the exec of the process that runs the tests: nothing, for each of them."""

from __future__ import annotations

import pytest

from slashservice.supervise.chain.pending import Pending


@pytest.fixture(autouse=True)
def nothing_waits(pending: Pending) -> None:
    """Have it so for tests that do not ask for it."""
