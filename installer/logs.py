"""What keeps logs from being written.

A hosted logger says so itself: svscan has it in ``supervise/trouble`` of its log service. Of all
others it is told by what can be seen (:mod:`~slashservice.installer.log_directories`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from slashservice.installer import log_directories
from slashservice.installer.host.host import Host
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import names, status

FILE = f"log/{os.fsdecode(names.TROUBLE)}"
STATUS = f"log/{os.fsdecode(names.STATUS)}"

GOES_ON = "once its cause is gone the log goes on by itself, and no line is lost"


@dataclass(frozen=True)
class Trouble:
    """Why the log of ``service`` can't be written, and since when (Unix time, None if unknown)."""

    service: str
    text: str
    since: float | None = None
    remedy: str = GOES_ON

    def __str__(self) -> str:
        if self.since is None:
            return f"the log of {self.service} is in trouble: {self.text}"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"the log of {self.service} has been in trouble since {when}: {self.text}"


def troubles(host: Host, service_dir: str) -> tuple[Trouble, ...]:
    """Return the trouble of all logs; what may not be read counts as none."""
    found = []
    for name in host.list(service_dir):
        if name.startswith("."):
            continue
        try:
            told = _told(host, service_dir, name)
            if told:
                found.append(told)
                continue
            for fault in log_directories.faults(host, f"{service_dir}/{name}"):
                what, remedy = map(printable, fault)
                found.append(Trouble(name, what, remedy=remedy))
        except OSError:
            continue
    return tuple(found)


def mistakes(host: Host, service_dir: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with where logs go, whether or not they can be written, and remedies."""
    yield from _shared(host, service_dir)
    yield from exposed(host, service_dir)


def exposed(host: Host, service_dir: str) -> Iterator[tuple[str, str]]:
    """Yield the logs of root's that others can lead elsewhere, and what to do about it."""
    for name in host.list(service_dir):
        if name.startswith("."):
            continue
        with contextlib.suppress(OSError):
            for what, remedy in log_directories.exposed(host, f"{service_dir}/{name}"):
                yield printable(what), remedy


def _shared(host: Host, service_dir: str) -> Iterator[tuple[str, str]]:
    """Yield the log directories that several services name, and what to do about it."""
    for path, services in log_directories.users(host, service_dir).items():
        if len(services) > 1:
            names = ", ".join(os.path.basename(one) for one in services)
            last = services[-1]
            yield (
                printable(f"{names} have one log directory, {path}: only one can write to it"),
                printable(f"name another one in {last}/log/run, then svc -t {last}/log"),
            )


def writer(host: Host, service_dir: str, path: str) -> str:
    """Say who writes to a log directory, or will: a service, or a process; or nothing."""
    return printable(log_directories.writer(host, service_dir, path))


def told(host: Host, service_dir: str, name: str) -> str:
    """Return what keeps the logger of a service from writing, in its own words; or nothing."""
    found = _told(host, service_dir, name)
    return found.text if found else ""


def _told(host: Host, service_dir: str, name: str) -> Trouble | None:
    """Return what the logger itself has said."""
    path = f"{service_dir}/{name}/{FILE}"
    about = host.stat(path)
    text = host.read(path) if about else None
    if not about or not text:
        return None
    now = status.unpack(host.read(f"{service_dir}/{name}/{STATUS}") or b"")
    if now and not now.pid and now.want == b"d":
        return None  # it says what kept it from starting, before it was told to stay down
    return Trouble(name, printable(text.decode("utf-8", "surrogateescape").strip()), about.st_mtime)
