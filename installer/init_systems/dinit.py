"""dinit: a service description, waited for by the boot service.

dinit orders by dependencies and by nothing else. So svscan depends on what says that a host is up
as far as somebody may log in. A dependency also holds at shutdown, if it is a hard one
(``depends-on``): then that is stopped once svscan has ended.
"""

from __future__ import annotations

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

FOLDER = "/etc/dinit.d"
SOCKET = "/run/dinitctl"
BOOT = f"{FOLDER}/boot.d"
SERVICE_FOLDERS = (FOLDER, "/usr/local/lib/dinit.d", "/lib/dinit.d", "/usr/lib/dinit.d")
"""Where dinit looks for services, as PID 1."""

UP = ("login.target", "loginready")
"""Services that say that a host is up: Chimera's; that of Artix, antiX and dinit's own example."""

NETWORK = ("network.target",)
"""The same of the network. That is waited for, but may fail."""

ORDER = "# Behind these at boot, and before them at shutdown: dinit has no other order.\n"


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
    places = (Place(FOLDER, "", whole=True, syntax="dinit"),)

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
        up, network = there(site.host, UP), there(site.host, NETWORK)
        lines = f"\n{ORDER}depends-on: {up}" if up else ""
        lines += f"\nwaits-for: {network}" if up and network else ""
        return [
            self.file(site, f"{FOLDER}/{NAME}", "dinit/svscan", dependencies=lines),
            MakeDirectory(path=BOOT),
            self.link(f"{BOOT}/{NAME}", f"../{NAME}"),
            self.supervise(site, ("dinitctl", "start", NAME), stop),
        ]

    def notes(self, site: Site) -> list[str]:
        """Warn where svscan has no place in the order."""
        note = (
            f"none of dinit's services {' and '.join(UP)} is there, so svscan may start before file"
            f" systems are mounted: see depends-on in dinit-service(5), for {FOLDER}/{NAME}"
        )
        return [] if there(site.host, UP) else [note]


def there(host: Host, names: tuple[str, ...]) -> str:
    """Return the first of ``names`` that is a service of the host's, nothing if none is."""
    return next(
        (name for name in names if any(host.is_file(f"{one}/{name}") for one in SERVICE_FOLDERS)),
        "",
    )
