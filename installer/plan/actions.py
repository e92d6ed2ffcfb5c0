"""The actions of a plan: each can describe, apply and undo itself.

Those that change one path (:class:`PathAction`) compute, from what is there now, what shall
be there. So each can say whether there is anything to do, show a diff, and tell afterwards
whether the result is still its own. Applying is one atomic step (:meth:`Host.put`). Undoing
puts the earlier bytes, mode, owner and attributes back if nobody has touched the result
since. Otherwise it takes out only what was put in, or keeps a copy, and says so.

Files and directories are in :mod:`~slashservice.installer.plan.files`, links in
:mod:`~slashservice.installer.plan.links`, the folder with the code in
:mod:`~slashservice.installer.plan.tree`, commands in
:mod:`~slashservice.installer.plan.telling`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer.host.host import Host
from slashservice.installer.host.judge import unified_diff
from slashservice.installer.host.state import FileState

KINDS: dict[str, type[Action]] = {}
"""The kinds of action whose modules are loaded, by the names that receipts have for them."""


@dataclass(frozen=True)
class Action:
    """One step of a plan, which can be applied and undone.

    A subclass with a ``kind`` is registered as it is defined, and can be read from a receipt.
    By default an action does nothing when applied, and nothing when undone: subclasses
    override what they do. ``enables`` marks what has the init system start us at boot.
    ``sticky`` marks what was taken from another supervisor: it stays so until uninstalling,
    whatever later plans say.
    """

    kind: ClassVar[str] = ""
    enables: bool = dataclasses.field(default=False, kw_only=True)
    sticky: bool = dataclasses.field(default=False, kw_only=True)

    def __init_subclass__(cls) -> None:
        """Register the kind of action."""
        if "kind" in vars(cls):
            KINDS[cls.kind] = cls

    @property
    def key(self) -> str:
        """A name that no other action of a plan has, and by which a receipt finds this one.

        It says what the action is about, and not how: an upgrade finds the older action by it.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Say in one line what applying does, nothing where that is nothing."""
        return ""

    def describe_undo(self, before: dict[str, Any]) -> str:
        """Say in one line what undoing does, where it does anything."""
        return f"undo: {self.describe()}"

    def preflight(self, host: Host) -> None:
        """Refuse, before anything is changed, what can be seen not to work."""

    def done(self, host: Host) -> bool:
        """Tell whether there is nothing left to do.

        Actions without a state of their own have nothing to do by themselves: the transaction
        decides by the others whether they are needed.
        """
        return True

    def diff(self, host: Host) -> str:
        """Return a unified diff of what applying changes, if it changes text."""
        return ""

    def capture(self, host: Host) -> dict[str, Any]:
        """Return, as JSON values, all that undoing needs to know of the present state."""
        return {}

    def apply(self, host: Host) -> None:
        """Do it. Errors are ``OSError`` and :class:`Trouble`."""

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Bring ``before`` back; ``after`` is the digest of what applying left.

        Return a line for each thing that is not as it was, because someone changed it.
        """
        return []

    def original(self, host: Host) -> dict[str, Any]:
        """Return what was there before slashservice, where no receipt tells any more."""
        return self.capture(host)

    def is_edited(
        self, host: Host, before: dict[str, Any], previous: dict[str, Any], ours: Collection[str]
    ) -> bool:
        """Tell whether others have changed, since, what was there ``before``: that is theirs now.

        Then uninstalling brings back the original of today. ``previous`` was there before the
        last run; ``ours`` are digests of what we have left.
        """
        return False

    def to_json(self) -> dict[str, Any]:
        """Return the action as plain JSON values."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Action:
        """Make an action from what :meth:`to_json` gave; unknown values are passed over."""
        known = {item.name for item in dataclasses.fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
            if name in known
        }
        return cls(**values)


@dataclass(frozen=True)
class PathAction(Action):
    """An action on one path. ``path`` has no links in it but perhaps the last part."""

    path: str

    @property
    def key(self) -> str:
        return f"{self.kind} {self.path}"

    def describe_undo(self, before: dict[str, Any]) -> str:
        verb = "remove" if FileState.from_json(before).kind == "absent" else "restore"
        return f"{verb} {self.path}"

    def wanted(self, host: Host, now: FileState) -> FileState:
        """Return what shall be at the path, given what is."""
        raise NotImplementedError

    def done(self, host: Host) -> bool:
        now = host.state(self.path)
        return self.wanted(host, now) == now

    def diff(self, host: Host) -> str:
        now = host.state(self.path)
        return unified_diff(self.path, now, self.wanted(host, now))

    def present(self, host: Host, now: FileState) -> FileState:
        """Return what a run that fails has to bring back, given what is at the path."""
        return now

    def mark(self, host: Host, wanted: FileState) -> str:
        """Return the digest by which what is left there will be known as ours."""
        return wanted.digest()

    def without_ours(self, now: FileState) -> FileState:
        """Return what ``now`` would be without slashservice, where no receipt tells any more."""
        return now

    def approve(self, host: Host, wanted: FileState) -> None:
        """Have the host's own judge of such files look at what is about to be put there."""

    def apply(self, host: Host) -> None:
        now = host.state(self.path)
        wanted = self.wanted(host, now)
        if wanted != now:
            self.approve(host, wanted)
            host.put(self.path, wanted, expected=now)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Put the earlier state back, if the present one is ours."""
        host.remove_new(self.path)
        now, old = host.state(self.path), FileState.from_json(before)
        if now == old:
            return []
        if now.digest() == after:
            return self.restore(host, now, old)
        return self.surrender(host, now, old)

    def restore(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Put ``old`` in the place of ``now``, which is as we left it."""
        host.put(self.path, old, expected=now)
        return []

    def surrender(self, host: Host, now: FileState, old: FileState) -> list[str]:
        """Deal with a path that someone else has changed since."""
        if not now:
            return [f"{self.path} was already gone"]
        return [f"{self.path} was changed by someone else, and is left as it is"]
