"""Slackware: sysvinit, with ``rc.local_shutdown`` in the place of runlevel links.

``rc.K`` runs that on the way to single user mode too, and kills all processes then. So svscan is
not to run in runlevel 1, where init would start it, and all services, right after that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import MARKED, Place
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.sysvinit import SysVInit
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import Site
from slashservice.installer.plan.scripts import How, calls

VERSION = "/etc/slackware-version"
SHUTDOWN = "/etc/rc.d/rc.local_shutdown"


class Slackware(SysVInit):
    """Slackware, whose rc.0 and rc.6 run ``rc.local_shutdown`` first if it is executable."""

    name = "slackware"
    aliases = ()
    listed = 100
    order = 105
    looked_for = (VERSION,)
    marks = ()
    places = (*SysVInit.places, Place("/etc/rc.d", "", shared=True, whole=True, syntax="shell"))
    runlevels = "2345"

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Tell it from other sysvinit hosts by what it says of itself."""
        if evidence.distribution.id == "slackware" or evidence.has(VERSION):
            return super().judge(evidence)
        return None

    def image_signs(self, evidence: Evidence) -> Iterator[tuple[int, str]]:
        """Tell it from other images with sysvinit in the same way."""
        if SysVInit.name in evidence.init_marks and evidence.has(VERSION):
            yield MARKED, f", which is {SysVInit.name}'s"

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether its boot scripts run ``path``: they go by names."""
        folder, name = os.path.split(path)
        return folder != "/etc/rc.d" or name.startswith("rc.")

    def at_shutdown(self, site: Site) -> list[Action]:
        """Drain from rc.local_shutdown, whether it is switched on or not."""
        path = site.host.resolve(SHUTDOWN)
        if calls(site.host, path, site.drain):
            return []
        how: How = "read" if switched_off(site.host) else "shell"
        return [self.script_line(site, path, "slackware/rc.local_shutdown", how)]

    def notes(self, site: Site) -> list[str]:
        """Warn where the script is there but switched off."""
        if switched_off(site.host):
            return [
                f"{SHUTDOWN} is not executable, so at shutdown it does not run: chmod +x {SHUTDOWN}"
            ]
        return []


def switched_off(host: Host) -> bool:
    """Tell whether the script is there, and rc.6 passes it over."""
    return host.is_file(SHUTDOWN) and not host.is_executable(SHUTDOWN)
