"""Watch a new service for its first two seconds: does it stay up?"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from slashservice.installer import supervision
from slashservice.supervise.protocol import client

SECONDS = 2.0
"""svscan starts what dies again after a second: within two it shows."""

SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True)
class Trial:
    """How the service is at the end, its pid (0 if down), and how often it died meanwhile."""

    pid: int
    deaths: int

    @property
    def good(self) -> bool:
        """Whether it was up all the time."""
        return bool(self.pid) and not self.deaths


def watch(service: str, seconds: float = SECONDS) -> Trial:
    """Watch the service at ``service`` for so long, once svscan has it."""
    end = time.monotonic() + seconds
    pids: set[int] = set()
    ends: set[bytes] = set()
    pid = 0
    while True:
        try:
            now = client.read_status(os.fsencode(service))
        except OSError:
            now = None
        if now is not None:
            pid = now.pid
            if pid:
                pids.add(pid)
            elif pids or now.want == b"u" or ends or _is_late(end, seconds):
                ends.add(now.stamp)
        if time.monotonic() >= end:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return Trial(pid, max(len(ends), len(pids) - bool(pid), 0 if pid else 1))


def _is_late(end: float, seconds: float) -> bool:
    """Tell whether a service that is down can't be one that has not been started yet."""
    return time.monotonic() > end - seconds + START


START = 0.5
"""Seconds after which svscan has tried to start a service, on a machine with much to do."""


def words(name: str, trial: Trial, service: str, seconds: float = SECONDS) -> str:
    """Say in one line how a trial went."""
    if trial.good:
        status = os.fsdecode(client.describe(os.fsencode(service)))
        return f"svscan supervises it: {name}: {status}"
    times = "once" if trial.deaths == 1 else f"{trial.deaths} times"
    now = f"up again (pid {trial.pid})" if trial.pid else "down"
    return f"{name} died at once, {times} in {seconds:.0f} seconds; it is {now}"


def is_down(service: str) -> bool:
    """Tell whether a service is down just now, a log that can't begin."""
    return not supervision.daemon_pid(service)
