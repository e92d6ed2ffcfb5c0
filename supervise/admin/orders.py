"""What can be asked of a service, and when that is so: rules over what is seen of it.

A service is seen before it is told anything, and again whenever it may have changed.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import typed, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.admin.seen import Seen

    Letters = Callable[[Seen], bytes]
    Done = Callable[[Seen, Seen], bool]

SIGNALS = {
    "ALRM": b"a",
    "CONT": b"c",
    "HUP": b"h",
    "INT": b"i",
    "KILL": b"k",
    "QUIT": b"q",
    "STOP": b"p",
    "TERM": b"t",
    "USR1": b"1",
    "USR2": b"2",
}
"""The signals that a service can be sent, by the letters of its control FIFO."""

SECONDS_TO_DIE = 0.2
"""What a signal ends is mostly dead then."""

TEXTS = {
    "start": ("runs already (pid {pid}, for {age})", "is not up after {took}"),
    "stop": (
        "is down already",
        "still runs after {took} (pid {pid}), and is to end; {kill} ends it",
    ),
    "restart": (
        "",
        "has not ended after {took} (pid {pid}); {kill} has it started again",
    ),
    "once": ("runs already (pid {pid}), and is not started again", "is not up after {took}"),
    "pause": ("has nothing to pause: it is down, or paused", "is not paused after {took}"),
    "cont": ("is not paused", "is still paused after {took}"),
    "reload": ("is down: nothing to send {signal} to", ""),
    "kill": (
        "is down: nothing to send {signal} to",
        "has not ended after {took} (pid {pid})",
    ),
}
"""What is said of a service that is as it should be already, and of one that is not in time."""

FINISHES = "its finish script runs{pid}: no signal is sent to that"
STILL_FINISHES = "its finish script still runs after {took}{pid}{kill}"


class Order:
    """Something that is asked of a service.

    ``letters`` says what to tell a service that is so, nothing if it is as it should be already.
    ``is_done`` says whether one that was so before is now as it should be. ``starts`` tells that it
    is to run then, which is watched for a while. ``trial`` is so many seconds, after which it is
    looked what became of it. ``signal`` is what is sent, where it is just that.
    """

    def __init__(
        self,
        verb: str,
        letters: Letters,
        is_done: Done,
        *,
        starts: bool = False,
        trial: float = 0.0,
        signal: str = "",
    ) -> None:
        self.verb = verb
        self.letters = letters
        self.is_done = is_done
        self.starts = starts
        self.trial = trial
        self.signal = signal

    def already(self, seen: Seen, now: float) -> str:
        """Say of a service that it is as it should be, and was not told anything."""
        if seen.finishes and self.verb != "stop":
            return FINISHES.format(pid=_pid(seen))
        return self._filled(TEXTS[self.verb][0], seen, now=now)

    def late(self, before: Seen, seen: Seen, seconds: float) -> str:
        """Say that it is not as it should be after so long, and what to do about it."""
        if self.starts and self.is_done(before, seen):
            if os.path.lexists(os.path.join(seen.path, "check")):
                took = words.spell(seconds)
                return f"runs (pid {seen.pid}), but after {took} its check script still says no"
            return f"runs (pid {seen.pid}); whether it stays up was not waited for"
        if seen.finishes:
            kill = f"; kill {seen.pid} ends it" if seen.pid else ""
            return STILL_FINISHES.format(took=words.spell(seconds), pid=_pid(seen), kill=kill)
        which = "start" if self.verb == "restart" and not seen.pid else self.verb
        return self._filled(TEXTS[which][1], seen, took=seconds)

    def _filled(self, text: str, seen: Seen, now: float = 0.0, took: float = 0.0) -> str:
        return text.format(
            kill=typed.command("kill", seen.name),
            pid=seen.pid,
            age=words.duration(now - (seen.since or now)),
            took=words.spell(took),
            signal=self.signal,
        )

    def done(self, before: Seen, seen: Seen, seconds: float) -> str:
        """Say that it has done what was asked, after so long."""
        took = words.spell(seconds)
        how = words.ending(seen.last[-1]) if seen.last else ""
        if self.verb == "stop":
            took = f" after {took}" if before.pid else ""
            return f"stopped{took}" + (f" ({how})" if how and before.pid else "")
        if self.verb == "restart" and before.pid:
            # A log that is hosted with others keeps their process.
            was = f", was {before.pid}" if before.pid != seen.pid else ""
            return f"restarted (pid {seen.pid}{was}) after {took}"
        if self.verb == "start" and _run(seen) == _run(before):
            return f"runs (pid {seen.pid}), and is started again when it ends"
        if self.verb == "once":
            return f"is started, and is not started again (pid {seen.pid})"
        if self.signal:
            return self._sent(before, seen, took, how)
        return {
            "start": f"started (pid {seen.pid})",
            "restart": f"started (pid {seen.pid}); it was down",
            "pause": f"paused (pid {seen.pid})" if seen.pid else "is down",
            "cont": f"goes on (pid {seen.pid})" if seen.pid else "is down",
        }[self.verb]

    def _sent(self, before: Seen, seen: Seen, took: str, how: str) -> str:
        """Say what became of a service that was sent a signal."""
        then = f"; it is started again{_pid(seen)}" if seen.pid or _wants_up(seen) else ""
        if seen.finishes:
            again = ", and then it is started again" if _wants_up(seen) else ""
            then = f"; its finish script runs{_pid(seen)}{again}"
        if self.signal == "KILL":
            return f"killed (pid {before.pid}) after {took}{then}"
        if _run(seen) == _run(before):
            return f"{self.signal} is sent (pid {before.pid})"
        ended = f"{self.signal} was sent, and pid {before.pid} ended"
        return f"{ended}{f': {how}' if how else ''}{then}"


def _run(seen: Seen) -> tuple[int, bytes]:
    """Return what no other run of the service has."""
    return (seen.now.pid, seen.now.stamp) if seen.now else (0, b"")


def _pid(seen: Seen) -> str:
    """Return the pid of its process, to be put behind what it is called."""
    return f" (pid {seen.pid})" if seen.pid else ""


def _is_up(seen: Seen) -> bool:
    return bool(seen.pid) and not seen.finishes


def _wants_up(seen: Seen) -> bool:
    return seen.now is not None and seen.now.want == b"u"


def _is_paused(seen: Seen) -> bool:
    return bool(seen.pid) and seen.now is not None and seen.now.paused


def signalled(verb: str, signal: str) -> Order:
    """Make the order to send a signal; of KILL a service is to end."""
    ends = signal == "KILL"
    return Order(
        verb,
        lambda seen: SIGNALS[signal] if _is_up(seen) else b"",
        lambda before, seen: not ends or _run(seen) != _run(before),
        trial=0.0 if ends else SECONDS_TO_DIE,
        signal=signal,
    )


ORDERS = {
    order.verb: order
    for order in (
        Order(
            "start",
            lambda seen: b"" if _is_up(seen) and _wants_up(seen) else b"u",
            lambda before, seen: _is_up(seen),
            starts=True,
        ),
        Order(
            "stop",
            lambda seen: b"d" if seen.pid or seen.finishes or _wants_up(seen) else b"",
            lambda before, seen: not seen.pid and not seen.finishes and not _wants_up(seen),
        ),
        Order(
            "restart",
            lambda seen: b"tcu" if _is_up(seen) else b"u",
            lambda before, seen: _is_up(seen) and _run(seen) != _run(before),
            starts=True,
        ),
        Order(
            "once",
            lambda seen: b"" if _is_up(seen) and not _wants_up(seen) else b"o",
            lambda before, seen: _is_up(seen),
            starts=True,
        ),
        Order(
            "pause",
            lambda seen: b"p" if _is_up(seen) and not _is_paused(seen) else b"",
            lambda before, seen: not _is_up(seen) or _is_paused(seen),
        ),
        Order(
            "cont",
            lambda seen: b"c" if _is_paused(seen) else b"",
            lambda before, seen: not _is_paused(seen),
        ),
    )
}
"""By verb. ``reload`` and ``kill`` are made by ``signalled``."""
