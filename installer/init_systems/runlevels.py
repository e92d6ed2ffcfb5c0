"""System V runlevel links: ``/etc/rcN.d`` or ``/etc/rc.d/rcN.d``."""

from __future__ import annotations

import re

from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Target
from slashservice.installer.plan.files import EditFile, WriteFile
from slashservice.installer.plan.init_system import NAME, Site
from slashservice.installer.plan.links import RunlevelLink

FOLDERS = ("/etc", "/etc/rc.d")
SCRIPT_FOLDERS = ("/etc/init.d", "/etc/rc.d/init.d")


def runlevel_folder(host: Host) -> str:
    """Return the folder that has ``rc0.d`` and its like, empty where there is none."""
    for folder in FOLDERS:
        if host.is_directory(f"{folder}/rc0.d") and host.is_directory(f"{folder}/rc6.d"):
            return host.resolve(folder)
    return ""


def script_folder(host: Host) -> str:
    """Return the folder of the scripts."""
    for folder in SCRIPT_FOLDERS:
        if host.is_directory(folder):
            return host.resolve(folder)
    return SCRIPT_FOLDERS[0]


def links_of(host: Host, script: str) -> list[str]:
    """Return the links that start or stop a script of that name in runlevels."""
    return [
        f"{base}/{level}/{link}"
        for base in FOLDERS
        for level in host.list(base)
        if level.startswith("rc") and level.endswith(".d")
        for link in host.list(f"{base}/{level}")
        if link[0] in "SK" and link[3:] == script
    ]


def starts_of(host: Host, script: str) -> list[str]:
    """Return the links that start a script of that name."""
    pattern = re.compile(rf".*/rc[0-9S]\.d/S\d\d{re.escape(script)}")
    return [link for link in links_of(host, script) if pattern.fullmatch(link)]


def links(site: Site, start: str, stop: str) -> list[Action]:
    """Link the script into runlevels: to be started in those of ``start``, stopped in ``stop``.

    The numbers are the last to start and the first to stop. Where scripts run side by side,
    insserv's lists tell which waits for which: the script is put into them as well.
    """
    folder = runlevel_folder(site.host)
    script = f"{script_folder(site.host)}/{NAME}"
    target = f"../init.d/{NAME}" if script.startswith(folder) else script
    names = [(level, f"S99{NAME}") for level in start] + [(level, f"K00{NAME}") for level in stop]
    made: list[Action] = [
        RunlevelLink(path=f"{folder}/rc{level}.d/{name}", target=target, enables=True)
        for level, name in names
        if site.host.is_directory(f"{folder}/rc{level}.d")
    ]
    for order, first in ((".depend.start", False), (".depend.stop", True)):
        path = f"{script_folder(site.host)}/{order}"
        if site.host.is_file(path):
            made.append(EditFile(path=path, editor=Target(NAME, first), enables=True))
    return made


def stop_script(site: Site) -> list[Action]:
    """Return the script that only stops, for hosts whose init starts svscanboot itself."""
    script = WriteFile(
        path=f"{script_folder(site.host)}/{NAME}",
        text=site.render("sysvinit/svscan"),
        mode=0o755,
        check=("sh", "-n"),
    )
    return [script, *links(site, "2345", "06")]
