"""SMF, the service management of Solaris and illumos: nothing is wired, as svscan can't run there.

What would be imported is shown, for the day on which it can.
"""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import InitSystem, Site

WHY = (
    "svscan does not run on Solaris and illumos yet: it tells processes apart by kern.boottime of"
    " sysctl and lstart of ps, which those lack"
)


class SMF(InitSystem):
    """SMF, of Solaris 10 and later and of illumos."""

    name = "smf"
    title = "SMF"
    listed = 165
    order = 24
    reads_all = True
    platforms = ("sunos",)
    platform_signs = ("/lib/svc/bin/svc.startd",)
    presence = ("/lib/svc/bin/svc.startd",)

    def wire(self, site: Site) -> list[Action]:
        """Refuse, and show the manifest."""
        raise Refusal(
            WHY,
            "If it did, you would put this into a file, for svccfg import FILE:",
            *site.render("smf/svscan.xml").splitlines(),
        )
