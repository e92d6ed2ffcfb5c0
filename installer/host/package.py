"""What a distribution's package has brought: told by a file that stands beside its code.

Then the package owns the code, the commands and most of what init systems read. Nobody installs
over it, and who wants it gone removes the package.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from slashservice.installer.host.host import Host

HOME = "/usr/share/slashservice"
"""The folder of all that is the package's alone: a folder with the code, and a link to that."""

MARKER = f"{HOME}/packaged"
"""The file that says so, a JSON object with the fields of :class:`Package`."""

BROUGHT = "/usr/lib/slashservice/service"
"""Where other packages put services for us."""

NAME = "package"
"""The layout of such an installation."""


@dataclass(frozen=True)
class Package:
    """What to type about a package: by its ``kind``, as ``deb``.

    ``state`` are the words of a command that tells whether it is set up: it then writes one of
    ``good``. ``mend`` sets it up, once more too; ``remove`` removes it.
    """

    kind: str
    mend: str
    remove: str
    state: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    again: str = ""
    """What sets it up again when it is set up already; else ``mend``."""

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return dataclasses.asdict(self)


KINDS = {
    "deb": Package(
        "deb",
        mend="dpkg --configure slashservice",
        remove="apt remove slashservice",
        state=("dpkg-query", "-W", "-f", "${db:Status-Status}", "slashservice"),
        good=("installed", "triggers-awaited", "triggers-pending"),
        again="dpkg-reconfigure slashservice",
    ),
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
        words = {one.name: plain[one.name] for one in dataclasses.fields(Package)}
        for name in ("state", "good"):
            words[name] = tuple(words[name])
        return Package(**words)
    except (ValueError, KeyError, TypeError):
        return KINDS["deb"]


def amiss(host: Host, package: Package) -> str:
    """Return in what state a package is that is not set up; empty if all is well."""
    if not package.state or host.root != "/":
        return ""
    outcome = host.seen_as(live=True).run(package.state)
    return "" if not outcome.good or outcome.output in package.good else outcome.output
