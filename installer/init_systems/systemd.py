"""systemd: a unit, enabled by the link that ``systemctl enable`` would make."""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

UNIT = f"{NAME}.service"
FOLDER = "/etc/systemd/system"
VENDOR_FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system")


class Systemd(InitSystem):
    """systemd, from version 215 on."""

    name = "systemd"
    title = "systemd"

    def wire(self, site: Site) -> list[Action]:
        """Write the unit, enable it, and have it started and stopped by systemctl."""
        for folder in VENDOR_FOLDERS:
            if site.host.lstat(f"{folder}/{UNIT}"):
                raise Refusal(f"a package has a unit of that name already: {folder}/{UNIT}")
        if site.host.live:
            self._refuse_stopping(site)
        unit = self.file(
            site,
            f"{FOLDER}/{UNIT}",
            "systemd/svscan.service",
            check=("systemd-analyze", "verify"),
        )
        wanted = self.link(f"{FOLDER}/multi-user.target.wants/{UNIT}", f"{FOLDER}/{UNIT}")
        return [
            *self.around([unit, wanted], ("systemctl", "daemon-reload")),
            self.supervise(site, ("systemctl", "start", UNIT), ("systemctl", "stop", UNIT)),
        ]

    def hint(self) -> str:
        """Point to the journal."""
        return f"see journalctl -u {UNIT}"

    def _refuse_stopping(self, site: Site) -> None:
        """Refuse to reload a manager that is about to stop the machine."""
        state = site.host.run(["systemctl", "is-system-running"], timeout=10).output
        if state.strip() in ("stopping", "maintenance"):
            raise Refusal(f"systemd is {state.strip()}: install when the machine is up again")
