"""What is wrong with svscan itself on a machine that runs, for ``slashservice doctor`` to name.

That is a svscan that is drained and stays, another one that waits for its end, services that it
does not supervise, and those that the next svscan could not take over.
"""

from __future__ import annotations

from collections.abc import Iterator

from slashservice.installer import supervision
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.plan import heirs
from slashservice.supervise.protocol.client import wait_for

Fault = tuple[str, str]
"""What is wrong, and what to do about it."""

SECONDS_TO_TAKE_UP = 2.0
"""svscan has a service as soon as that is linked, on a machine with little to do."""

DRAINED = "it is drained (slashservice drain -s): it has taken all services down, and starts none"
GOES_ON = "slashservice install has another one take its place, and services start again"


def faults(host: Host, directory: str) -> Iterator[Fault]:
    """Yield what is wrong with the svscan on ``directory``, if one runs."""
    pid = supervision.running(directory) if host.live else 0
    if not pid:
        return
    for other in supervision.waiting(directory):
        now = f"the svscan that runs on {directory} (pid {pid}{_child(pid)})"
        what = f"svscan (pid {other}{_child(other)}) waits for the end of {now}, to take its place"
        yield what, "slashservice install has one of them; no service restarts"
    if supervision.is_drained(directory, pid):
        yield f"svscan (pid {pid}) on {directory} does nothing: {DRAINED}", GOES_ON
        return
    yield from _unattended(host, directory)
    for path in heirs.attended(directory):
        what, remedy = heirs.obstacle(path)
        if what:
            yield f"{path} would have no supervisor if svscan ended: {what}", remedy


def _child(pid: int) -> str:
    parent = processes.parent_of(pid)
    return f", child of {parent}" if parent else ""


def _unattended(host: Host, directory: str) -> Iterator[Fault]:
    """Yield the services that svscan should have, and has not."""

    def left() -> list[str]:
        paths = supervision.service_directories(directory)
        able = [path for path in paths if host.is_executable(f"{path}/run")]
        return [path for path in able if not supervision.is_attended(path, True)]

    wait_for(lambda: not left(), SECONDS_TO_TAKE_UP)
    for path in left():
        what, remedy = heirs.obstacle(path)
        why = f": {what}" if what else ""
        daemon = supervision.daemon_pid(path)
        runs = f"; what it ran before still does (pid {daemon})" if daemon else ""
        retry = f"{remedy}; svscan tries again by itself" if remedy else ""
        yield f"svscan does not supervise {path}{why}{runs}", retry or "see svscan's own messages"
