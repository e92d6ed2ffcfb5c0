"""Watch a new service for its first two seconds: does it stay up?"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from slashservice.supervise.protocol import client, deaths, names

SECONDS = 2.0
"""svscan starts what dies again after a second: within two it shows."""

SECONDS_BETWEEN_LOOKS = 0.02

START = 1.0
"""Seconds after which svscan has tried to start a service, on a machine with much to do."""


@dataclass(frozen=True)
class Trial:
    """How the service is at the end, its pid (0 if down), and how often it died meanwhile."""

    pid: int
    deaths: int

    @property
    def good(self) -> bool:
        """Whether it was up all the time."""
        return bool(self.pid) and not self.deaths


def watch(services: Sequence[str], since: bytes, seconds: float = SECONDS) -> list[Trial]:
    """Watch the services at these paths for so long, once svscan has them.

    A death noted after ``since``, a stamp, counts even if nobody was looking.
    """
    seen = [_Seen(service, since) for service in services]
    begun = time.monotonic()
    while True:
        passed = time.monotonic() - begun
        for one in seen:
            one.look(passed > START)
        if passed >= seconds:
            return [one.trial() for one in seen]
        time.sleep(SECONDS_BETWEEN_LOOKS)


class _Seen:
    """What was seen of one service."""

    def __init__(self, service: str, since: bytes) -> None:
        self._path = os.fsencode(service)
        self._since = since
        self._pids: set[int] = set()
        self._ends: set[bytes] = set()
        self._pid = 0

    def look(self, late: bool) -> None:
        """Look how it is. What is down and never was up has died, if it is ``late``."""
        try:
            now = client.read_status(self._path)
        except OSError:
            return
        if now is None:
            return
        self._pid = now.pid
        if now.pid:
            self._pids.add(now.pid)
        elif self._pids or self._ends or late:
            self._ends.add(now.stamp)

    def trial(self) -> Trial:
        """Return what came of it."""
        seen = max(len(self._ends), len(self._pids) - bool(self._pid), 0 if self._pid else 1)
        return Trial(self._pid, max(seen, self._noted()))

    def _noted(self) -> int:
        """Return how many deaths the supervisor has noted; 0 also if it notes none."""
        try:
            found = deaths.read(os.path.join(self._path, names.DEATHS))
        except OSError:
            return 0
        return sum(death.stamp >= self._since for death in found)


def words(name: str, trial: Trial, service: str, seconds: float = SECONDS) -> str:
    """Say in one line how a trial went."""
    if trial.good:
        status = os.fsdecode(client.describe(os.fsencode(service)))
        return f"svscan supervises it: {name}: {status}"
    times = "once" if trial.deaths == 1 else f"{trial.deaths} times"
    now = f"up again (pid {trial.pid})" if trial.pid else "down"
    return f"{name} died at once, {times} in {seconds:.0f} seconds; it is {now}"
