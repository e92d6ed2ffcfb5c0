"""systemd: a unit, enabled by the link that ``systemctl enable`` would make."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.folders import links_below
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site

UNIT = f"{NAME}.service"
FOLDER = "/etc/systemd/system"
UNIT_FOLDERS = (FOLDER, "/usr/lib/systemd/system", "/lib/systemd/system")
VENDOR_FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system")


class Systemd(InitSystem):
    """systemd, from version 215 on."""

    name = "systemd"
    title = "systemd"
    listed = 10
    order = 30
    pid1 = ("systemd",)
    run_directory = "/run/systemd/system"
    looked_for = (run_directory,)
    presence = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
    programs = ("systemd",)
    places = tuple(Place(folder, ".service") for folder in UNIT_FOLDERS)
    reload = ("systemctl", "daemon-reload")

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Believe systemd itself: /run/systemd/system is its word."""
        if not evidence.is_directory(self.run_directory):
            return None
        comm = evidence.pid1.comm
        if comm == "systemd":
            why = "PID 1 is systemd"
        elif comm is None:
            why = "PID 1 can't be seen"
        elif comm == "init" and evidence.program.endswith("/systemd"):
            why = f"PID 1 is init, which is {evidence.program}"
        else:
            return None
        return self.verdict(f"{self.run_directory} is there", why)

    def facts(self, host: Host, *, running: bool) -> dict[str, Any]:
        return {"systemd_version": self._version(host)}

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a unit is enabled, by its links, and not masked."""
        name = os.path.basename(path)
        places = [
            f"{base}/{inner}/{name}"
            for base in UNIT_FOLDERS
            for inner in host.list(base)
            if inner.endswith((".wants", ".requires"))
        ]
        masked = host.readlink(f"{FOLDER}/{name}") == "/dev/null"
        return not masked and any(host.lstat(place) for place in places)

    def keeps(self, path: str) -> bool:
        return self.holds(path)

    def forget(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("systemctl", "stop", *names)

    def restart(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("systemctl", "start", *names)

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Disable the unit."""
        name = os.path.basename(wiring.path)
        return [RemovePath(path=link) for link in links_below(host, FOLDER, name)]

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
            *self.around([unit, wanted], self.reload),
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

    def _version(self, host: Host) -> int:
        """Return systemd's version, 0 where it can't be told: by its library, else by asking."""
        folders = ["/usr/lib/systemd", "/lib/systemd"]
        folders += [
            f"/usr/lib/{name}/systemd" for name in host.list("/usr/lib") if "-linux" in name
        ]
        for folder in folders:
            for name in host.list(folder):
                found = re.fullmatch(r"libsystemd-shared-(\d+)\b.*\.so", name)
                if found:
                    return int(found.group(1))
        found = re.match(r"systemd (\d+)", host.run(["systemctl", "--version"], timeout=10).output)
        return int(found.group(1)) if found else 0
