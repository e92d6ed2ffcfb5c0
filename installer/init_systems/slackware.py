"""Slackware: sysvinit, with ``rc.local_shutdown`` in the place of runlevel links."""

from __future__ import annotations

from slashservice.installer.init_systems.sysvinit import SysVInit
from slashservice.installer.plan.actions import Action, EditFile
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.init_system import Site

SHUTDOWN = "/etc/rc.d/rc.local_shutdown"


class Slackware(SysVInit):
    """Slackware, whose rc.0 and rc.6 run ``rc.local_shutdown`` first if it is executable."""

    name = "slackware"

    def at_shutdown(self, site: Site) -> list[Action]:
        """Drain from rc.local_shutdown."""
        path = site.host.resolve(SHUTDOWN)
        editor = Block(site.render("slackware/rc.local_shutdown"), "start", fresh="#!/bin/sh\n")
        return [EditFile(path=path, editor=editor, mode=0o755, check=("sh", "-n"))]

    def notes(self, site: Site) -> list[str]:
        """Warn where the script is there but switched off."""
        if site.host.is_file(SHUTDOWN) and not site.host.is_executable(SHUTDOWN):
            return [f"{SHUTDOWN} is not executable, so at shutdown it does not run: chmod +x it"]
        return []
