"""GNU Shepherd, from 1.0 on: a file of its own, that shepherd's configuration loads.

On Guix System that configuration is built from the system's declaration:
:func:`~slashservice.installer.detection.general.immutable` tells those hosts apart.
"""

from __future__ import annotations

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.errors import Refusal
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import SchemeBlock
from slashservice.installer.plan.files import EditFile, MakeDirectory
from slashservice.installer.plan.init_system import NAME, InitSystem, Site
from slashservice.installer.plan.telling import RunCommand

CONFIGURATION = "/etc/shepherd.scm"
"""What shepherd reads as PID 1, unless it is told another file."""

FOLDER = "/etc/shepherd"
FILE = f"{FOLDER}/{NAME}.scm"


class Shepherd(InitSystem):
    """Shepherd as PID 1."""

    name = "shepherd"
    title = "Shepherd"
    listed = 87
    remembers = True
    order = 75
    pid1 = ("shepherd",)
    presence = ("/usr/bin/shepherd", "/usr/sbin/shepherd")
    programs = ("shepherd",)
    places = (
        Place(CONFIGURATION, syntax="scheme"),
        Place(FOLDER, ".scm", whole=True, syntax="scheme"),
    )

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Go by PID 1's name, which is its interpreter's where nothing has changed it."""
        names = {word.rsplit("/", 1)[-1] for word in evidence.pid1.argv}
        if evidence.comm == "shepherd" or (evidence.comm == "guile" and "shepherd" in names):
            return self.verdict("PID 1 is shepherd", detail=self.dialect(evidence))
        return None

    def dialect(self, evidence: Evidence) -> str:
        """Return the configuration file that it was told, nothing where that is the usual one."""
        words = evidence.pid1.argv
        for at, word in enumerate(words):
            if word in ("-c", "--config"):
                return "".join(words[at + 1 : at + 2])
            if word.startswith("--config="):
                return word.removeprefix("--config=")
        return ""

    def wire(self, site: Site) -> list[Action]:
        """Write the service, and have it loaded at boot, and now."""
        path = self.dialect(site.evidence) or CONFIGURATION
        words = " ".join(f'"{word}"' for word in site.svscanboot.split())
        if not site.host.is_file(path) or path.startswith("/gnu/"):
            raise Refusal(
                f"{path} can't be edited, which shepherd reads at boot",
                "Have what makes it define this service:",
                *site.render("shepherd/svscan.scm", words=words).splitlines()[1:],
            )
        load = SchemeBlock(site.render("shepherd/shepherd.scm", file=FILE))
        unload = RunCommand(
            undo_=("herd", "unload", "root", NAME), why="it is forgotten", tolerant=True
        )
        return [
            MakeDirectory(path=FOLDER),
            unload,
            self.file(site, FILE, "shepherd/svscan.scm", words=words),
            EditFile(path=site.host.resolve(path), editor=load, enables=True),
            self.supervise(site, ("herd", "load", "root", FILE), ("herd", "stop", NAME)),
        ]

    def notes(self, site: Site) -> list[str]:
        """Say what shepherd does to a program that dies over and over."""
        return ["Shepherd gives svscan up if it dies more than five times in seven seconds"]

    def hint(self) -> str:
        """Point to shepherd's own view."""
        return f"see herd status {NAME}"
