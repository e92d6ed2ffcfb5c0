"""Why a service does not do what it should: what can be seen of it that is wrong, or odd.

Each check yields sentences, each with the command to type, if there is one. They are about one
service, but for a few at the end that are about its svscan. Nothing is changed.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import (
    causes_in_script,
    causes_of_ends,
    health,
    outdated,
    typed,
    unsupervised,
    words,
)
from slashservice.supervise.admin.case import Cause
from slashservice.supervise.messages import error_words
from slashservice.supervise.protocol import names, scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashservice.supervise.admin.case import Case

    Check = Callable[[Case], Iterator[Cause]]


def causes(case: Case) -> list[Cause]:
    """Return all that is found, what matters most first."""
    if case.seen.is_deleted:
        return list(deletion(case))
    return [cause for check in CHECKS for cause in check(case)]


def deletion(case: Case) -> Iterator[Cause]:
    """Is its directory gone, and its svscan still has it?"""
    seen = case.seen
    log = seen.log.pid if seen.log else 0
    what = f"its directory {seen.path} was deleted, and svscan (pid {case.svscan}) still has it"
    if seen.pid:
        ends = "it is not started again" + (", and its log ends with it" if log else "")
        yield Cause(
            f"{what}: its process (pid {seen.pid}) runs", f"kill {seen.pid} ends it; {ends}"
        )
    elif log:  # that may be a process which has other loggers in it
        yield Cause(f"{what}: its log (pid {log}) runs, until svscan ends", is_note=True)
    else:
        yield Cause(f"{what}; nothing of it runs", is_note=True)
    if seen.is_linked:
        link = os.path.join(case.directory, seen.name)
        yield Cause(f"{link} leads nowhere: {seen.path}", f"rm {typed.word(link)}")


def supervision(case: Case) -> Iterator[Cause]:
    """Is it supervised, and by an svscan that starts it?"""
    seen, link = case.seen, case.path
    if case.state == health.MISSING and os.path.isdir(seen.path):
        what = f"{seen.path}/supervise is no directory, and so nobody supervises it"
        yield Cause(what, f"rm {link}/supervise")
        return
    if case.state == health.MISSING:
        leads = os.path.islink(seen.path)
        where = f" leads nowhere: {os.readlink(seen.path)}" if leads else " is not there"
        if os.path.lexists(seen.path) and not leads:
            where = " is a file, and no service directory"
        yield Cause(seen.path + where, f"rm {link}" if leads else "")
        return
    if case.state == health.CLOSED and seen.error:
        why = os.fsdecode(error_words(seen.error))
        as_root = os.geteuid() != 0 and isinstance(seen.error, PermissionError)
        yield Cause(
            f"how it is can't be told: {why}",
            f"sudo {case.command('why')}" if as_root else "",
            is_note=True,
        )
        return
    if not case.svscan and seen.is_supervised:
        yield Cause(
            f"it is supervised, and no svscan of ours runs on {case.directory}: another program "
            "does that",
            is_note=True,
        )
    elif not case.svscan:
        runs = unsupervised.still_runs(seen)
        yield Cause(
            f"no svscan runs on {case.directory}"
            + (f": {runs}, and nobody supervises it" if runs else ", so nothing is started again"),
            unsupervised.starter(case.directory, adopts=bool(runs)),
        )
    elif scan_directory.is_drained(os.fsencode(case.directory), case.svscan):
        yield Cause(
            "its svscan is drained, and starts nothing any more",
            "slashservice install has another one take its place",
        )
    elif seen.is_supervised and seen.now is None:
        status = os.fsdecode(names.STATUS)
        yield Cause(f"how it is can't be told: its file {status} has a bad format")
    elif case.state == health.NOT_SUPERVISED:
        yield Cause(
            "svscan runs, and has not taken it up; why not stands among its messages",
            "slashservice doctor",
        )
    if case.svscan and (runs := unsupervised.still_runs(seen)):
        yield Cause(f"{runs}, and nobody supervises it: an svscan that is gone has left it")
    if case.state == health.UNLINKED and scan_directory.main_of(seen.path) != seen.path:
        yield Cause(
            f"it is the log of a service that is no longer in {case.directory}, and ends when it "
            "has read what is left" + unsupervised.holders(seen),
            f"to end it at once: svc -dx {link}, and svc -k {link} if it can't be written",
        )
    elif case.state == health.UNLINKED:
        yield Cause(
            f"it is supervised, but no longer in {case.directory}: it does not come back at boot",
            f"to end it: svc -dx {link}{f' {link}/log' if seen.log else ''}; "
            f"to keep it: ln -s {link} {typed.word(case.directory)}/",
        )


def wanted(case: Case) -> Iterator[Cause]:
    """Is it as somebody wanted it?"""
    seen, age = case.seen, words.duration(case.now - (case.seen.since or case.now))
    start = case.command("start")
    if case.state == health.DOWN and seen.is_normally_down:
        yield Cause(
            "it is normally down: it has a file `down`",
            f"{case.command('enable')}; {start}",
            is_note=True,
        )
    elif case.state == health.DOWN:
        yield Cause(causes_of_ends.put_down(case, age), start, is_note=True)
    elif case.state == health.PAUSED:
        yield Cause("somebody paused it", case.command("cont"), is_note=True)
    elif case.state == health.STOPPING:
        yield Cause("it was told to end, and has not", case.command("kill"))
    elif seen.pid and seen.is_normally_down:
        yield Cause(
            "it is normally down: it does not come back at boot",
            case.command("enable"),
            is_note=True,
        )


def essential(case: Case) -> Iterator[Cause]:
    """Does all end with it?"""
    if not (case.seen.is_essential and case.svscan):
        return
    if scan_directory.heeds_essential(case.svscan):
        what = "it is essential: when it ends by itself, svscan ends all, and exits as it did"
        yield Cause(what, is_note=True)
    else:
        what = "its file `essential` has no effect, as its svscan was started without -e"
        yield Cause(what, is_note=True)


def age(case: Case) -> Iterator[Cause]:
    """Does it run what is on disk by now?"""
    for what in outdated.files(case.seen, case.run):
        yield Cause(what, case.command("restart"), is_note=True)
    what = outdated.svscan(case.directory, case.svscan) if case.svscan else ""
    if what:
        remedy = "slashservice install has another one take its place; services run on"
        yield Cause(what, remedy, is_note=True)


CHECKS: tuple[Check, ...] = (
    supervision,
    causes_in_script.script,
    causes_in_script.shell,
    causes_in_script.programs,
    causes_of_ends.ends,
    causes_of_ends.held_ports,
    causes_of_ends.log,
    wanted,
    essential,
    age,
)
