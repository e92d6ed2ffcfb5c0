"""Have svscan take the place of runsvdir in runit's stage 2, while that goes on; and give it back.

Stage 2 is a script that becomes runsvdir. When its process ends, runit goes on to stage 3, and the
machine goes down; or it runs the script anew, with all that others have in it. So that process is
not ended. Its services are stopped, it is held still as long as svscan has its place, and svscan is
started beside it. From the next boot on the script itself starts svscan, in a loop ahead of the
line that becomes runsvdir. When slashservice goes, runsvdir is let go on, or the loop is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import supervision
from slashservice.installer.detection.wirings import held, strangers
from slashservice.installer.errors import Trouble
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.plan.handing import RESPAWN_LIMIT, heir
from slashservice.installer.plan.takeover import QuietenScanner
from slashservice.installer.plan.telling import START_LIMIT
from slashservice.supervise.protocol.client import wait_for

STAGE = "/etc/runit/2"
RUNIT = 1
"""runit is PID 1."""

LOOP = """\
over=
trap over=yes USR1
while [ ! "$over" ] && kill -0 "$1" 2>/dev/null; do
    {svscanboot} || :
    sleep 1
done
"""
"""What starts svscan until the next boot: as long as runsvdir, which is held, is there.

At shutdown runit ends that before stage 3, which stops the services.
"""


@dataclass(frozen=True)
class TakeStage(QuietenScanner):
    """Stop the services of runsvdir, hold it still, and start svscan in its place.

    ``svscanboot`` is the command line for that. With ``started`` false the next boot does it.
    """

    kind: ClassVar[str] = "take-stage"
    svscanboot: str = ""
    program: str = ""
    started: bool = True

    @property
    def key(self) -> str:
        """The scan directory."""
        return f"{self.kind} {self.service_dir}"

    def describe(self) -> str:
        """Say what becomes of the services, and of runsvdir."""
        if not self.started:
            return ""
        return (
            f"stop the services of runsvdir on {self.service_dir}, each with its log after it; "
            "hold it still, and start svscan in its place"
        )

    def describe_undo(self, before: dict[str, Any]) -> str:
        """Say that runsvdir runs again."""
        return f"have runsvdir run again on {self.service_dir}"

    def done(self, host: Host) -> bool:
        """Tell whether no other scanner runs there, but for one that is held."""
        return not self.started or super().done(host)

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: before slashservice came there was no svscan of ours."""
        return {}

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether svscan runs already, and else what runsvdir is to have up again."""
        running = host.live and bool(supervision.running(self.service_dir))
        return {"running": running} if running else {"running": False, **super().capture(host)}

    def apply(self, host: Host) -> None:
        """Have svscan take the place. If we are killed, either has it in the end."""
        if not host.live:
            return
        pids = strangers(host, self.service_dir)

        def decide() -> None:
            if not wait_for(lambda: supervision.running(self.service_dir), RESPAWN_LIMIT):
                _end_loops()
                _send(pids, signal.SIGCONT)

        with heir(decide):
            super().apply(host)
            for pid in pids[:1]:
                self._begin(pid)
            if not wait_for(lambda: supervision.running(self.service_dir), START_LIMIT):
                raise Trouble(f"svscan does not start on {self.service_dir}")

    def _begin(self, pid: int) -> None:
        """Start svscan, and keep it running while ``pid`` is there; nothing waits for it here."""
        subprocess.Popen(
            ["/bin/sh", "-c", LOOP.format(svscanboot=self.svscanboot), STAGE, str(pid)],
            cwd="/",
            env={"PATH": supervision.SEARCH_PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            umask=0o022,
        )

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """End what starts svscan, and svscan, which is idle; then runsvdir goes on."""
        if before.get("running") or not host.live:
            return []
        loops = _end_loops()
        if loops or held(host, self.service_dir):
            host.step("stop", self.service_dir)
            if not supervision.drain(self.service_dir, program=self.program):
                left = supervision.still_up(self.service_dir)
                raise Trouble(f"svscan on {self.service_dir} did not end{left}")
        super().undo(host, before, after)
        if not wait_for(lambda: strangers(host, self.service_dir), START_LIMIT):
            return [f"runsvdir does not run on {self.service_dir}"]
        return []


def _end_loops() -> list[int]:
    """Tell the scripts that start svscan to end when it ends; return their pids.

    That is stage 2 itself, or what :meth:`TakeStage.apply` has started.
    """
    loops = processes.running(STAGE, (RUNIT, os.getpid()))
    _send(loops, signal.SIGUSR1)
    return loops


def _send(pids: Iterable[int], number: int) -> None:
    """Send a signal to processes; those that are gone are no error."""
    for pid in pids:
        supervision.send(pid, number)
