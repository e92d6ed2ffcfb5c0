"""``slashservice start stop restart once pause cont reload kill``: tell services, wait, say.

All services that are named are told first, and then waited for together. One that was started is
watched for a moment, or asked by its ``check`` script: whether it stays up is what counts.
"""

from __future__ import annotations

import errno
import os
import time

from slashservice.supervise import tai
from slashservice.supervise.admin import (
    everything,
    health,
    leftovers,
    output,
    typed,
    unsupervised,
    words,
)
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.messages import error_words
from slashservice.supervise.protocol import checks, client, deaths, names, runit_status, status
from slashservice.supervise.protocol.onlooker import Onlooker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.admin.orders import Order

TRIAL = 1.1
"""Seconds for which one that was started is watched: what dies is started again after one."""

DEATHS = 2
"""After so many deaths nothing is waited for any more."""

FIRST_WORD = 2.0
"""Seconds after which it is said what is waited for. Each later word comes after twice the time."""

LINES = 5
"""Of what a service logged last, when it dies."""


class Asked:
    """A service that is asked for something."""

    __slots__ = (
        "before",
        "began",
        "error",
        "is_bad",
        "is_over",
        "is_told",
        "lost",
        "name",
        "named",
        "path",
        "said",
        "stamp",
    )

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.before = Seen(name, path)
        self.named = checks.Named(os.fsencode(name))
        self.began = time.monotonic()
        self.stamp = tai.now()
        self.lost = 0.0
        """When it was seen for the first time that its supervisor is gone."""
        self.is_over = False
        self.is_bad = False
        self.is_told = False
        """Whether it was told anything: it was not as it should be."""
        self.said: list[str] = []
        """What there is to say, in lines."""

    def to_json(self) -> dict[str, object]:
        """Return what came of it, for programs."""
        seen = self.see()
        return {
            "name": self.name,
            "changed": self.is_told,
            "good": self.is_over and not self.is_bad,
            "pid": seen.pid or None,
            "said": self.said,
        }

    def see(self) -> Seen:
        """Look at it again."""
        return Seen(self.name, self.path)

    def died(self) -> list[deaths.Death]:
        """Return its deaths since it was asked."""
        try:
            found = deaths.read(os.path.join(os.fsencode(self.path), names.DEATHS))
        except OSError:
            return []
        return [death for death in found if death.stamp >= self.stamp]


class Steering:
    """Gives an order to services, each a name and a path, and waits ``seconds`` at most.

    ``directory`` is the scan directory. What comes of each is said as it is known, unless it is
    ``quiet``.
    """

    def __init__(
        self,
        order: Order,
        services: Sequence[tuple[str, str]],
        seconds: float,
        directory: str,
        *,
        quiet: bool = False,
    ) -> None:
        self._quiet = quiet
        self._order = order
        self._directory = directory
        self._asked = [Asked(*service) for service in services]
        self._seconds = seconds
        self._onlooker = Onlooker(self._look)
        self._checks = checks.Checks(lambda: self._onlooker)
        self._here = os.getcwd()

    def run(self) -> bool:
        """Do it; tell whether all services have done what they were asked."""
        waiting = [number for number, one in enumerate(self._asked) if self._tell(one)]
        for number in waiting:
            self._enter(self._asked[number])
            self._onlooker.add(number)
        self._say_waiting(FIRST_WORD)
        for number in waiting:
            self._onlooker.see(number)
        if waiting:
            for number in self._onlooker.run(self._seconds):
                one = self._asked[number]
                self._checks.end(one.named)
                late = self._order.late(one.before, one.see(), self._passed(one))
                self._end(one, late, bad=True)
        return not any(one.is_bad for one in self._asked)

    def to_json(self) -> list[dict[str, object]]:
        """Return what came of each."""
        return [one.to_json() for one in self._asked]

    def waited_for(self) -> list[Asked]:
        """Return those that have not done yet what they were asked."""
        return [one for one in self._asked if not one.is_over]

    def _passed(self, one: Asked) -> float:
        return time.monotonic() - one.began

    def _tell(self, one: Asked) -> bool:
        """Tell a service what to do; return whether it is to be waited for."""
        seen = one.before
        state = health.state(seen, time.time())
        if state in (health.MISSING, health.CLOSED, health.NOT_SUPERVISED):
            self._end(one, *self._why_not(seen, state), bad=True)
            return False
        letters = self._order.letters(seen)
        if not letters:
            self._end(one, self._order.already(seen, time.time()))
            return False
        try:
            client.tell(os.fsencode(one.path), letters, patient=False)
        except OSError as error:
            gone = error.errno == errno.ENXIO
            why = self._why_not(one.see(), health.NOT_SUPERVISED) if gone else [_reason(error)]
            self._end(one, *why, bad=True)
            return False
        one.is_told = True
        return True

    def _why_not(self, seen: Seen, state: str) -> list[str]:
        """Say in lines why a service can't be told anything, or not any more."""
        if state == health.NOT_SUPERVISED:
            return unsupervised.why(seen, self._directory)
        if state == health.MISSING:
            gone = everything.still_has(self._directory, seen.path)
            advice = f"{typed.command('why', seen.name)} says how to end what still runs of it"
            return [f"there is no service directory {seen.path}"] + [advice] * bool(gone)
        assert seen.error
        return [_reason(seen.error)]

    def _look(self, number: int) -> bool:
        """Tell whether the waiting for a service is over, and say how it went."""
        one = self._asked[number]
        if one.named.checker:
            return False
        seen = one.see()
        if not seen.error and not seen.is_supervised and self._may_come_back(number, one):
            return False
        if seen.error or not seen.is_supervised:
            self._end(one, *self._why_not(seen, health.state(seen, time.time())), bad=True)
            return True
        if not self._order.starts:
            if not self._order.is_done(one.before, seen):
                return False
            if self._passed(one) < self._order.trial:
                self._onlooker.see_after(self._order.trial, number)
                return False
            self._end(one, self._order.done(one.before, seen, self._passed(one)))
            self._say(one, leftovers.told(one.before, seen))
            return True
        return self._is_started(number, one, seen)

    def _may_come_back(self, number: int, one: Asked) -> bool:
        """Tell whether its supervisor has only just gone: another one may take its place."""
        now = time.monotonic()
        one.lost = one.lost or now
        wait = one.lost + unsupervised.SECONDS_OF_A_CHANGE - now
        if wait > 0:
            self._onlooker.see_after(wait, number)
        return wait > 0

    def _is_started(self, number: int, one: Asked, seen: Seen) -> bool:
        """Tell whether it is known how the start of a service went, and say it."""
        died = one.died()
        if self._order.verb != "once":  # for that, what runs already is the run that was asked for
            died = [death for death in died if death.pid != one.before.pid or not death.pid]
        once = seen.now is not None and seen.now.want != b"u"
        if died and (seen.is_failed or len(died) >= DEATHS or (once and not seen.pid)):
            self._died(one, seen, died)
            return True
        if not self._order.is_done(one.before, seen):
            return False
        assert seen.now
        up = time.time() - tai.unpack(seen.now.stamp) / 1e9
        if os.path.lexists(os.path.join(one.path, "check")):
            if not self._is_available(number, one):
                return False
        elif 0 <= up < TRIAL:
            self._onlooker.see_after(TRIAL - up, number)
            return False
        took = max(0.0, self._passed(one) - max(0.0, min(TRIAL, up)))
        self._end(one, self._order.done(one.before, seen, took))
        return True

    def _is_available(self, number: int, one: Asked) -> bool:
        """Tell whether the check script says that the service is of use, as far as is known."""
        self._enter(one)
        now = runit_status.parse(status.read(names.STATUS))
        available = now is not None and self._checks.is_available(number, one.named, now)
        os.chdir(self._here)
        return available

    def _died(self, one: Asked, seen: Seen, died: Sequence[deaths.Death]) -> None:
        how = words.ending(died[-1])
        rests = self._order.verb == "once" or (seen.now is not None and seen.now.want != b"u")
        if rests and not died[-1].status:
            took = words.spell(died[-1].seconds or 0)
            self._end(one, f"ran once, and ended after {took}: {how}")
            return
        then = "it is not started again" if seen.is_failed else "it is started again and again"
        if seen.now and seen.now.want != b"u":
            then = "it is not started again"
        times = f", {words.times(len(died))}" if len(died) > 1 else ""
        self._end(one, f"started, and died at once{times}: {how}; {then}", bad=True)
        self._say(one, last_words(seen, LINES, tai.unpack(one.stamp)))

    def _end(self, one: Asked, text: str, *more: str, bad: bool = False) -> None:
        one.is_over, one.is_bad = True, bad
        one.said.append(text)
        self._say(one, more, f"{one.name}: {text}")

    def _say(self, one: Asked, more: Sequence[str], *first: str) -> None:
        """Say further lines about a service, behind the first."""
        one.said += more
        if (first or more) and not self._quiet:
            output.say(*first, *(f"    {line}" for line in more))

    def _enter(self, one: Asked) -> None:
        os.chdir(one.path)

    def _say_waiting(self, pause: float) -> None:
        """Say after so many seconds what is waited for, and then ever more rarely."""

        def say() -> None:
            found = [_waited(one) for one in self.waited_for() if not self._is_on_trial(one)]
            if found:
                verb = {"once": "start", "cont": "go on"}.get(self._order.verb, self._order.verb)
                output.complain(f"waiting for {', '.join(found)} to {verb}")
            self._say_waiting(2 * pause)

        self._onlooker.loop.after(pause, say)

    def _is_on_trial(self, one: Asked) -> bool:
        """Tell whether it has done what was asked, and is watched for its moment."""
        has_check = self._order.starts and os.path.lexists(os.path.join(one.path, "check"))
        return not has_check and self._order.is_done(one.before, one.see())


def _waited(one: Asked) -> str:
    seen = one.see()
    if seen.trouble:
        return f"{one.name} (pid {seen.pid}), which can't be written ({seen.trouble}),"
    if seen.finishes:
        return f"{one.name} ({f'finish script, pid {seen.pid}' if seen.pid else 'finish script'})"
    return f"{one.name} (pid {seen.pid})" if seen.pid else one.name


def _reason(error: OSError) -> str:
    text = os.fsdecode(error_words(error))
    return f"{text}: try it with sudo" if error.errno in (errno.EACCES, errno.EPERM) else text
