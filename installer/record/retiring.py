"""What only an older version had goes, once the receipt of the new one is written.

That is its commands, its files, and its place at boot where another init system starts svscan
now. Its code stays until the next upgrade or uninstalling, as daemons may still run from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from slashservice.installer import supervision
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory
from slashservice.installer.plan.handing import HandOver
from slashservice.installer.plan.moving import Move
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.telling import AwaitEnd, Supervise
from slashservice.installer.plan.tenants import tenants
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.foresight import REHEARSED, Rehearsal, summary
from slashservice.installer.record.receipt import Entry, Receipt

Progress = Callable[[str], None]
T = TypeVar("T", bound=Action)


def retire(
    host: Host,
    journal: Receipt,
    plan: Plan,
    progress: Progress,
    in_use: Collection[str] | None = None,
) -> Receipt:
    """Undo what only an older version had, except its code; return the receipt without it.

    Where another init system started svscan until now, it lets go of it first. ``in_use`` are the
    folders of code that svscans run from, where that is known already.
    """
    moved = _moved(host, journal)
    stopped = moved is not None and _let_go(host, moved, plan, progress)
    in_use = _in_use(host, journal) if in_use is None else in_use
    kept: list[Entry] = []
    going = [entry for entry in journal.entries if entry.retired]
    said = ""
    for entry in reversed(journal.entries):
        if _has_left(host, entry, journal):
            continue
        if not entry.retired or _still_in_use(entry, journal, in_use):
            kept.append(entry)
            continue
        if isinstance(entry.action, AwaitEnd) and entry.action.service_dir == journal.service_dir:
            if stopped:
                entry.action.undo(host, {}, "")
            continue  # else svscan runs on
        if isinstance(host, Rehearsal) and not isinstance(entry.action, REHEARSED):
            continue
        if line := _deserted(host, entry):
            progress(line)
        changes = host.changes
        notes = entry.action.undo(host, entry.before, entry.left(host))
        if isinstance(entry.action, MakeDirectory) and notes:
            kept.append(entry)  # something is in it still: the code that is kept
        else:
            line = summary(host, entry, going)
            if host.changes > changes and isinstance(entry.action, REHEARSED) and line != said:
                progress(line)
                said = line
            for note in notes:
                progress(note)
    for action in _of(Supervise, plan.actions):
        action.apply(host)  # it has to be started again where it was stopped
    return dataclasses.replace(journal, entries=tuple(reversed(kept)))


def foresee(host: Host, journal: Receipt, plan: Plan) -> list[str]:
    """Return the lines that :func:`retire` will say. Nothing is done."""
    said = []
    moved = _moved(host, journal)
    stop = _stop(moved, plan) if moved is not None else None
    if moved is not None and stop is not None:
        said.append(_why(stop, moved))
    gone = {action.old for action in _of(Move, plan.actions)}
    said += [
        line
        for one in journal.entries
        if one.retired and (line := _deserted(host, one))
        if getattr(one.action, "service_dir", "") not in gone
    ]
    exchanged = [one.service_dir for one in _of(HandOver, plan.actions)]
    in_use = _in_use(host, journal, exchanged)  # as it will be then
    retire(Rehearsal.of(host), journal, plan, said.append, in_use)
    return said


def _has_left(host: Host, entry: Entry, journal: Receipt) -> bool:
    """Tell whether an entry is about the scan directory of before, which svscan has left.

    The init system's command to stop it would stop it on the directory of now.
    """
    action = entry.action
    if not isinstance(action, (Supervise, AwaitEnd)) or not host.live or journal.prior is None:
        return False
    return (
        action.service_dir != journal.service_dir
        and Receipt.from_json(journal.prior).init == journal.init
        and not supervision.running(action.service_dir)
    )


def _deserted(host: Host, entry: Entry) -> str:
    """Say what becomes of the services of another scan directory, nothing for other entries."""
    action = entry.action
    if not isinstance(action, Supervise) or not host.live:
        return ""
    if not supervision.running(action.service_dir):
        return ""
    return f"{action.describe_undo({})}: what is linked there is supervised no longer"


def _moved(host: Host, journal: Receipt) -> Receipt | None:
    """Return the receipt of before, if another init system starts svscan now, and it runs."""
    prior = Receipt.from_json(journal.prior) if journal.prior else None
    here = [entry.action for entry in journal.entries if not entry.retired]
    started = [one for one in _of(Supervise, here) if one.started]
    if prior is None or prior.init == journal.init or not host.live or not started:
        return None
    return prior if prior.find(started[0].key) else None


def _let_go(host: Host, prior: Receipt, plan: Plan, progress: Progress) -> bool:
    """Have the init system of before let go of svscan; tell whether it is stopped for that.

    Where it would start svscan again it stops it, and all services with it: they are started
    by the new one. So it is where a command of the new one starts svscan, as units of both may
    have the same name. Else svscan just gives way to the one that the new init system started.
    """
    over = _of(HandOver, plan.actions)[0]
    stop = _stop(prior, plan)
    if stop is not None:
        progress(_why(stop, prior))
        stop.undo(host, {}, "")
        return True
    if over.running(host):
        over.exchange(host, over.running(host))
    return False


def _stop(prior: Receipt, plan: Plan) -> Supervise | None:
    """Return what has the init system of before stop svscan, if it must."""
    before = [entry.action for entry in prior.entries if not entry.retired]
    over = _of(HandOver, plan.actions)[0]
    if not over.start and not any(one.respawns for one in _of(HandOver, before)):
        return None
    return next(one for one in _of(Supervise, before) if one.service_dir == over.service_dir)


def _why(stop: Supervise, prior: Receipt) -> str:
    """Say that svscan is stopped, and why."""
    return f"{stop.describe_undo({})}, as {prior.init} starts them no longer"


def _of(kind: type[T], actions: Iterable[Action]) -> list[T]:
    """Return the actions of a kind."""
    return [one for one in actions if isinstance(one, kind)]


def _in_use(host: Host, journal: Receipt, but: Collection[str] = ()) -> set[str]:
    """Return the folders of code that svscans run from, but for those on some scan directories."""
    trees = [one.action.path for one in journal.entries if isinstance(one.action, InstallTree)]
    directory = journal.service_dir
    running = supervision.running(directory) if host.live and directory not in but else 0
    used = {supervision.code(directory, running)[1]} if running else set()
    found = tenants(host, trees, directory)
    return used | {one.code for one in found if one.directory not in but}


def _still_in_use(entry: Entry, journal: Receipt, in_use: Collection[str]) -> bool:
    """Tell whether a retired entry is code that may run still.

    That is what ran until this run, or what a svscan runs from; and all of it where this run brings
    no other code.
    """
    if not isinstance(entry.action, InstallTree) or journal.prior is None:
        return False
    ran = receipts.tree(Receipt.from_json(journal.prior))
    return entry.action.path in (ran, *in_use) or ran == receipts.tree(journal)
