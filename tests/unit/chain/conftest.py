"""What waits for the exec of the process that runs the tests: nothing, for each of them."""

from __future__ import annotations

import pytest

from slashservice.supervise.chain.pending import PENDING, Pending


@pytest.fixture(autouse=True)
def pending(monkeypatch: pytest.MonkeyPatch) -> Pending:
    """What waits: nothing at first, and afterwards whatever did before."""
    for name, value in vars(Pending()).items():
        monkeypatch.setattr(PENDING, name, value)
    return PENDING
