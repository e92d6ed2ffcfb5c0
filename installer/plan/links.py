"""The actions that make symbolic links: of commands, and of System V runlevels."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from shlex import quote
from typing import Any, ClassVar

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import is_version
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan.files import OurPart


@dataclass(frozen=True)
class MakeLink(OurPart):
    """Make a symbolic link. ``ours`` are beginnings of targets that may be replaced.

    ``versions`` is for the link to the code: what the names of the folders of all versions begin
    with, which are beside it.
    """

    kind: ClassVar[str] = "link"
    target: str = ""
    ours: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    replace: bool = dataclasses.field(default=False, compare=False)
    versions: str | None = dataclasses.field(default=None, compare=False)

    def describe(self) -> str:
        return f"link {self.path} to {self.target}"

    def preflight(self, host: Host) -> None:
        """Refuse a name that is somebody else's."""
        now = host.state(self.path)
        if self.theirs == "left":
            return
        real = quote(host.real(self.path))
        remedy = f"If nobody needs it: mv {real} {real}.old"
        if now and not self.is_own(now) and not self.replace and not self.theirs:
            raise Refusal(
                f"{self.path} is there already: {what(now)}, which is not slashservice's", remedy
            )
        if now.kind == "directory":
            raise Refusal(f"{self.path} is a directory", remedy)

    def _ours(self, host: Host, now: FileState) -> FileState:
        return FileState("link", target=self.target)

    def without_ours(self, now: FileState) -> FileState:
        """Return nothing where the link is a former one of ours."""
        return ABSENT if self.is_own(now) else now

    def is_own(self, now: FileState) -> bool:
        """Tell whether what is there is a link of ours."""
        if now.kind != "link":
            return False
        if self.versions is not None and is_version(now.target, self.versions):
            return True
        return now.target == self.target or (bool(self.ours) and now.target.startswith(self.ours))


def what(now: FileState) -> str:
    """Say in a few words what is there instead of a link."""
    return f"a link to {now.target}" if now.kind == "link" else f"a {now.kind}"


@dataclass(frozen=True)
class RunlevelLink(MakeLink):
    """A System V link such as ``rc6.d/K00svscan``, which tools like insserv may renumber."""

    kind: ClassVar[str] = "runlevel-link"

    @property
    def starts(self) -> bool:
        """Whether it has svscan started in its runlevel; else it has it stopped."""
        return os.path.basename(self.path).startswith("S")

    def done(self, host: Host) -> bool:
        """Tell whether the link is there, under whatever number."""
        return super().done(host) or bool(self._present(host))

    def present(self, host: Host, now: FileState) -> FileState:
        """Return the link that is there, under whatever number."""
        return next((host.state(path) for path in self._present(host)), now)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Remove the link, under whatever number, unless there was one before."""
        if FileState.from_json(before):
            return []
        for path in self._present(host):
            host.put(path, ABSENT)
        return super().undo(host, before, after)

    def _leads_there(self, target: str | None) -> bool:
        """Tell whether a link leads to our script, by whatever path."""
        return target is not None and os.path.basename(target) == os.path.basename(self.target)

    def _present(self, host: Host) -> list[str]:
        """Return the links to our script that start it, or stop it, in this runlevel."""
        folder, name = os.path.split(self.path)
        pattern = re.compile(re.escape(name[0]) + r"\d\d" + re.escape(name[3:]))
        return [
            f"{folder}/{one}"
            for one in host.list(folder)
            if pattern.fullmatch(one) and self._leads_there(host.readlink(f"{folder}/{one}"))
        ]
