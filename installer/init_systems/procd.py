"""procd, the init of OpenWrt: a script for its ``rc.common``, linked into ``/etc/rc.d``."""

from __future__ import annotations

import os

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory, RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPTS = "/etc/init.d"
SCRIPT = f"{SCRIPTS}/{NAME}"
LINKS = "/etc/rc.d"
ENABLED = (f"S99{NAME}", f"K01{NAME}")
"""The links that ``/etc/init.d/svscan enable`` makes, by what the script says of its place."""


class Procd(InitSystem):
    """procd as PID 1. Its BusyBox has an init as well, which does not run."""

    name = "procd"
    title = "procd"
    listed = 85
    remembers = True
    order = 65
    pid1 = ("procd",)
    presence = ("/sbin/procd",)
    programs = ("procd",)
    marks = (b"/sbin/procd",)
    places = (
        Place("/etc/inittab", syntax="inittab"),
        Place(SCRIPTS, "", shared=True, syntax="shell"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Go by PID 1's name."""
        return self.verdict("PID 1 is procd") if evidence.comm == "procd" else None

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a script is linked to be started."""
        if not path.startswith(f"{SCRIPTS}/"):
            return True
        return any(link.rpartition("/")[2].startswith("S") for link in self._links(host, path))

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Take a script out of those that are started and stopped."""
        if not wiring.path.startswith(f"{SCRIPTS}/"):
            return super().unwire(host, wiring)
        return [RemovePath(path=link) for link in self._links(host, wiring.path)]

    def _links(self, host: Host, path: str) -> list[str]:
        """Return the links to a script."""
        name = os.path.basename(path)
        return [f"{LINKS}/{one}" for one in host.list(LINKS) if one[:1] in "SK" and one[3:] == name]

    def wire(self, site: Site) -> list[Action]:
        """Write the script and enable it."""
        slashservice = site.layout.command("slashservice")
        stay = f"{slashservice} drain -s {site.service_dir}"
        script = self.file(
            site, SCRIPT, "procd/svscan", mode=0o755, check=("sh", "-n"), drain_and_stay=stay
        )
        return [
            script,
            MakeDirectory(path=LINKS),
            *(self.link(f"{LINKS}/{name}", f"../init.d/{NAME}") for name in ENABLED),
            self.supervise(site, (SCRIPT, "start"), (SCRIPT, "stop")),
        ]

    def notes(self, site: Site) -> list[str]:
        """Tell what is short here: time, and what a reboot leaves of the logs."""
        found = ["at shutdown procd gives services 25 seconds to stop"]
        if site.host.resolve("/var/log").startswith("/tmp/"):
            found.append("/var is in memory here: logs last longer with slashservice add --log DIR")
        return found

    def hint(self) -> str:
        """Point to procd's own view."""
        return 'see ubus call service list \'{"name": "svscan"}\''
