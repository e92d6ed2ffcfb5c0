"""The svscans that run from a folder of code: it must not go while they do.

An init system starts one of them, on the scan directory. Anybody may have started others, and in a
container svscan is what the container runs: nothing that was installed ends those.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from slashservice.installer import supervision
from slashservice.installer.detection.wirings import svscans
from slashservice.installer.errors import Refusal
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host


@dataclass(frozen=True)
class Tenant:
    """A svscan of ours: its process, its scan directory, and the folder that its code is in."""

    pid: int
    directory: str
    code: str


def tenants(host: Host, trees: Iterable[str], directory: str) -> list[Tenant]:
    """Return the svscans whose code is in one of ``trees``.

    Where processes can't be listed, that is the one on ``directory`` alone.
    """
    if host.root != "/":
        return []
    found = {one.pid: one.directory for one in svscans(host)}
    pid = supervision.running(directory)
    if pid:
        found[pid] = directory
    trees = list(trees)
    seen = [Tenant(pid, at, _code(host, pid, at, trees)) for pid, at in sorted(found.items())]
    return [one for one in seen if one.code in trees]


def _code(host: Host, pid: int, directory: str, trees: list[str]) -> str:
    """Return the folder of a svscan's code: as it has noted, or else as it was called."""
    noted = supervision.code(directory, pid)[1]
    if noted:
        return noted
    for word in processes.describe(pid)[2]:
        for tree in trees:
            if word.startswith("/") and host.real(word, follow=True).startswith(f"{tree}/"):
                return tree
    return ""


def refuse_tenants(host: Host, trees: Iterable[str], ended: Iterable[str], directory: str) -> None:
    """Refuse to take ``trees`` away while svscans run from them that will not be ended.

    ``ended`` are the scan directories of those that will be; ``directory`` is the installed one.
    """
    places = {os.path.realpath(one) for one in ended}
    for one in tenants(host, trees, directory):
        if os.path.realpath(one.directory) in places:
            continue
        if one.pid == 1:
            raise Refusal(
                f"svscan on {one.directory} is PID 1 here, and all ends with it: "
                "its code can't go before",
                "Stop the container, and then: slashservice uninstall --root DIR, its files in DIR",
            )
        raise Refusal(
            f"svscan (pid {one.pid}) runs on {one.directory}, and was not started by what is "
            "installed: its code can't go before it ends",
            f"slashservice drain {one.directory} stops its services and ends it",
        )
    if os.path.realpath(directory) in places or host.root != "/":
        return
    for service in supervision.service_directories(directory):
        for path in (service, f"{service}/log"):
            if supervision.is_orphaned(path):
                raise Refusal(
                    f"the service in {path} runs (pid {supervision.daemon_pid(path)}), though "
                    "svscan has died, and nothing that is installed would stop it",
                    f"slashservice drain {directory} stops it",
                )
