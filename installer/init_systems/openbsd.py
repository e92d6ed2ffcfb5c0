"""OpenBSD: an rc.d script that rcctl knows; before rcctl, rc.local and rc.shutdown."""

from __future__ import annotations

import os

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import EditFile, WriteFile
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.words import Word
from slashservice.supervise.chain.launchers import FLAGS

FOLDER = "/etc/rc.d"
SCRIPT = f"{FOLDER}/{NAME}"
RC_CONF = "/etc/rc.conf.local"
BEFORE_RCCTL = "rc.local"


class OpenBSD(InitSystem):
    """OpenBSD's rc.d(8), as a package's daemon; nothing there starts a daemon again."""

    name = "openbsd"
    title = "rc"
    listed = 130
    respawns = False
    order = 23
    reads_all = True
    platforms = ("openbsd",)
    platform_signs = ("/bsd", "/usr/libexec/ld.so")
    looked_for = ("/usr/sbin/rcctl", "/etc/rc.d")
    places = (
        Place(FOLDER, "", shared=True, whole=True, syntax="shell"),
        Place("/etc/ttys", shared=True, syntax="ttys"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Tell whether there is rcctl, which came with version 5.7."""
        if self.dialect(evidence):
            return self.verdict("OpenBSD, before rcctl: rc.local", detail=BEFORE_RCCTL)
        return super().judge(evidence)

    def dialect(self, evidence: Evidence) -> str:
        """Tell hosts that have nothing but rc.local."""
        old = evidence.platform in self.platforms and not evidence.has("/usr/sbin/rcctl")
        return BEFORE_RCCTL if old else ""

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a script is among those of packages that are started."""
        folder, name = os.path.split(path)
        return folder != FOLDER or Word("pkg_scripts", name).holds(host.read(RC_CONF) or b"")

    def wire(self, site: Site) -> list[Action]:
        """Write the script, and add it to ``pkg_scripts``."""
        if site.verdict.detail == BEFORE_RCCTL:
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
        enable.preflight(site.host)
        return [
            script,
            enable,
            self.supervise(site, (SCRIPT, "start"), (SCRIPT, "stop")),
        ]

    def _rc_local(self, site: Site) -> list[Action]:
        """Wire the old way: /etc/rc runs rc.local by sh, executable or not."""
        stop, start = site.host.resolve("/etc/rc.shutdown"), site.host.resolve("/etc/rc.local")
        text = "rclocal/rc.local"
        return [
            self.script_line(site, stop, "openbsd/rc.shutdown", "read", mode=0o644),
            self.script_line(site, start, text, "read", mode=0o644, enables=True),
            self.supervise(site, start=("sh", "-c", site.render(text))),
        ]

    def notes(self, site: Site) -> list[str]:
        return ["OpenBSD's rc does not start svscan again should it ever die"]
