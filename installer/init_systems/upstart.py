"""Upstart: a job, in the format of the version at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

PLACES = {
    "init": (f"/etc/init/{NAME}.conf", "upstart/svscan.conf"),
    "event.d": (f"/etc/event.d/{NAME}", "upstart/event.d"),
}


class Upstart(InitSystem):
    """Upstart: Ubuntu 7.04 to 14.10, RHEL and CentOS 6, Fedora 9 to 14."""

    name = "upstart"
    title = "Upstart"
    listed = 90
    remembers = True
    order = 90
    looked_for = ("/etc/event.d", "/etc/init")
    marks = (b"UPSTART_", b"com.ubuntu.Upstart")
    places = (
        Place("/etc/event.d", "", whole=True, syntax="upstart"),
        Place("/etc/init", ".conf", whole=True, syntax="upstart"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Ask its initctl rather than guess."""
        if not evidence.is_called_init or "upstart" not in evidence.initctl.lower():
            return None
        return self.verdict(f"initctl says {evidence.initctl}", detail=self.dialect(evidence))

    def dialect(self, evidence: Evidence) -> str:
        """Tell which of two job formats the host reads: by version, then by directory.

        From 0.5 on jobs are ``/etc/init/*.conf``, before that they are in ``/etc/event.d``. The
        format of 0.2 was another one; its initctl does not say its version when asked as we do.
        """
        found = re.search(r"(\d+)\.(\d+)", evidence.initctl)
        if found:
            return "event.d" if (int(found.group(1)), int(found.group(2))) < (0, 5) else "init"
        if evidence.is_directory("/etc/event.d") and not evidence.is_directory("/etc/init"):
            return "event.d"
        return "init"

    def keeps(self, path: str) -> bool:
        return self.holds(path)

    def forget(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("initctl", "stop", *names)

    def restart(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("initctl", "start", *names)

    def wire(self, site: Site) -> list[Action]:
        """Write the job. Upstart watches the folder, and is told to reload as well."""
        path, template = PLACES[site.verdict.detail or "init"]
        job = self.file(site, path, template, check=("init-checkconf",), enables=True)
        modern = site.verdict.detail in ("", "init")
        start = ("initctl", "start", NAME)
        stop = ("initctl", "stop", NAME)
        if not modern:
            return [job, self.supervise(site, start, stop)]
        reload = ("initctl", "reload-configuration")
        return [*self.around([job], reload, tolerant=True), self.supervise(site, start, stop)]
