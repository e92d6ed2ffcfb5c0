"""sysvinit: a line in ``/etc/inittab``, and a script for the order at shutdown.

On entering runlevel 0 or 6, before it runs a script, init sends TERM, and KILL three seconds
later, to what inittab doesn't list for that runlevel, svscan among it. svscan's daemons have
sessions of their own and survive that. The script then has them drained, while all else is
still there.
"""

from __future__ import annotations

import re
from typing import ClassVar

from slashservice.installer.detection import inittab
from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import SHARED_MARK, Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.marks import BEGIN, naming
from slashservice.installer.init_systems.runlevels import runlevel_folder, stop_script
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import COMMENT_MARK, Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.init_system import InitSystem, Site

INITTAB = "/etc/inittab"
INITTAB_FOLDER = "/etc/inittab.d"
"""Its files ``*.tab`` are read as well, by sysvinit from version 2.89 on."""

IDS = ("SV", "DT", "SVS")


class SysVInit(InitSystem):
    """sysvinit with inittab: Debian and Devuan without systemd, RHEL to 5, Gentoo, ..."""

    name = "sysvinit"
    title = "init"
    aliases: ClassVar[tuple[str, ...]] = ("inittab",)
    listed = 20
    order = 110
    looked_for: ClassVar[tuple[str, ...]] = ("/run/initctl", "/dev/initctl", INITTAB)
    marks: ClassVar[tuple[bytes, ...]] = (b"INIT_VERSION", b"PREVLEVEL")
    mark = SHARED_MARK
    runlevels: ClassVar[str] = "12345"
    """Those in which init has svscan run."""
    places: ClassVar[tuple[Place, ...]] = (
        Place(INITTAB, syntax="inittab"),
        Place(INITTAB_FOLDER, ".tab", syntax="inittab"),
    )
    reload = ("telinit", "q")

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Ask for an inittab that is a real one, not another init's leftover."""
        if evidence.comm != "init" or not evidence.has("/run/initctl", "/dev/initctl"):
            return None
        actions = {line.action for line in evidence.inittab}
        if "initdefault" not in actions or not actions & {"respawn", "sysinit"}:
            return None
        return self.verdict("PID 1 is init, with a control FIFO", "/etc/inittab starts things")

    def switches_off(self, path: str, line: str) -> bool:
        return line.split(":")[2:3] == ["off"]

    def wire(self, site: Site) -> list[Action]:
        """Have init respawn svscanboot, and the stop scripts drain it."""
        return [*self.at_shutdown(site), *self.beside_package(site)]

    def beside_package(self, site: Site) -> list[Action]:
        """Have init respawn svscanboot; a package has the script that drains it."""
        text = site.host.read(INITTAB) or b""
        with naming(INITTAB):
            line = self.inittab_line(site)
            inittab.check(line.remove(text))
            inittab.check(line.insert(text))
        edit = EditFile(path=site.host.resolve(INITTAB), editor=line, enables=True)
        return [
            self.await_end(site),
            *self.around([edit], self.reload, now=site.start),
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
        for name in site.host.list(INITTAB_FOLDER):
            if name.endswith(".tab"):
                others += b"\n" + (site.host.read(f"{INITTAB_FOLDER}/{name}") or b"")
        id_ = inittab.free_id(others, *ids)
        return Block(site.render("sysvinit/inittab", id=id_, runlevels=self.runlevels))

    def at_shutdown(self, site: Site) -> list[Action]:
        """Return the script and links that drain at shutdown, where the host has such."""
        return stop_script(site) if runlevel_folder(site.host) else []

    def notes(self, site: Site) -> list[str]:
        """Warn where nothing waits for the services at shutdown."""
        if self.at_shutdown(site):
            return []
        return ["this host runs no scripts at shutdown: services get three seconds to stop"]
