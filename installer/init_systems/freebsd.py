"""FreeBSD and DragonFly: an rc.d script in which daemon(8) keeps svscan running."""

from __future__ import annotations

from slashservice.installer.detection.knowledge import Place
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPT = f"/usr/local/etc/rc.d/{NAME}"
ENABLING = f"/etc/rc.conf.d/{NAME}"


class FreeBSD(InitSystem):
    """rc.d(8) of FreeBSD, enabled by a file of its own in ``/etc/rc.conf.d``."""

    name = "freebsd"
    title = "rc"
    listed = 140
    remembers = True
    order = 21
    reads_all = True
    platforms = ("freebsd", "dragonfly")
    platform_signs = ("/bin/freebsd-version", "/libexec/ld-elf.so.1")
    places = (
        Place("/usr/local/etc/rc.d", "", shared=True, whole=True, syntax="shell"),
        Place("/etc/ttys", shared=True, syntax="ttys"),
    )

    def image_platform(self, host: Host) -> str:
        """Tell DragonFly from FreeBSD."""
        found = super().image_platform(host)
        return "dragonfly" if found and host.is_file("/usr/share/misc/dragonfly") else found

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
