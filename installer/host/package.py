"""What a distribution's package has brought: told by a file that stands beside its code.

Then the package owns the code, the commands and most of what init systems read. Nobody installs
over it, and who wants it gone removes the package.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from slashservice.installer.host import layout
from slashservice.installer.host.host import Host

HOME = layout.PACKAGED
"""The folder of all that is the package's alone: a folder with the code, and a link to that."""

MARKER = f"{HOME}/packaged"
"""The file that says so, a JSON object with the fields of :class:`Package`."""

BROUGHT = HOME.removesuffix("/share/slashservice") + "/lib/slashservice/service"
"""Where other packages put services for us."""

TAKEN = "/var/lib/slashservice/takes-runits"
"""There where the services of Debian's runit are ours to start: its ``runit-run`` was here.

It says which directory the scan directory was a link to, unless somebody has made it by hand.
"""

NAME = "package"
"""The layout of such an installation."""


@dataclass(frozen=True)
class Package:
    """What to type about a package of a ``kind``, as ``deb``.

    ``mend`` sets it up where that has failed, and ``remove`` removes it. ``again`` sets it up once
    more, where that is another command.
    """

    kind: str
    mend: str
    remove: str
    again: str = ""

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return dataclasses.asdict(self)


KINDS = {
    "deb": Package(
        "deb",
        mend="dpkg --configure slashservice",
        remove="apt remove slashservice",
        again="dpkg-reconfigure slashservice",
    ),
    "rpm": Package("rpm", "dnf reinstall slashservice", "dnf remove slashservice"),
    "apk": Package("apk", "apk fix slashservice", "apk del slashservice"),
    "pacman": Package("pacman", "pacman -S slashservice", "pacman -R slashservice"),
    "pkg": Package("pkg", "pkg install -f slashservice", "pkg delete slashservice"),
}
"""The packages that are made of this tree."""


def found(host: Host) -> Package | None:
    """Return the package that has brought slashservice to a host, ``None`` if none has."""
    if host.home:
        return None
    data = host.read(MARKER)
    if data is None:
        return None
    try:
        plain = json.loads(data)
        return Package(**{one.name: str(plain[one.name]) for one in dataclasses.fields(Package)})
    except (ValueError, KeyError, TypeError):
        return KINDS["deb"]


def is_runits(host: Host, service_dir: str) -> bool:
    """Tell whether the scan directory is runit's, with all that packages have linked for it."""
    return host.readlink(service_dir) is not None and host.lstat(TAKEN) is None


DPKG = "/var/lib/dpkg/status"
"""What dpkg knows of packages: paragraphs, each with a line ``Status: wanted error state``."""

SET_UP = ("installed", "triggers-awaited", "triggers-pending")


def amiss(host: Host, brought: Package) -> str:
    """Return the state of a package that is not set up, in dpkg's word; empty if all is well."""
    if brought.kind != "deb":
        return ""
    for paragraph in (host.read(DPKG) or b"").split(b"\n\n"):
        lines = paragraph.strip().decode("latin-1").split("\n")
        if lines[0] == "Package: slashservice":
            said = next((one for one in lines if one.startswith("Status: ")), "")
            state = said.rpartition(" ")[2]
            return "" if state in SET_UP else state
    return ""
