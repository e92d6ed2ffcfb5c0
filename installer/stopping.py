"""Stop a service that is unlinked, and its log once that has read all there is.

What is waited for is said, and why it takes its time: a process that the service has left has the
pipe to the log, or the log can't be written.
"""

from __future__ import annotations

from slashservice.installer import supervision
from slashservice.installer.errors import Trouble
from slashservice.installer.supervision import supervised, tell
from slashservice.installer.waiting import listed, wait_telling
from slashservice.supervise.admin import leftovers
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.printable import printable

STOP_LIMIT = supervision.LIMIT
KILL_LIMIT = 10
"""Seconds for a process to go that was killed."""

DRAIN_GRACE = 10
"""Seconds for a log to reach the end of its input, where another svscan holds the pipe."""


def stop(home: str, kill_after: float | None = None, remedy: str = "") -> list[str]:
    """Stop an unlinked service, then its log, and have both given up by their supervisor.

    ``remedy`` is what to type to end it with KILL. Return what is to be said of how they ended.
    """
    log = f"{home}/log"
    has_log = supervised(log)
    leader = supervision.daemon_pid(home)
    tell(log, b"x")
    tell(home, b"dx")
    limit = STOP_LIMIT if kill_after is None else kill_after
    down = _wait_down(home, f"{home} to go down", limit)
    if not down and kill_after is not None:
        tell(home, b"k")
        down = _wait_down(home, f"{home} to go down, which was killed", KILL_LIMIT)
    if not down:
        raise Trouble(
            f"the service in {home} does not go down{_pid(home)}",
            f"{remedy} ends it with KILL",
        )
    lines = ["the service is down"]
    if has_log:
        is_read = _end_log(home, log, kill_after, remedy)
        end = "has been read to the end" if is_read else "was ended before its input was"
        lines = [f"the service is down, and its log {end}"]
    left = leftovers.of(leader) if leader else []
    if left:
        pids = " ".join(str(pid) for pid, _ in left)
        lines += [f"of its processes these still run: {_listed(left)}", f"kill {pids} ends them"]
    return lines


def _end_log(home: str, log: str, kill_after: float | None, remedy: str) -> bool:
    """Wait until a log has read all there is; tell whether it has ended by itself."""
    grace = DRAIN_GRACE if kill_after is None else min(DRAIN_GRACE, kill_after)
    pipe = leftovers.pipe_to(supervision.daemon_pid(log), home)

    def words() -> str:
        return f"waiting for the log in {log}{_pid(log)}{_why(log, pipe, remedy)}"

    if wait_telling(lambda: not supervised(log), grace, words):
        return not _trouble(log)
    tell(log, b"dx")
    limit = STOP_LIMIT if kill_after is None else kill_after
    if wait_telling(lambda: not supervised(log), limit, words):
        return False
    if kill_after is not None:
        tell(log, b"k")
        if _wait_down(log, f"the log in {log} to go down, which was killed", KILL_LIMIT):
            return False
    raise Trouble(
        f"the log in {log} does not end{_pid(log)}{_why(log, pipe)}", f"{remedy} ends it with KILL"
    )


def _trouble(log: str) -> str:
    return Seen("log", log).trouble


def _why(log: str, pipe: bytes, remedy: str = "") -> str:
    """Say what keeps a log from ending, as far as can be seen, to be put behind its name."""
    trouble = _trouble(log)
    if trouble:
        return f", which can't be written: {trouble}" + (
            f"; {remedy} gives up what it has not written" if remedy else ""
        )
    holders = leftovers.holders(pipe, supervision.daemon_pid(log))
    if not holders:
        return ""
    pids = " ".join(str(pid) for pid, _ in holders)
    ends = f"; kill {pids} ends that" if remedy else ""
    return f", to which {_listed(holders)} can still write{ends}"


def _listed(found: list[tuple[int, str]]) -> str:
    return listed([f"{printable(name)} (pid {pid})" for pid, name in found])


def _wait_down(path: str, what: str, limit: float) -> bool:
    """Wait until a service has no supervisor any more, and say what is waited for."""
    return wait_telling(
        lambda: not supervised(path), limit, lambda: f"waiting for {what}{_pid(path)}"
    )


def _pid(path: str) -> str:
    """Return the pid of a service that runs, to be put behind its path."""
    pid = supervision.daemon_pid(path)
    return f" (pid {pid})" if pid else ""
