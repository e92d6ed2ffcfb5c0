"""The actions of a plan for an ordinary account: its crontab, and that its services outlive it."""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer import streams
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.host.judge import unified_diff
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import Theirs, keep_aside
from slashservice.installer.plan.telling import RunCommand

ASIDE = "/crontab"
"""The name of copies of a crontab, among all that is kept."""

NONE_YET = (b"no crontab", b"No such file")
"""What the crontabs of this world say, besides their status, where an account has none."""

LINGER = "/var/lib/systemd/linger"


def crontab(host: Host) -> bytes | None:
    """Return the account's crontab, None if it has none; :class:`Trouble` if that can't be told."""
    status, text, complaint = host.converse(["crontab", "-l"])
    if not status:
        return text
    if any(word in complaint for word in NONE_YET):
        return None
    raise Trouble("crontab -l failed", complaint.decode(errors="replace").strip())


@dataclass(frozen=True)
class EditCrontab(Action):
    """Put lines into the account's crontab, which only crontab(1) can write."""

    kind: ClassVar[str] = "crontab"
    lines: str = ""
    theirs: Theirs = dataclasses.field(default="", compare=False, kw_only=True)

    @property
    def editor(self) -> Block:
        """What puts the lines in."""
        return Block(self.lines)

    @property
    def key(self) -> str:
        return self.kind

    def describe(self) -> str:
        return "edit your crontab"

    def preflight(self, host: Host) -> None:
        """Refuse a crontab in which our marks are broken."""
        self._wanted(crontab(host))

    def done(self, host: Host) -> bool:
        now = crontab(host)
        return now is not None and (self.theirs == "left" or self._wanted(now) == now)

    def diff(self, host: Host) -> str:
        now = crontab(host)
        wanted = now if self.theirs == "left" else self._wanted(now)
        return unified_diff("crontab", state(now), state(wanted))

    def capture(self, host: Host) -> dict[str, Any]:
        return _record(crontab(host))

    def original(self, host: Host) -> dict[str, Any]:
        """Return the crontab without what we may have put into it once."""
        now = crontab(host)
        without = None if now is None else self.editor.remove(now)
        return _record(without if without or not now else None)

    def apply(self, host: Host) -> None:
        """Write the crontab; what the account has made of our lines is kept aside first."""
        now = crontab(host)
        if self.theirs == "left" and now is not None:
            return
        if self.theirs == "aside":
            keep_aside(host, ASIDE, state(now))
        _write(host, self._wanted(now))

    def to_json(self) -> dict[str, Any]:
        """Return the action without what it found."""
        return {name: value for name, value in super().to_json().items() if name != "theirs"}

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Bring the crontab back, or take our lines out of one that has been changed since."""
        now = crontab(host)
        old = text_of(before)
        if now in (None, old):
            return []
        if now == self._wanted(old):
            _write(host, old)
            return []
        rest = self.editor.remove(now or b"")
        if rest == now:
            return []
        kept = ""
        if self.editor.found(now or b"") != self.lines:
            kept = keep_aside(host, ASIDE, state(now))
        _write(host, rest or None)
        if kept:
            return [f"the crontab was changed by someone else: what it said is in {kept}"]
        if rest in (old, b""):
            return []
        return ["the crontab was changed by someone else: only our part was taken out"]

    def _wanted(self, now: bytes | None) -> bytes:
        return self.editor.insert(now or b"")


def _write(host: Host, text: bytes | None) -> None:
    """Have crontab(1) take a new crontab, or remove it."""
    words = ["crontab", "-r"] if text is None else ["crontab", "-"]
    host.step("run", " ".join(words))
    status, _, complaint = host.converse(words, text or b"")
    if status:
        raise Trouble(f"{' '.join(words)} failed", complaint.decode(errors="replace").strip())


def _record(text: bytes | None) -> dict[str, Any]:
    return {"text": None if text is None else base64.b64encode(text).decode()}


def text_of(record: dict[str, Any]) -> bytes | None:
    """Return the crontab that was captured."""
    return None if record["text"] is None else base64.b64decode(record["text"])


def state(text: bytes | None) -> FileState:
    """Return a crontab as the file that it would be."""
    return ABSENT if text is None else FileState("file", 0o600, data=text)


@dataclass(frozen=True)
class Linger(RunCommand):
    """Have the account's user manager run from boot on, and not only while it is logged in.

    Where that is refused, services run for as long as the account is logged in.
    """

    kind: ClassVar[str] = "linger"
    account: str = ""

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether it does already."""
        return {"lingers": lingers(host, self.account)}

    def apply(self, host: Host) -> None:
        """Ask for it, and say what came of that."""
        if lingers(host, self.account):
            return
        host.step("run", " ".join(self.do))
        outcome = host.run(self.do)
        if not outcome.good:
            why = outcome.output or f"exit {outcome.status}"
            streams.complain(
                f"slashservice: warning: {' '.join(self.do)}: {why}\n"
                f"    services end when {self.account} logs out, until root says: "
                f"loginctl enable-linger {self.account}\n"
            )

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Take it back, if it was not so before."""
        if before["lingers"] or not lingers(host, self.account):
            return []
        return super().undo(host, before, after)


def lingers(host: Host, account: str) -> bool:
    """Tell whether an account's user manager runs from boot on."""
    return host.lstat(f"{LINGER}/{account}") is not None
