"""The base of each init system's module: its knowledge, its artefacts, and its commands.

Each module of ``slashservice.installer.init_systems`` has a subclass of :class:`InitSystem`.
That it is defined there is all it takes to have it detected, planned for and taken over from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.knowledge import Knowledge
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import Layout
from slashservice.installer.plan import templates
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block, CommentOut
from slashservice.installer.plan.files import EditFile, RemovePath, WriteFile
from slashservice.installer.plan.handing import HeldCommand
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.scripts import How, fault
from slashservice.installer.plan.telling import (
    COMMAND_LIMIT,
    STOP_LIMIT,
    AwaitEnd,
    RunCommand,
    Supervise,
)
from slashservice.installer.supervision import SEARCH_PATH
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

NAME = "svscan"
"""The service's name, in every init system that has names."""


@dataclass(frozen=True)
class Site:
    """Everything an init system's module may look at to make its part of a plan."""

    host: Host
    layout: Layout
    evidence: Evidence
    verdict: Verdict
    python: str
    start: bool = True

    @property
    def service_dir(self) -> str:
        """The scan directory."""
        return self.layout.service_dir

    @property
    def svscan(self) -> str:
        """The command line of svscan, for init systems that keep its output."""
        return f"{self.layout.command('svscan')} {self.service_dir}"

    @property
    def svscanboot(self) -> str:
        """The command line of svscanboot, for init systems that don't: see readproctitle(8)."""
        boot = self.layout.command("svscanboot")
        return boot if self.service_dir == SCAN_DIRECTORY else f"{boot} {self.service_dir}"

    @property
    def search_path(self) -> str:
        """The PATH of services: an account has our commands in a folder that only it has."""
        host = self.host
        if self.layout.name == "package":
            return f"{self.layout.commands}:{SEARCH_PATH}"
        return f"{host.commands}:{SEARCH_PATH}" if host.home else SEARCH_PATH

    @property
    def drain(self) -> str:
        """The command line that stops all services in order, and waits for it."""
        return f"{self.layout.command('slashservice')} drain {self.service_dir}"

    def render(self, template: str, **more: str) -> str:
        """Fill in a template, by its name, with the places of this installation."""
        return self.fill(templates.read(template), **more)

    def fill(self, text: str, **more: str) -> str:
        """Fill in a template's text with the places of this installation."""
        values = {
            "svscan": self.svscan,
            "svscanboot": self.svscanboot,
            "svscan_program": self.layout.command("svscan"),
            "svscanboot_program": self.layout.command("svscanboot"),
            "drain": self.drain,
            "running": f"{self.layout.command('slashservice')} running {self.service_dir}",
            "running_or_left": (
                f"{self.layout.command('slashservice')} running -a {self.service_dir}"
            ),
            "pgrphack": self.layout.command("pgrphack"),
            "service_dir": self.service_dir,
            "code": self.layout.tree.rsplit("/", 1)[0],
            "python": self.python,
            "path": self.search_path,
            "stop_limit": str(STOP_LIMIT),
            "command_limit": str(COMMAND_LIMIT),
            **more,
        }
        return templates.fill(text, values)


REGISTERED: dict[str, InitSystem] = {}
"""The init systems whose modules are loaded, in the order in which they are listed."""


STARTERS: dict[str, InitSystem] = {}
"""What starts svscan for an ordinary account, in the order in which they are tried."""


class InitSystem(Knowledge):
    """One init system. Modules override what differs; an instance has no state.

    A subclass with a ``name`` is registered as it is defined.
    """

    title: ClassVar[str]
    """Its name in a sentence."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that ``--init`` takes for it."""

    listed: ClassVar[int] = 1000
    """Its place in the list of them all, the lowest first: the common ones come first."""

    respawns: ClassVar[bool] = True
    """Whether it starts svscan again when it ends."""

    remembers: ClassVar[bool] = False
    """Whether it starts svscan again by the command of then, until it is stopped and started."""

    started_by_package: ClassVar[bool] = False
    """Whether a package's own scripts start svscan there, when it is new."""

    of_accounts: ClassVar[bool] = False
    """Whether it starts what belongs to an ordinary account, and so runs no host."""

    def __init_subclass__(cls) -> None:
        """Register the init system."""
        if "name" in vars(cls):
            all_ = STARTERS if cls.of_accounts else REGISTERED
            all_[cls.name] = cls()
            for one in sorted(all_.values(), key=lambda one: (one.listed, one.name)):
                all_[one.name] = all_.pop(one.name)

    def wire(self, site: Site) -> list[Action]:
        """Return the actions that wire svscan in, and start it."""
        raise NotImplementedError

    def beside_package(self, site: Site) -> list[Action]:
        """Return what is left of :meth:`wire` where a package brings the unit or the script.

        It may own no file that is somebody else's, as inittab.
        """
        return self.wire(site)

    def notes(self, site: Site) -> list[str]:
        """Return what the administrator should know about this init system's limits."""
        return []

    def hint(self) -> str:
        """Say where to look when svscan doesn't start."""
        return "see ps axw | grep readproctitle"

    def revive(self, host: Host) -> tuple[str, ...]:
        """Return the command that starts svscan where the one that stops it was given.

        It is empty where :meth:`supervise` gets a command that starts it, or none that stops it.
        """
        return ()

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Return the actions that put another supervisor's ``wiring`` out of force."""
        if any(place.whole and place.holds(wiring.path) for place in self.places):
            return [RemovePath(path=wiring.path)]
        return [EditFile(path=host.resolve(wiring.path), editor=CommentOut(wiring.text))]

    def inherits(self, wiring: Wiring) -> bool:
        """Tell whether :meth:`wire` itself puts svscan into the place that ``wiring`` has."""
        return False

    def faults(self, seen: Look) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with this init system's files on a host, each with a remedy.

        The remedy says what to do; it is empty where nobody knows.
        """
        yield from ()

    # The parts most modules are made of ------------------------------------------------

    def supervise(
        self, site: Site, start: tuple[str, ...] = (), stop: tuple[str, ...] = ()
    ) -> Supervise:
        """Make the action that has svscan run, with this init system's commands."""
        return Supervise(
            service_dir=site.service_dir,
            start=start,
            stop=stop,
            respawns=self.respawns and not stop,
            started=site.start,
            program=site.layout.command("svscan"),
            hint=self.hint(),
        )

    def await_end(self, site: Site) -> AwaitEnd:
        """Make the action that has svscan gone, when the plan is undone."""
        return AwaitEnd(service_dir=site.service_dir, program=site.layout.command("svscan"))

    def around(
        self,
        changes: list[Action],
        reload: tuple[str, ...],
        *,
        now: bool = True,
        tolerant: bool = False,
        held: str = "",
    ) -> list[Action]:
        """Surround ``changes`` so that a reload follows them, both applied and undone.

        With ``now`` false it follows only when they are undone: for init systems that start
        at once what they see. ``held`` is the scan directory, for init systems that end at once
        what they see changed.
        """
        why = f"{self.title} sees it"
        before = RunCommand(undo_=reload, why=why, tolerant=tolerant)
        after = RunCommand(do=reload, why=why, tolerant=tolerant)
        if held:
            before = HeldCommand(undo_=reload, why=why, tolerant=tolerant, service_dir=held)
            after = HeldCommand(do=reload, why=why, tolerant=tolerant, service_dir=held)
        return [before, *changes, *([after] if now else [])]

    def file(
        self,
        site: Site,
        path: str,
        template: str,
        *,
        mode: int = 0o644,
        check: tuple[str, ...] = (),
        enables: bool = False,
        **values: str,
    ) -> WriteFile:
        """Make the action that writes a template's text to ``path``."""
        text = site.render(template, **values)
        return WriteFile(path=path, text=text, mode=mode, check=check, enables=enables)

    def script_line(
        self,
        site: Site,
        path: str,
        template: str,
        how: How,
        *,
        mode: int = 0o755,
        enables: bool = False,
    ) -> EditFile:
        """Make the action that has somebody's script run a template's text before all else.

        :class:`Refusal` where that can't be proved to run, once, when the script does.
        """
        lines = site.render(template)
        text = site.host.read(path) or b""
        tongue = "execline" if template.endswith(".execline") else "sh"
        wrong = fault(site.host, path, text, how, (tongue,))
        if wrong and wrong.foreign:
            command = lines.strip().removesuffix(" || :")
            raise Refusal(wrong.what, f"Have it run this, before all else: {command}")
        editor = Block(lines, "start", fresh="#!/bin/sh\n")
        edit = EditFile(path=path, editor=editor, mode=mode, script=how, enables=enables)
        edit.preflight(site.host)
        return edit

    def link(self, path: str, target: str) -> MakeLink:
        """Make the action that links ``path``, which enables the service."""
        return MakeLink(path=path, target=target, enables=True)
