"""The state of a service, over all that can be seen of one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.admin import health
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.protocol.deaths import Death
from slashservice.supervise.protocol.status import Status

NOW = 1_800_000_000.0
SOON, LATE = 2.0, 500.0


def stamp(ago: float) -> bytes:
    return tai.pack(int((NOW - ago) * 1e9))


def service(
    pid: int = 7,
    want: bytes = b"u",
    since: float = LATE,
    deaths: tuple[tuple[float | None, int], ...] = (),
    paused: bool = False,
    finish: bool = False,
) -> Seen:
    """Make a service that was seen so; each death is how long the run took, and its wait status."""
    seen = Seen("name", "/nowhere")
    seen.error = None
    seen.is_supervised = True
    seen.now = Status(stamp(since), pid, paused, want, finish=finish)
    seen.last = [Death(stamp(since), 5, status, ran) for ran, status in deaths]
    return seen


EXIT = (0.1, 256)
TERMED = (0.1, signal_numbers.SIGTERM)
LONG = (50.0, 256)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (service(), health.RUNNING),
        (service(want=b"\0"), health.RUNNING),
        (service(want=b"d"), health.STOPPING),
        (service(paused=True), health.PAUSED),
        (service(finish=True), health.FINISHING),
        (service(pid=0, finish=True), health.FINISHING),
        (service(pid=0, want=b"d", finish=True), health.FINISHING),
        (service(pid=0), health.STARTING),
        (service(pid=0, want=b"d"), health.DOWN),
        (service(pid=0, want=b"\0"), health.DOWN),
        (service(pid=0, deaths=(EXIT,)), health.STARTING),
        (service(pid=0, deaths=(EXIT, EXIT)), health.FAILING),
        (service(pid=0, deaths=((None, 256), EXIT)), health.FAILING),
        (service(pid=0, deaths=(EXIT, LONG)), health.STARTING),
        (service(pid=0, deaths=(EXIT, TERMED)), health.STARTING),
        (service(since=SOON, deaths=(EXIT, EXIT)), health.FAILING),
        (service(since=SOON, deaths=(TERMED, TERMED)), health.RUNNING),
        (service(deaths=(EXIT, EXIT)), health.RUNNING),
        (service(pid=0, want=b"d", deaths=(EXIT, EXIT)), health.DOWN),
    ],
)
def test_states(seen: Seen, state: str) -> None:
    assert health.state(seen, NOW) == state
    assert health.is_bad(seen, NOW) == (state in health.BAD)


@given(
    some.sampled_from([0, 7]),
    some.sampled_from([b"u", b"d", b"\0", b"x"]),
    some.floats(-100, 10**6),
    some.lists(some.tuples(some.none() | some.floats(0, 100), some.sampled_from([0, 256, 15]))),
)
def test_some_things_hold_for_every_service(
    pid: int, want: bytes, since: float, deaths: list[tuple[float | None, int]]
) -> None:
    for paused, finish, failed in product([False, True], repeat=3):
        seen = service(pid, want, since, tuple(deaths[-3:]), paused, finish)
        seen.is_failed = failed
        state = health.state(seen, NOW)
        assert state in health.STATES
        assert (state == health.FAILED) == failed
        if state in (health.RUNNING, health.PAUSED, health.STOPPING):
            assert pid
        if state == health.FINISHING:
            assert finish
        if finish:
            assert state in (health.FINISHING, health.FAILED)
        if state in (health.DOWN, health.STARTING):
            assert not pid
        if state == health.FAILING:
            assert len(deaths) >= health.OFTEN
        seen.is_linked = False
        assert health.state(seen, NOW) == health.UNLINKED
