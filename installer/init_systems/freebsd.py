"""FreeBSD and DragonFly: an rc.d script in which daemon(8) keeps svscan running."""

from __future__ import annotations

from slashservice.installer.plan.actions import Action, MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPT = f"/usr/local/etc/rc.d/{NAME}"
ENABLING = f"/etc/rc.conf.d/{NAME}"


class FreeBSD(InitSystem):
    """rc.d(8) of FreeBSD, enabled by a file of its own in ``/etc/rc.conf.d``."""

    name = "freebsd"
    title = "rc"

    def wire(self, site: Site) -> list[Action]:
        """Write the script, and the file that enables it."""
        return [
            MakeDirectory(path="/usr/local/etc"),
            MakeDirectory(path="/usr/local/etc/rc.d"),
            self.file(site, SCRIPT, "freebsd/svscan", mode=0o555, check=("sh", "-n")),
            MakeDirectory(path="/etc/rc.conf.d"),
            self.file(site, ENABLING, "freebsd/rc.conf", enables=True),
            self.supervise(site, ("service", NAME, "onestart"), ("service", NAME, "onestop")),
        ]
