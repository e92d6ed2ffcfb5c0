"""In what state a service is, in one word: a rule over what was seen of it.

``failing`` is what dies soon after its start, again and again, or can't be started at all: the
latest runs that nobody ended by TERM were short, and it has not been up for long since. It is
started again and again. ``failed`` is what has said that it can't work, and is not started any
more.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers, tai

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen
    from slashservice.supervise.protocol.deaths import Death

RUNNING = "running"
STARTING = "starting"
STOPPING = "stopping"
FINISHING = "finishing"
PAUSED = "paused"
DOWN = "down"
FAILING = "failing"
FAILED = "failed"
UNLINKED = "unlinked"
NOT_SUPERVISED = "not supervised"
MISSING = "missing"
CLOSED = "closed"

STATES = (
    RUNNING,
    STARTING,
    STOPPING,
    FINISHING,
    PAUSED,
    DOWN,
    FAILING,
    FAILED,
    UNLINKED,
    NOT_SUPERVISED,
    MISSING,
    CLOSED,
)
"""All there are. ``closed`` is a service of which we may not know, ``missing`` a link that leads
nowhere."""

BAD = frozenset((FAILING, FAILED, NOT_SUPERVISED, MISSING))
"""In these, something is wrong with the service."""

SOON = 10.0
"""Seconds. A run that is shorter has ended soon after its start."""

MANY = 3
"""So many runs that ended alike, one after another, have one reason."""

OFTEN = 2
"""So many runs that ended soon, one after another, are no accident."""


def state(seen: Seen, now: float) -> str:
    """Return in what state a service is at the Unix time ``now``."""
    status = seen.now
    if seen.error is not None:
        if seen.is_deleted and not seen.is_linked:
            return UNLINKED
        return MISSING if seen.is_missing else CLOSED
    if not seen.is_supervised or status is None:
        return NOT_SUPERVISED
    if not seen.is_linked:
        return UNLINKED
    if seen.is_failed:
        return FAILED
    if status.finish:
        return FINISHING
    if status.pid and status.paused:
        return PAUSED
    if status.pid and status.want == b"d":
        return STOPPING
    if not status.pid and status.want != b"u":
        return DOWN
    if is_failing(seen, now):
        return FAILING
    return RUNNING if status.pid else STARTING


def is_failing(seen: Seen, now: float) -> bool:
    """Tell whether a service that is wanted up dies soon after each start."""
    latest = seen.last[-OFTEN:]
    if len(latest) < OFTEN or not all(map(_was_short, latest)):
        return False
    if not seen.pid:
        return True
    return now - (seen.since or now) < SOON


def is_bad(seen: Seen, now: float) -> bool:
    """Tell whether something is wrong with a service, or with its log."""
    return state(seen, now) in BAD or (
        seen.log is not None and (state(seen.log, now) in BAD or bool(seen.log.trouble))
    )


def _was_short(death: Death) -> bool:
    """Tell whether a run ended soon, and not because somebody ended it."""
    if death.signal == signal_numbers.SIGTERM:
        return False
    return death.seconds is None or death.seconds < SOON


def died_at(death: Death) -> float:
    """Return the Unix time of a death."""
    return tai.unpack(death.stamp) / 1e9
