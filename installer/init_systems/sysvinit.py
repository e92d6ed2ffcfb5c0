"""sysvinit: a line in ``/etc/inittab``, and a script for the order at shutdown.

On entering runlevel 0 or 6 init kills what is not listed for it, three seconds after TERM,
before any script runs. svscan's daemons have sessions of their own and survive that; the
script then has them drained, while all else is still there.
"""

from __future__ import annotations

import re

from slashservice.installer.detection import inittab
from slashservice.installer.errors import Refusal
from slashservice.installer.init_systems.runlevels import runlevel_folder, stop_script
from slashservice.installer.plan.actions import Action, EditFile
from slashservice.installer.plan.edits import BEGIN, COMMENT_MARK, Block
from slashservice.installer.plan.init_system import InitSystem, Site

INITTAB = "/etc/inittab"
IDS = ("SV", "DT", "SVS")
RUNLEVELS = "12345"


class SysVInit(InitSystem):
    """sysvinit with inittab: Debian and Devuan without systemd, RHEL to 5, Gentoo, ..."""

    name = "sysvinit"
    title = "init"

    def wire(self, site: Site) -> list[Action]:
        """Have init respawn svscanboot, and the stop scripts drain it."""
        line = self.inittab_line(site)
        edit = EditFile(path=site.host.resolve(INITTAB), editor=line, enables=True)
        text = site.host.read(INITTAB) or b""
        inittab.check(line.remove(text))
        inittab.check(line.insert(text))
        return [
            *self.at_shutdown(site),
            self.await_end(site),
            *self.around([edit], ("telinit", "q"), now=site.start),
            self.supervise(site),
        ]

    def inittab_line(self, site: Site) -> Block:
        """Return the entry for inittab."""
        text = site.host.read(INITTAB)
        if text is None:
            raise Refusal(f"there is no {INITTAB} to put a line into")
        own = re.search(re.escape(BEGIN) + rb"(\w+):", text)
        ids = (own.group(1).decode(), *IDS) if own else IDS
        others = Block("").remove(text).replace(COMMENT_MARK.encode(), b"")
        id_ = inittab.free_id(others, *ids)
        return Block(site.render("sysvinit/inittab", id=id_, runlevels=RUNLEVELS))

    def at_shutdown(self, site: Site) -> list[Action]:
        """Return the script and links that drain at shutdown, where the host has such."""
        return stop_script(site) if runlevel_folder(site.host) else []

    def notes(self, site: Site) -> list[str]:
        """Warn where nothing waits for the services at shutdown."""
        if self.at_shutdown(site):
            return []
        return ["this host runs no scripts at shutdown: services get three seconds to stop"]
