"""What has happened to the services, in sentences: what was seen of them now beside before.

A run that has ended is told with how it ended, as it is on record. Of a service that nobody
supervises only that is told, until somebody does again: then whether it is still the same process.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers
from slashservice.supervise.admin import words
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import deaths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.admin.seen import Seen

TERM = signal_numbers.SIGTERM


class News:
    """Compares what is seen with what was seen the last time."""

    def __init__(self) -> None:
        self._before: dict[str, Seen] = {}
        """Of each service, what was seen when it was supervised for the last time."""
        self._alone: set[str] = set()
        """Those that were supervised, and are not."""
        self._deaths: dict[str, int] = {}

    def of(self, services: Sequence[Seen]) -> list[str]:
        """Return what is new."""
        found = []
        adopted = []
        for one in services:
            name = printable(one.name)
            before = self._before.get(one.name)
            if not one.is_supervised or one.now is None:
                if before:
                    self._alone.add(one.name)
                    found += [f"{name} {what}" for what in self._ends(one, before)]
                    before.last = one.last
                continue
            if before and one.name in self._alone and one.pid and one.pid == before.pid:
                adopted.append(f"{name} {one.pid}")
            found += [f"{name} {what}" for what in self._new(one, before)]
            self._before[one.name] = one
            self._alone.discard(one.name)
        if adopted:
            found.append(f"the new svscan has adopted {', '.join(adopted)}")
        for name in self._before.keys() - {one.name for one in services}:
            del self._before[name]
            self._alone.discard(name)
            found.append(f"{printable(name)} is gone")
        return found

    def runs(self) -> list[tuple[str, int]]:
        """Return name and pid of those that ran when they were seen the last time."""
        return [(printable(one.name), one.pid) for one in self._before.values() if one.pid]

    def _new(self, one: Seen, before: Seen | None) -> list[str]:
        """Say what is new with a service that is supervised."""
        pid = before.pid if before else 0
        if ends := self._ends(one, before):
            return ends
        if one.pid != pid:
            return [f"started (pid {one.pid})"] if one.pid else ["is down"]
        if before is None and one.is_normally_down:
            return ["is normally down, and does not run"]
        if before and before.now and one.now and before.now.paused != one.now.paused:
            return ["is paused" if one.now.paused else "goes on"]
        return []

    def _ends(self, one: Seen, before: Seen | None) -> list[str]:
        """Say how it has ended since, for how many times, and what became of it."""
        last = before.last[-1].stamp if before and before.last else b""
        fresh = [death for death in one.last if death.stamp > last]
        if not fresh:
            return []
        number = self._deaths[one.name] = self._deaths.get(one.name, 0) + len(fresh)
        death = fresh[-1]
        how = words.ending(death)
        ran = "" if death.seconds is None else f" after {words.spell(death.seconds)}"
        often = f", {ordinal(number)} time" if number > 1 else ""
        told = one.now is not None and one.now.want == b"d"
        text = f"{'ended' if told or death.signal == TERM else 'died'}: {how}{ran}{often}"
        if death.status == deaths.UNKNOWN:
            text = f"died while nobody supervised it{often}"
        if one.pid and one.pid != (before.pid if before else 0):
            return [f"{text}; started again (pid {one.pid})"]
        return [f"{text}; stays down" if told else text]


def ordinal(number: int) -> str:
    """Return a number as in ``2nd``."""
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
