"""runit as init: a service directory of runit's own, in which svscan runs.

runsv waits for a control script before it goes on, so ``control/d`` holds back the kill
that ``sv force-stop`` sends after seven seconds until the services have drained.
"""

from __future__ import annotations

import os
from typing import ClassVar

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory, RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.telling import COMMAND_LIMIT, ForgetState

HOME = f"/etc/sv/{NAME}"
ENABLED = ("/etc/runit/runsvdir/default", "/var/service", "/run/runit/service", "/etc/service")
STOPIT = ("/run/runit.stopit", "/run/runit/stopit")
STAGES = ("/etc/runit/1", "/etc/runit/2")
CORE_SERVICES = "/etc/runit/core-services"
SHUTDOWN = "/etc/runit/shutdown.d"


class Runit(InitSystem):
    """runit as PID 1: Void, Artix, Debian's runit-init."""

    name = "runit"
    title = "runit"
    listed = 50
    order = 50
    pid1 = ("runit",)
    looked_for = STOPIT
    presence = ("/sbin/runit-init", "/usr/bin/runit-init", "/usr/sbin/runit-init")
    programs = ("runit", "runit-init")
    places = (
        *(Place(folder, "run", below="*", syntax="shell") for folder in ENABLED),
        *(Place(path, syntax="shell") for path in STAGES),
        Place(CORE_SERVICES, ".sh", syntax="shell"),
    )
    rivals: ClassVar[dict[str, str]] = dict.fromkeys(
        ("runsvdir-start", "runsvdir", "/etc/runit/2"), "/etc/service"
    )
    rival_processes = ("runsvdir",)

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Look for runit as PID 1; runsvdir below another init is not this."""
        if evidence.comm == "runit":
            return self.verdict("PID 1 is runit")
        if evidence.is_called_init and evidence.has(*STOPIT):
            alive = any(one.program == "runsvdir" for one in evidence.scanners)
            if alive and not evidence.inittab:
                return self.verdict("runit's stopit file is there, and runsvdir runs")
        return None

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a file is read: runit's packages leave its stages on any host."""
        if path not in STAGES and not path.startswith(f"{CORE_SERVICES}/"):
            return True
        return os.path.basename(host.resolve("/sbin/init")) in self.programs

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Take a service out of those that are enabled, where a link has it there.

        Where runit runs it would start the service again before it notices: nothing is returned.
        """
        if not any(place.below and place.holds(wiring.path) for place in self.places):
            return super().unwire(host, wiring)
        link = os.path.dirname(wiring.path)
        if host.live or host.readlink(link) is None:
            return []
        return [RemovePath(path=link)]

    def wire(self, site: Site) -> list[Action]:
        """Make the service directory, complete, and link it last."""
        folder = next((one for one in ENABLED if site.host.is_directory(one)), "")
        if not folder:
            raise Refusal("runit's directory of enabled services was not found")
        if site.host.resolve(folder) == site.host.resolve(site.service_dir):
            raise Refusal(
                f"{site.service_dir} is runit's own directory",
                "Give svscan another one with --service-dir.",
            )
        actions: list[Action] = [
            MakeDirectory(path=HOME),
            self.file(site, f"{HOME}/run", "runit/run", mode=0o755, check=("sh", "-n")),
            MakeDirectory(path=f"{HOME}/control"),
            self.file(site, f"{HOME}/control/d", "runit/control-d", mode=0o755),
        ]
        if site.host.is_directory(SHUTDOWN):
            actions.append(self.file(site, f"{SHUTDOWN}/05-{NAME}.sh", "runit/shutdown.sh"))
        return [
            *actions,
            ForgetState(path=HOME),
            self.await_end(site),
            self.link(f"{site.host.resolve(folder)}/{NAME}", HOME),
            self.supervise(site, stop=("sv", "-w", str(COMMAND_LIMIT), "down", HOME)),
        ]

    def revive(self, host: Host) -> tuple[str, ...]:
        """Return the command that has the service up."""
        return ("sv", "up", HOME)

    def notes(self, site: Site) -> list[str]:
        """Warn where "start nothing now" can't be had."""
        if site.start or not site.host.live:
            return []
        return ["runit starts what is enabled within seconds, all the same"]
