"""The actions of a plan that change no file: they tell the init system, start, and stop."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import supervision
from slashservice.installer.detection.wirings import strangers
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import ABSENT
from slashservice.installer.plan.actions import Action
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

START_LIMIT = 20
"""Seconds until svscan must run: inits look every five, and machines may be busy."""

STOP_LIMIT = supervision.LIMIT
"""Seconds that svscan has to take its services down."""

COMMAND_LIMIT = STOP_LIMIT + 30
"""Seconds for a command of the init system that stops svscan: longer than svscan itself has."""

STATES = ("supervise", "event")
"""What runit and s6 keep in the directory of a service."""

STATE_LIMIT = 20
"""Seconds for another supervisor to notice that its service is gone: runit looks every five."""


@dataclass(frozen=True)
class RunCommand(Action):
    """Tell the init system something: ``do`` when applying, ``undo`` when undoing.

    A pair of these around a change of files has the init system read them after either.
    ``why`` ends the sentence "so that ...". The commands must do no harm done twice.
    """

    kind: ClassVar[str] = "command"
    do: tuple[str, ...] = ()
    undo_: tuple[str, ...] = ()
    why: str = ""
    tolerant: bool = False

    @property
    def key(self) -> str:
        whose = "takeover" if self.sticky else "command"
        return f"{whose} {' '.join(self.do)} / {' '.join(self.undo_)}"

    def describe(self) -> str:
        return f"run {' '.join(self.do)}, so that {self.why}" if self.do else ""

    def describe_undo(self, before: dict[str, Any]) -> str:
        return f"run {' '.join(self.undo_)}"

    def apply(self, host: Host) -> None:
        run(host, self.do, self.tolerant)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        run(host, self.undo_, self.tolerant)
        return []


def run(host: Host, argv: tuple[str, ...], tolerant: bool = False) -> None:
    """Run ``argv``, if there is any, on a live host; :class:`Trouble` if it fails."""
    if not argv or not host.live:
        return
    host.step("run", " ".join(argv))
    outcome = host.run(argv, timeout=COMMAND_LIMIT)
    if not outcome.good and not tolerant:
        raise Trouble(f"{' '.join(argv)} failed", outcome.output or f"exit {outcome.status}")


@dataclass(frozen=True)
class Supervise(Action):
    """Have svscan run on the scan directory, and stop it when undone.

    ``start`` is empty where the init system starts svscan by itself, once told to look.
    ``stop`` is empty where the init system has no command for that. Then svscan is asked to
    drain; where the init system would bring it back (``respawns``), it stays idle until it is
    unwired. ``started`` is false when nothing shall be started now.
    """

    kind: ClassVar[str] = "supervise"
    service_dir: str = SCAN_DIRECTORY
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    respawns: bool = False
    started: bool = True
    program: str = ""
    hint: str = ""

    @property
    def key(self) -> str:
        return f"supervise {self.service_dir}"

    def describe(self) -> str:
        return f"start svscan on {self.service_dir}" if self.started else ""

    def describe_undo(self, before: dict[str, Any]) -> str:
        return f"stop the services in {self.service_dir}, then their logs"

    def done(self, host: Host) -> bool:
        """Tell whether svscan runs, or need not."""
        return not self.started or not host.live or bool(supervision.running(self.service_dir))

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: before slashservice came there was no svscan of ours."""
        return {}

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether svscan runs already."""
        return {"running": host.live and bool(supervision.running(self.service_dir))}

    def apply(self, host: Host) -> None:
        """Start svscan and wait until it runs."""
        if self.done(host):
            return
        run(host, self.start)
        if not wait_for(lambda: supervision.running(self.service_dir), START_LIMIT):
            raise Trouble(
                f"svscan does not run on {self.service_dir} after {START_LIMIT} seconds", self.hint
            )

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Stop what was started: services first, then their logs."""
        if before.get("running") or not host.live:
            return []
        if not supervision.running(self.service_dir):
            run(host, self.stop, tolerant=True)
            return []
        host.step("stop", self.service_dir)
        if self.stop:
            with supervision.Told(self.service_dir):
                run(host, self.stop)
            stopped = wait_for(lambda: not supervision.running(self.service_dir), STOP_LIMIT)
        else:
            stopped = supervision.drain(self.service_dir, stay=self.respawns, program=self.program)
        if not stopped:
            left = supervision.still_up(self.service_dir)
            raise Trouble(f"the services in {self.service_dir} did not stop{left}")
        return []


@dataclass(frozen=True)
class AwaitEnd(Action):
    """When undoing, once svscan is unwired: wait until it is gone, and end it if need be."""

    kind: ClassVar[str] = "await-end"
    service_dir: str = SCAN_DIRECTORY
    program: str = ""

    def describe_undo(self, before: dict[str, Any]) -> str:
        return f"end svscan on {self.service_dir}"

    @property
    def key(self) -> str:
        return f"await-end {self.service_dir}"

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: before slashservice came there was no svscan of ours."""
        return {}

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether svscan runs already."""
        return {"running": host.live and bool(supervision.running(self.service_dir))}

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Drain svscan if the init system has not ended it."""
        if before.get("running") or not host.live:
            return []
        if supervision.running(self.service_dir):
            host.step("stop", self.service_dir)
        elif strangers(host, self.service_dir):
            return []  # what runs there is theirs again
        if not supervision.drain(self.service_dir, program=self.program):
            left = supervision.still_up(self.service_dir)
            raise Trouble(f"svscan on {self.service_dir} did not end{left}")
        return []


@dataclass(frozen=True)
class ForgetState(Action):
    """When undoing: remove what another supervisor keeps in the directory of its service.

    That is runit's and s6's ``supervise`` and ``event``; they are gone from it first.
    """

    kind: ClassVar[str] = "forget-state"
    path: str = ""

    def describe_undo(self, before: dict[str, Any]) -> str:
        return f"remove what the init system keeps in {self.path}"

    @property
    def key(self) -> str:
        return f"forget-state {self.path}"

    def original(self, host: Host) -> dict[str, Any]:
        """Return that nothing was kept there: the directory is ours."""
        return {}

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether something is kept there already, by the supervisor that runs it."""
        return {"kept": any(host.lstat(f"{self.path}/{name}") for name in STATES)}

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Wait for the supervisor to let go, and remove its state."""
        if before.get("kept"):
            return []
        for name in STATES:
            state = f"{self.path}/{name}"
            lock = host.real(f"{state}/lock", follow=True)
            if host.live:
                wait_for(functools.partial(_free, lock), STATE_LIMIT)
            if host.readlink(state) is not None:
                inner = host.resolve(state)
                if inner.startswith("/run/") and host.is_directory(inner):
                    host.remove_tree(inner)
                host.put(state, ABSENT)
            elif host.is_directory(state):
                host.remove_tree(state)
        return []


def _free(lock: str) -> bool:
    """Tell whether nobody holds a lock file."""
    return not supervision.held(lock)
