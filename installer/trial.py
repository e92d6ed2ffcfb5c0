"""Watch a new service for its first two seconds: does it stay up?

They begin with its first start. On a machine with much to do that may take its time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from slashservice.supervise.admin.words import ending
from slashservice.supervise.protocol import client, deaths, names
from slashservice.supervise.protocol.deaths import Death

SECONDS = 2.0
"""svscan starts what dies again after a second: within two it shows."""

SECONDS_BETWEEN_LOOKS = 0.02

START_LIMIT = 15.0
"""Seconds for svscan to start it."""


@dataclass(frozen=True)
class Trial:
    """How the service is at the end, its pid (0 if down), and how often it died meanwhile.

    ``last`` is its last death, if that was noted. It ``rests`` if it is not started again, as it
    was put down, by its own scripts mostly. It has ``failed`` if it has said that it can't work.
    It is ``finishing`` while its finish script runs, which may do either. It has ``begun`` if it
    was started at all.
    """

    pid: int
    deaths: int
    last: Death | None = None
    rests: bool = False
    failed: bool = False
    finishing: bool = False
    begun: bool = True

    @property
    def good(self) -> bool:
        """Whether it was up all the time."""
        return bool(self.pid) and not self.deaths

    @property
    def is_done(self) -> bool:
        """Whether it has done its work, and is down for good: that is no trouble."""
        return self.rests and self.last is not None and not self.last.status


def watch(services: Sequence[str], since: bytes, seconds: float = SECONDS) -> list[Trial]:
    """Watch the services at these paths for so long, once they were started.

    A death noted after ``since``, a stamp, counts even if nobody was looking.
    """
    seen = [_Seen(service, since) for service in services]
    deadline = time.monotonic() + START_LIMIT
    while [one for one in seen if not one.has_begun()] and time.monotonic() < deadline:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    begun = time.monotonic()
    while True:
        passed = time.monotonic() - begun
        for one in seen:
            one.look()
        # Whether it is started again is up to a finish script: mostly that ends in no time.
        if passed >= (2 * seconds if any(one.is_finishing for one in seen) else seconds):
            return [one.trial() for one in seen]
        time.sleep(SECONDS_BETWEEN_LOOKS)


class _Seen:
    """What was seen of one service."""

    def __init__(self, service: str, since: bytes) -> None:
        self._path = os.fsencode(service)
        self._since = since
        self._pids: set[int] = set()
        self._ends: set[bytes] = set()
        self._downs: set[bytes] = set()
        """When it went down, as it was seen before it was ever seen up."""
        self._pid = 0
        self._rests = self.is_finishing = False

    def has_begun(self) -> bool:
        """Look how it is; tell whether it was started, as far as is seen."""
        self.look()
        return self._has_begun(self._noted())

    def _has_begun(self, noted: list[Death]) -> bool:
        return bool(self._pids or self._ends or self.is_finishing or noted)

    def look(self) -> None:
        """Look how it is. What goes down twice was up between, though nobody saw it."""
        try:
            now = client.read_status(self._path)
        except OSError:
            return
        if now is None:
            return
        self.is_finishing = now.finish
        self._pid = 0 if self.is_finishing else now.pid
        self._rests = not self._pid and not now.finish and now.want != b"u"
        if self._pid:
            self._pids.add(self._pid)
        elif self._pids or self._ends:
            self._ends.add(now.stamp)
        else:
            self._downs.add(now.stamp)
            if len(self._downs) > 1:
                self._ends |= self._downs

    def trial(self) -> Trial:
        """Return what came of it."""
        noted = self._noted()
        seen = max(len(self._ends), len(self._pids) - bool(self._pid), 0 if self._pid else 1)
        return Trial(
            self._pid,
            len(noted) or seen,
            noted[-1] if noted else None,
            bool(noted) and self._rests,
            not self._pid and os.path.lexists(os.path.join(self._path, names.FAILED)),
            self.is_finishing,
            self._has_begun(noted),
        )

    def _noted(self) -> list[Death]:
        """Return the deaths that the supervisor has noted; none also if it notes none."""
        try:
            found = deaths.read(os.path.join(self._path, names.DEATHS))
        except OSError:
            return []
        return [death for death in found if death.stamp >= self._since]


def words(name: str, trial: Trial, service: str, seconds: float = SECONDS) -> str:
    """Say in one line how a trial went."""
    if trial.good:
        status = os.fsdecode(client.describe(os.fsencode(service)))
        return f"svscan supervises it: {name}: {status}"
    times = "once" if trial.deaths == 1 else f"{trial.deaths} times"
    if trial.is_done:
        return f"{name} ran {times}, and ended: exit 0; it is not started again"
    if not trial.begun:
        return f"svscan supervises it, but has not started it in {START_LIMIT:.0f} seconds"
    how = f": {ending(trial.last)}" if trial.last else ""
    now = f"it is up again (pid {trial.pid})" if trial.pid else "it is down"
    if trial.failed:
        now = "it has said that it can't work, and is not started again"
    elif trial.rests:
        now = "it is not started again"
    elif trial.finishing:
        now = "its finish script runs"
    return f"{name} died at once, {times} in {seconds:.0f} seconds{how}; {now}"
