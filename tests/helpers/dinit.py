"""A stand-in for dinit: it starts and stops services by their dependencies, and by nothing else.

It is as strict as the original about settings: which there are, and which of ``:`` and ``=``
belongs to each. It knows no more of them than orders services: it restarts nothing and has no
time limits. A service that ``waits-for`` another starts behind it, but only ``depends-on`` keeps
that one from being stopped first, as in the original.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers import judges

HARD, SOFT, FOLDER = "depends-on", "waits-for", "waits-for.d"


@dataclass
class Service:
    """A service: its settings, and what it depends on."""

    name: str
    settings: dict[str, list[str]]
    hard: list[Service] = field(default_factory=list)
    soft: list[Service] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.started = threading.Event()
        self.stopped = threading.Event()

    def command(self, setting: str) -> list[str]:
        """Return a command line, empty if the service has none of that name."""
        return shlex.split(self.settings.get(setting, [""])[-1])


class DinitStandIn:
    """The services that ``boot`` leads to, of those in ``folders``."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.services: dict[str, Service] = {}
        self._load("boot")

    def _load(self, name: str) -> Service:
        """Read a service and what it depends on. A circle is an error, as is what is not there."""
        if name in self.services:
            return self.services[name]
        path = next(one / name for one in self.folders if (one / name).is_file())
        service = Service(name, judges.dinit_settings(path.read_text()))
        service.hard = [self._load(one) for one in service.settings.get(HARD, [])]
        soft = list(service.settings.get(SOFT, []))
        for folder in service.settings.get(FOLDER, []):
            soft += sorted(one.name for one in (path.parent / folder).iterdir())
        service.soft = [self._load(one) for one in soft]
        self.services[name] = service
        return service

    def boot(self) -> None:
        """Start all services, each as soon as it may; return when all are started."""
        self._at_once(self._start)

    def shut_down(self) -> None:
        """Stop all services, each as soon as it may; return when all are stopped."""
        self._at_once(self._stop)

    def _at_once(self, step: object) -> None:
        threads = [
            threading.Thread(target=step, args=(one,))  # type: ignore[arg-type]
            for one in self.services.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _start(self, service: Service) -> None:
        for other in (*service.hard, *service.soft):
            other.started.wait()
        kind = service.settings["type"][-1]
        if kind == "scripted" and service.command("command"):
            subprocess.run(service.command("command"), check=True)
        elif kind == "process":
            service.process = subprocess.Popen(service.command("command"))
        service.started.set()

    def _stop(self, service: Service) -> None:
        for other in self.services.values():
            if service in other.hard:
                other.stopped.wait()
        if service.process is not None:
            service.process.send_signal(signal.SIGTERM)
            service.process.wait()
        elif service.command("stop-command"):
            subprocess.run(service.command("stop-command"), check=True)
        service.stopped.set()
