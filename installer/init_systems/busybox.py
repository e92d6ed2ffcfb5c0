"""BusyBox init: lines in ``/etc/inittab`` with an empty id, which there names a terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from slashservice.installer.detection import inittab
from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host.marks import naming
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.init_system import InitSystem, Site

INITTAB = "/etc/inittab"


class BusyBox(InitSystem):
    """BusyBox init, which ignores runlevels and kills all a second after TERM."""

    name = "busybox"
    title = "init"
    listed = 30
    order = 100
    looked_for = (INITTAB,)
    programs = ("busybox*",)
    places = (Place(INITTAB, syntax="inittab"),)
    reload = ("sh", "-c", "kill -HUP 1")

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Go by the program that PID 1, called init, is."""
        program = evidence.program
        if evidence.is_called_init and evidence.comm and "busybox" in os.path.basename(program):
            return self.verdict(f"PID 1 is {program}")
        return None

    def faults(self, seen: Look) -> Iterator[tuple[str, str]]:
        """Find a line in inittab that names a terminal by mistake."""
        if seen.verdict.name != self.name:
            return
        for line in seen.evidence.inittab:
            if re.search(r"\bsvscanboot\b|\bsvscan\b", line.process) and line.id:
                what = f"line {line.number} of {INITTAB} never starts"
                why = f"BusyBox takes {line.id!r} for a terminal"
                yield f"{what}: {why}", "leave the first field empty"

    def wire(self, site: Site) -> list[Action]:
        """Respawn svscanboot, and drain ahead of the other things done at shutdown."""
        text = site.host.read(INITTAB)
        if text is None:
            raise Refusal(
                f"there is no {INITTAB}: BusyBox init then runs what is built into it",
                "One made by us would put that out of force. Write your own first.",
            )
        editor = Block(site.render("busybox/inittab"), before=r"[^#:\n]*:[^:]*:shutdown:")
        with naming(INITTAB):
            inittab.check(editor.remove(text), "busybox")
            inittab.check(editor.insert(text), "busybox")
        edit = EditFile(path=site.host.resolve(INITTAB), editor=editor, enables=True)
        return [
            self.await_end(site),
            *self.around([edit], self.reload, now=site.start, held=site.service_dir),
            self.supervise(site),
        ]
