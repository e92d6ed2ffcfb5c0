"""From one scan directory to another, where svscan runs: the services of the first are stopped.

The init system has svscan run on one directory at a time. So :class:`Move` comes right after the
new wiring: it empties the directory of before, and has svscan start anew. When the run fails a
:class:`~slashservice.installer.plan.handing.HandBack` has svscan back where it was.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from slashservice.installer import supervision
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.handing import Exchange, HandBack
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.telling import START_LIMIT, Supervise, run
from slashservice.supervise.protocol.client import wait_for

LOOK = 2
"""Seconds after which svscan is looked for on both directories."""


@dataclass(frozen=True)
class Move(Exchange):
    """Stop the services of the directory ``old``, and have svscan run on ``service_dir``.

    ``stop`` has the init system stop svscan; it is empty where it has no command for that, or
    none that starts it again. svscan is idle by then.
    """

    kind: ClassVar[str] = "move"
    old: str = ""
    stop: tuple[str, ...] = ()
    program: str = ""

    @property
    def key(self) -> str:
        """Both directories."""
        return f"{self.kind} {self.old} {self.service_dir}"

    def describe(self) -> str:
        """Say what becomes of the services."""
        return (
            f"stop the services in {self.old}, then their logs: "
            "what is linked there is supervised no longer"
        )

    def done(self, host: Host) -> bool:
        """Tell whether no svscan runs on the directory of before."""
        return not host.live or not supervision.running(self.old)

    def apply(self, host: Host) -> None:
        """Empty the one directory, and see that svscan runs on the other."""
        if self.done(host):
            return
        host.step("move", self.service_dir)
        with self._heir(host), supervision.Told(self.old):
            self._leave(host)
            if self.stop:
                run(host, self.stop, tolerant=True)
                supervision.quit_(self.old)  # a script may know only the new directory
            if self.start:
                run(host, self.start)
            for _ in range(START_LIMIT // LOOK):
                if wait_for(lambda: self.running(host), LOOK):
                    return
                self._leave(host)  # it was started there once more, before the init had read
        raise Trouble(f"svscan does not run on {self.service_dir} after {START_LIMIT} seconds")

    def _leave(self, host: Host) -> None:
        """Have the services of before stopped; svscan is left idle, or ends."""
        if not supervision.drain(self.old, stay=True, program=self.program):
            left = supervision.still_up(self.old)
            raise Trouble(f"the services in {self.old} did not stop{left}")
        if not self.stop and not supervision.quit_(self.old):
            raise Trouble(f"svscan on {self.old} does not give way")


def moving(host: Host, plan: Plan, system: InitSystem, installed: list[Action], init: str) -> Plan:
    """Return a plan that has svscan leave the scan directory of before, if it runs there.

    ``installed`` are the actions of before, ``init`` the name of the init system of before:
    another one is a matter of :mod:`slashservice.installer.record.retiring`.
    """
    begin = next((one for one in plan.actions if isinstance(one, Supervise)), None)
    if begin is None or not begin.started or not host.live or init != plan.verdict.name:
        return plan
    actions = list(plan.actions)
    for left in installed:
        if not isinstance(left, Supervise) or left.service_dir == begin.service_dir:
            continue
        if not supervision.running(left.service_dir):
            continue
        move = Move(
            service_dir=begin.service_dir,
            old=left.service_dir,
            start=begin.start,
            stop=left.stop if begin.start else (),
            respawns=not begin.start,
            program=left.program,
        )
        back = HandBack(
            service_dir=left.service_dir,
            start=left.start or system.revive(host),
            left=True,
        )
        actions.insert(actions.index(begin), move)
        actions.insert(_place(actions), back)
    return dataclasses.replace(plan, actions=tuple(actions))


def _place(actions: list[Action]) -> int:
    """Return the place of what has svscan run as before when a run fails."""
    return next(place for place, one in enumerate(actions) if isinstance(one, HandBack))


def lasts(action: Action, plan: Plan) -> bool:
    """Tell whether an action belongs in the receipt: it is no step of a move."""
    return not isinstance(action, Move) and not (
        isinstance(action, HandBack) and action.service_dir != plan.layout.service_dir
    )
