"""systemd: a unit, enabled by the link that ``systemctl enable`` would make."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.detection.readers import unit
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.folders import links_below
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.links import MakeLink

UNIT = f"{NAME}.service"
FOLDER = "/etc/systemd/system"
UNIT_FOLDERS = (
    *("/etc/systemd/system.control", FOLDER, "/run/systemd/system"),
    *("/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"),
)
"""Where systemd finds units. Of two with one name it takes the one in the earlier folder."""

TRIGGERS = (".timer", ".path", ".socket")
"""Units that start a service of the same name, or the one that they name."""

STARTING = (*TRIGGERS, ".service", ".target")
NAMING = r"^(?:Unit|Service|Wants|Requires|BindsTo|Upholds)\s*=(?:.*\s)?%s(?:\s|$)"
"""A setting that has another unit started, given its name."""

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
    places = (
        *(Place(folder, ".service", syntax="unit") for folder in UNIT_FOLDERS),
        *(Place(folder, ".conf", below="*service.d", syntax="unit") for folder in UNIT_FOLDERS),
    )
    reload = ("systemctl", "daemon-reload")
    started_by_package = True

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
        """Tell whether a unit, or a drop-in of it, is in force: its unit is started, and by it."""
        name = unit_of(path)
        return (
            host.readlink(f"{FOLDER}/{name}") != "/dev/null"
            and not self._is_overridden(host, path, name)
            and (name == "service" or self._is_wanted(host, name))
        )

    def part_of(self, path: str) -> str:
        """Return the unit of the administrator's that a drop-in adds to."""
        return f"{FOLDER}/{unit_of(path)}"

    def _is_overridden(self, host: Host, path: str, name: str) -> bool:
        """Tell whether another file takes the place of this one, or empties its list."""
        folder, own = os.path.split(path)
        dropped = folder.endswith(".d")
        base = os.path.dirname(folder) if dropped else folder
        earlier = UNIT_FOLDERS[: UNIT_FOLDERS.index(base)] if base in UNIT_FOLDERS else ()
        inner = f"{os.path.basename(folder)}/" if dropped else ""
        if any(
            host.lstat(f"{one}/{inner}{own}") and host.resolve(one) != host.resolve(base)
            for one in earlier
        ):
            return True
        later = {
            drop: f"{one}/{name}.d/{drop}"
            for one in reversed(UNIT_FOLDERS)
            for drop in host.list(f"{one}/{name}.d")
            if drop.endswith(".conf") and (not dropped or drop > own)
        }
        return any(
            setting == "ExecStart" and not value
            for one in later.values()
            for _, _, setting, value in unit((host.read(one) or b"").decode("latin-1"))
        )

    def _is_wanted(self, host: Host, name: str, seen: tuple[str, ...] = ()) -> bool:
        """Tell whether a unit is enabled, by a link, or wanted by another that is started."""
        if links_of(host, name) or ("@." in name and named_instances(host, name)):
            return True
        return any(self._is_wanted(host, one, (*seen, name)) for one in triggers(host, name, seen))

    def instances(self, host: Host, path: str) -> list[str]:
        """Return the names of a unit: those of its instances, where it is a template."""
        name = unit_of(path)
        if "@." not in name:
            return [name]
        linked = [os.path.basename(link) for link in links_of(host, name)]
        return sorted({*linked, *named_instances(host, name)})

    def keeps(self, path: str) -> bool:
        return self.holds(path)

    def forget(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("systemctl", "stop", *names)

    def restart(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("systemctl", "start", *names)

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Disable the unit and what starts it; mask it where no link says that it starts."""
        name = unit_of(wiring.path)
        names = [name, *triggers(host, name)]
        links = [link for one in names for link in links_below(host, FOLDER, one)]
        left = [link for one in names for link in links_of(host, one) if link not in links]
        removed: list[Action] = [RemovePath(path=link) for link in links]
        if links and not left:
            return removed
        return [*removed, MakeLink(path=f"{FOLDER}/{name}", target="/dev/null", replace=True)]

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

    def beside_package(self, site: Site) -> list[Action]:
        return [self.supervise(site, ("systemctl", "start", UNIT), ("systemctl", "stop", UNIT))]

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


def unit_of(path: str) -> str:
    """Return the name of the unit that a file is, or adds to as a drop-in."""
    folder, name = os.path.split(path)
    return os.path.basename(folder)[:-2] if folder.endswith(".d") else name


def links_of(host: Host, name: str) -> list[str]:
    """Return the links that have a unit started; those of any instance where it is a template."""
    stem, at, ending = name.partition("@.")
    pattern = f"{stem}@*.{ending}" if at else name
    return [
        f"{base}/{inner}/{one}"
        for base in UNIT_FOLDERS
        for inner in host.list(base)
        if inner.endswith((".wants", ".requires", ".upholds"))
        for one in host.list(f"{base}/{inner}")
        if fnmatchcase(one, pattern)
    ]


def named_instances(host: Host, name: str) -> list[str]:
    """Return the instances of a template that units of the administrator's have started."""
    stem, _, ending = name.partition("@.")
    pattern = NAMING % rf"({re.escape(stem)}@[^\s.]+\.{re.escape(ending)})"
    return [
        found.group(1)
        for base in (FOLDER, "/run/systemd/system")
        for one in host.list(base)
        if one.endswith(STARTING) and links_of(host, one)
        for text in [(host.read(f"{base}/{one}") or b"").decode("latin-1")]
        for found in re.finditer(pattern, text, re.MULTILINE)
    ]


def triggers(host: Host, name: str, seen: tuple[str, ...] = ()) -> list[str]:
    """Return the units that start a service: those that are made for it, or want it.

    ``seen`` are those that are known already.
    """
    found = []
    for base in UNIT_FOLDERS:
        for one in host.list(base):
            if one == name or one in seen or one in found or not one.endswith(STARTING):
                continue
            if base not in (FOLDER, "/run/systemd/system") and not one.endswith(TRIGGERS):
                continue  # a vendor's unit wants none that is not its own
            same = one.endswith(TRIGGERS) and one.rsplit(".", 1)[0] == name.rsplit(".", 1)[0]
            text = (host.read(f"{base}/{one}") or b"").decode("latin-1")
            named = re.search(NAMING % re.escape(name), text, re.MULTILINE)
            if named or (same and not re.search(r"^Unit\s*=", text, re.MULTILINE)):
                found.append(one)
    return found
