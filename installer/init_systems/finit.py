"""finit: a file in ``/etc/finit.d``. Its ``initctl`` is its own, and not on the PATH."""

from __future__ import annotations

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

FOLDER = "/etc/finit.d"
RUN = "/run/finit"
CONTROLS = (
    "/lib/finit/initctl",
    "/usr/lib/finit/initctl",
    "/libexec/finit/initctl",
    "/sbin/initctl",
)


class Finit(InitSystem):
    """finit, from version 3 on."""

    name = "finit"
    title = "finit"
    listed = 80
    order = 80
    pid1 = ("finit",)
    looked_for = (RUN,)
    presence = ("/sbin/finit", "/usr/sbin/finit")
    programs = ("finit",)
    places = (
        Place("/etc/finit.conf", syntax="finit"),
        Place(FOLDER, ".conf", whole=True, syntax="finit"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Ask its initctl, which is not Upstart's, where PID 1 says nothing but init."""
        if evidence.comm == "finit":
            return self.verdict("PID 1 is finit")
        if evidence.is_called_init:
            if evidence.program.endswith("/finit") or evidence.has(RUN):
                return self.verdict("PID 1 is init, and that is finit")
            if "finit" in evidence.initctl.lower():
                return self.verdict("initctl is finit's")
        return None

    def wire(self, site: Site) -> list[Action]:
        """Write the service, and have finit read it."""
        initctl = control(site.host)
        conf = self.file(site, f"{FOLDER}/{NAME}.conf", "finit/svscan.conf", enables=True)
        return [
            MakeDirectory(path=FOLDER),
            self.await_end(site),
            *self.around([conf], (initctl, "reload"), now=site.start, held=site.service_dir),
            self.supervise(site, stop=(initctl, "stop", NAME)),
        ]

    def revive(self, host: Host) -> tuple[str, ...]:
        """Return the command that has the service up."""
        return (control(host), "start", NAME)


def control(host: Host) -> str:
    """Return the path of finit's own initctl."""
    return next((path for path in CONTROLS if host.is_executable(path)), "initctl")
