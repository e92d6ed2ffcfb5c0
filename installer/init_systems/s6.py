"""s6-linux-init: a service directory in the image of the run directory, and in the live one."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.general import KEEP, in_container, unsupported
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.scripts import calls, language
from slashservice.installer.plan.telling import STOP_LIMIT, ForgetState
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

BASES = ("/etc/s6-linux-init/current", "/etc/s6/current")
"""Where s6-linux-init has its base directory by default, and on Artix."""

TOLD = re.compile(rb'\bs6-linux-init\s(?:[^#]*?\s)?-c\s*"?(/[^\s"]+)')
"""How the script ``/sbin/init`` says which directory that is."""

SHUTDOWN_DAEMON = b"s6-linux-init-shutdownd"
LIVE = "/run/service"
CONTAINER_RESULTS = "/run/s6-linux-init-container-results"
OBARUN = "/run/66"

LONGRUN = (
    "Or make it a longrun of s6-overlay, by three files below /etc/s6-overlay/s6-rc.d:",
    "    svscan/type: longrun",
    "    svscan/run: #!/bin/sh, and exec /command/svscan /service",
    "    user/contents.d/svscan: empty",
)
STOP_MILLISECONDS = 1000 * (STOP_LIMIT + 10)
"""s6-svc waits this long for svscan to end: longer than s6 waits before it kills it."""


class S6(InitSystem):
    """s6-svscan as PID 1, made by s6-linux-init."""

    name = "s6"
    title = "s6"
    listed = 60
    order = 60
    pid1 = ("s6-svscan",)
    looked_for = (CONTAINER_RESULTS, OBARUN, *BASES)
    presence = BASES
    programs = ("s6-linux-init",)
    marks = (b"s6-linux-init",)
    rivals: ClassVar[dict[str, str]] = dict.fromkeys(("s6-svscanboot", "s6-svscan"), SCAN_DIRECTORY)
    rival_processes = ("s6-svscan",)

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Tell s6-linux-init from others that have s6-svscan as PID 1."""
        if evidence.comm != "s6-svscan":
            return None
        if evidence.has(CONTAINER_RESULTS):
            found = in_container(self.name, "PID 1 is s6-svscan, in a container: s6-overlay's")
            return dataclasses.replace(found, advice=found.advice + LONGRUN)
        if evidence.has(OBARUN) and not evidence.s6_base:
            return unsupported("PID 1 is s6-svscan, set up by Obarun's 66", KEEP)
        base = self.dialect(evidence)
        return self.verdict("PID 1 is s6-svscan", detail=base) if base else None

    def dialect(self, evidence: Evidence) -> str:
        """Return the base directory of s6-linux-init."""
        return evidence.s6_base or next((one for one in BASES if evidence.has(one)), "")

    def facts(self, host: Host, *, running: bool) -> dict[str, Any]:
        """Find out which base directory s6-linux-init was told, by its script or a process."""
        init = (host.read("/sbin/init") or b"") if host.is_file("/sbin/init") else b""
        said = TOLD.search(init) if init.startswith(b"#!") else None
        base = said.group(1).decode(errors="replace") if said else ""
        if not base and running and host.read("/proc/1/comm") == b"s6-svscan\n":
            base = self._told(host)
        return {"s6_base": base if base and host.is_directory(base) else ""}

    def _told(self, host: Host) -> str:
        """Return what the process that waits for a shutdown was told, nothing if it isn't there."""
        for pid in filter(str.isdigit, host.list("/proc")):
            words = (host.read(f"/proc/{pid}/cmdline") or b"").split(b"\0")
            if words[0].endswith(SHUTDOWN_DAEMON) and b"-c" in words[:-1]:
                return words[words.index(b"-c") + 1].decode(errors="replace")
        return ""

    def wire(self, site: Site) -> list[Action]:
        """Write the directory for the next boot, and for this one; drain in rc.shutdown."""
        base = site.host.resolve(self.dialect(site.evidence) or BASES[0])
        image = f"{base}/run-image/service"
        if not site.host.is_directory(image):
            raise Refusal(f"{image} was not found, where s6-linux-init keeps early services")
        actions = self._directory(site, f"{image}/{NAME}")
        shutdown = f"{base}/scripts/rc.shutdown"
        if site.host.is_file(shutdown) and not calls(site.host, shutdown, site.drain):
            execline = language(site.host.read(shutdown) or b"") == "execline"
            template = "s6/rc.shutdown.execline" if execline else "s6/rc.shutdown"
            actions.append(self.script_line(site, shutdown, template, "exec"))
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

    def revive(self, host: Host) -> tuple[str, ...]:
        """Return the command that has the service up."""
        return ("s6-svc", "-u", f"{LIVE}/{NAME}")

    def _directory(self, site: Site, path: str) -> list[Action]:
        """Return the actions that make one service directory, its run script last."""
        return [
            MakeDirectory(path=path),
            self.file(site, f"{path}/timeout-kill", "s6/timeout-kill"),
            self.file(site, f"{path}/run", "s6/run", mode=0o755, enables=True),
        ]
