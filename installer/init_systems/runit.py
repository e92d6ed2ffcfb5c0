"""runit as init: a service directory of runit's own, in which svscan runs; or svscan in stage 2.

runsv waits for a control script before it goes on, so ``control/d`` holds back the kill
that ``sv force-stop`` sends after seven seconds until the services have drained.

With ``--replace`` svscan has the place of runsvdir in ``/etc/runit/2``, and its directory: see
:mod:`~slashservice.installer.plan.stage`. At shutdown runit ends that script, and kills it after
five seconds. So stage 3 has the services stopped first of all, whatever is left of svscan.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import block, naming
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, MakeDirectory, RemovePath
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.stage import STAGE, TakeStage
from slashservice.installer.plan.telling import COMMAND_LIMIT, ForgetState

HOME = f"/etc/sv/{NAME}"
ENABLED = ("/etc/runit/runsvdir/default", "/var/service", "/run/runit/service", "/etc/service")
STOPIT = ("/run/runit.stopit", "/run/runit/stopit")
STAGES = ("/etc/runit/1", STAGE)
LAST_STAGE = "/etc/runit/3"
CORE_SERVICES = "/etc/runit/core-services"
SHUTDOWN = "/etc/runit/shutdown.d"

BECOMES = re.compile(r"\s*(exec\s|env\s|/?[\w/]*runsvdir(-start)?\b)")
"""How lines begin that do nothing but become runsvdir."""


class Runit(InitSystem):
    """runit as PID 1: Void, Artix, Debian's runit-init."""

    name = "runit"
    title = "runit"
    listed = 50
    order = 50
    pid1 = ("runit",)
    looked_for = STOPIT
    presence = ("/sbin/runit-init", "/usr/bin/runit-init", "/usr/sbin/runit-init")
    programs = ("runit", "runit-init")
    places = (
        *(Place(folder, "run", below="*", syntax="shell") for folder in ENABLED),
        *(Place(path, syntax="shell") for path in STAGES),
        Place(CORE_SERVICES, ".sh", syntax="shell"),
    )
    rivals: ClassVar[dict[str, str]] = dict.fromkeys(
        ("runsvdir-start", "runsvdir", "/etc/runit/2"), "/etc/service"
    )
    rival_processes = ("runsvdir",)

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Look for runit as PID 1; runsvdir below another init is not this."""
        if evidence.comm == "runit":
            return self.verdict("PID 1 is runit")
        if evidence.is_called_init and evidence.has(*STOPIT):
            alive = any(one.program == "runsvdir" for one in evidence.scanners)
            if alive and not evidence.inittab:
                return self.verdict("runit's stopit file is there, and runsvdir runs")
        return None

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether a file is read: runit's packages leave its stages on any host."""
        if path not in STAGES and not path.startswith(f"{CORE_SERVICES}/"):
            return True
        return os.path.basename(host.resolve("/sbin/init")) in self.programs

    def passes_over(self, path: str, data: bytes, line: int) -> bool:
        """Tell whether a line of stage 2 is behind our loop, which has its place."""
        if path != STAGE:
            return False
        with naming(path):
            found = block(data)
        return found is not None and line > found[1]

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Take a service out of those that are enabled, where a link has it there.

        Where runit runs it would start the service again before it notices: nothing is returned.
        """
        if self.inherits(wiring):
            return []  # the machine would go down
        if not any(place.below and place.holds(wiring.path) for place in self.places):
            return super().unwire(host, wiring)
        link = os.path.dirname(wiring.path)
        if host.live or host.readlink(link) is None:
            return []
        return [RemovePath(path=link)]

    def inherits(self, wiring: Wiring) -> bool:
        """Tell whether it is runsvdir in stage 2."""
        name = os.path.basename(wiring.program)
        return wiring.path == STAGE and name.startswith("runsvdir") and not wiring.ours

    def wire(self, site: Site) -> list[Action]:
        """Make the service directory, complete, and link it last; or take runsvdir's place."""
        wiring = self._in_stage(site)
        if wiring:
            return self._take_place(site, wiring)
        folder = next((one for one in ENABLED if site.host.is_directory(one)), "")
        if not folder:
            raise Refusal("runit's directory of enabled services was not found")
        if site.host.resolve(folder) == site.host.resolve(site.service_dir):
            raise Refusal(
                f"{site.service_dir} is runit's own directory",
                "Give svscan another one with --service-dir, or have it take the place of runsvdir "
                "with --replace.",
            )
        actions: list[Action] = [
            MakeDirectory(path=HOME),
            self.file(site, f"{HOME}/run", "runit/run", mode=0o755, check=("sh", "-n")),
            MakeDirectory(path=f"{HOME}/control"),
            self.file(site, f"{HOME}/control/d", "runit/control-d", mode=0o755),
        ]
        if site.host.is_directory(SHUTDOWN):
            actions.append(self.file(site, f"{SHUTDOWN}/05-{NAME}.sh", "runit/shutdown.sh"))
        return [
            *actions,
            ForgetState(path=HOME),
            self.await_end(site),
            self.link(f"{site.host.resolve(folder)}/{NAME}", HOME),
            self.supervise(site, stop=("sv", "-w", str(COMMAND_LIMIT), "down", HOME)),
        ]

    def _in_stage(self, site: Site) -> Wiring | None:
        """Return what starts runsvdir on our directory in stage 2, ``None`` if nothing does."""
        ours = _has_stage(site.host)
        scanned = site.host.resolve(site.service_dir)
        found = [
            one
            for one in site.evidence.wirings
            if self.inherits(one) and (ours or site.host.resolve(one.directory) == scanned)
        ]
        if not found:
            return None
        one = found[0]
        plain = BECOMES.match(one.text) and not re.search(r"(?<!\\)[;&|]", one.text)
        if len(found) > 1 or not one.sure or not plain:
            raise Refusal(
                f"it can't be told how {STAGE} becomes runsvdir, in line {one.line}",
                *one.text.splitlines(),
                "Have the script end in a line that does nothing but: exec runsvdir DIRECTORY",
            )
        return one

    def _take_place(self, site: Site, wiring: Wiring) -> list[Action]:
        """Put svscan ahead of runsvdir in stage 2, and have stage 3 stop its services."""
        actions: list[Action] = []
        if site.host.is_file(LAST_STAGE):
            path = site.host.resolve(LAST_STAGE)
            actions.append(self.script_line(site, path, "runit/stage3", "exec"))
        first = re.escape(wiring.text.splitlines()[0])
        editor = Block(site.render("runit/stage2"), before=first)
        stage = EditFile(
            path=site.host.resolve(STAGE),
            editor=editor,
            mode=0o755,
            check=("sh", "-n"),
            enables=True,
            sticky=True,
        )
        take = TakeStage(
            service_dir=site.service_dir,
            svscanboot=f"{site.layout.command('svscanboot')} -r {site.service_dir}",
            program=site.layout.command("svscan"),
            started=site.start,
        )
        return [*actions, stage, take, self.supervise(site)]

    def revive(self, host: Host) -> tuple[str, ...]:
        """Return the command that has the service up."""
        return () if _has_stage(host) else ("sv", "up", HOME)

    def notes(self, site: Site) -> list[str]:
        """Warn where "start nothing now" can't be had."""
        if site.start or not site.host.live:
            return []
        return ["runit starts what is enabled within seconds, all the same"]


def _has_stage(host: Host) -> bool:
    """Tell whether lines of ours are in stage 2."""
    with naming(STAGE):
        return block(host.read(STAGE) or b"") is not None
