"""dinit: a service description, waited for by the boot service."""

from __future__ import annotations

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

FOLDER = "/etc/dinit.d"
SOCKET = "/run/dinitctl"
BOOT = f"{FOLDER}/boot.d"


class Dinit(InitSystem):
    """dinit as PID 1: Chimera, Artix."""

    name = "dinit"
    title = "dinit"
    listed = 70
    order = 70
    pid1 = ("dinit",)
    looked_for = (SOCKET,)
    presence = ("/sbin/dinit", "/usr/bin/dinit", "/usr/sbin/dinit")
    programs = ("dinit",)
    places = (Place(FOLDER, "", whole=True),)

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Go by PID 1's name, else by the control socket."""
        if evidence.comm == "dinit":
            return self.verdict("PID 1 is dinit")
        if evidence.is_called_init and evidence.paths.get(SOCKET) == "socket":
            return self.verdict(f"dinit's control socket {SOCKET} is there")
        return None

    def wire(self, site: Site) -> list[Action]:
        """Write the description, and have the boot service want it."""
        stop = ("dinitctl", "stop", "--ignore-unstarted", NAME)
        return [
            self.file(site, f"{FOLDER}/{NAME}", "dinit/svscan"),
            MakeDirectory(path=BOOT),
            self.link(f"{BOOT}/{NAME}", f"../{NAME}"),
            self.supervise(site, ("dinitctl", "start", NAME), stop),
        ]
