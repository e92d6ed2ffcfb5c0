"""What was there before slashservice, where no receipt tells: as far as what is there shows."""

from __future__ import annotations

import os
from dataclasses import replace

from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import Layout, layout
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan import source
from slashservice.installer.plan.accounts import EditCrontab, crontab
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.edits import CommentOut, Marked
from slashservice.installer.plan.files import EditFile, MakeDirectory, MakeScanDirectory, WriteFile
from slashservice.installer.record.receipt import Entry

ONLY_OURS = ("/package", "/package/admin", "/command", "/etc/systemd/system/rc-local.service.d")
OUR_NAMES = frozenset(("slashservice", "svscan"))
"""Folders that are taken for made by us, and what is below folders of these names."""


def layouts(host: Host) -> tuple[Layout, ...]:
    """Return the layouts that a host may have been given."""
    version = source.version()
    if host.home:
        return (layout("user", version, "", host.home, os.path.dirname(host.receipts)),)
    return (layout("slashpackage", version), layout("fhs", version))


def entries(host: Host, actions: list[Action], scan_directory_goes: bool) -> list[Entry]:
    """Return the entries for what is there, as if these actions had just left it."""
    entries: list[Entry] = []
    states: dict[str, FileState] = {}  # what each path was ahead of the actions behind
    for action in reversed(actions):
        if not isinstance(action, PathAction):
            if isinstance(action, EditCrontab):
                action = _crontab_as_it_is(host, action)
            before = action.original(host)
            entries.append(Entry(action, before, action.capture(host)))
            continue
        now = states.get(action.path) or host.state(action.path)
        found, known = _as_it_is(action, now)
        old = _before(host, action, now, scan_directory_goes)
        states[action.path] = old
        after = now.digest() if known else ""
        previous = action.present(host, now).to_json()
        entries.append(Entry(found, old.to_json(), previous, after))
    return entries[::-1]


def _as_it_is(action: PathAction, now: FileState) -> tuple[PathAction, bool]:
    """Return an action with what is there, and whether that is what it would make.

    What is not, somebody has changed or another version has written: a copy of it is kept.
    """
    if isinstance(action, WriteFile):
        text = now.data.decode(errors="replace")
        return replace(action, text=text), text == action.text
    if isinstance(action, EditFile) and isinstance(action.editor, Marked):
        known = action.editor.found(now.data) == action.editor.lines
        bare = replace(action, editor=replace(action.editor, lines=""))
        return (action, True) if known else (bare, False)
    return action, True


def _crontab_as_it_is(host: Host, action: EditCrontab) -> EditCrontab:
    """Return the same for the account's crontab."""
    found = action.editor.found(crontab(host) or b"")
    return action if found in (None, action.lines) else replace(action, lines="")


def _before(host: Host, action: PathAction, now: FileState, scan_directory_goes: bool) -> FileState:
    """Return what was there before slashservice, as far as can be told."""
    if isinstance(action, WriteFile):
        return ABSENT
    if isinstance(action, MakeScanDirectory):
        usual = {one.service_dir for one in layouts(host)}
        ours = scan_directory_goes and action.path in usual and now.kind == "directory"
        return ABSENT if ours else now
    if isinstance(action, MakeDirectory):
        return ABSENT if is_ours(host, action.path) and now.kind == "directory" else now
    if isinstance(action, EditFile) and not isinstance(action.editor, CommentOut):
        old = action.without_ours(now)
        return ABSENT if old != now and action.is_bare(now) else old
    return action.without_ours(now)


def is_ours(host: Host, folder: str) -> bool:
    """Tell whether a folder must have been made by us, by its name."""
    inner = folder.removeprefix(host.home) if host.home else folder
    return folder in ONLY_OURS or bool(OUR_NAMES & set(inner.split("/")))
