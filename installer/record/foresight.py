"""Foresee what undoing an installation will do: the same code, on a host that only remembers.

So a preview says what the real run says. What is not about files, such as stopping svscan, is
not rehearsed: whether it will happen is asked of the host.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from slashservice.installer import supervision
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan.actions import PathAction
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.telling import AwaitEnd, ForgetState, RunCommand, Supervise
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import resuming
from slashservice.installer.record.receipt import Entry, Receipt

REHEARSED = (PathAction, InstallTree, ForgetState)


@dataclass(frozen=True)
class Foreseen:
    """What undoing will say: a line for each entry in the order of undoing, and the notes.

    A line is empty where nothing will be done, or where the one before says it already.
    ``paths`` are those that will be changed.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...]
    paths: tuple[str, ...]


class Rehearsal(Host):
    """A host that is read as it is, and changed only in memory. Nothing runs on it."""

    changed: dict[str, FileState]
    touched: dict[str, None]

    @classmethod
    def of(cls, host: Host) -> Rehearsal:
        """Make one of a host."""
        made = cls.__new__(cls)
        vars(made).update(vars(host), changed={}, touched={}, changes=0, _live=False)
        return made

    def _now(self, path: str, *, follow: bool = False) -> FileState | None:
        """Return what was put at a path, ``None`` if nothing was changed there."""
        real = self.real(path, follow=follow)
        if real in self.changed:
            return self.changed[real]
        above = os.path.dirname(real)
        while above not in ("/", ""):
            if above in self.changed and self.changed[above].kind != "directory":
                return ABSENT
            above = os.path.dirname(above)
        return None

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of what is there, that of another thing where it was put."""
        now = self._now(path)
        if now is None:
            return super().lstat(path)
        return (super().lstat(path) or os.lstat(self.root)) if now else None

    def stat(self, path: str) -> os.stat_result | None:
        """Return the status of what ``path`` leads to."""
        now = self._now(path, follow=True)
        return super().stat(path) if now is None or now else None

    def read(self, path: str) -> bytes | None:
        """Return what the file would say."""
        now = self._now(path, follow=True)
        if now is None:
            return super().read(path)
        return now.data if now.kind == "file" else None

    def readlink(self, path: str) -> str | None:
        """Return where the link would lead."""
        now = self._now(path)
        if now is None:
            return super().readlink(path)
        return now.target if now.kind == "link" else None

    def list(self, path: str) -> list[str]:
        """Return the names there would be."""
        folder = self.real(path, follow=True)
        names = set(super().list(path))
        for real, state in self.changed.items():
            if os.path.dirname(real) == folder:
                (names.add if state else names.discard)(os.path.basename(real))
        return sorted(names) if self._now(path, follow=True) != ABSENT else []

    def state(self, path: str) -> FileState:
        """Return the state there would be."""
        now = self._now(path)
        return super().state(path) if now is None else now

    def step(self, name: str, path: str) -> None:
        """Count a change."""
        self.changes += 1

    def put(self, path: str, state: FileState, **how: object) -> None:
        """Remember what would be put there."""
        self.step("put", path)
        self.changed[self.real(path)] = state
        self.touched[path] = None

    def remove_tree(self, path: str) -> None:
        """Remember that all of it would be gone."""
        self.put(path, ABSENT)

    def rename(self, path: str, to: str) -> None:
        """Remember that it would be elsewhere."""
        self.put(to, self.state(path))
        self.put(path, ABSENT)

    def remove_new(self, path: str) -> None:
        """Leave what an interrupted run has left."""

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        """Run nothing."""
        return Outcome(127, f"{argv[0]}: not found")


class Notes:
    """The notes of an undoing: what is left is named once, not again for each folder above it.

    What is in a folder may be of another version, and go later. So folders are looked at again.
    """

    def __init__(self, host: Host, lines: Sequence[str] = ()) -> None:
        self.lines: list[str] = [*lines]
        self._host = host
        self._named: set[str] = set()
        self._folders: list[Entry] = []

    def take(self, entry: Entry, found: list[str]) -> None:
        """Take what undoing an entry has returned."""
        if found and isinstance(entry.action, MakeDirectory):
            self._folders.append(entry)
            return
        self.lines += found
        if found and isinstance(entry.action, (PathAction, InstallTree)):
            self._named.add(entry.action.path)

    def look_again(self) -> list[Entry]:
        """Remove the folders in which nothing is any more, and return their entries."""
        gone = []
        for entry in self._folders:
            found = entry.action.undo(self._host, entry.before, entry.after)
            if not found:
                gone.append(entry)
                continue
            assert isinstance(entry.action, MakeDirectory)
            path = entry.action.path
            inside = {f"{path}/{name}" for name in self._host.list(path)}
            self.lines += [] if inside and inside <= self._named else found
            self._named.add(path)
        return gone


def undoing(host: Host, receipt: Receipt) -> Foreseen:
    """Foresee what undoing a receipt will do, and what will be left."""
    rehearsal = Rehearsal.of(host)
    notes = Notes(rehearsal, resuming.copies(host, receipt))
    changing: list[Entry] = []
    for entry in reversed(receipt.entries):
        if not isinstance(entry.action, REHEARSED):
            due = _is_due(host, entry, receipt)
        else:
            before = rehearsal.changes
            notes.take(entry, entry.action.undo(rehearsal, entry.before, entry.left(rehearsal)))
            due = rehearsal.changes > before
            if isinstance(entry.action, MakeDirectory):
                due = due and not rehearsal.state(entry.action.path)
        if due:
            changing.append(entry)
    changing += notes.look_again()
    lines = []
    said = ""
    for entry in reversed(receipt.entries):
        due = any(entry is one for one in changing)
        line = summary(rehearsal, entry, changing) if due else ""
        lines.append("" if line == said else line)
        said = line or said
    return Foreseen(tuple(lines), tuple(notes.lines), tuple(rehearsal.touched))


def _is_due(host: Host, entry: Entry, receipt: Receipt) -> bool:
    """Tell whether undoing what is not about files will do anything."""
    action = entry.action
    if not host.live:
        return False
    if isinstance(action, RunCommand):
        return bool(action.undo_)
    if isinstance(action, Supervise):
        if entry.before.get("running"):
            return False
        return bool(supervision.running(action.service_dir) or action.stop)
    if isinstance(action, AwaitEnd) and not entry.before.get("running"):
        stopped = any(
            isinstance(one.action, Supervise) and not one.before.get("running")
            for one in receipt.entries
        )
        return not stopped and bool(supervision.running(action.service_dir))
    return False


def summary(host: Host, entry: Entry, all_: Sequence[Entry]) -> str:
    """Describe what undoing an action has done; the links of many commands taken together."""
    line = entry.action.describe_undo(entry.before)
    if isinstance(entry.action, InstallTree) and host.lstat(entry.action.path):
        return f"remove slashservice's files from {entry.action.path}"
    if not isinstance(entry.action, MakeLink) or not line.startswith("remove"):
        return line
    folder = os.path.dirname(entry.action.path)
    links = [one.action for one in all_ if isinstance(one.action, MakeLink)]
    count = sum(os.path.dirname(one.path) == folder for one in links)
    return f"remove {count} {sort_of(folder)} from {folder}" if count > 4 else line


def sort_of(folder: str) -> str:
    """Name what many links in one folder are to."""
    if "completion" in folder:
        return "completions"
    return "man pages" if "/man/" in folder else "commands"
