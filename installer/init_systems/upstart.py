"""Upstart: a job, in the format of the version at hand."""

from __future__ import annotations

from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

PLACES = {
    "init": (f"/etc/init/{NAME}.conf", "upstart/svscan.conf"),
    "event.d-2": (f"/etc/event.d/{NAME}", "upstart/event.d-2"),
    "event.d-1": (f"/etc/event.d/{NAME}", "upstart/event.d-1"),
}


class Upstart(InitSystem):
    """Upstart: Ubuntu 6.10 to 14.10, RHEL and CentOS 6, Fedora 9 to 14."""

    name = "upstart"
    title = "Upstart"

    def wire(self, site: Site) -> list[Action]:
        """Write the job; Upstart watches the folder, and is told all the same."""
        path, template = PLACES[site.verdict.detail or "init"]
        job = self.file(site, path, template, check=("init-checkconf",), enables=True)
        modern = site.verdict.detail in ("", "init")
        start = ("initctl", "start", NAME)
        stop = ("initctl", "stop", NAME)
        if not modern:
            return [job, self.supervise(site, start, stop)]
        reload = ("initctl", "reload-configuration")
        return [*self.around([job], reload, tolerant=True), self.supervise(site, start, stop)]
