"""The places of an installation: slashpackage's, or the file system hierarchy standard's.

slashpackage: https://cr.yp.to/slashpackage.html. Each version's files are in a folder of
their own. A link, whose name has no version, leads to the current one. So an upgrade changes
one link, and the files of a running version stay until nothing runs from them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from slashservice.installer.errors import WrongUse
from slashservice.supervise.protocol import places
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

PACKAGED = os.path.dirname(places.HOME) if places.is_packaged() else "/usr/share/slashservice"
"""The folder of all that is a package's alone; FreeBSD's are below ``/usr/local``."""

VERSION = re.compile(r"[^/.{}\s][^/{}\s]*")
"""A version, as folders are named for it: any word, whatever scheme is yet to come."""


def is_version(name: str, prefix: str = "") -> bool:
    """Tell whether the folder ``name`` is one for some version; ``prefix`` stands ahead of it."""
    return name.startswith(prefix) and bool(VERSION.fullmatch(name[len(prefix) :]))


@dataclass(frozen=True)
class Layout:
    """The places of one installation, as the host names them.

    ``tree`` is the folder of this version; ``current`` the link to it; ``commands`` the
    folder of links to the commands.
    """

    name: str
    version: str
    tree: str
    current: str
    commands: str
    service_dir: str
    data: str = ""

    @property
    def prefix(self) -> str:
        """What the names of the folders of all versions begin with."""
        return "slashservice-" if self.name == "slashpackage" else ""

    def command(self, name: str) -> str:
        """Return the path of command ``name`` that survives upgrades."""
        return f"{self.commands}/{name}"

    @property
    def compatibility(self) -> str:
        """The folder on everyone's PATH that gets links too, empty where ``commands`` is it."""
        return "/usr/local/bin" if self.name == "slashpackage" else ""

    @property
    def share(self) -> str:
        """The folder in which man and the shells look for what is ours."""
        return self.data or "/usr/local/share"


def layout(
    name: str, version: str, service_dir: str = "", home: str = "", data: str = ""
) -> Layout:
    """Return the layout called ``name``, with the scan directory given or the usual one.

    That of an account is in its ``home``, and there in ``data``.
    """
    if service_dir and (
        not service_dir.startswith("/") or set(service_dir) & set(" \t\n:#'\"\\$%&;|<>()`*?[]{}~!")
    ):
        raise WrongUse(
            f"{service_dir!r} can't be the scan directory",
            "It must be an absolute path without blanks and quotes: shells and inits read it.",
        )
    if service_dir and (".." in service_dir.split("/") or not service_dir.strip("/.")):
        raise WrongUse(
            f"{service_dir} can't be the scan directory", "Name it without any .. in it."
        )
    if service_dir:
        service_dir = "/" + os.path.normpath(service_dir).lstrip("/")
    if name == "slashpackage":
        return Layout(
            name,
            version,
            tree=f"/package/admin/slashservice-{version}",
            current="/package/admin/slashservice",
            commands="/command",
            service_dir=service_dir or SCAN_DIRECTORY,
        )
    if name == "fhs":
        return Layout(
            name,
            version,
            tree=f"/usr/local/lib/slashservice/{version}",
            current="/usr/local/lib/slashservice/current",
            commands="/usr/local/bin",
            service_dir=service_dir or "/etc/service",
        )
    if name == "package":
        return Layout(
            name,
            version,
            tree=f"{PACKAGED}/{version}",
            current=f"{PACKAGED}/current",
            commands=f"{PACKAGED}/current/command",
            service_dir=service_dir or "/etc/service",
        )
    if name == "user" and home:
        return Layout(
            name,
            version,
            tree=f"{data}/slashservice/{version}",
            current=f"{data}/slashservice/current",
            commands=f"{home}/.local/bin",
            service_dir=service_dir or f"{home}/service",
            data=data,
        )
    raise WrongUse(f"there is no layout {name!r}", "There are slashpackage and fhs.")
