"""finit: a file in ``/etc/finit.d``. Its ``initctl`` is its own, and not on the PATH."""

from __future__ import annotations

from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action, MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

FOLDER = "/etc/finit.d"
CONTROLS = (
    "/lib/finit/initctl",
    "/usr/lib/finit/initctl",
    "/libexec/finit/initctl",
    "/sbin/initctl",
)


class Finit(InitSystem):
    """finit, from version 3 on."""

    name = "finit"
    title = "finit"

    def wire(self, site: Site) -> list[Action]:
        """Write the service, and have finit read it."""
        initctl = control(site.host)
        conf = self.file(site, f"{FOLDER}/{NAME}.conf", "finit/svscan.conf", enables=True)
        return [
            MakeDirectory(path=FOLDER),
            self.await_end(site),
            *self.around([conf], (initctl, "reload"), now=site.start),
            self.supervise(site, stop=(initctl, "stop", NAME)),
        ]


def control(host: Host) -> str:
    """Return the path of finit's own initctl."""
    return next((path for path in CONTROLS if host.is_executable(path)), "initctl")
