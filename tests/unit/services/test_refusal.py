"""Patience with a predecessor that was killed, on a clock of our own."""

from __future__ import annotations

import time

import pytest
from helpers.clock import Clock

from slashservice.supervise.messages import Quit
from slashservice.supervise.services.refusal import SECONDS_OF_PATIENCE, Refused, outwait


@pytest.fixture(autouse=True)
def waiting(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(time, "sleep", sleep)


def test_a_lock_that_is_held_for_a_moment_is_awaited(clock: Clock) -> None:
    free = clock.now + SECONDS_OF_PATIENCE / 2

    def take() -> str:
        if clock.now < free:
            raise Refused(b"held\n", busy=True)
        return "taken"

    assert outwait(take) == "taken"
    assert free <= clock.now < free + 0.1


@pytest.mark.parametrize(("busy", "seconds"), [(True, SECONDS_OF_PATIENCE), (False, 0.0)])
def test_not_for_ever_and_not_without_hope(clock: Clock, busy: bool, seconds: float) -> None:
    def take() -> None:
        raise Refused(b"refused\n", busy)

    before = clock.now
    with pytest.raises(Quit) as ended:
        outwait(take)
    assert (ended.value.status, ended.value.line) == (111, b"refused\n")
    assert clock.now - before == pytest.approx(seconds, abs=0.1)
