"""The actions that make, write, edit and remove one file or directory each."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal
from slashservice.installer.host import obstacles
from slashservice.installer.host.host import Host, make_directories, state_folder
from slashservice.installer.host.judge import judge
from slashservice.installer.host.marks import OUR_FILE, naming
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan import proof, scripts
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.edits import (
    EDITORS,
    Block,
    CommentOut,
    Editor,
    check_text,
    lines_of,
)
from slashservice.supervise.protocol.names import SCAN_DIRECTORY, SCANNER

KEPT = "kept"
"""Folder beside the receipt, open to root alone, for what others made of our files."""

Theirs = Literal["", "known", "left", "aside"]
"""What is known of a part of ours: that it is as we left it, or what shall become of it, as the
administrator has changed it: see
:mod:`~slashservice.installer.record.theirs`."""

SVSCAN_FOLDER = os.fsdecode(SCANNER)


@dataclass(frozen=True)
class MakeDirectory(PathAction):
    """Make a directory, where there is none."""

    kind: ClassVar[str] = "directory"
    mode: int = 0o755

    def describe(self) -> str:
        return f"make directory {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse a place that is taken by something else."""
        if host.state(self.path) and not host.is_directory(self.path):
            raise obstacles.no_directory(host, f"{self.path} is there, and is", self.path)

    def wanted(self, host: Host, now: FileState) -> FileState:
        """Leave a directory, or a link to one, as it is."""
        if host.is_directory(self.path):
            return now
        uid, gid = host.owner
        return FileState("directory", self.mode, uid, gid)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Remove the directory if it was not there, and nothing is in it."""
        if FileState.from_json(before) or host.state(self.path).kind != "directory":
            return []
        if f"{state_folder(host)}/".startswith(f"{self.path}/"):
            return []  # the receipt is in it, and takes it along
        inside = host.list(self.path)
        if inside:
            listed = ", ".join(inside[:5]) + (", ..." if len(inside) > 5 else "")
            return [f"{self.path} is left: there is something in it ({listed})"]
        host.put(self.path, ABSENT)
        return []


@dataclass(frozen=True)
class MakeScanDirectory(MakeDirectory):
    """Make the scan directory. What svscan keeps in it for itself goes when it goes."""

    kind: ClassVar[str] = "scan-directory"

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Remove the folder of svscan 0.1.0, and the scan directory if it was made by us."""
        own = f"{self.path}/{SVSCAN_FOLDER}"
        runs = host.live and supervision.running(self.path)
        if not runs and host.is_directory(own) and set(host.list(own)) <= {"lock", "pid"}:
            host.remove_tree(own)
        empty = host.state(self.path).kind == "directory" and not host.list(self.path)
        if empty and self.path == SCAN_DIRECTORY and FileState.from_json(before):
            # An earlier installation may have made it: it stayed for what was in it then.
            return [f"{self.path} is left, and is empty: it was there before slashservice"]
        return super().undo(host, before, after)


@dataclass(frozen=True)
class OurPart(PathAction):
    """What they have in common: a file, a part of one or a link of ours, that others may change.

    ``theirs`` says what becomes of that: it is left, or kept aside before ours is written.
    """

    theirs: Theirs = dataclasses.field(default="", compare=False, kw_only=True)

    def wanted(self, host: Host, now: FileState) -> FileState:
        """Return what shall be there: ours, unless theirs is to be left."""
        return now if self.theirs == "left" else self._ours(host, now)

    def _ours(self, host: Host, now: FileState) -> FileState:
        """Return what shall be there as we have it."""
        raise NotImplementedError

    def mark(self, host: Host, wanted: FileState) -> str:
        return self._ours(host, wanted).digest()

    def apply(self, host: Host) -> None:
        """Write it; what the administrator has made of it is kept aside first."""
        if self.theirs == "aside":
            keep_aside(host, self.path)
        super().apply(host)

    def to_json(self) -> dict[str, Any]:
        """Return the action without what it found."""
        return {name: value for name, value in super().to_json().items() if name != "theirs"}


@dataclass(frozen=True)
class WriteFile(OurPart):
    """Write a file that is wholly ours. ``check`` is a command that judges it first."""

    kind: ClassVar[str] = "file"
    text: str = ""
    mode: int = 0o644
    check: tuple[str, ...] = ()
    replace: bool = dataclasses.field(default=False, compare=False)

    def describe(self) -> str:
        return f"write {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse to overwrite what isn't ours."""
        now = host.state(self.path)
        if self.theirs:
            _refuse_hard_links(self.path, now)
            return
        ours = now.kind == "file" and (OUR_FILE in now.data or now.data == self.text.encode())
        if now and not ours and not self.replace:
            raise Refusal(f"{self.path} is there already, and is not slashservice's")
        _refuse_hard_links(self.path, now)

    def _ours(self, host: Host, now: FileState) -> FileState:
        """Return the file as we have it; what was there counts for nothing."""
        uid, gid = host.owner
        xattrs = now.xattrs if now.kind == "file" else ()
        return FileState("file", self.mode, uid, gid, self.text.encode(), xattrs=xattrs)

    def approve(self, host: Host, wanted: FileState) -> None:
        judge(host, self.check, self.path, wanted.data)

    def without_ours(self, now: FileState) -> FileState:
        """Return an absent file where this one is a former one of ours."""
        return ABSENT if OUR_FILE in now.data else now

    def surrender(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Keep a copy and remove the file: the program that it starts will be gone."""
        if now.kind != "file":
            return super().surrender(host, now, old)
        kept = keep_aside(host, self.path)
        host.put(self.path, old, expected=now)
        return [f"{self.path} was changed by someone else: what it said is in {kept}"]


@dataclass(frozen=True)
class EditFile(OurPart):
    """Put something into somebody else's file, and keep the rest of it as it is.

    ``script`` says how it is run where it is a script. It is then looked at as such, and the
    result is proved to run what was put into it, before anything is written.
    """

    kind: ClassVar[str] = "edit"
    editor: Editor = dataclasses.field(default_factory=lambda: Block(""))
    mode: int = 0o644
    check: tuple[str, ...] = ()
    script: scripts.How | None = None

    @property
    def key(self) -> str:
        """Two edits of one file differ by what they put in."""
        what = self.editor.line if isinstance(self.editor, CommentOut) else ""
        return f"{self.kind} {self.path} {type(self.editor).__name__} {what}".rstrip()

    def describe(self) -> str:
        if isinstance(self.editor, CommentOut):
            return f"put out of force in {self.path}: {self.editor.line}"
        return f"edit {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse a file that can't be edited without harm."""
        now = host.state(self.path)
        if now.kind not in ("absent", "file"):
            raise Refusal(f"{self.path} is no regular file")
        _refuse_hard_links(self.path, now)
        check_text(now.data, self.path)
        with naming(self.path):
            wanted = self.editor.insert(now.data)
        if self.script:
            scripts.refuse_useless(host, self.path, now.data, self.script)
            proof.prove(host, self.path, wanted, self.script)

    def is_bare(self, now: FileState) -> bool:
        """Tell whether nothing is in a file but what we put into it, and what it began with."""
        fresh = self.editor.fresh.encode() if isinstance(self.editor, Block) else b""
        return self.editor.remove(now.data) in (b"", fresh)

    def is_edited(
        self, host: Host, before: dict[str, Any], previous: dict[str, Any], ours: Collection[str]
    ) -> bool:
        """Tell whether the rest of the file has been edited since it was by us."""
        now = host.state(self.path)
        if now.digest() in ours or now.to_json() in (before, previous):
            return False
        rest = self.without_ours(now)
        return not self.is_bare(now) and not rest.same_content(FileState.from_json(before))

    def _ours(self, host: Host, now: FileState) -> FileState:
        """Return the file with our part as we have it."""
        with naming(self.path):
            text = self.editor.insert(now.data)
        if now.kind == "file":
            if text == now.data:
                return now
            return dataclasses.replace(now, data=text, mtime_ns=None)
        uid, gid = host.owner
        return FileState("file", self.mode, uid, gid, text)

    def approve(self, host: Host, wanted: FileState) -> None:
        if self.script:
            proof.prove(host, self.path, wanted.data, self.script)
        judge(host, self.check, self.path, wanted.data)

    def without_ours(self, now: FileState) -> FileState:
        """Return the file without what we may have put into it once."""
        with naming(self.path):
            return dataclasses.replace(now, data=self.editor.remove(now.data))

    def restore(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Put the earlier bytes back; mode and owner only if they are as we left them."""
        if old and (now.mode, now.uid, now.gid) != (old.mode, old.uid, old.gid):
            old = dataclasses.replace(old, mode=now.mode, uid=now.uid, gid=now.gid)
            host.put(self.path, old, expected=now)
            return [f"{self.path}: its new mode and owner are left as they are"]
        return super().restore(host, now, old)

    def surrender(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Take only our part out of a file that has been changed since."""
        if now.kind != "file":
            return super().surrender(host, now, old)
        with naming(self.path):
            text = self.editor.remove(now.data)
            edited = self.editor.found(now.data) not in (None, self.editor.own)
        if text == now.data:
            return self._lost(now)
        if self.editor.remove(old.data) != old.data:
            return [f"{self.path} was changed by someone else, and is left as it is"]
        kept = ""
        if edited:
            kept = keep_aside(host, self.path)
        wanted = dataclasses.replace(now, data=text, mtime_ns=None)
        host.put(self.path, wanted, expected=now)
        if kept:
            return [f"{self.path} was changed by someone else: what it said is in {kept}"]
        if text == old.data:
            return []
        return [f"{self.path} was changed by someone else: only our part was taken out"]

    def _lost(self, now: FileState) -> list[str]:
        """Say of what we put out of force that it can't be put in force again; our part is gone."""
        if not isinstance(self.editor, CommentOut):
            return []
        line = self.editor.line.encode("latin-1")
        if line in (one.strip() for one in lines_of(now.data)):
            return []
        what = "which slashservice has put out of force, is not found any more, and stays so"
        return [f"{self.path}: this line, {what}: {self.editor.line}"]

    def to_json(self) -> dict[str, Any]:
        """Return the action with its editor's name."""
        name = next(name for name, cls in EDITORS.items() if isinstance(self.editor, cls))
        plain = super().to_json()
        plain["editor"] = {"editor": name, **dataclasses.asdict(self.editor)}
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Action:
        """Make the action, and its editor by its name."""
        editor = dict(plain["editor"])
        made = EDITORS[editor.pop("editor")](**editor)
        return super().from_json({**plain, "editor": made})


@dataclass(frozen=True)
class RemovePath(PathAction):
    """Remove a file or link of another supervisor; undoing brings it back."""

    kind: ClassVar[str] = "remove"

    def describe(self) -> str:
        return f"remove {self.path}"

    def wanted(self, host: Host, now: FileState) -> FileState:
        return ABSENT

    def surrender(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Leave alone what has been put there since."""
        return [f"{self.path} has been made anew by someone else, and is left as it is"]


def _refuse_hard_links(path: str, now: FileState) -> None:
    """Refuse to break a file's other names off from it."""
    if now.kind == "file" and now.links > 1:
        raise Refusal(
            f"{path} has {now.links} names (hard links): writing it anew would part them",
            "Make it a file of its own first, as with: cp -p FILE FILE.new && mv FILE.new FILE",
        )


def aside(host: Host, path: str, now: FileState | None = None) -> str:
    """Return where a copy of what is at ``path`` goes: what is kept already stays."""
    first = kept = f"{state_folder(host)}/{KEPT}{path}"
    number = 1
    now = host.state(path) if now is None else now
    while host.lstat(kept) and not host.state(kept).same_content(now):
        number += 1
        kept = f"{first}.{number}"
    return kept


def keep_aside(host: Host, path: str, now: FileState | None = None) -> str:
    """Keep a copy of the file or link at ``path``, and return where it is.

    ``now`` is what to keep where that is no file of the host's.
    """
    kept = aside(host, path, now)
    make_directories(host, f"{state_folder(host)}/{KEPT}", mode=0o700)
    make_directories(host, os.path.dirname(kept))
    host.put(kept, host.state(path) if now is None else now)
    return kept


def kept(host: Host, folder: str = "") -> list[str]:
    """Return the paths of all copies that are kept, or of those in a folder of them."""
    folder = folder or f"{state_folder(host)}/{KEPT}"
    found = []
    for path in (f"{folder}/{name}" for name in host.list(folder)):
        found += kept(host, path) if _is_folder(host, path) else [path]
    return found


def forget_kept(host: Host, paths: Collection[str], folder: str = "") -> None:
    """Remove copies, and the folders in which nothing else is kept."""
    folder = folder or f"{state_folder(host)}/{KEPT}"
    for path in (f"{folder}/{name}" for name in host.list(folder)):
        if _is_folder(host, path):
            forget_kept(host, paths, path)
        elif path in paths:
            host.put(path, ABSENT)
    if _is_folder(host, folder) and not host.list(folder):
        host.put(folder, ABSENT)


def _is_folder(host: Host, path: str) -> bool:
    return host.state(path).kind == "directory"
