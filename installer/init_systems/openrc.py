"""OpenRC: a service script that supervise-daemon runs, in the default runlevel."""

from __future__ import annotations

from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

SCRIPT = f"/etc/init.d/{NAME}"

READ_SCRIPTS = ("rc-update", "--update")
"""Has OpenRC read the dependencies of all scripts anew.

It does so by itself only where a script is newer, in whole seconds, than what it remembers.
What it doesn't remember it starts, but does not stop at a shutdown: a svscan installed in the
very second of a boot would be killed with all its services.
"""


class OpenRC(InitSystem):
    """OpenRC, over whatever PID 1."""

    name = "openrc"
    title = "OpenRC"

    def wire(self, site: Site) -> list[Action]:
        """Write the script and add it to the default runlevel."""
        script = self.file(site, SCRIPT, "openrc/svscan", mode=0o755, check=("sh", "-n"))
        link = self.link(f"/etc/runlevels/default/{NAME}", SCRIPT)
        return [
            *self.around([script, link], READ_SCRIPTS),
            self.supervise(site, ("rc-service", NAME, "start"), ("rc-service", NAME, "stop")),
        ]
