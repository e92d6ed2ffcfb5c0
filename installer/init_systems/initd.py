"""A System V script that starts svscan itself: where there is neither inittab nor rc.local.

Nobody starts svscan again should it die; its daemons then run on, and are adopted by the
next ``start``.
"""

from __future__ import annotations

import os

from slashservice.installer.detection.evidence import Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.runlevels import (
    SCRIPT_FOLDERS,
    links,
    links_of,
    runlevel_folder,
    script_folder,
    starts_of,
)
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import RemovePath, WriteFile
from slashservice.installer.plan.init_system import NAME, InitSystem, Site


class InitD(InitSystem):
    """``/etc/init.d`` with LSB headers and a chkconfig line."""

    name = "initd"
    title = "init.d"
    aliases = ("init.d", "lsb")
    listed = 110
    respawns = False
    started_by_package = True
    reads_all = True
    looked_for = (*SCRIPT_FOLDERS, "/etc/rc.d")
    places = tuple(Place(folder, "", shared=True, syntax="shell") for folder in SCRIPT_FOLDERS)

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a script is linked into some runlevel to be started."""
        return bool(starts_of(host, os.path.basename(path)))

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Take a script out of all runlevels."""
        found = links_of(host, os.path.basename(wiring.path))
        return [RemovePath(path=link) for link in found]

    def wire(self, site: Site) -> list[Action]:
        """Write the script and link it into the runlevels."""
        if not runlevel_folder(site.host):
            raise Refusal("there are no runlevel folders (/etc/rc0.d and so on) to link into")
        path = f"{script_folder(site.host)}/{NAME}"
        text = site.render("initd/svscan")
        script = WriteFile(path=path, text=text, mode=0o755, check=("sh", "-n"))
        return [
            script,
            *links(site, "2345", "016"),
            self.supervise(site, (path, "start"), (path, "stop")),
        ]

    def beside_package(self, site: Site) -> list[Action]:
        path = f"{script_folder(site.host)}/{NAME}"
        return [self.supervise(site, (path, "start"), (path, "stop"))]

    def notes(self, site: Site) -> list[str]:
        return ["init.d scripts don't start svscan again should it ever die"]
