"""Apply a plan, all of it or nothing; undo an installation; recover what was interrupted.

The order is: refuse what can be refused, write the journal, apply action after action,
write the receipt. When an action fails, those before it are undone in reverse, so that all is
as it was before the run, an older slashservice included. When the process is killed instead,
the journal tells the next run what to do: an ``install`` goes on, with what the journal says
was there before; an ``uninstall`` undoes.

With the receipt the new version is there to stay. Only then goes what an older version had and
this one has not (``retiring``): what can't be removed is named, and the next run tries again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence

from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host import lock, obstacles, package
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.interrupts import Interrupted, interruptible, undisturbed
from slashservice.installer.plan import heirs
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.files import MakeDirectory, WriteFile, forget_kept, kept
from slashservice.installer.plan.handing import HandOver, HeldCommand
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.moving import lasts
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.reviving import reviving
from slashservice.installer.plan.telling import AwaitEnd, RunCommand, Supervise
from slashservice.installer.plan.tenants import refuse_tenants
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import foresight, resuming, room
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.foresight import Foreseen, Notes, sort_of
from slashservice.installer.record.receipt import Entry, Phase, Receipt
from slashservice.installer.record.retiring import Progress, foresee, retire
from slashservice.installer.record.theirs import refuse_broken
from slashservice.supervise.version import VERSION


@contextlib.contextmanager
def exclusive(host: Host) -> Iterator[None]:
    """Let only one installer work on a host at a time, and let signals end it in order."""
    with lock.held(host), interruptible(), room.unlimited():
        yield


def pending(host: Host, plan: Plan, old: Receipt | None) -> list[Action]:
    """Return the actions of a plan that have something to do; ``old`` is what is installed.

    A command has something to do if a file has that it may be about, if svscan doesn't run,
    or if an earlier run was interrupted.
    """
    interrupted = old is not None and old.phase != "installed"
    undone = resuming.begun(old) is not None
    actions = reviving(host, plan) if undone else plan.actions
    todo = {action.key for action in actions if not action.done(host)}
    telling = (PathAction, Supervise)
    changes = interrupted or any(isinstance(a, telling) and a.key in todo for a in actions)
    code_changes = any(
        isinstance(a, InstallTree) or getattr(a, "path", "") == plan.layout.current
        for a in actions
        if a.key in todo
    )
    return [
        action
        for action in actions
        if action.key in todo
        or (changes and host.live and isinstance(action, RunCommand) and action.do)
        or (code_changes and isinstance(action, HandOver) and action.due(host))
    ]


def preflight(host: Host, plan: Plan, old: Receipt | None) -> list[Action]:
    """Refuse, before anything is changed, what can be seen not to work; return what is pending.

    A file may bear no mark of ours, and be ours all the same: the receipt tells.
    """
    for action in plan.actions:
        known = old.find(action.key) if old else None
        if known and isinstance(action, WriteFile):
            ours = host.state(action.path).digest() in (known.after, *known.also)
            action = dataclasses.replace(action, replace=action.replace or ours)
        action.preflight(host)
    todo = pending(host, plan, old)
    changing = [getattr(one, "path", "") for one in todo if not isinstance(one, RunCommand)]
    if changing:
        obstacles.refuse(host, [*filter(None, changing), receipts.path(host)])
    for action in todo:
        if isinstance(action, (HandOver, HeldCommand)) and host.live:
            heirs.refuse(heirs.attended(action.service_dir))
    return todo


def install(host: Host, plan: Plan, progress: Progress, old: Receipt | None = None) -> bool:
    """Bring ``host`` to the state the plan says; return whether anything had to change.

    ``old`` is the receipt of what is installed, if it was read already, or was made of what is
    there.
    """
    old = old or receipts.load(host)
    todo = preflight(host, plan, old)
    if old is not None and is_settled(plan, old, todo):
        receipts.tidy(host)
        lost = host.lstat(receipts.path(host)) is None
        if lost or old.choices != plan.choices:
            receipts.save(host, _with_choices(old, plan))
        return lost
    if old is not None and old.phase != "installed":
        _tidy(host, [entry.action for entry in old.entries])
    elif host.lstat(receipts.path(host)) is None:
        _tidy(host, plan.actions)
    journal = _journal(host, plan, old)
    try:
        receipts.save(host, journal)
        _apply(host, todo, progress)
        left = any(entry.retired for entry in journal.entries)
        phase: Phase = "retiring" if left else "installed"
        entries = tuple(
            entry if entry.retired else dataclasses.replace(entry, also=())
            for entry in journal.entries
            if lasts(entry.action, plan)
        )
        receipts.save(host, dataclasses.replace(journal, phase=phase, entries=entries, prior=None))
    except (OSError, Trouble, Refusal, Interrupted) as error:
        why = str(error) if isinstance(error, (Trouble, Refusal)) else reason(error)
        progress(f"failed: {why}; putting everything back")
        notes = _roll_back(host, journal, old)
        if isinstance(error, Refusal):
            raise
        raise Trouble(f"not installed: {why}", "", *_readable(notes)) from error
    try:
        if left:
            done = retire(host, dataclasses.replace(journal, entries=entries), plan, progress)
            receipts.save(host, dataclasses.replace(done, phase="installed", prior=None))
    except (OSError, Trouble, Refusal, Interrupted) as error:
        raise Trouble(
            f"installed, but not all of the older version is gone: {reason(error)}",
            "slashservice install, once more, removes the rest",
        ) from error
    return bool(todo) or left or resuming.begun(old) is not None


def _tidy(host: Host, actions: Sequence[Action]) -> None:
    """Remove what a run that was killed may have left half made."""
    for action in actions:
        if isinstance(action, PathAction):
            host.remove_new(action.path)
        elif isinstance(action, InstallTree):
            action.tidy(host)


def _with_choices(old: Receipt, plan: Plan) -> Receipt:
    """Return the receipt with what the administrator has chosen now."""
    return dataclasses.replace(old, facts={**old.facts, "choices": plan.choices})


def is_settled(plan: Plan, old: Receipt | None, todo: Sequence[Action]) -> bool:
    """Tell whether a plan, of which ``todo`` is left to do, is what is installed already."""
    if old is None or old.phase != "installed" or todo:
        return False
    known = {entry.action.key: entry.action for entry in old.entries if not entry.retired}
    keys = {action.key for action in plan.actions}
    more = any(key not in keys and not action.sticky for key, action in known.items())
    return not more and all(known.get(action.key) == action for action in plan.actions)


def _journal(host: Host, plan: Plan, old: Receipt | None) -> Receipt:
    """Compose the receipt of a run that is about to begin."""
    interrupted = old is not None and old.phase == "applying"
    keys = {action.key for action in plan.actions}
    older = [entry for entry in (old.entries if old else ()) if entry.action.key not in keys]
    entries = [entry for entry in older if entry.action.sticky]
    states: dict[str, FileState] = {}  # what each path will be, as far as we have got
    for action in plan.actions:
        known = old.find(action.key) if old else None
        if isinstance(action, PathAction):
            now = states.get(action.path) or host.state(action.path)
            wanted = action.wanted(host, now)
            original = action.without_ours(now).to_json()
            present = action.present(host, now).to_json()
            after = action.mark(host, wanted)
            states[action.path] = wanted
        else:
            original, present, after = action.original(host), action.capture(host), ""
        before = known.before if known else original
        if known and action.is_edited(host, known.before, known.previous, _ours(old, action)):
            before = original
        previous = known.previous if known and interrupted else present
        also = tuple({known.after, *known.also} - {after}) if known else ()
        entries.append(Entry(action, before, previous, after, also=also))
        if isinstance(action, InstallTree):
            # These are undone when svscan is stopped already.
            retired = [entry for entry in older if not entry.action.sticky]
            entries += [dataclasses.replace(entry, retired=True) for entry in retired]
    prior = old.prior if old and interrupted else old.to_json() if old else None
    copies = old.facts.get("kept") if old and interrupted else None
    copies = kept(host) if copies is None else copies
    return Receipt(
        version=VERSION if plan.layout.name == package.NAME else plan.layout.version,
        init=plan.verdict.name,
        layout=plan.layout.name,
        service_dir=plan.layout.service_dir,
        python=plan.python,
        entries=tuple(entries),
        facts={
            "verdict": plan.verdict.to_json(),
            "choices": plan.choices,
            "kept": copies,
            **({"tree": plan.layout.tree} if plan.layout.name == package.NAME else {}),
        },
        prior=prior,
    )


def _ours(old: Receipt | None, action: Action) -> set[str]:
    """Return the digests of what we have left at the path of an action."""
    path = getattr(action, "path", "")
    return {
        digest
        for entry in (old.entries if old else ())
        if isinstance(entry.action, PathAction) and entry.action.path == path
        for digest in (entry.after, *entry.also)
    }


def _apply(host: Host, todo: list[Action], progress: Progress) -> None:
    """Apply what is to be done, a line of progress for each."""
    said = ""
    for action in todo:
        line = summary(action, todo)
        if line and line != said:
            progress(line)
            said = line
        action.apply(host)


def summary(action: Action, all_: Sequence[Action]) -> str:
    """Describe an action; links of many commands into one folder as what they are together."""
    if not isinstance(action, MakeLink):
        return action.describe()
    folder, count = _links_beside(action, all_)
    if count <= 4:
        return action.describe()
    return f"link {count} {sort_of(folder)} into {folder}"


def _links_beside(action: MakeLink, all_: Sequence[Action]) -> tuple[str, int]:
    """Return the folder of a link, and how many links are made in it."""
    folder = os.path.dirname(action.path)
    links = [one for one in all_ if isinstance(one, MakeLink)]
    return folder, sum(os.path.dirname(one.path) == folder for one in links)


def going(host: Host, plan: Plan, old: Receipt | None) -> list[str]:
    """Foresee what a run will say of the parts that only an older version has."""
    return foresee(host, _journal(host, plan, old), plan) if old is not None else []


MOST = 5
"""So many things that could not be brought back are named; of more only the number is told."""


def _readable(problems: list[str]) -> list[str]:
    """Return what could not be brought back as lines, of which the last says what to do."""
    named, remedy = problems[:-1], problems[-1:]
    more = [f"and {len(named) - MOST} more"] if len(named) > MOST else []
    return [f"not put back: {one}" for one in named[:MOST]] + more + remedy


def _roll_back(host: Host, journal: Receipt, old: Receipt | None) -> list[str]:
    """Bring back what was before the run; return what could not be, and what to do then.

    An older installation gets its receipt back. What it took from another supervisor stays
    taken. While something could not be brought back the new code stays: svscan may run from it.
    If this run went on after ``old``, which was interrupted, what that has done goes, too.
    """
    prior = Receipt.from_json(journal.prior) if journal.prior is not None else None
    begun = {entry.action.key for entry in old.entries if not entry.retired} if old else set()
    begun = begun if old and old.phase == "applying" else set()
    problems: list[str] = []
    left = []
    copies = [one for one in kept(host) if one not in journal.facts["kept"]]
    for entry in reversed(journal.entries):
        taken_before = entry.action.sticky and prior is not None and prior.find(entry.action.key)
        stays = entry.retired and entry.action.key not in begun
        if stays or taken_before or (problems and isinstance(entry.action, InstallTree)):
            continue
        try:
            with undisturbed():
                found = room.undo(host, entry, entry.previous, journal)
            if found and isinstance(entry.action, MakeDirectory):
                left.append(entry)
            elif found:
                copies = []  # somebody has changed it meanwhile: each text of his stays
        except (OSError, Trouble, Refusal) as error:
            what = entry.action.describe_undo(entry.previous) or entry.action.key
            problems.append(f"{what}: {reason(error)}")
    for entry in left:
        with undisturbed(), contextlib.suppress(OSError):
            entry.action.undo(host, entry.previous, entry.after)
    try:
        with undisturbed():
            if problems:
                problems.append("run slashservice uninstall when that is mended")
                return problems
            forget_kept(host, copies)
            if prior is not None:
                receipts.save(host, prior)
            else:
                receipts.forget(host)
    except (OSError, Trouble, Refusal) as error:
        problems += [
            f"the receipt: {reason(error)}",
            "run slashservice install when that is mended",
        ]
    return problems


def before_uninstalling(host: Host, receipt: Receipt) -> Foreseen:
    """Refuse, before anything is undone, what can't be; return what undoing will do."""
    refuse_broken(host, receipt)
    ended = [
        entry.action.service_dir
        for entry in receipt.entries
        if isinstance(entry.action, (Supervise, AwaitEnd))
        and host.live
        and not entry.before.get("running")
    ]
    trees = [one.action.path for one in receipt.entries if isinstance(one.action, InstallTree)]
    refuse_tenants(host, trees, ended, receipt.service_dir)
    foreseen = foresight.undoing(host, receipt)
    code = [one.action for one in receipt.entries if isinstance(one.action, InstallTree)]
    inside = [path for one in code for path in one.parts(host)]
    obstacles.refuse(host, [*foreseen.paths, *inside, receipts.path(host)], choice="")
    return foreseen


def uninstall(host: Host, progress: Progress, made: Receipt | None = None) -> list[str]:
    """Undo the installation that the receipt records; return what is not as it was, and why.

    Where there is none, one that was ``made`` of what is there counts.
    Stops at the first thing that fails, with all that is needed to go on kept.
    """
    receipt = receipts.load(host) or made
    if receipt is None:
        receipts.forget(host)
        return []
    foreseen = before_uninstalling(host, receipt)
    notes = Notes(host, resuming.copies(host, receipt))
    room.begin(host, resuming.beginning(host, receipt))
    try:
        for entry, line in zip(reversed(receipt.entries), foreseen.lines, strict=True):
            notes.take(entry, room.undo(host, entry, entry.before, receipt))
            if line:
                progress(line)
        notes.look_again()
    except (OSError, Trouble, Refusal, Interrupted) as error:
        for note in notes.lines:
            progress(f"note: {note}")
        raise resuming.stopped(host, receipt, error) from error
    receipts.forget(host)
    return notes.lines
