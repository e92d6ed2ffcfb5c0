"""BusyBox init: lines in ``/etc/inittab`` with an empty id, which there names a terminal."""

from __future__ import annotations

from slashservice.installer.detection import inittab
from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action, EditFile
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.init_system import InitSystem, Site

INITTAB = "/etc/inittab"


class BusyBox(InitSystem):
    """BusyBox init, which ignores runlevels and kills all a second after TERM."""

    name = "busybox"
    title = "init"

    def wire(self, site: Site) -> list[Action]:
        """Respawn svscanboot, and drain ahead of the other things done at shutdown."""
        text = site.host.read(INITTAB)
        if text is None:
            raise Refusal(
                f"there is no {INITTAB}: BusyBox init then runs what is built into it",
                "One made by us would put that out of force. Write your own first.",
            )
        editor = Block(site.render("busybox/inittab"), before=r"[^#:\n]*:[^:]*:shutdown:")
        inittab.check(editor.remove(text), "busybox")
        inittab.check(editor.insert(text), "busybox")
        edit = EditFile(path=site.host.resolve(INITTAB), editor=editor, enables=True)
        return [
            self.await_end(site),
            *self.around([edit], ("sh", "-c", "kill -HUP 1"), now=site.start),
            self.supervise(site),
        ]
