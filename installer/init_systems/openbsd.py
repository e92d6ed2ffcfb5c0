"""OpenBSD: an rc.d script that rcctl knows; before rcctl, rc.local and rc.shutdown."""

from __future__ import annotations

from slashservice.installer.plan.actions import Action, EditFile, WriteFile
from slashservice.installer.plan.edits import Block, Word
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.supervise.chain.launchers import FLAGS

SCRIPT = f"/etc/rc.d/{NAME}"
RC_CONF = "/etc/rc.conf.local"


class OpenBSD(InitSystem):
    """OpenBSD's rc.d(8), as a package's daemon; nothing there starts a daemon again."""

    name = "openbsd"
    title = "rc"
    respawns = False

    def wire(self, site: Site) -> list[Action]:
        """Write the script, and add it to ``pkg_scripts``."""
        if site.verdict.detail == "rc.local":
            return self._rc_local(site)
        boot = f"{site.layout.command('svscanboot')} {site.service_dir}"
        pattern = f"{site.python} {FLAGS} {boot}".replace(".", r"\.")
        script = WriteFile(
            path=SCRIPT,
            text=site.render("openbsd/svscan", pattern=pattern),
            mode=0o555,
            check=("ksh", "-n"),
        )
        enable = EditFile(path=RC_CONF, editor=Word("pkg_scripts", NAME), enables=True)
        return [
            script,
            enable,
            self.supervise(site, (SCRIPT, "start"), (SCRIPT, "stop")),
        ]

    def _rc_local(self, site: Site) -> list[Action]:
        """Wire the old way: /etc/rc runs rc.local by sh, executable or not."""
        start = Block(site.render("rclocal/rc.local"), "before-exit", fresh="#!/bin/sh\n")
        stop = Block(site.render("openbsd/rc.shutdown"), "start", fresh="#!/bin/sh\n")
        return [
            EditFile(path="/etc/rc.shutdown", editor=stop, mode=0o644, check=("sh", "-n")),
            EditFile(
                path=site.host.resolve("/etc/rc.local"),
                editor=start,
                mode=0o644,
                check=("sh", "-n"),
                enables=True,
            ),
            self.supervise(site, start=("sh", "-c", site.render("rclocal/rc.local"))),
        ]

    def notes(self, site: Site) -> list[str]:
        """Warn that nobody watches svscan itself."""
        return ["OpenBSD's rc does not start svscan again should it ever die"]
