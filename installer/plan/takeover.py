"""Hand over from C daemontools, or runit: its services, its scan directory, its place at boot.

C supervise can't be taken over while it runs: it is its daemon's parent, and keeps no record
by which another could adopt the daemon. So its services are stopped once, in the order that
loses no line. First svscan is held still, so that it starts nothing anew. Then every service
is stopped; when those are down, and the logs have read all they said, every log. Only then is
svscan unwired, and ours wired and started. Nothing runs twice, and undoing gives it all back.

runsv is its daemon's parent as well, and its log's, and has the pipe between them in its memory
alone. So with runsvdir it goes the same way. Each runsv is told to exit: it brings its service
down, runs its finish, lets its log read to the end of input, and ends.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import supervision
from slashservice.installer.detection.evidence import Wiring
from slashservice.installer.detection.knowledge import owners
from slashservice.installer.detection.look import Look
from slashservice.installer.detection.wirings import held, is_strange, runsvdirs, strangers
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.plan.telling import STOP_LIMIT, RunCommand
from slashservice.supervise.protocol.client import read_status, wait_for
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

STRAY_LIMIT = 5.0
"""Seconds for a log to come to the end of its input, once its service is down.

A process that the service has left behind may hold the pipe open for ever.
"""


@dataclass(frozen=True)
class QuietenScanner(Action):
    """Stop the services of a running svscan or runsvdir on ``service_dir``, in order.

    The scanner itself is held still, so that it starts nothing again.
    """

    kind: ClassVar[str] = "quieten"
    service_dir: str = SCAN_DIRECTORY

    @property
    def key(self) -> str:
        return f"quieten {self.service_dir}"

    def describe(self) -> str:
        return f"stop the services of the other svscan on {self.service_dir}, then their logs"

    def _wanted_up(self) -> list[str]:
        """Return the services that their runsv is to keep up."""
        found = []
        for service in _alive(supervision.service_directories(self.service_dir)):
            try:
                status = read_status(os.fsencode(service))
            except OSError:
                continue
            if status is not None and status.want == b"u":
                found.append(service)
        return found

    def done(self, host: Host) -> bool:
        """Tell whether no other svscan runs there."""
        return not strangers(host, self.service_dir)

    def capture(self, host: Host) -> dict[str, Any]:
        """Return the scanners that are held still, and for runsvdir what was wanted up."""
        found: dict[str, Any] = {"pids": strangers(host, self.service_dir)}
        if runsvdirs(host, self.service_dir):
            found["up"] = self._wanted_up()
        return found

    def apply(self, host: Host) -> None:
        """Hold the scanner still, take services down, then logs once they have read all."""
        if not host.live:
            return
        pids = strangers(host, self.service_dir)
        for pid in pids:
            supervision.send(pid, signal.SIGSTOP)
        services = supervision.service_directories(self.service_dir)
        if runsvdirs(host, self.service_dir):
            end_runsvs(services)
            return
        logs = [f"{service}/log" for service in services]
        self._down(services)
        if not wait_for(lambda: not _behind(logs), STOP_LIMIT):
            raise Trouble("logs have not read all in time", ", ".join(_behind(logs)))
        self._down(logs)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Let a scanner that is only held still go on: it starts its services again.

        A runsv that has been told to exit, and has not, is told to go on as well.
        """
        pids = [*strangers(host, self.service_dir), *held(host, self.service_dir)]
        for service in _alive(before.get("up", [])) if pids else ():
            supervision.tell(service, b"u")
        for pid in pids:
            supervision.send(pid, signal.SIGCONT)
        return []

    def _down(self, services: list[str]) -> None:
        """Take services down and have their supervise exit; wait until all have."""
        for service in services:
            supervision.tell(service, b"dx")
        if not wait_for(lambda: not _alive(services), STOP_LIMIT):
            raise Trouble("services did not go down in time", ", ".join(_alive(services)))


@dataclass(frozen=True)
class EndScanner(Action):
    """End a svscan or runsvdir whose services are down and which nothing starts again."""

    kind: ClassVar[str] = "end-scanner"
    service_dir: str = SCAN_DIRECTORY

    @property
    def key(self) -> str:
        return f"end-scanner {self.service_dir}"

    def describe(self) -> str:
        return f"end the other svscan on {self.service_dir}"

    def done(self, host: Host) -> bool:
        return not strangers(host, self.service_dir)

    def apply(self, host: Host) -> None:
        """End it: its services are down, so there is nothing it could take care of."""
        for pid in strangers(host, self.service_dir):
            supervision.send(pid, signal.SIGKILL)
        if not wait_for(lambda: self.done(host), STOP_LIMIT):
            raise Trouble(f"the other svscan on {self.service_dir} did not end")


def take_over(
    look: Look,
    systems: Mapping[str, InitSystem],
    wirings: tuple[Wiring, ...],
    service_dir: str,
    wiring: Collection[Action] = (),
) -> list[Action]:
    """Return the actions that put another scanner's ``wirings`` out of force.

    ``wiring`` are those that wire svscan in. They may put it into a scanner's place themselves.
    """
    init_system = systems[look.verdict.name]
    runs = any(is_strange(one, service_dir) for one in look.evidence.scanners)
    if any(isinstance(one, QuietenScanner) for one in wiring):
        runs = False
        wirings = tuple(one for one in wirings if not init_system.inherits(one))
    elif runs and look.found.name in systems:
        _refuse_what_runs_the_host(look, systems[look.found.name], service_dir)
    if wirings and look.evidence.platform != "linux" and look.host.live:
        raise Refusal(
            f"here a running svscan can't be taken over: {wirings[0].path}",
            "Stop it and its services, remove that, and install without --replace.",
        )
    reload = init_system.reload
    forget, restart = _keeper(init_system, wirings) if runs else ((), ())
    actions: list[Action] = [QuietenScanner(service_dir=service_dir)] if runs else []
    actions.append(RunCommand(undo_=restart, why="it runs again", tolerant=True))
    actions.append(RunCommand(undo_=reload, why="init sees it"))
    for one in wirings:
        actions += _unwiring(look.host, systems, one)
    actions.append(RunCommand(do=reload, why="init sees it"))
    actions.append(RunCommand(do=forget, why="it does not come back"))
    if runs:
        actions.append(EndScanner(service_dir=service_dir))
    return [
        dataclasses.replace(action, sticky=True)
        for action in actions
        if not isinstance(action, RunCommand) or (wirings and (action.do or action.undo_))
    ]


def _refuse_what_runs_the_host(look: Look, found: InitSystem, service_dir: str) -> None:
    """Refuse to end a scanner that the host's init system has become: the machine would go down."""
    scanned = look.host.resolve(service_dir)
    for one in look.evidence.wirings:
        if found.inherits(one) and look.host.resolve(one.directory) == scanned:
            raise Refusal(
                f"{found.title} runs this host with what {one.where} starts, which is not ended",
                "Install without --init: then svscan gets its place there.",
            )


def _unwiring(host: Host, systems: Mapping[str, InitSystem], wiring: Wiring) -> list[Action]:
    """Return what puts one wiring out of force; :class:`Refusal` where that is beyond us."""
    readers = owners(systems.values(), wiring.path) or [InitSystem()]  # cron's are no init system's
    actions = [action for reader in readers for action in reader.unwire(host, wiring)]
    if not actions or any(isinstance(one, EditFile) and one.done(host) for one in actions):
        raise Refusal(
            f"{wiring.path}: line {wiring.line} can't be put out of force by itself",
            *wiring.text.splitlines(),
            "Take out what starts the scanner yourself, then install once more.",
        )
    return actions


def _keeper(
    init_system: InitSystem, wirings: tuple[Wiring, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the commands that have an init system forget what it started, and start it again."""
    names = [
        os.path.basename(one.path).removesuffix(".conf")
        for one in wirings
        if init_system.keeps(one.path)
    ]
    return (init_system.forget(names), init_system.restart(names)) if names else ((), ())


def _alive(services: list[str]) -> list[str]:
    """Return those services that are supervised."""
    return [service for service in services if supervision.supervised(service)]


def end_runsvs(services: list[str]) -> None:
    """Have the runsv of each service exit, and wait until all have.

    A log whose input does not end is ended itself, once nothing in it is unread.
    """
    told: set[str] = set()
    down: dict[str, float] = {}

    def ended() -> bool:
        left = _alive(services)
        for service in left:
            log = f"{service}/log"
            if service not in told and supervision.tell(service, b"x"):
                told.add(service)
            if supervision.daemon_pid(service) or not supervision.daemon_pid(log):
                down.pop(service, None)
                continue
            since = down.setdefault(service, time.monotonic())
            if log not in told and time.monotonic() > since + STRAY_LIMIT and not _behind([log]):
                supervision.tell(log, b"d")
                told.add(log)
        return not left

    if not wait_for(ended, STOP_LIMIT):
        raise Trouble("services did not go down in time", ", ".join(_alive(services)))


def _behind(logs: list[str]) -> list[str]:
    """Return those logs that run and have something left to read."""
    return [log for log in logs if processes.unread(supervision.daemon_pid(log))]
