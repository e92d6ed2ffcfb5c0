"""What the administrator has made of our files, lines and links: never silently overwritten.

It goes as with a package's configuration files. Where the new version writes what the installed
one wrote, the administrator's version stays. Where it writes something else, ours is written
and theirs is kept aside. Either is named.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os

from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import OUR_FILE, BrokenMarks
from slashservice.installer.host.state import FileState
from slashservice.installer.plan.accounts import ASIDE, EditCrontab, crontab, state, text_of
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Marked, Target
from slashservice.installer.plan.files import EditFile, WriteFile, aside
from slashservice.installer.plan.links import MakeLink, RunlevelLink, what
from slashservice.installer.plan.planner import Plan
from slashservice.installer.record import resuming
from slashservice.installer.record.receipt import Entry, Receipt

UNITS = "/etc/systemd/system/"
UNFINISHED = ("applying", "retiring")
"""Phases in which what was there before the run may be there still."""


def respecting(host: Host, plan: Plan, old: Receipt | None) -> Plan:
    """Return the plan with what is the administrator's left or kept aside, and notes of that.

    ``old`` is the receipt of what is installed.
    """
    actions: list[Action] = []
    notes: list[str] = []
    for action in plan.actions:
        entry = old.find(action.key) if old else None
        entry = None if entry and entry.retired else entry
        if isinstance(action, WriteFile):
            action = _file(host, action, entry, old, notes)
        elif isinstance(action, EditFile) and entry is not None:
            action = _edit(host, action, entry, old, notes)
        elif isinstance(action, EditCrontab) and entry is not None:
            action = _crontab(host, action, entry, old, notes)
        elif isinstance(action, MakeLink) and entry is not None:
            action = _link(host, action, entry, old, notes)
        if action.enables and old and old.phase == "installed" and entry:
            notes += _enabled_again(host, action)
        actions.append(action)
    notes += resuming.copies(host, old)
    return dataclasses.replace(plan, actions=tuple(actions), notes=(*plan.notes, *notes))


def refuse_broken(host: Host, receipt: Receipt) -> None:
    """Refuse, before anything is undone, a file from which our lines could not be taken."""
    for entry in receipt.entries:
        action = entry.action
        if isinstance(action, EditFile):
            action.without_ours(host.state(action.path))


def _enabled_again(host: Host, action: Action) -> list[str]:
    """Say that somebody has disabled svscan, and that it is enabled again.

    What only stops svscan, or tells its place in the order, enables nothing.
    """
    again = "svscan is enabled again (--no-enable leaves it to you)"
    if isinstance(action, (MakeLink, WriteFile)):
        if action.done(host) or host.lstat(action.path) is not None:
            return []
        if isinstance(action, RunlevelLink) and not action.starts:
            return [f"{action.path} was gone, which stops svscan in that runlevel: it is back"]
        return [f"{action.path} was gone: {again}"]
    if isinstance(action, EditFile):
        data = host.state(action.path).data
        if action.editor.remove(data) != data:
            return []
        if isinstance(action.editor, Target):
            return [f"svscan was taken out of {action.path}, the order of scripts: it is back"]
        return [f"what starts svscan was taken out of {action.path}: {again}"]
    return []


def _file(
    host: Host, action: WriteFile, entry: Entry | None, old: Receipt | None, notes: list[str]
) -> WriteFile:
    """Look at a file of ours."""
    now = host.state(action.path)
    if now.kind == "file" and now.data == action.text.encode() and not action.done(host):
        notes.append(f"{action.path} had another mode or owner: it is put back")
    if now.kind != "file" or now.data == action.text.encode():
        return action
    if entry is None or not isinstance(entry.action, WriteFile):
        if OUR_FILE not in now.data or old is not None:
            return action
        return _kept_aside(host, action, notes)  # no receipt tells whose changes these are
    known = {entry.after, *entry.also}
    if old is not None and old.phase in UNFINISHED:
        known.add(FileState.from_json(entry.previous).digest())
    if now.digest() in known:
        return dataclasses.replace(action, theirs="known")
    if entry.action.text != action.text:
        return _kept_aside(host, action, notes)
    notes.append(
        f"{action.path} is not as slashservice wrote it, and is left as it is"
        f"{_drop_in(action.path)}"
    )
    return dataclasses.replace(action, theirs="left")


def _kept_aside(host: Host, action: WriteFile, notes: list[str]) -> WriteFile:
    where = aside(host, action.path)
    notes.append(f"{action.path} was changed: what it said is in {where}{_drop_in(action.path)}")
    return dataclasses.replace(action, theirs="aside")


def _drop_in(path: str) -> str:
    """Say how changes of a unit are kept apart from it."""
    name = os.path.basename(path)
    return f"; systemctl edit {name} keeps changes apart" if path.startswith(UNITS) else ""


def is_idle(lines: str) -> bool:
    """Tell whether there is nothing in lines of ours but blank ones and comments."""
    return all(line.strip()[:1] in ("", "#", ";") for line in lines.splitlines())


def idle_edits(host: Host, receipt: Receipt) -> list[str]:
    """Return the files of others in which our lines are taken out, or made comments."""
    found = []
    for action in (entry.action for entry in receipt.entries if not entry.retired):
        if isinstance(action, EditFile) and isinstance(action.editor, Marked):
            with contextlib.suppress(BrokenMarks):
                lines = action.editor.found(host.state(action.path).data)
                found += [action.path] if lines is not None and is_idle(lines) else []
    return found


def _edit(
    host: Host, action: EditFile, entry: Entry, old: Receipt | None, notes: list[str]
) -> EditFile:
    """Look at our part of a file of somebody else's."""
    before = entry.action.editor if isinstance(entry.action, EditFile) else None
    if type(action.editor) is not type(before) or before is None:
        return action
    data = host.state(action.path).data
    found = action.editor.found(data)
    written = {action.editor.own, before.own}
    if old is not None and old.phase in UNFINISHED:
        written.add(action.editor.found(FileState.from_json(entry.previous).data) or "")
    if found is None or found in written:
        return action
    if before.own == action.editor.own and is_idle(found):
        boot = ": nothing starts svscan at boot" if action.enables else ""
        notes.append(
            f"of slashservice's lines in {action.path} only the marks are left, or comments, and "
            f"they are left as they are{boot}. To have the lines put in again, take out the marks, "
            "too, and run slashservice install"
        )
        return dataclasses.replace(action, theirs="left")
    if before.own == action.editor.own:
        notes.append(
            f"slashservice's lines in {action.path} are not as it wrote them, and are left as "
            f"they are: {found.strip()}"
        )
        return dataclasses.replace(action, theirs="left")
    where = aside(host, action.path)
    notes.append(f"slashservice's lines in {action.path} were changed: what it said is in {where}")
    return dataclasses.replace(action, theirs="aside")


def _crontab(
    host: Host, action: EditCrontab, entry: Entry, old: Receipt | None, notes: list[str]
) -> EditCrontab:
    """Look at our lines in the account's crontab."""
    now = crontab(host)
    found = action.editor.found(now or b"")
    before = entry.action.lines if isinstance(entry.action, EditCrontab) else action.lines
    written = {None, action.lines, before}
    if old is not None and old.phase in UNFINISHED:
        written.add(action.editor.found(text_of(entry.previous) or b""))
    if found in written:
        return action
    if before == action.lines:
        notes.append(
            "slashservice's lines in your crontab are not as it wrote them, and are left as they "
            f"are: {(found or '').strip()}"
        )
        return dataclasses.replace(action, theirs="left")
    where = aside(host, ASIDE, state(now))
    notes.append(f"slashservice's lines in your crontab were changed: what it said is in {where}")
    return dataclasses.replace(action, theirs="aside")


def _link(
    host: Host, action: MakeLink, entry: Entry, old: Receipt | None, notes: list[str]
) -> MakeLink:
    """Look at a link of ours, in whose place somebody may have put something else."""
    now = host.state(action.path)
    if not now or action.is_own(now) or action.done(host):
        return action
    known = {entry.after, *entry.also}
    if old is not None and old.phase in UNFINISHED:
        previous = FileState.from_json(entry.previous)
        if now.same_content(previous):
            return action  # as it was before a run that has not come so far
    if now.digest() in known:
        return dataclasses.replace(action, theirs="known")
    same = isinstance(entry.action, MakeLink) and entry.action.target == action.target
    if same and action.versions is None and not action.replace:
        at_boot = ": see to it that svscan starts at boot" if action.enables else ""
        notes.append(
            f"{action.path} is not the link that slashservice made but {what(now)}, and is left "
            f"as it is{at_boot}"
        )
        return dataclasses.replace(action, theirs="left")
    if now.kind != "directory":
        where = aside(host, action.path)
        notes.append(
            f"{action.path} was {what(now)} and not the link that slashservice made: "
            f"it is in {where} now"
        )
        return dataclasses.replace(action, theirs="aside")
    return action
