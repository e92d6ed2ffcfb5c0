"""Make a receipt of what is there, where there is none: what would have been written down.

Init system, layout, scan directory, interpreter, and whether svscan is started at boot are read
from our files. Where these contradict each other, as with two init systems, an option has to say
which counts: the rest goes. What was there before slashservice can be told, but for a few things
that docs/installing.md lists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host import trust
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import Layout
from slashservice.installer.plan import planner, source
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.files import MakeDirectory, MakeScanDirectory
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.labels import LabelRules
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.telling import AwaitEnd, ForgetState, RunCommand, Supervise
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import originals, remains
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.receipt import Receipt
from slashservice.installer.record.remains import Code, Remains, Systems, Wired, where

INTERPRETER = re.compile(rb"(?:#!|'''exec' ')(/[^\n ']*/(?:python|pypy)[^\n/ ']*)")
NEVER_TRIED = 1000
"""The ``order`` of init systems that none is taken for: one has to ask for them."""


@dataclass(frozen=True)
class Recovered:
    """A receipt that was made of what is there, and a line that says so."""

    receipt: Receipt
    told: str


def recover(
    look: Look, systems: Systems, options: Options, *, all_goes: bool = False
) -> Recovered | None:
    """Return a receipt for what is there of slashservice, ``None`` if nothing is.

    :class:`Refusal` where that contradicts itself, and ``options`` don't say which part counts;
    not if ``all_goes``.
    """
    found = remains.find(look, systems, originals.layouts(look.host))
    return _Reading(look, systems, options, found, all_goes).recovered() if found else None


def strays(look: Look, systems: Systems, receipt: Receipt) -> Remains:
    """Return what is there of slashservice and wired in, or in force, beside a receipt."""
    found = remains.find(look, systems, originals.layouts(look.host))
    host = look.host
    known = {where(host, entry.action) for entry in receipt.entries}
    wired = []
    for one in found.wired:
        left = tuple(action for action in one.actions if where(host, action) not in known)
        if any(remains.bears_mark(host, action) for action in left):
            files = tuple(where(host, action) for action in left)
            wired.append(replace(one, actions=left, files=files))
    code = tuple(
        one
        for one in found.code
        if one.places.name != receipt.layout
        and not {one.places.current, *one.trees} & _paths(receipt)
    )
    return replace(found, wired=tuple(wired), code=code, released=())


def with_strays(look: Look, systems: Systems, receipt: Receipt) -> Receipt:
    """Return a receipt that knows of all that is ours: a run takes away what is not to be."""
    if receipt.phase != "installed":
        return receipt
    more = strays(look, systems, receipt)
    if not more:
        return receipt
    reading = _Reading(look, systems, Options(), more, all_goes=True)
    actions = [*reading.others(receipt.service_dir, ()), *reading.code_beside(())]
    keys = {entry.action.key for entry in receipt.entries}
    fresh = [one for one in actions if one.key not in keys]
    return replace(receipt, entries=(*receipt.entries, *originals.entries(look.host, fresh, False)))


def lost(look: Look, systems: Systems) -> Iterator[str]:
    """Say that slashservice is there, if it is, and that no receipt tells of it."""
    found = remains.find(look, systems, originals.layouts(look.host))
    if found:
        yield f"slashservice is here, but its receipt is gone: {', '.join(found.files)}"
        yield "slashservice install makes one of what is here, slashservice uninstall removes it"


def twice(look: Look, systems: Systems, receipt: Receipt | None) -> Iterator[tuple[str, str]]:
    """Yield what of slashservice is there twice, each with a remedy."""
    if receipt is None:
        found = remains.find(look, systems, originals.layouts(look.host))
        try:
            _Reading(look, systems, Options(), found).choose()
        except Refusal as refusal:
            yield refusal.what, "\n    ".join(refusal.advice)
        return
    if receipt.phase != "installed":
        return
    more = strays(look, systems, receipt)
    remedy = "slashservice install removes that"
    for one in _distinct(more.wired):
        counts = f"for {receipt.init}, which is what is installed"
        files = ", ".join(one.named)
        yield f"svscan is wired in twice: {counts}, and for {one.init} in {files}", remedy
    for two in more.code:
        what = f"slashservice is there twice: in {receipts.tree(receipt)}, which is what is "
        yield f"{what}installed, and in {', '.join(two.trees) or two.places.current}", remedy


def _paths(receipt: Receipt) -> set[str]:
    return {getattr(entry.action, "path", "") for entry in receipt.entries}


@dataclass(frozen=True)
class _Reading:
    """What is there, and the way to read it."""

    look: Look
    systems: Systems
    options: Options
    found: Remains
    all_goes: bool = False

    def recovered(self) -> Recovered:
        """Make the receipt."""
        host = self.look.host
        wired, code, places = self.choose()
        python, asked_python = _interpreter(host, code)
        if wired:
            wired = self._best(wired, places, python)
        init = wired.init if wired else self._unwired()
        actions, enabled = self._plan(init, wired, places, code, python)
        verdict = replace(self.look.found, name=init, asked=self._is_asked(init))
        choices = {"no_rivals": [], "start": True, "enable": enabled, "python": asked_python}
        receipt = Receipt(
            version=_version(host, code),
            init=init,
            layout=places.name,
            service_dir=places.service_dir,
            python=python,
            phase="installed",
            entries=tuple(originals.entries(host, actions, not self.found.released)),
            facts={"verdict": verdict.to_json(), "choices": choices},
        )
        retired = {f"tree {tree}" for one in self.found.code for tree in one.trees}
        retired.discard(f"tree {places.tree}")
        entries = tuple(replace(one, retired=one.action.key in retired) for one in receipt.entries)
        off = "" if enabled else ", not started at boot"
        told = (
            f"no receipt tells of it, but slashservice is here, and is taken as it is: {init}, "
            f"layout {places.name}, scan directory {places.service_dir}{off} "
            f"({', '.join(self.found.files)})"
        )
        return Recovered(replace(receipt, entries=entries), told)

    def choose(self) -> tuple[Wired | None, Code | None, Layout]:
        """Return what counts: of the wirings, of the code, and the places."""
        wired = self._wired()
        runs = self._runs([wired] if wired else [])
        code = self._code(runs)
        places = code.places if code else originals.layouts(self.look.host)[0]
        return wired, code, replace(places, service_dir=self._scanned(runs, places, wired))

    # Reading ---------------------------------------------------------------------------

    def _wired(self) -> Wired | None:
        """Return one init system's part that all wirings may be; :class:`Refusal` for two."""
        all_ = {file for one in self.found.wired for file in one.files}
        whole = [one for one in self.found.wired if all_ <= set(one.files)]
        if whole or not all_:
            return whole[0] if whole else None
        named = [one for one in self.found.wired if one.init == self.options.init]
        if not named and not self.all_goes:
            inits = _distinct(self.found.wired)
            raise Refusal(
                "no receipt tells which counts of what slashservice has here: "
                + "; ".join(f"for {one.init} {', '.join(one.named)}" for one in inits),
                *(
                    f"slashservice install --init {one.init}    keeps that, and removes the rest"
                    for one in inits
                ),
                "slashservice uninstall    removes all of it",
            )
        return (named or self.found.wired)[0]

    def _best(self, wired: Wired, places: Layout, python: str) -> Wired:
        """Return, of those init systems that leave the same files, the likeliest."""
        same = [one for one in self.found.wired if set(wired.files) <= set(one.files)]
        asked = [one for one in same if one.init == self.options.init]
        if len(asked or same) == 1:
            return (asked or same)[0]
        counted = [
            remains.matching(self.look, self.systems, one, places, python)[0] for one in same
        ]
        found = self.look.found.name
        return max(counted, key=lambda one: (one.exact, -one.missing, one.init == found))

    def _runs(self, wired: Iterable[Wired]) -> list[tuple[str, str]]:
        """Return the commands folders and scan directories of some parts, in their order."""
        files = [file for one in wired for file in one.files]
        return list(dict.fromkeys(run for file in files for run in self.found.runs.get(file, ())))

    def _code(self, runs: list[tuple[str, str]]) -> Code | None:
        """Return the code that counts; :class:`Refusal` where there is that of two layouts."""
        folders = {folder for folder, _ in runs}
        there = {one.places.name: one for one in self.found.code}
        wired = {
            one.name: one for one in originals.layouts(self.look.host) if one.commands in folders
        }
        if self.options.layout in {**there, **wired}:
            name = self.options.layout
        elif len(wired) == 1 or len(there) == 1:
            name = next(iter(wired if len(wired) == 1 else there))
        elif there and not self.all_goes:
            raise Refusal(
                "no receipt tells which counts of what slashservice has here: "
                + "; ".join(f"layout {name} in {one.places.tree}" for name, one in there.items()),
                *(
                    f"slashservice install --layout {name}    keeps that, and removes the rest"
                    for name in there
                ),
            )
        else:
            name = next(iter(there or wired), "")
        return there.get(name) or (Code(wired[name]) if name in wired else None)

    def _scanned(self, runs: list[tuple[str, str]], places: Layout, wired: Wired | None) -> str:
        """Return the scan directory; :class:`Refusal` where two are named."""
        here = list(dict.fromkeys(path for folder, path in runs if folder == places.commands))
        here = here or list(dict.fromkeys(path for _, path in runs))
        if self.options.service_dir in here:
            return self.options.service_dir
        if len(here) > 1 and not self.all_goes:
            raise Refusal(
                f"no receipt tells which scan directory counts: {', '.join(here)} are named in "
                + ", ".join(wired.named if wired else ()),
                *(
                    f"slashservice install --service-dir {path}    keeps that, and mends the rest"
                    for path in here
                ),
            )
        scanned = [one.directory for one in self.look.evidence.scanners if one.ours]
        return (here or scanned or [places.service_dir])[0]

    def _unwired(self) -> str:
        """Return the init system where nothing is wired: the host's, or none as in a container."""
        name = self.look.verdict.name
        if name and (self.systems[name].wired or self.look.verdict.asked):
            return name
        return next(one.name for one in self.systems.values() if not one.wired)

    def _is_asked(self, init: str) -> bool:
        """Tell whether somebody must have asked for an init system: the host has another one.

        On a host that runs, and by another, it was the host's when slashservice was installed.
        """
        found = self.look.found
        differs = init != found.name
        return differs and (not found.live or self.systems[init].order >= NEVER_TRIED)

    # The actions that would have left it ---------------------------------------------------

    def _plan(
        self, init: str, wired: Wired | None, places: Layout, code: Code | None, python: str
    ) -> tuple[list[Action], bool]:
        """Return the actions, in their order, and whether svscan is started at boot."""
        host, system = self.look.host, self.systems[init]
        bare = wired or Wired(init)
        planned = remains.matching(self.look, self.systems, bare, places, python)[1]
        there = {one.key for one in bare.actions}
        wiring = [one for one in planned if one.key in there or not _is_placed(host, one)]
        enabled = any(action.enables for one in self.found.wired for action in one.actions)
        enabled = enabled or not wired or not any(one.enables for one in planned)
        if not any(isinstance(one, Supervise | AwaitEnd) for one in wiring):
            wiring.insert(0, system.await_end(self._site(system, places, python)))
        back, over = planner.exchange(wiring, system, places)
        reload = self.systems[init].reload
        actions: list[Action] = []
        if self.found.released:
            undo = RunCommand(undo_=reload, why="init sees it", sticky=True)
            do = RunCommand(do=reload, why="init sees it", sticky=True)
            actions += [undo, *self.found.released, do] if reload else self.found.released
        actions += [LabelRules()] if host.has_selinux() else []
        actions += self.code_beside([code] if code else [])
        actions += [*_code(host, code, python, back)] if code else back
        actions += [
            *planner.parents(places.service_dir),
            MakeScanDirectory(path=places.service_dir),
        ]
        actions += [*wiring, *over]
        actions += self.others(places.service_dir, bare.files)
        return planner.distinct(actions), enabled

    def _site(self, system: InitSystem, places: Layout, python: str) -> Site:
        return remains.site_of(self.look, system, self.systems, places, python)

    def others(self, service_dir: str, known: Iterable[str]) -> list[Action]:
        """Return the actions of what is wired in besides: undone, they take it out."""
        host = self.look.host
        claimed = set(known)
        actions: list[Action] = []
        matched = [self._matched(one) for one in self.found.wired]
        for one, planned in sorted(matched, key=lambda pair: (-pair[0].exact, pair[0].missing)):
            left = {action.key for action in one.actions if where(host, action) not in claimed}
            claimed.update(one.files)
            if not left:
                continue
            ends = dict.fromkeys(path for _, path in self._runs([one]) if path != service_dir)
            actions += [AwaitEnd(service_dir=path) for path in ends]
            for action in planned:
                if isinstance(action, RunCommand) and (action.undo_ or action.do):
                    actions.append(replace(action, tolerant=True))
                elif isinstance(action, MakeDirectory):
                    actions += [action] if originals.is_ours(host, action.path) else []
                elif isinstance(action, ForgetState) or action.key in left:
                    actions.append(action)
        return actions

    def _matched(self, one: Wired) -> tuple[Wired, list[Action]]:
        """Return what there is of an init system's, and what it would be in the places it names."""
        runs = self._runs([one])
        layouts = originals.layouts(self.look.host)
        folders = {folder for folder, _ in runs}
        places = next((at for at in layouts if at.commands in folders), layouts[0])
        places = replace(places, service_dir=runs[0][1] if runs else places.service_dir)
        return remains.matching(self.look, self.systems, one, places, "/usr/bin/python3")

    def code_beside(self, counts: Iterable[Code]) -> list[Action]:
        """Return the actions of code that does not count."""
        host = self.look.host
        beside = [one for one in self.found.code if one not in counts]
        return [action for one in beside for action in _code(host, one, "", [])]


def _distinct(wired: Iterable[Wired]) -> list[Wired]:
    """Return parts none of which is in another."""
    kept: list[Wired] = []
    for one in sorted(wired, key=lambda one: (-len(one.files), one.missing)):
        if not any(set(one.files) <= set(other.files) for other in kept):
            kept.append(one)
    return kept


def _is_placed(host: Host, action: Action) -> bool:
    """Tell whether an action leaves something that can be looked for, and is not there."""
    if isinstance(action, MakeDirectory):
        return not host.is_directory(action.path)
    return isinstance(action, PathAction) or bool(action.kind == "crontab")


def _code(host: Host, code: Code, python: str, back: list[Action]) -> Iterator[Action]:
    """Yield the actions of the code of one layout."""
    for tree in code.trees[::-1]:  # what runs now comes last, and goes first
        yield from planner.parents(tree)
        yield InstallTree.there(host, tree, python, source.collect(python, tree))
    yield from back
    if host.is_directory(code.places.commands):
        yield from planner.parents(f"{code.places.commands}/x")
    for link in code.links:
        yield from planner.parents(link.path)
        yield link


def _interpreter(host: Host, code: Code | None) -> tuple[str, str]:
    """Return the interpreter of what is installed, twice if none but it was asked for."""
    tree = code.trees[0] if code and code.trees else ""
    head = (host.read(f"{tree}/command/svscan") or b"")[:4096] if tree else b""
    named = INTERPRETER.search(head)
    try:
        usual = trust.interpreter(host)
    except Refusal:
        usual = ""
    python = os.fsdecode(named[1]) if named else usual
    there = host.is_executable(python)
    return python, python if there and python != usual else ""


def _version(host: Host, code: Code | None) -> str:
    """Return the version of the code that is there."""
    tree = code.trees[0] if code and code.trees else ""
    said = (host.read(f"{tree}/supervise/version.py") or b"") if tree else b""
    found = re.search(rb'VERSION = "([^"]+)"', said)
    if found:
        return found[1].decode()
    return os.path.basename(tree).removeprefix("slashservice-") or source.version()
