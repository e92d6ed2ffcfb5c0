"""Have a service, and its log, run by what its files say by now, if they run by older ones.

A restart is due as long as a process is older than the files that it was started by. So one that
was not done, as its call was killed, is done by the next.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from slashservice.installer import supervision
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.stopping import stop
from slashservice.installer.supervision import supervised
from slashservice.installer.waiting import wait_telling
from slashservice.supervise.admin import outdated
from slashservice.supervise.admin.orders import ORDERS
from slashservice.supervise.admin.seen import Seen

LIMIT = 60
"""Seconds for a service to end and to be started again."""


@dataclass(frozen=True)
class Due:
    """What is to be restarted: the service, its log, or both so that their supervisor lets go.

    The last is so where a log has come or goes: supervisors look for it as they begin.
    """

    main: bool = False
    log: bool = False
    pair: bool = False

    def __bool__(self) -> bool:
        return self.main or self.log or self.pair


@dataclass(frozen=True)
class Foreseen(Due):
    """The same of a service before its files are changed; ``runs`` and ``logs`` tell of now."""

    runs: bool = False
    logs: bool = False
    has_log: bool = False

    def with_changes(self, parts: set[str]) -> Due:
        """Return what is due once these parts are changed."""
        pair = self.runs and (self.pair or self.has_log != self.logs)
        return Due(
            not pair and (self.main or (self.runs and "main" in parts)),
            not pair and (self.log or (self.logs and "log" in parts)),
            pair,
        )


def due(host: Host, home: str, has_log: bool) -> Foreseen:
    """Return what is due of the service in ``home``, which is to have a log or not."""
    if not host.live:
        return Foreseen()
    main, log = Seen("", home), Seen("", f"{home}/log")
    runs = main.is_supervised and bool(main.pid) and not main.finishes
    logs = log.is_supervised and bool(log.pid)
    return Foreseen(
        main=runs and _is_older(main, ("env",)),
        log=runs and logs and has_log and _is_older(log, ()),
        pair=runs and has_log and not log.is_supervised,
        runs=runs,
        logs=logs,
        has_log=has_log,
    )


def _is_older(seen: Seen, folders: tuple[str, ...]) -> bool:
    """Tell whether a process is older than the files of its directory that it was started by."""
    since = seen.since or 0.0
    newest = outdated.changed(os.path.join(seen.path, "run"))
    for folder in folders:
        newest = max(newest, outdated.newest(os.path.join(seen.path, folder)))
    return newest > since


def runs_alone(path: str) -> bool:
    """Tell whether a process of a service runs without a supervisor, which was killed."""
    return supervision.is_orphaned(path)


def end(home: str, remedy: str) -> None:
    """End a service and its log, which are unlinked, and have both given up."""
    stop(home, None, remedy)


def restart(home: str, what: Due) -> None:
    """Restart a service, its log first: so the new process is read by the new log."""
    for path in ([f"{home}/log"] if what.log else []) + ([home] if what.main else []):
        _restart(path)


def _restart(path: str) -> None:
    """Restart what runs. Raises ``Trouble`` if it does not end in time."""
    order = ORDERS["restart"]
    before = Seen("", path)
    if not supervised(path) or not supervision.tell(path, order.letters(before)):
        raise Trouble(f"{path} can't be restarted", "it has no supervisor any more")

    def has_ended() -> bool:
        """Tell whether that process is gone; whether the next one stays is watched later."""
        seen = Seen("", path)
        return order.is_done(before, seen) or (not seen.pid and not seen.finishes)

    def words() -> str:
        return f"waiting for {path} (pid {before.pid}) to end"

    if not wait_telling(has_ended, LIMIT, words):
        raise Trouble(
            f"{path} does not end (pid {before.pid})",
            f"svc -k {path} ends it, and then it is started again",
        )
