"""dinit: a service description, waited for by the boot service."""

from __future__ import annotations

from slashservice.installer.plan.actions import Action, MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

FOLDER = "/etc/dinit.d"
BOOT = f"{FOLDER}/boot.d"


class Dinit(InitSystem):
    """dinit as PID 1: Chimera, Artix."""

    name = "dinit"
    title = "dinit"

    def wire(self, site: Site) -> list[Action]:
        """Write the description, and have the boot service want it."""
        stop = ("dinitctl", "stop", "--ignore-unstarted", NAME)
        return [
            self.file(site, f"{FOLDER}/{NAME}", "dinit/svscan"),
            MakeDirectory(path=BOOT),
            self.link(f"{BOOT}/{NAME}", f"../{NAME}"),
            self.supervise(site, ("dinitctl", "start", NAME), stop),
        ]
