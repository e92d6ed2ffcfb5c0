"""launchd: a property list in ``/Library/LaunchDaemons``."""

from __future__ import annotations

from slashservice.installer.detection.knowledge import Place
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import InitSystem, Site

LABEL = "slashservice.svscan"
PLIST = f"/Library/LaunchDaemons/{LABEL}.plist"


class Launchd(InitSystem):
    """launchd of macOS 10.10 and later."""

    name = "launchd"
    title = "launchd"
    listed = 160
    remembers = True
    order = 20
    platforms = ("darwin",)
    platform_signs = ("/System/Library/CoreServices/SystemVersion.plist",)
    places = (Place("/Library/LaunchDaemons", ".plist", shared=True, whole=True, syntax="plist"),)

    def wire(self, site: Site) -> list[Action]:
        """Write the property list and load it."""
        plist = self.file(
            site,
            PLIST,
            "launchd/svscan.plist",
            check=("plutil", "-lint"),
            enables=True,
            label=LABEL,
        )
        return [
            plist,
            self.supervise(
                site,
                ("launchctl", "bootstrap", "system", PLIST),
                ("launchctl", "bootout", f"system/{LABEL}"),
            ),
        ]

    def hint(self) -> str:
        """Point to launchd's own view."""
        return f"see launchctl print system/{LABEL}"
