"""s6-linux-init: a service directory in the image of the run directory, and in the live one."""

from __future__ import annotations

from typing import ClassVar

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.general import in_container
from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.telling import STOP_LIMIT, ForgetState
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

CURRENT = "/etc/s6-linux-init/current"
LIVE = "/run/service"
CONTAINER_RESULTS = "/run/s6-linux-init-container-results"
STOP_MILLISECONDS = 1000 * (STOP_LIMIT + 10)
"""s6-svc waits this long for svscan to end: longer than s6 waits before it kills it."""


class S6(InitSystem):
    """s6-svscan as PID 1, made by s6-linux-init."""

    name = "s6"
    title = "s6"
    listed = 60
    order = 60
    pid1 = ("s6-svscan",)
    looked_for = (CONTAINER_RESULTS, CURRENT)
    presence = (CURRENT,)
    programs = ("s6-linux-init",)
    marks = (b"s6-linux-init",)
    rivals: ClassVar[dict[str, str]] = dict.fromkeys(("s6-svscanboot", "s6-svscan"), SCAN_DIRECTORY)
    rival_processes = ("s6-svscan",)

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Tell s6-linux-init from a container that has s6-svscan alone."""
        if evidence.comm != "s6-svscan":
            return None
        if not evidence.has(CURRENT, CONTAINER_RESULTS):
            why = "PID 1 is s6-svscan, without s6-linux-init: a container's"
            return in_container(self.name, why)
        return self.verdict("PID 1 is s6-svscan")

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
        stop = ("s6-svc", "-wD", "-T", str(STOP_MILLISECONDS), "-d", f"{LIVE}/{NAME}")
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
