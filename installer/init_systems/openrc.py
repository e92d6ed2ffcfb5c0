"""OpenRC: a service script that supervise-daemon runs, in the default runlevel."""

from __future__ import annotations

from slashservice.installer.actions import Action
from slashservice.installer.init_systems.base import NAME, InitSystem, Site

SCRIPT = f"/etc/init.d/{NAME}"


class OpenRC(InitSystem):
    """OpenRC, over whatever PID 1."""

    name = "openrc"
    title = "OpenRC"

    def wire(self, site: Site) -> list[Action]:
        """Write the script and add it to the default runlevel."""
        script = self.file(site, SCRIPT, "openrc/svscan", mode=0o755, check=("sh", "-n"))
        return [
            script,
            self.link(f"/etc/runlevels/default/{NAME}", SCRIPT),
            self.supervise(site, ("rc-service", NAME, "start"), ("rc-service", NAME, "stop")),
        ]
