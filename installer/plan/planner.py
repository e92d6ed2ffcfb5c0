"""Compose the plan: the actions, in order, that install slashservice on a host.

The order is: another supervisor gives up its place; the code and the commands; the scan
directory; the init system's artefacts. So nothing is wired before it is there. Undoing goes
the other way round: nothing is taken away while something is wired to it, and another
supervisor comes back last, when our commands are no longer before its own.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from slashservice.installer import supervision
from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host import crowd, trust
from slashservice.installer.host.host import COMMAND_PATH, Host
from slashservice.installer.host.layout import Layout, layout
from slashservice.installer.plan import inheriting, source
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import MakeDirectory, MakeScanDirectory, WriteFile
from slashservice.installer.plan.handing import HandBack, HandOver
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.labels import LabelRules
from slashservice.installer.plan.labels import rules as label_rules
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.rivalry import foreign_wirings
from slashservice.installer.plan.source import Source
from slashservice.installer.plan.takeover import take_over
from slashservice.installer.plan.telling import RunCommand, Supervise
from slashservice.installer.plan.tree import InstallTree

POLICY = "/usr/sbin/policy-rc.d"
POLICY_FORBIDS = 101


@dataclass(frozen=True)
class Plan:
    """The actions in order, the decisions behind them, and notes for the administrator.

    ``choices`` are the administrator's, for the next run to know.
    """

    verdict: Verdict
    layout: Layout
    python: str
    actions: tuple[Action, ...]
    notes: tuple[str, ...] = ()
    choices: dict[str, Any] = field(default_factory=dict)


def make_plan(look: Look, systems: Mapping[str, InitSystem], options: Options) -> Plan:
    """Return the plan for a host; :class:`Refusal` where it can't or mustn't be wired."""
    host, verdict = look.host, look.verdict
    if not verdict.name:
        advice = verdict.advice
        if host.root == "/" and look.evidence.platform == "linux" and not host.lstat("/proc/self"):
            advice = ("Here is no /proc, which shows it: mount -t proc proc /proc", *advice)
        raise Refusal(
            f"no init system found that could start svscan: {'; '.join(verdict.reasons)}", *advice
        )
    init_system = systems[verdict.name]
    if not init_system.wired and not verdict.asked:
        raise Refusal(
            f"there is no init system here: {'; '.join(verdict.reasons)}", *verdict.advice
        )
    notes: list[str] = [*verdict.warnings]
    options = inheriting.choose(look, systems, options)
    places = choose_layout(host, look.evidence, options, notes)
    python = trust.interpreter(host, options.python)
    places = _for_this_build(host, places, python)
    _refuse_untrusted(host, places)
    foreign = foreign_wirings(look, systems, places.service_dir, options)
    if not _is_scanned(look, places.service_dir, options):
        crowd.refuse(host, places.service_dir)
    start = options.start is not False and verdict.live and may_start(host, notes)
    if options.start is False and verdict.live:
        notes.append("not started: svscan starts at the next boot, or with --start")
    site = Site(host, places, look.evidence, verdict, python, start)
    wiring = init_system.wire(site)
    if options.replace:
        wiring = [
            dataclasses.replace(action, replace=True)
            if isinstance(action, (WriteFile, MakeLink))
            else action
            for action in wiring
        ]
    if options.enable is False:
        wiring = [action for action in wiring if not action.enables]
        notes.append("not enabled: nothing will start svscan at boot, until --enable")
    notes += init_system.notes(site)
    back, over = exchange(wiring, init_system, places)
    actions = [
        *take_over(look, systems, foreign, places.service_dir, wiring),
        *([LabelRules(rules=tuple(label_rules(host)))] if host.has_selinux() else []),
        *_code(host, places, python, options, notes, back),
        *parents(places.service_dir),
        MakeScanDirectory(path=places.service_dir),
        *wiring,
        *over,
    ]
    return Plan(verdict, places, python, tuple(distinct(actions)), tuple(notes), options.choices())


def exchange(
    wiring: list[Action], init_system: InitSystem, places: Layout
) -> tuple[list[Action], list[Action]]:
    """Return what has svscan run the code that is installed: when a run fails, and at its end."""
    started = [one for one in wiring if isinstance(one, Supervise) and one.started]
    back: list[Action] = []
    over: list[Action] = []
    for one in started:
        stop = one.stop if init_system.remembers else ()
        how = (one.service_dir, one.start, init_system.respawns, stop)
        back.append(HandBack(*how))
        over.append(HandOver(*how, code=places.tree))
    return back, over


def _for_this_build(host: Host, places: Layout, python: str) -> Layout:
    """Return the places, with a folder of its own for code that differs from what is there.

    A svscan that runs reads parts of its code late, so the folder that it runs from is never
    exchanged for another. Other code of the same version gets a folder named for what is in it.
    """
    if not host.lstat(places.tree) and host.readlink(places.current) is None:
        return places
    now = host.resolve(places.current)
    build = f"{places.tree}-{_source(python, places.tree, places).digest}"
    names = [now] if now == places.tree or now.startswith(f"{places.tree}-") else []
    names += [places.tree, build]
    for tree in chain(names, (f"{build}.{number}" for number in count(2))):
        code = InstallTree.of(tree, python, _source(python, tree, places))
        if not host.lstat(tree) or code.done(host):
            return dataclasses.replace(places, tree=tree)
    raise AssertionError("numbers have no end")


def _source(python: str, tree: str, places: Layout) -> Source:
    """Return the tree that shall be at ``tree``."""
    return source.collect(python, tree).scanning(places.service_dir)


def choose_layout(host: Host, evidence: Evidence, options: Options, notes: list[str]) -> Layout:
    """Return the layout asked for, or the one this host's file systems allow."""
    if host.home:
        data = os.path.dirname(host.receipts)
        return layout("user", source.version(), options.service_dir, host.home, data)
    name = options.layout
    if not name:
        name = "slashpackage"
        if "/" in evidence.unwritable or evidence.platform == "darwin":
            name = "fhs"
            notes.append("the root directory can't be written to: using the layout fhs")
    return layout(name, source.version(), options.service_dir)


def _refuse_untrusted(host: Host, places: Layout) -> None:
    """Refuse places that others than root could change."""
    for path in (places.tree, places.commands, places.service_dir):
        why = trust.distrust(host, path)
        if why:
            who = "you run" if host.home else "root runs"
            raise Refusal(
                f"{path} is no safe place for what {who}: {why}",
                "Choose another with --layout or --service-dir, or mend its owner and mode.",
            )


def _is_scanned(look: Look, service_dir: str, options: Options) -> bool:
    """Tell whether a directory is scanned already, or shall be whatever is in it."""
    host = look.host
    known = [one.directory for one in look.evidence.wirings if one.sure]
    known += [one.directory for one in look.evidence.scanners]
    found = map(host.resolve, filter(None, [*known, options.scanned]))
    if options.force or host.resolve(service_dir) in found:
        return True
    return host.live and bool(supervision.running(service_dir))


def may_start(host: Host, notes: list[str]) -> bool:
    """Ask Debian's local policy whether services may be started now."""
    if not host.home and host.is_executable(POLICY):
        outcome = host.run([POLICY, "svscan", "start"])
        if outcome.status == POLICY_FORBIDS:
            notes.append(f"{POLICY} forbids starting services: svscan starts at the next boot")
            return False
    return True


def _code(
    host: Host,
    places: Layout,
    python: str,
    options: Options,
    notes: list[str],
    back: list[Action],
) -> list[Action]:
    """Return the actions that put the code and the commands in place.

    Those of ``back`` are undone when all that leads to older code is back, and before the
    newer code goes.
    """
    files = _source(python, places.tree, places)
    actions: list[Action] = [*parents(places.tree)]
    actions += [InstallTree.of(places.tree, python, files), *back]
    base = os.path.basename(places.tree)
    ours = OUR_TREES
    if host.home:
        ours = (f"{places.current}/",)
    elif (host.readlink("/command/slashservice") or "").startswith(ours):
        ours += ("/command/",)
    actions.append(MakeLink(path=places.current, target=base, versions=places.prefix))
    actions += [*parents(f"{places.commands}/x")]
    for name in files.commands:
        if name in YIELDING and not places.compatibility and _provided(host, name, places.commands):
            notes.append(
                f"another package provides {name}: ours is {places.current}/command/{name}"
            )
            continue
        target = f"{places.current}/command/{name}"
        link = MakeLink(path=places.command(name), target=target, ours=ours)
        actions.append(dataclasses.replace(link, replace=options.replace))
    if places.compatibility:
        actions += _compatibility(host, places, files.commands, notes)
    return actions + _documents(host, places, files)


OUR_TREES: tuple[str, ...] = ("/package/admin/slashservice", "/usr/local/lib/slashservice/")
"""Beginnings of where commands of ours lead, whatever the layout."""

YIELDING = ("sv",)
"""Commands that stay out of a folder on everyone's PATH if another package has one of that name.

Its users expect it to look for services where that package has them.
"""

COMPLETIONS = (
    ("/usr/share/bash-completion/bash_completion", "bash-completion/completions/{}", "bash"),
    ("/usr/bin/zsh", "zsh/site-functions/_{}", "zsh"),
    ("/usr/bin/fish", "fish/vendor_completions.d/{}.fish", "fish"),
)
"""What tells that a host has a shell, and where that looks for the completions of a command."""

OF_COMMANDS = "slashservice_commands"
"""zsh reads in one file which commands that is for; the others look for a file of each command."""


def link_folders(places: Layout) -> list[str]:
    """Return the folders in which there may be links to the code: that for all PATHs comes last."""
    shares = [f"{places.share}/{os.path.dirname(place)}" for _, place, _ in COMPLETIONS]
    pages = [f"{places.share}/man/man{section}" for section in (5, 7, 8)]
    found = [places.commands, *pages, *shares, places.compatibility]
    return [one for one in found if one]


def _documents(host: Host, places: Layout, files: Source) -> list[Action]:
    """Link man pages and completions to where the host's man and shells look for them."""
    links = {}
    for name in files.files:
        page = os.path.basename(name)
        folder = f"man/man{page[-1]}"
        beside = [f"/usr/share/{folder}/{page}{ending}" for ending in ("", ".gz")]
        if name.startswith("man/") and not any(map(host.lstat, beside)):
            links[f"{places.share}/{folder}/{page}"] = ("/usr/share/man", name)
    for mark, place, shell in COMPLETIONS:
        for command in (OF_COMMANDS,) if shell == "zsh" else files.commands:
            if not host.lstat(f"/usr/share/{place.format(command)}"):
                name = f"installer/cli/completion/commands.{shell}"
                links[f"{places.share}/{place.format(command)}"] = (mark, name)
        name = f"installer/cli/completion/slashservice.{shell}"
        links[f"{places.share}/{place.format('slashservice')}"] = (mark, name)
    actions: list[Action] = []
    for path, (mark, name) in sorted(links.items()):
        target = f"{places.current}/{name}"
        free = host.lstat(path) is None or host.readlink(path) == target
        if name in files.files and host.stat(mark) and free:
            actions += [*parents(path), MakeLink(path=path, target=target)]
    return actions


def _compatibility(
    host: Host, places: Layout, commands: tuple[str, ...], notes: list[str]
) -> list[Action]:
    """Link the commands into a folder on everyone's PATH, but those another package has."""
    folder = places.compatibility
    if host.resolve(folder) == host.resolve(places.commands):
        return []
    actions: list[Action] = [*parents(f"{folder}/x")]
    taken = []
    for name in commands:
        target, path = places.command(name), f"{folder}/{name}"
        leads_to = host.readlink(path) or ""
        ours = leads_to == target or leads_to.startswith(OUR_TREES)
        if _provided(host, name, folder) or (host.lstat(path) is not None and not ours):
            taken.append(name)
        else:
            actions.append(MakeLink(path=path, target=target, ours=OUR_TREES))
    if taken:
        notes.append(
            f"another package provides {', '.join(taken)}: "
            f"put {places.commands} first in your PATH for ours"
        )
    return actions


def _provided(host: Host, name: str, folder: str) -> bool:
    """Tell whether another package has a command of that name on the PATH."""
    here = host.resolve(folder)
    return any(
        host.lstat(f"{place}/{name}") is not None
        for place in COMMAND_PATH
        if host.resolve(place) != here
    )


def parents(path: str) -> list[MakeDirectory]:
    """Return the actions that make each directory above ``path``, from the top."""
    made = []
    at = os.path.dirname(path)
    while at != "/":
        made.append(MakeDirectory(path=at))
        at = os.path.dirname(at)
    return made[::-1]


def distinct(actions: list[Action]) -> list[Action]:
    """Drop actions that are in the plan already, as for a directory that two files share."""
    seen: dict[str, Action] = {}
    for action in actions:
        if isinstance(action, RunCommand):
            seen[f"{len(seen)} {action.key}"] = action
        else:
            seen.setdefault(action.key, action)
    return list(seen.values())
