"""rc.local: a line that starts svscanboot, ahead of the script's final exit.

Nobody starts svscan again should it die. At shutdown somebody else must have it drained:
a drop-in for systemd's rc-local.service, or a System V stop script.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from slashservice.installer.detection.knowledge import Place
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.init_systems.runlevels import runlevel_folder, stop_script
from slashservice.installer.init_systems.systemd import Systemd
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block, final_exit
from slashservice.installer.plan.files import EditFile, MakeDirectory
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.telling import STOP_LIMIT

PATHS = ("/etc/rc.d/rc.local", "/etc/rc.local")
DROP_IN = "/etc/systemd/system/rc-local.service.d"
LAST_SYSTEMD = 259
SHELLS = ("sh", "bash", "dash", "ksh", "mksh", "ash", "busybox")


class RcLocal(InitSystem):
    """``/etc/rc.local``, run once at the end of booting by whatever init."""

    name = "rclocal"
    title = "rc.local"
    aliases = ("rc.local",)
    listed = 120
    reads_all = True
    looked_for = PATHS
    places = tuple(Place(path, shared=True, syntax="shell") for path in reversed(PATHS))
    respawns = False

    def wire(self, site: Site) -> list[Action]:
        """Edit rc.local, and see to the order at shutdown."""
        systemd = self._systemd_runs_it(site)
        if systemd and site.evidence.systemd_version > LAST_SYSTEMD:
            raise Refusal(
                f"systemd {site.evidence.systemd_version} does not run rc.local any more",
                "Use systemd itself: leave out --init.",
            )
        return [
            *self._at_shutdown(site, systemd),
            self.edit(site, executable=systemd),
            self.supervise(site, start=self._start_now(site, systemd)),
        ]

    def faults(self, seen: Look) -> Iterator[tuple[str, str]]:
        """Find an rc.local that should start svscan and never runs, or not so far."""
        host, evidence = seen.host, seen.evidence
        by_systemd = "systemd" in evidence.init_program
        for one in evidence.wirings:
            if not one.path.endswith("rc.local") or not one.active:
                continue
            if by_systemd and evidence.systemd_version > LAST_SYSTEMD:
                yield f"{one.path} never runs: systemd gave it up with version 260", ""
            elif by_systemd and not host.is_executable(one.path):
                yield f"{one.path} never runs: it is not executable", f"chmod +x {one.path}"
            text = host.read(one.path) or b""
            if by_systemd and not text.startswith(b"#!"):
                yield f"{one.path} never runs: its first line is no #! line", ""
            lines = text.splitlines(keepends=True)
            wanted = one.text.encode("latin-1")
            if any(line.rstrip(b"\n") == wanted for line in lines[final_exit(lines) :]):
                yield f"{one.path} ends before it starts {one.program}", "move that line up"

    def _start_now(self, site: Site, systemd: bool) -> tuple[str, ...]:
        """Return the command that starts svscan until the next boot, in reach of the shutdown.

        systemd keeps a transient unit as long as one of its daemons runs: then that is started.
        """
        if not systemd:
            return ("sh", "-c", site.render("rclocal/rc.local"))
        properties = (
            *("Restart=on-failure", "RestartSec=1", "KillMode=process", "OOMPolicy=continue"),
            *(f"TimeoutStopSec={STOP_LIMIT}", "IgnoreSIGPIPE=no"),
        )
        options = [f"--property={one}" for one in properties]
        run = shlex.join(["systemd-run", "--unit=svscan", *options, *site.svscanboot.split()])
        return ("sh", "-c", f"systemctl start svscan.service 2>/dev/null || exec {run}")

    def edit(self, site: Site, executable: bool) -> EditFile:
        """Return the edit of rc.local; ``executable`` where it only runs if it is."""
        host = site.host
        path = host.resolve(next((one for one in PATHS if host.is_file(one)), PATHS[1]))
        text = host.read(path)
        if text is not None:
            self._refuse_useless(path, text, executable and not host.is_executable(path))
        editor = Block(site.render("rclocal/rc.local"), "before-exit", fresh="#!/bin/sh\n")
        check = (_shell(text or b"#!/bin/sh"), "-n")
        return EditFile(path=path, editor=editor, mode=0o755, check=check, enables=True)

    def _refuse_useless(self, path: str, text: bytes, switched_off: bool) -> None:
        """Refuse a script to which a line can be added, but would never run."""
        if switched_off:
            raise Refusal(
                f"{path} is not executable, so it does not run at boot",
                f"If what it says is still wanted: chmod +x {path}",
            )
        first = text.split(b"\n", 1)[0]
        if first.startswith(b"#!") and _shell(text) not in SHELLS:
            raise Refusal(f"{path} is no shell script: {first.decode(errors='replace')}")

    def _at_shutdown(self, site: Site, systemd: bool) -> list[Action]:
        """Return what drains at shutdown."""
        if systemd:
            drop_in = self.file(site, f"{DROP_IN}/svscan.conf", "rclocal/rc-local.service.d.conf")
            made = [MakeDirectory(path=DROP_IN), drop_in]
            return self.around(list(made), Systemd.reload)
        return stop_script(site) if runlevel_folder(site.host) else []

    def notes(self, site: Site) -> list[str]:
        once = "rc.local starts svscan once: nobody starts it again should it ever die"
        if self._at_shutdown(site, self._systemd_runs_it(site)):
            return [once]
        last = f"at shutdown, run first of all what stops the services in order: {site.drain}"
        return [once, f"nothing was found that could stop svscan; {last}"]

    def _systemd_runs_it(self, site: Site) -> bool:
        """Tell whether it is systemd that runs rc.local."""
        by_systemd = "systemd" in site.evidence.init_program
        return by_systemd and site.host.is_directory("/etc/systemd/system")


def _shell(text: bytes) -> str:
    """Return the base name of the interpreter a script asks for; ``sh`` by default."""
    first = text.split(b"\n", 1)[0].decode("latin-1")
    words = first[2:].split() if first.startswith("#!") else ["/bin/sh"]
    if words and words[0].endswith("/env"):
        words = words[1:]
    return words[0].rsplit("/", 1)[-1] if words else "sh"
