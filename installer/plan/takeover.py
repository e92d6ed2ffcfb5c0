"""Hand over from C daemontools: its services, its scan directory, its place at boot.

C supervise can't be taken over while it runs: it is its daemon's parent, and keeps nothing
that another could adopt by. So its services are stopped once, in the order that loses no
line: svscan first held still so that it starts nothing anew, then every service, then,
when those are down and the logs have read all they said, every log. Only then is it unwired,
and ours wired and started. Nothing runs twice, and undoing gives it all back.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import re
import signal
import stat
import sys
import termios
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import supervision
from slashservice.installer.detection.detect import Verdict
from slashservice.installer.detection.evidence import Evidence, Wiring
from slashservice.installer.detection.wirings import is_strange, strangers
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action, EditFile, RemovePath
from slashservice.installer.plan.edits import CommentOut
from slashservice.installer.plan.telling import STOP_LIMIT, RunCommand
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

RELOADS = {
    "sysvinit": ("telinit", "q"),
    "slackware": ("telinit", "q"),
    "busybox": ("sh", "-c", "kill -HUP 1"),
    "systemd": ("systemctl", "daemon-reload"),
}
KEEPERS = {
    "systemd": (r".*\.service", ("systemctl", "stop"), ("systemctl", "start"), ()),
    "upstart": (r"/etc/(init|event\.d)/.*", ("initctl", "stop"), ("initctl", "start"), ()),
    "openrc": (r"/etc/init\.d/.*", ("rc-service",), ("rc-service",), ("zap", "start")),
}
"""Init systems that keep in mind what they have started: whose files, how to have them
forget it, and how to start it again."""


WHOLE = (
    *("/etc/init", "/etc/event.d", "/etc/finit.d", "/etc/dinit.d", "/Library/LaunchDaemons"),
    *("/etc/rc.d", "/usr/local/etc/rc.d"),
)
"""Folders in which a file is another supervisor's wiring as a whole."""


@dataclass(frozen=True)
class QuietenScanner(Action):
    """Stop the services of a running C svscan on ``service_dir``, in order, and it with them."""

    kind: ClassVar[str] = "quieten"
    service_dir: str = SCAN_DIRECTORY

    @property
    def key(self) -> str:
        """There is one per scan directory."""
        return f"quieten {self.service_dir}"

    def describe(self) -> str:
        """Say what is stopped."""
        return f"stop the services of the other svscan on {self.service_dir}, then their logs"

    def done(self, host: Host) -> bool:
        """Tell whether no other svscan runs there."""
        return not strangers(host, self.service_dir)

    def capture(self, host: Host) -> dict[str, Any]:
        """Return the svscans that are held still."""
        return {"pids": strangers(host, self.service_dir)}

    def apply(self, host: Host) -> None:
        """Hold svscan still, take services down, then logs once they have read all."""
        if not host.live:
            return
        pids = strangers(host, self.service_dir)
        for pid in pids:
            supervision.send(pid, signal.SIGSTOP)
        services = supervision.service_directories(self.service_dir)
        logs = [f"{service}/log" for service in services]
        self._down(services)
        if not wait_for(lambda: not _behind(logs), STOP_LIMIT):
            raise Trouble("logs have not read all in time", ", ".join(_behind(logs)))
        self._down(logs)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Let a svscan that is only held still go on: it starts its services again."""
        for pid in strangers(host, self.service_dir):
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
    """End a C svscan whose services are down and which nothing starts again."""

    kind: ClassVar[str] = "end-scanner"
    service_dir: str = SCAN_DIRECTORY

    @property
    def key(self) -> str:
        """There is one per scan directory."""
        return f"end-scanner {self.service_dir}"

    def describe(self) -> str:
        """Say what ends."""
        return f"end the other svscan on {self.service_dir}"

    def done(self, host: Host) -> bool:
        """Tell whether it is gone."""
        return not strangers(host, self.service_dir)

    def capture(self, host: Host) -> dict[str, Any]:
        """Return nothing: what is wired starts it again."""
        return {}

    def apply(self, host: Host) -> None:
        """End it: its services are down, so there is nothing it could take care of."""
        for pid in strangers(host, self.service_dir):
            supervision.send(pid, signal.SIGKILL)
        if not wait_for(lambda: self.done(host), STOP_LIMIT):
            raise Trouble(f"the other svscan on {self.service_dir} did not end")

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Nothing: what is wired again starts it."""
        return []


def take_over(
    host: Host,
    evidence: Evidence,
    verdict: Verdict,
    wirings: tuple[Wiring, ...],
    service_dir: str,
) -> list[Action]:
    """Return the actions that put another svscan's ``wirings`` out of force."""
    runs = any(is_strange(one, service_dir) for one in evidence.scanners)
    if wirings and evidence.platform != "linux" and host.live:
        raise Refusal(
            f"here a running svscan can't be taken over: {wirings[0].path}",
            "Stop it and its services, remove that, and install without --replace.",
        )
    reload = RELOADS.get(verdict.name, ())
    forget, restart = _keeper(verdict.name, wirings) if runs else ((), ())
    actions: list[Action] = [QuietenScanner(service_dir=service_dir)] if runs else []
    actions.append(RunCommand(undo_=restart, why="it runs again", tolerant=True))
    actions.append(RunCommand(undo_=reload, why="init sees it"))
    for wiring in wirings:
        actions += _unwire(host, wiring)
    actions.append(RunCommand(do=reload, why="init sees it"))
    actions.append(RunCommand(do=forget, why="it does not come back"))
    if runs:
        actions.append(EndScanner(service_dir=service_dir))
    return [
        dataclasses.replace(action, sticky=True)
        for action in actions
        if not isinstance(action, RunCommand) or (wirings and (action.do or action.undo_))
    ]


def _keeper(init: str, wirings: tuple[Wiring, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how an init system forgets what it started by these files; and how it starts it."""
    pattern, stop, start, verbs = KEEPERS.get(init, ("$", (), (), ()))
    names = [
        os.path.basename(one.path).removesuffix(".conf")
        for one in wirings
        if re.fullmatch(pattern, one.path)
    ]
    if not names:
        return (), ()
    if verbs:
        return (*stop, names[0], verbs[0]), (*start, names[0], verbs[1])
    return (*stop, *names), (*start, *names)


def _unwire(host: Host, wiring: Wiring) -> list[Action]:
    """Return what puts one wiring out of force."""
    name = os.path.basename(wiring.path)
    if wiring.path.endswith(".service"):
        return [RemovePath(path=link) for link in _links(host, "/etc/systemd/system", name)]
    folder = os.path.dirname(wiring.path)
    if folder in ("/etc/init.d", "/etc/rc.d/init.d"):
        found = []
        for base in ("/etc", "/etc/rc.d"):
            for level in host.list(base):
                if level.startswith("rc") and level.endswith(".d"):
                    found += [
                        RemovePath(path=f"{base}/{level}/{link}")
                        for link in host.list(f"{base}/{level}")
                        if link[0] in "SK" and link[3:] == name
                    ]
        found += [RemovePath(path=link) for link in _links(host, "/etc/runlevels", name)]
        return [*found]
    if folder in WHOLE:
        return [RemovePath(path=wiring.path)]
    return [EditFile(path=host.resolve(wiring.path), editor=CommentOut(wiring.text))]


def _links(host: Host, base: str, name: str) -> list[str]:
    """Return the links called ``name`` one folder below ``base``."""
    paths = [
        f"{base}/{inner}/{name}"
        for inner in host.list(base)
        if host.is_directory(f"{base}/{inner}")
    ]
    return [path for path in paths if host.lstat(path) is not None]


def _alive(services: list[str]) -> list[str]:
    """Return those services that are supervised."""
    return [service for service in services if supervision.supervised(service)]


def _behind(logs: list[str]) -> list[str]:
    """Return those logs that run and have something left to read."""
    return [log for log in logs if _unread(supervision.daemon_pid(log))]


def _unread(pid: int) -> int:
    """Return how many bytes are in the pipe that a process reads from.

    C's multilog leaves them there when told to end, and the pipe goes with C's svscan.
    """
    stdin = f"/proc/{pid}/fd/0"
    try:
        if not stat.S_ISFIFO(os.stat(stdin).st_mode):
            return 0
        fd = os.open(stdin, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(fd)
