"""Whether a directory may be one that svscan scans, or is full of other things.

svscan would take every directory in ``/etc`` or ``/home`` for a service, and start what is called
``run`` in it; and every service that is made gets a link there.
"""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.host import obstacles
from slashservice.installer.host.host import Host

SHOWN = 3
"""Names of other things that are told."""

OF_FILE_SYSTEMS = "lost+found"


def strangeness(host: Host, directory: str) -> str:
    """Say why a directory looks like none for svscan; nothing where it may be one.

    It may be new, or empty, or at least half of what is in it are service directories, links to
    such, or links that lead nowhere at present.
    """
    if host.is_file(f"{directory}/run"):
        return "it is itself a service directory"
    names = [name for name in host.list(directory) if name[0] != "." and name != OF_FILE_SYSTEMS]
    others = [name for name in names if not _is_service(host, f"{directory}/{name}")]
    if 2 * len(others) <= len(names):
        return ""
    rest = ["..."] if len(others) > SHOWN else []
    return f"it is full of other things: {', '.join([*others[:SHOWN], *rest])}"


def _is_service(host: Host, path: str) -> bool:
    if host.is_file(f"{path}/run"):
        return True
    return host.readlink(path) is not None and host.stat(path) is None


def refuse(host: Host, directory: str) -> None:
    """Refuse a directory that svscan had better not scan."""
    no_directory = obstacles.in_the_way(host, directory)
    if no_directory:
        raise Refusal(f"{directory} can't be the scan directory: {no_directory} is no directory")
    why = strangeness(host, directory)
    if why:
        raise Refusal(
            f"{directory} is no scan directory: {why}",
            "Name an empty one, or one that is not there yet, with --service-dir.",
            "With --force it is taken as it is.",
        )
