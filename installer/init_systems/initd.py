"""A System V script that starts svscan itself: where there is neither inittab nor rc.local.

Nobody starts svscan again should it die; its daemons then run on, and are adopted by the
next ``start``.
"""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.init_systems.runlevels import links, runlevel_folder, script_folder
from slashservice.installer.plan.actions import Action, WriteFile
from slashservice.installer.plan.init_system import NAME, InitSystem, Site


class InitD(InitSystem):
    """``/etc/init.d`` with LSB headers and a chkconfig line."""

    name = "initd"
    title = "init.d"
    respawns = False

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

    def notes(self, site: Site) -> list[str]:
        """Warn that nobody watches svscan itself."""
        return ["init.d scripts don't start svscan again should it ever die"]
