"""The actions of a plan that exchange svscan for one of other code. No daemon restarts.

svscan exits at once and leaves its daemons to be adopted by the next svscan, which the init
system starts by itself, or a command does. :class:`HandOver` is the last action of a plan: what
was installed is then in its place. :class:`HandBack` comes right after the new code. When a run
fails it is undone when all that leads to the older code is back, and before the new code goes.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import supervision
from slashservice.installer.errors import Trouble
from slashservice.installer.host import lock
from slashservice.installer.host.host import Host
from slashservice.installer.plan import heirs
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.telling import START_LIMIT, RunCommand, run
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.names import SCAN_DIRECTORY
from slashservice.supervise.signal_numbers import SIGTERM

HOLD_PAUSE = 0.02
"""Seconds between looks at whether svscan, which is held, has been told to end."""

HOLD_LIMIT = 3
"""Seconds for an init system to begin ending what its files have otherwise, once told to look."""

RESPAWN_LIMIT = 3
"""Seconds for whoever else may start svscan again, before we do."""

ATTEMPTS = 3
"""How often svscan is exchanged at most, where another of older code was in wait."""


@contextlib.contextmanager
def _beside(work: Callable[[int], None]) -> Iterator[None]:
    """Have ``work`` done in a process beside us, which outlives us if we are killed.

    It gets a descriptor to read from: a byte comes as the block ends, nothing if we die in it.
    """
    theirs, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.close(ours)
            work(theirs)
        finally:
            os._exit(0)
    os.close(theirs)
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):  # it may be done
            os.write(ours, b"x")
        os.close(ours)
        os.waitpid(pid, 0)


@contextlib.contextmanager
def heir(deed: Callable[[], object]) -> Iterator[None]:
    """Have a process beside us that does a deed in our place, should we be killed meanwhile."""

    def inherit(word: int) -> None:
        if not os.read(word, 1):
            lock.let_go()
            deed()

    with _beside(inherit):
        yield


@contextlib.contextmanager
def killed_for(pid: int, after: float = 0) -> Iterator[None]:
    """Hold the svscan ``pid``, if it is not 0, and kill it as soon as somebody tells it to end.

    It goes on if nobody has, ``after`` seconds behind the block. A process beside us sees to
    that, so that nobody stays held if we are killed.
    """
    if not pid:
        yield
        return

    def is_told() -> bool:
        return supervision.is_told_to_end(pid)

    def watch(word: int) -> None:
        lock.let_go()
        while not is_told() and not select.select([word], [], [], HOLD_PAUSE)[0]:
            pass
        supervision.send(pid, signal.SIGKILL if wait_for(is_told, after) else signal.SIGCONT)

    with _beside(watch):
        supervision.send(pid, signal.SIGSTOP)
        yield


@dataclass(frozen=True)
class Exchange(Action):
    """What both have: ``start`` starts svscan where the init system does not (``respawns``).

    ``stop`` and ``start`` have an init system that remembers a command forget it.
    """

    service_dir: str = SCAN_DIRECTORY
    start: tuple[str, ...] = ()
    respawns: bool = False
    stop: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The scan directory."""
        return f"{self.kind} {self.service_dir}"

    def describe_undo(self, before: dict[str, Any]) -> str:
        """Say nothing: svscan is not exchanged when slashservice goes."""
        return ""

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: before slashservice came there was no svscan of ours."""
        return {}

    def running(self, host: Host) -> int:
        """Return the pid of svscan, 0 if none runs, or if this is an image."""
        return supervision.running(self.service_dir) if host.live else 0

    def folder(self, pid: int) -> str:
        """Return the folder of the code that a svscan runs, empty if that is not known."""
        return supervision.code(self.service_dir, pid)[1]

    def exchange(self, host: Host, old: int) -> None:
        """Let svscan ``old`` go, if it is not 0, and wait until the next one has all services.

        Who waits for its place goes first: that may be a svscan of any code. A drained one has
        no services, and the next one starts them all.
        """
        served = heirs.attended(self.service_dir)
        self.refuse(host, served)
        drained = old and supervision.is_drained(self.service_dir, old)
        host.step("hand over", self.service_dir)
        with self._heir(host):
            self._end_waiting()
            if old and not supervision.quit_(self.service_dir):
                raise Trouble(f"svscan on {self.service_dir} does not give way")
            self._start(host)
            if not wait_for(lambda: self.running(host) not in (0, old), START_LIMIT):
                raise Trouble(f"svscan did not come back on {self.service_dir}")
        if not wait_for(lambda: not self._missing(served), START_LIMIT):
            raise Trouble(
                "the new svscan did not take over all services", ", ".join(self._missing(served))
            )
        if drained:
            services = supervision.service_directories(self.service_dir)
            wait_for(lambda: not self._missing(services), RESPAWN_LIMIT)

    def exchange_for(self, host: Host, old: int, code: str) -> str:
        """Exchange svscan ``old`` until one of ``code`` runs.

        One that was about to start meanwhile, or that an init system has by an old command, may be
        of any code. If it is of another one in the end, return the folder of that, else nothing.
        """
        found = ""
        for attempt in range(ATTEMPTS):
            self.exchange(host, old)
            old = self.running(host)
            if attempt == 0 and self.folder(old) not in ("", code):
                self.renew(host, old)
                old = self.running(host)
            found = self.folder(old)
            if found in ("", code):
                return ""
            if not code:
                break
        return found

    def refuse(self, host: Host, served: list[str]) -> None:
        """Refuse, while svscan still runs, what would leave services without a supervisor."""
        heirs.refuse(served)

    def _end_waiting(self) -> None:
        """End the svscans that wait for their turn. They have no services yet."""
        waiting = supervision.waiting(self.service_dir)
        for pid in waiting:
            supervision.send(pid, SIGTERM)
        wait_for(lambda: not set(waiting) & set(supervision.waiting(self.service_dir)), START_LIMIT)

    def renew(self, host: Host, pid: int) -> None:
        """Have the init system start svscan by the command of now, if it still had another one.

        Stopped, svscan does not see the TERM at which it would take all services down.
        """
        if not (self.stop and self.start):
            return
        host.step("renew", self.service_dir)
        with heir(lambda: run(host, self.start)), killed_for(pid):
            run(host, self.stop, tolerant=True)
        run(host, self.start)
        if not wait_for(lambda: self.running(host), START_LIMIT):
            raise Trouble(f"svscan did not come back on {self.service_dir}")

    def _start(self, host: Host) -> None:
        """Start svscan, unless the init system does."""
        if not self.respawns and not wait_for(lambda: self.running(host), RESPAWN_LIMIT):
            run(host, self.start, tolerant=True)  # it may have come meanwhile

    @contextlib.contextmanager
    def _heir(self, host: Host) -> Iterator[None]:
        """Have a process beside us that starts svscan in our place, should we be killed."""
        if self.respawns or not self.start:
            yield
            return
        with heir(lambda: self._start(host)):
            yield

    def _missing(self, served: list[str]) -> list[str]:
        """Return those services that are still in the scan directory, and not supervised."""
        there = set(supervision.service_directories(self.service_dir))
        return [
            one
            for one in served
            if (one in there or (one.endswith("/log") and os.path.dirname(one) in there))
            and os.path.isdir(one)
            and not supervision.supervised(one)
        ]


@dataclass(frozen=True)
class HandOver(Exchange):
    """Have a svscan that runs other code give way to one of ``code``, which is a folder."""

    kind: ClassVar[str] = "hand-over"
    code: str = ""

    def describe(self) -> str:
        """Say what becomes of svscan, and of the services."""
        if supervision.is_drained(self.service_dir, supervision.running(self.service_dir)):
            return f"have another svscan take the place of the drained one on {self.service_dir}"
        if supervision.waiting(self.service_dir):
            return f"have one svscan on {self.service_dir}, and none that waits; services run on"
        return f"have svscan on {self.service_dir} run the new code; services run on"

    def done(self, host: Host) -> bool:
        """Tell whether no svscan is known to run other code, to be drained, or to wait."""
        pid = self.running(host)
        return not pid or (self.folder(pid) in ("", self.code) and not self._is_amiss(pid))

    def due(self, host: Host) -> bool:
        """Tell whether a svscan has to give way, now that the code changes."""
        return self._has_to_go(self.running(host))

    def _has_to_go(self, pid: int) -> bool:
        other = not self.code or self.folder(pid) != self.code
        return bool(pid) and (other or self._is_amiss(pid))

    def _is_amiss(self, pid: int) -> bool:
        """Tell whether svscan is drained, or another one waits for its end."""
        waits = bool(supervision.waiting(self.service_dir))
        return waits or supervision.is_drained(self.service_dir, pid)

    def refuse(self, host: Host, served: list[str]) -> None:
        """Refuse also if the svscan to come does not start."""
        super().refuse(host, served)
        if self.code:
            heirs.rehearse(host, f"{self.code}/command/svscan")

    def apply(self, host: Host) -> None:
        """Let svscan go, and see that the next one runs the right code."""
        old = self.running(host)
        if not self._has_to_go(old):
            return
        found = self.exchange_for(host, old, self.code)
        if found:
            raise Trouble(f"svscan runs other code than was installed: {found}")


@dataclass(frozen=True)
class HandBack(Exchange):
    """When a run fails: see that svscan runs as it ran before, with the code of then.

    ``left`` is set where the run has svscan run on another scan directory: then it may be idle,
    or gone.
    """

    kind: ClassVar[str] = "hand-back"
    left: bool = False

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether svscan runs, and from which folder its code is."""
        pid = self.running(host)
        return {"running": bool(pid), "code": self.folder(pid) if pid else ""}

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Exchange svscan, or start it, if it is not as it was."""
        if not before.get("running") or not host.live:
            return []
        pid, code = self.running(host), before["code"]
        if pid and not self.left and self.folder(pid) == code:
            return []
        found = self.exchange_for(host, pid, code)
        if not (code and found):
            return []
        return [f"svscan runs from {found}, not from {code}: slashservice install exchanges it"]


@dataclass(frozen=True)
class HeldCommand(RunCommand):
    """Have the init system read its files, where it ends and starts what has changed in them.

    svscan would take all services down at its TERM. Stopped, it does not get to see that; it is
    killed then, and the svscan that the init system starts adopts its services.
    """

    kind: ClassVar[str] = "held-command"
    service_dir: str = SCAN_DIRECTORY

    def apply(self, host: Host) -> None:
        """Tell the init system."""
        with killed_for(self._pid(host), HOLD_LIMIT):
            super().apply(host)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Tell the init system that files are as they were."""
        with killed_for(self._pid(host), HOLD_LIMIT):
            return super().undo(host, before, after)

    def _pid(self, host: Host) -> int:
        return supervision.running(self.service_dir) if host.live else 0
