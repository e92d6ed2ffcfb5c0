"""Signalling a process."""

from __future__ import annotations

import pytest

from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import adoption, starters


@pytest.mark.parametrize("pid", [0, -1])
def test_no_signal_goes_to_a_group_of_processes(loop: Loop, pid: int) -> None:
    child = starters.Child(loop, pid, lambda status: None)
    adopted = adoption.Adopted(loop, pid, 0, lambda status: None)
    for process in (child, adopted):
        with pytest.raises(AssertionError):
            process.signal(0)
