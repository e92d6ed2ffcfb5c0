"""A service that nobody supervises: what of it runs all the same, and what to type.

An svscan that is killed leaves what it has started running. The next one goes on with that.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import typed
from slashservice.supervise.protocol import scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.admin.seen import Seen


ADOPTED = "slashservice install has svscan started, and it adopts what still runs"

SHOWN = 5
"""Processes that a sentence names."""

SECONDS_OF_A_CHANGE = 2.0
"""So long a service may be without a supervisor while one svscan follows another."""


def starter(directory: str, *, adopts: bool = False) -> str:
    """Say what starts an svscan on a scan directory; ``adopts`` tells that it has whom to adopt."""
    more = ", and it adopts what still runs" if adopts else ""
    if typed.where:
        return f"svscan {typed.word(directory)} & starts one{more}"
    return f"slashservice status tells what should start it; slashservice install does{more}"


def is_in(directory: str, path: str) -> bool:
    """Tell whether a service is in a scan directory, under whatever name."""
    if os.path.dirname(path) == directory:
        return os.path.lexists(path)
    real = os.path.realpath(path)
    linked = map(os.fsdecode, scan_directory.services(os.fsencode(directory)))
    return any(os.path.realpath(one) == real for one in linked)


def is_taken_up(directory: str, path: str) -> bool:
    """Tell whether there is an svscan that takes a service up, if nothing is in its way."""
    raw = os.fsencode(directory)
    pid = scan_directory.running(raw)
    starts = bool(pid) and not scan_directory.is_drained(raw, pid)
    return (starts or bool(scan_directory.waiting(raw))) and is_in(directory, path)


def still_runs(seen: Seen) -> str:
    """Say what of a service nobody supervises any more and still runs; empty if nothing does."""
    log = seen.log.left if seen.log else 0
    parts = [
        f"its {what} (pid {pid})" for what, pid in (("process", seen.left), ("log", log)) if pid
    ]
    return f"{' and '.join(parts)} still run{'s' * (len(parts) == 1)}" if parts else ""


def holders(seen: Seen) -> str:
    """Say which processes a log waits for whose service is gone; empty where none is seen."""
    from slashservice.supervise.admin import leftovers

    pipe = leftovers.pipe_to(seen.pid, os.path.dirname(os.path.realpath(seen.path)))
    parts = [f"{name} (pid {pid})" for pid, name in leftovers.holders(pipe, seen.pid)]
    return f"; {', '.join(parts[:SHOWN])} can still write to it" if parts else ""


def why(seen: Seen, directory: str) -> list[str]:
    """Say that a service is not supervised, and what is the matter, in lines.

    Where an svscan runs on the scan directory ``directory``, or another would not help, that is all
    there is to say.
    """
    runs = still_runs(seen)
    what = f"is not supervised, but {runs}" if runs else "is not supervised"
    if not is_in(directory, seen.path) or scan_directory.running(os.fsencode(directory)):
        return [what]
    return [f"{what}; no svscan runs on {directory}", starter(directory, adopts=bool(runs))]


def left(services: Iterable[Seen]) -> list[str]:
    """Return what of services still runs with no supervisor, as ``web (pid 7)``."""
    parts = [part for one in services for part in (one, one.log) if part]
    return [f"{part.name} (pid {part.left})" for part in parts if part.left]
