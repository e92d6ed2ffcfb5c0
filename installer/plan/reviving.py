"""Have svscan run again as it should, when an uninstall that was interrupted may have stopped it.

It may run on as if nothing were, be idle, be about to end, or be gone; and its init system may
have been told to keep it down.
"""

from __future__ import annotations

from dataclasses import dataclass

from slashservice.installer import supervision
from slashservice.installer.errors import Trouble
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.handing import HandOver
from slashservice.installer.plan.init_system import REGISTERED, STARTERS
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.telling import COMMAND_LIMIT, START_LIMIT, RunCommand, Supervise
from slashservice.supervise.protocol.client import wait_for


@dataclass(frozen=True)
class Revive(HandOver):
    """Have any svscan give way to a new one, which adopts what runs and starts the rest."""

    def describe(self) -> str:
        """Say what becomes of the services."""
        return f"have all services in {self.service_dir} run that shall run"

    def done(self, host: Host) -> bool:
        """Tell whether no svscan runs: then another action starts it."""
        return not self.running(host)

    def _has_to_go(self, pid: int) -> bool:
        return True

    def apply(self, host: Host) -> None:
        """Let svscan go; and if a stop is under way still, wait until svscan is back after it."""
        super().apply(host)
        if self._stays(host):
            return
        with supervision.Told(self.service_dir):
            back = wait_for(lambda: self._stays(host), COMMAND_LIMIT + START_LIMIT)
        if not back:
            raise Trouble(f"svscan did not come back on {self.service_dir}")

    def _stays(self, host: Host) -> bool:
        """Tell whether svscan runs, and not just for ``slashservice drain``, to stop what is up."""
        pid = self.running(host)
        return bool(pid) and "-n" not in processes.describe(pid)[2]


def reviving(host: Host, plan: Plan) -> tuple[Action, ...]:
    """Return the actions of a plan such that svscan runs at their end, whatever has stopped it."""
    name = plan.verdict.name
    again = (STARTERS if name in STARTERS else REGISTERED)[name].revive(host)
    actions: list[Action] = []
    for action in plan.actions:
        if isinstance(action, Supervise) and action.started and again:
            actions.append(RunCommand(do=again, why="svscan is not kept down", tolerant=True))
        if isinstance(action, HandOver):
            how = (action.service_dir, action.start, False, action.stop)
            action = Revive(*how, code=action.code)
        actions.append(action)
    return tuple(actions)
