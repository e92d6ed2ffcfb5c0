"""OpenRC: a service script that supervise-daemon runs, in the default runlevel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import CONFIGURED, SHARED_MARK, Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.folders import links_below
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPTS = "/etc/init.d"
SCRIPT = f"{SCRIPTS}/{NAME}"
LOCAL = "/etc/local.d"
"""Programs that the service ``local`` runs at boot."""

RUNLEVELS = "/etc/runlevels"
SOFTLEVEL = "/run/openrc/softlevel"

READ_SCRIPTS = ("rc-update", "--update")
"""Has OpenRC read the dependencies of all scripts anew.

It does so by itself only where a script is newer, in whole seconds, than what it remembers.
What it doesn't remember it starts, but does not stop at a shutdown: a svscan installed in the
very second of a boot would be killed with all its services.
"""


class OpenRC(InitSystem):
    """OpenRC, over whatever PID 1."""

    name = "openrc"
    title = "OpenRC"
    listed = 40
    remembers = True
    started_by_package = True
    order = 40
    looked_for = (SOFTLEVEL, f"{RUNLEVELS}/default")
    presence = ("/sbin/openrc-init", "/sbin/openrc", "/usr/bin/openrc")
    programs = ("openrc-init",)
    script_marks = (("/etc/init.d/rc", b"openrc"),)
    places = (
        Place("/etc/inittab", syntax="inittab"),
        Place(SCRIPTS, "", shared=True, syntax="shell"),
        Place(LOCAL, ".start", syntax="shell"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Go by OpenRC's own word, whichever program is PID 1 below it."""
        if evidence.comm == "openrc-init":
            return self.verdict("PID 1 is openrc-init", detail="openrc-init")
        if evidence.paths.get(SOFTLEVEL) == "file":
            why = f"{SOFTLEVEL} says that OpenRC brought this host up"
            return self.verdict(why, detail=evidence.comm)
        return None

    def image_signs(self, evidence: Evidence) -> Iterator[tuple[int, str]]:
        """Look at what the PID 1 below it is told to run."""
        if any("openrc" in line.process for line in evidence.inittab):
            yield CONFIGURED, ", and /etc/inittab has it run OpenRC"
        if {"sysvinit", self.name} <= set(evidence.init_marks):
            yield SHARED_MARK, ", which is sysvinit's, and /etc/init.d/rc has it run OpenRC"
        yield from super().image_signs(evidence)

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a script is in some runlevel, or run by one that is."""
        if path.startswith(f"{LOCAL}/"):
            return host.is_executable(path) and bool(links_below(host, RUNLEVELS, "local"))
        return not path.startswith(f"{SCRIPTS}/") or bool(self._links(host, path))

    def keeps(self, path: str) -> bool:
        return path.startswith(f"{SCRIPTS}/")

    def forget(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("rc-service", names[0], "zap")

    def restart(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("rc-service", names[0], "start")

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Take a script out of the runlevels."""
        if not wiring.path.startswith(f"{SCRIPTS}/"):
            return super().unwire(host, wiring)
        return [RemovePath(path=link) for link in self._links(host, wiring.path)]

    def beside_package(self, site: Site) -> list[Action]:
        """Steer the script of a package, which is one for any init: OpenRC does not respawn it."""
        supervise = self.supervise(site, (SCRIPT, "start"), ("rc-service", NAME, "stop"))
        return [dataclasses.replace(supervise, respawns=False)]

    def _links(self, host: Host, path: str) -> list[str]:
        """Return the links to a script in runlevels."""
        return links_below(host, RUNLEVELS, os.path.basename(path))

    def wire(self, site: Site) -> list[Action]:
        """Write the script and add it to the default runlevel."""
        if not site.host.is_directory(f"{RUNLEVELS}/default"):
            raise Refusal(
                f"OpenRC's runlevel default was not found: there is no {RUNLEVELS}/default",
                "If OpenRC is to run this host: rc-update add local default makes it.",
            )
        script = self.file(site, SCRIPT, "openrc/svscan", mode=0o755, check=("sh", "-n"))
        link = self.link(f"{RUNLEVELS}/default/{NAME}", SCRIPT)
        return [
            *self.around([script, link], READ_SCRIPTS),
            self.supervise(site, ("rc-service", NAME, "start"), ("rc-service", NAME, "stop")),
        ]
