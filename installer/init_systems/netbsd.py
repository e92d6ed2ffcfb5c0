"""NetBSD: an rc.d script; the base system has nothing that would start svscan again."""

from __future__ import annotations

from slashservice.installer.detection.knowledge import Place
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPT = f"/etc/rc.d/{NAME}"
ENABLING = f"/etc/rc.conf.d/{NAME}"


class NetBSD(InitSystem):
    """rc.d(8) of NetBSD, enabled by a file of its own in ``/etc/rc.conf.d``."""

    name = "netbsd"
    title = "rc"
    listed = 150
    respawns = False
    order = 22
    reads_all = True
    platforms = ("netbsd",)
    platform_signs = ("/libexec/ld.elf_so", "/netbsd")
    looked_for = ("/etc/rc.d",)
    places = (Place("/etc/ttys", shared=True, syntax="ttys"),)

    def wire(self, site: Site) -> list[Action]:
        """Write the script, and the file that enables it."""
        return [
            self.file(site, SCRIPT, "netbsd/svscan", mode=0o555, check=("sh", "-n")),
            MakeDirectory(path="/etc/rc.conf.d"),
            self.file(site, ENABLING, "netbsd/rc.conf", enables=True),
            self.supervise(site, (SCRIPT, "onestart"), (SCRIPT, "onestop")),
        ]

    def notes(self, site: Site) -> list[str]:
        return ["NetBSD's rc does not start svscan again should it ever die"]
