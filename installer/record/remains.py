"""What there is of an installation that no receipt tells of: it was lost, or was damaged.

The files themselves tell. Each init system is asked what it would write, and what of that is
there, with our mark in it, is ours. So are links that lead into our code, the code, and lines of
another svscan's that bear our comment mark. :mod:`~slashservice.installer.record.recovery` makes
a receipt of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from slashservice.installer.detection.detect import obey
from slashservice.installer.detection.look import Look
from slashservice.installer.detection.wirings import candidates
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import NEW, Host
from slashservice.installer.host.layout import Layout
from slashservice.installer.host.marks import OUR_FILE, BrokenMarks, block, naming
from slashservice.installer.plan import planner
from slashservice.installer.plan.accounts import EditCrontab, crontab
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.edits import COMMENT_MARK, Block, CommentOut, Marked, lines_of
from slashservice.installer.plan.files import EditFile, MakeDirectory, WriteFile
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.links import MakeLink, RunlevelLink
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

Systems = Mapping[str, InitSystem]

RUN = re.compile(
    r"([^\s\"'<>{|;&]+)/(?:svscan|svscanboot|slashservice (?:drain|running))"
    r"(?=[\s\"'<|;&)]|$)(?: -\w+(?: \d+)?)*"
    r"(?: |</string>\s*<string>|\"\s+(?:(?:command_args|daemon_flags)=)?\")?(/[^\s\"'<>|;&)]*)?"
)
"""A command of ours, as templates have it: its folder, and the scan directory if it is named."""


@dataclass(frozen=True)
class Wired:
    """What is there of one init system's artefacts: what ``actions`` would make, in ``files``.

    ``missing`` says how many others are not there, ``exact`` how many are as we would write them.
    """

    init: str
    actions: tuple[Action, ...] = ()
    files: tuple[str, ...] = ()
    missing: int = 0
    exact: int = 0

    @property
    def named(self) -> tuple[str, ...]:
        """Those files that a message names: links say nothing beside what they lead to."""
        pairs = zip(self.actions, self.files, strict=True)
        return tuple(file for action, file in pairs if not isinstance(action, MakeLink))


@dataclass(frozen=True)
class Code:
    """The code of one layout: its folders, the current one first, and the links into it."""

    places: Layout
    trees: tuple[str, ...] = ()
    links: tuple[MakeLink, ...] = ()


@dataclass(frozen=True)
class Remains:
    """All that is there of ours. ``runs`` are the commands folders and scan directories in it."""

    code: tuple[Code, ...] = ()
    wired: tuple[Wired, ...] = ()
    released: tuple[EditFile, ...] = ()
    runs: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.code or self.wired or self.released)

    @property
    def files(self) -> tuple[str, ...]:
        """What is there, as a message names it."""
        found = [file for one in self.wired for file in one.named]
        found += [one.places.current if one.links else one.trees[0] for one in self.code]
        return tuple(dict.fromkeys([*found, *(one.path for one in self.released)]))


def where(host: Host, action: Action) -> str:
    """Return where an action leaves something: one name for what has several, by links above it."""
    if not isinstance(action, PathAction):
        return "your crontab" if isinstance(action, EditCrontab) else ""
    folder, _, name = action.path.rpartition("/")
    return f"{host.resolve(folder) if folder else ''}/{name}"


def find(look: Look, systems: Systems, layouts: tuple[Layout, ...]) -> Remains:
    """Look for all that is ours on a host, whatever a receipt says."""
    code = tuple(filter(None, (_code(look.host, places) for places in layouts)))
    wired = _wired(look, systems, layouts[0])
    folders = {places.commands for places in layouts}
    runs = {
        where(look.host, action): tuple(
            run for run in _runs(look.host, action) if run[0] in folders
        )
        for one in wired
        for action in one.actions
        if isinstance(action, (WriteFile, EditFile, EditCrontab))
    }
    return Remains(code, wired, tuple(released(look.host, systems)), runs)


def site_of(look: Look, system: InitSystem, systems: Systems, places: Layout, python: str) -> Site:
    """Return a site for an init system that may not run the host."""
    verdict = obey(look.evidence, look.found, system, systems)
    return Site(look.host, places, look.evidence, verdict, python)


def is_there(host: Host, action: Action) -> bool:
    """Tell whether what an action would make is there, and ours."""
    if isinstance(action, EditCrontab):
        try:
            return action.original(host) != action.capture(host)
        except Trouble:
            return False  # nobody can tell
    if not isinstance(action, PathAction) or isinstance(action, MakeDirectory):
        return False
    if isinstance(action, RunlevelLink):
        return action.done(host)
    now = host.state(action.path)
    if isinstance(action, WriteFile) and now.data == action.text.encode():
        return now.kind == "file"  # some have no place for a mark
    return bool(now) and action.without_ours(now) != now


def bears_mark(host: Host, action: Action) -> bool:
    """Tell whether what is there for an action says itself that it is ours."""
    if isinstance(action, EditFile):
        return isinstance(action.editor, Marked)
    if isinstance(action, WriteFile):
        return OUR_FILE in (host.read(action.path) or b"")
    return isinstance(action, EditCrontab)


def _wired(look: Look, systems: Systems, places: Layout) -> tuple[Wired, ...]:
    """Return what there is of each init system's artefacts."""
    found = []
    explained: set[str] = set()
    for system in systems.values():
        try:
            actions = system.wire(site_of(look, system, systems, places, "/usr/bin/python3"))
        except BrokenMarks:
            raise
        except Refusal:
            continue
        there = tuple(one for one in actions if is_there(look.host, one))
        if any(bears_mark(look.host, one) for one in there):
            files = [one for one in actions if isinstance(one, PathAction | EditCrontab)]
            files = [one for one in files if not isinstance(one, MakeDirectory)]
            places_of = tuple(where(look.host, one) for one in there)
            found.append(Wired(system.name, there, places_of, len(files) - len(there)))
            explained.update(places_of)
    for system in systems.values():
        found += _by_itself(look.host, system, explained)
    return tuple(found)


def _by_itself(host: Host, system: InitSystem, explained: set[str]) -> Iterator[Wired]:
    """Yield lines of ours in files into which we would put none now."""
    for path in (host.resolve(place.path) for place in system.places if place.ending is None):
        data = b"" if path in explained else host.read(path) or b""
        with naming(path):
            if block(data):
                explained.add(path)
                edit = EditFile(path=path, editor=Block(""), enables=True)
                yield Wired(system.name, (edit,), (path,))


def matching(
    look: Look, systems: Systems, one: Wired, places: Layout, python: str
) -> tuple[Wired, list[Action]]:
    """Return what there is, counted how much of it is exact, and all that would be made."""
    system = systems[one.init]
    try:
        actions = system.wire(site_of(look, system, systems, places, python))
    except Refusal:
        return one, list(one.actions)
    keys = {action.key for action in one.actions}
    exact = sum(action.done(look.host) for action in actions if action.key in keys)
    return replace(one, exact=exact), actions


def _runs(host: Host, action: Action) -> Iterator[tuple[str, str]]:
    """Yield the commands folders and scan directories that are named in what is ours."""
    if isinstance(action, EditCrontab):
        data = crontab(host) or b""
    else:
        data = host.read(where(host, action)) or b""
    if not isinstance(action, WriteFile):
        with naming(where(host, action)):
            found = block(data)
        data = b"".join(lines_of(data)[found[0] + 1 : found[1]]) if found else b""
    for folder, directory in RUN.findall(data.decode("latin-1")):
        folder = folder[folder.find("/") :] if "/" in folder else folder
        yield folder, (directory.rstrip("/") or SCAN_DIRECTORY)


def _code(host: Host, places: Layout) -> Code | None:
    """Return the code that is there in the places of a layout, ``None`` if there is none."""
    base, _, name = places.tree.rpartition("/")
    prefix = name.removesuffix(places.version)
    trees = []
    for one in host.list(base):
        path = f"{base}/{one}"
        if one.startswith(prefix) and host.readlink(path) is None and _is_tree(host, path):
            trees.append(path.removesuffix(NEW))
    current = host.resolve(places.current) if host.readlink(places.current) else ""
    trees = sorted(set(trees), key=lambda tree: (tree != current, tree))
    links = tuple(_links(host, places))
    if not trees and not links:
        return None
    return Code(replace(places, tree=(trees or [places.tree])[0]), tuple(trees), links)


def _is_tree(host: Host, path: str) -> bool:
    """Tell whether a folder holds our code, whole or half made."""
    return path.endswith(NEW) or host.is_file(f"{path}/supervise/__init__.py")


def _links(host: Host, places: Layout) -> Iterator[MakeLink]:
    """Yield the links that lead into the code of a layout."""
    current = host.readlink(places.current)
    if current is not None:
        yield MakeLink(path=places.current, target=current)
    into: tuple[str, ...] = (f"{places.current}/",)
    for path in planner.link_folders(places):
        if path == places.compatibility:
            into += (f"{places.commands}/",)
        for name in host.list(path):
            target = host.readlink(f"{path}/{name}") or ""
            if target.startswith(into):
                yield MakeLink(path=f"{path}/{name}", target=target)


def released(host: Host, systems: Systems) -> Iterator[EditFile]:
    """Yield the lines of another svscan's that we have put out of force."""
    mark = COMMENT_MARK.encode()
    seen = set()
    for path, _ in candidates(host, systems):
        resolved = host.resolve(path)
        data = b"" if resolved in seen else host.read(path) or b""
        seen.add(resolved)
        before = b""
        for line in lines_of(data) if mark in data else ():
            if line.startswith(mark):
                text = line.removeprefix(mark).rstrip(b"\n").decode("latin-1")
                editor = CommentOut(text)
                if before.strip() == b":" and not before.startswith(b" "):
                    editor = CommentOut(text, f":\n{COMMENT_MARK}")
                yield EditFile(path=resolved, editor=editor, sticky=True)
            before = line
