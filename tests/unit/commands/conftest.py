"""What tests of several commands share."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from slashservice.supervise.chain import limits


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what has a function of ``limits`` fail; all limits are 5 beside that."""

    def refused(*arguments: int) -> None:
        raise OSError(errno.EPERM, "")

    def refuse(call: str) -> None:
        monkeypatch.setattr(limits, "system_limit", lambda number: (5, 5))
        monkeypatch.setattr(limits, call, refused)

    return refuse
