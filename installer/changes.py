"""What differs between a service as it is and as it is asked for: ``slashservice add --update``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slashservice.installer import written
from slashservice.installer.errors import Refusal
from slashservice.installer.host import obstacles
from slashservice.installer.host.host import Host
from slashservice.installer.host.judge import unified_diff
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.making import Drawn

FORCE = "--force has it replaced."
OTHER_RIGHTS = "given other rights"

ORDER = ("env/", "log/", "run", "down")
"""What is written first: nothing is read before it is there."""


@dataclass(frozen=True)
class Change:
    """A file that is made, changed, closed or opened to others, or removed; ``what`` says which."""

    path: str
    what: str
    now: FileState
    wanted: FileState

    @property
    def is_secret(self) -> bool:
        """Whether it is a variable, which is not to be shown."""
        return os.path.basename(os.path.dirname(self.path)) == "env"

    def diff(self) -> str:
        """Return it as a unified diff, of a variable no more than its name."""
        if self.is_secret:
            return f"# {self.path} is {self.what}; a value is not shown\n"
        if self.what == OTHER_RIGHTS:
            before, after = (
                f"{one.mode:04o} {one.uid}:{one.gid}" for one in (self.now, self.wanted)
            )
            return f"# {self.path}: {before}, and then {after}\n"
        return unified_diff(self.path, self.now, self.wanted)


@dataclass(frozen=True)
class Updated:
    """What came of it; ``is_good`` tells that the service stays up, as far as it was watched.

    ``is_due`` tells that its process, or its log's, runs by older files still.
    """

    name: str
    changes: Sequence[Change] = ()
    is_created: bool = False
    is_restarted: bool = False
    is_due: bool = False
    is_good: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; slashservice(8) has what each means."""
        return {
            "name": self.name,
            "changed": bool(self.changes),
            "created": self.is_created,
            "restarted": self.is_restarted,
            "restart_due": self.is_due,
            "changes": [{"path": one.path, "what": one.what} for one in self.changes],
            "diff": "".join(one.diff() for one in self.changes),
        }


def compare(
    host: Host, one: Drawn, home: str, known: written.Known | None, force: bool
) -> list[Change]:
    """Return what is to be changed in a service directory.

    Refuse what a person has edited, unless with ``force``. A file ``down`` that is not asked for
    and that we did not write is that of ``slashservice disable``.
    """
    wanted = {name: state for name, state in one.contents.items() if name != written.FILE}
    ours = _as_add_names(host, home) if known is None else known
    changes = []
    for name in sorted({*wanted, *ours}, key=_turn):
        path = f"{home}/{name}"
        now, state = host.state(path), wanted.get(name, ABSENT)
        what = _what(now, state)
        if not what:
            continue
        mine = not now or now.digest() in ours.get(name, ()) or what == OTHER_RIGHTS
        if not written.is_plain(now):
            raise Refusal(f"{path} is no file, and slashservice has not made it")
        if not mine and not force:
            if known is None:
                raise Refusal(f"nothing tells whether {path} was edited since add made it", FORCE)
            raise Refusal(f"{path} was edited since slashservice wrote it", FORCE)
        changes.append(Change(path, what, now, state))
    obstacles.refuse(host, [change.path for change in changes], "")
    return changes


def _turn(name: str) -> tuple[int, str]:
    """Return the place of a file in the order in which they are written."""
    return next(turn for turn, begin in enumerate(ORDER) if name.startswith(begin)), name


def _as_add_names(host: Host, home: str) -> dict[str, frozenset[str]]:
    """Return what may be of an ``add`` that did not write down what it wrote."""
    found = [f"env/{name}" for name in host.list(f"{home}/env") if not name.startswith(".")]
    found += ["log/run"] if host.lstat(f"{home}/log/run") else []
    return dict.fromkeys(found, frozenset())


def _what(now: FileState, wanted: FileState) -> str:
    """Say what is to be done to a file; nothing if it is as it should be."""
    if not now.same_content(wanted):
        return "made" if not now else "changed" if wanted else "removed"
    same = now.mode == wanted.mode
    if os.geteuid() == 0:
        same = same and (now.uid, now.gid) == (wanted.uid, wanted.gid)
    return "" if same else OTHER_RIGHTS
