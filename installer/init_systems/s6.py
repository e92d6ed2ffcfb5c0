"""s6-linux-init: a service directory in the image of the run directory, and in the live one."""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action, EditFile, MakeDirectory
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.telling import ForgetState

CURRENT = "/etc/s6-linux-init/current"
LIVE = "/run/service"


class S6(InitSystem):
    """s6-svscan as PID 1, made by s6-linux-init."""

    name = "s6"
    title = "s6"

    def wire(self, site: Site) -> list[Action]:
        """Write the directory for the next boot, and for this one; drain in rc.shutdown."""
        image = f"{site.host.resolve(CURRENT)}/run-image/service"
        if not site.host.is_directory(image):
            raise Refusal(f"{image} was not found, where s6-linux-init keeps early services")
        actions = self._directory(site, f"{image}/{NAME}")
        shutdown = f"{site.host.resolve(CURRENT)}/scripts/rc.shutdown"
        if site.host.is_file(shutdown):
            editor = Block(site.render("s6/rc.shutdown"), "start")
            actions.append(EditFile(path=shutdown, editor=editor, check=("sh", "-n")))
        if not site.host.live or not site.start:
            return [*actions, self.supervise(site)]
        live = self._directory(site, f"{LIVE}/{NAME}")
        rescan = ("s6-svscanctl", "-an", LIVE)
        stop = ("s6-svc", "-wD", "-T", "130000", "-d", f"{LIVE}/{NAME}")
        return [
            *actions,
            *self.around([ForgetState(path=f"{LIVE}/{NAME}"), *live], rescan),
            self.supervise(site, stop=stop),
        ]

    def _directory(self, site: Site, path: str) -> list[Action]:
        """Return the actions that make one service directory, its run script last."""
        return [
            MakeDirectory(path=path),
            self.file(site, f"{path}/timeout-kill", "s6/timeout-kill"),
            self.file(site, f"{path}/run", "s6/run", mode=0o755, enables=True),
        ]
