"""The verbs that change what is installed: ``install``, ``plan``, ``uninstall``."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

from plumbum import cli

from slashservice.installer import service_log, supervision
from slashservice.installer.cli.remedies import typed
from slashservice.installer.cli.verb import (
    DONE,
    WOULD_CHANGE,
    OneOf,
    OwnVerb,
    need_root,
    printed,
    say,
    systems_of,
)
from slashservice.installer.errors import Refusal
from slashservice.installer.host import package
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.init_system import STARTERS
from slashservice.installer.plan.moving import moving
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import Plan, make_plan
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery, resuming, transaction
from slashservice.installer.record.foresight import Foreseen
from slashservice.installer.record.theirs import respecting

BACK = "put back what an interrupted uninstall has undone"


class PlanVerb(OwnVerb):
    """The options that shape a plan."""

    init = cli.SwitchAttr(
        "--init", str, "", argname="NAME", help=f"the init system: {', '.join(INIT_SYSTEMS)}"
    )
    layout = cli.SwitchAttr(
        "--layout",
        OneOf("slashpackage", "fhs", case_sensitive=True),
        "",
        argname="LAYOUT",
        help="where the code goes: slashpackage (/package and /command) or fhs (/usr/local)",
    )
    service_dir = cli.SwitchAttr(
        "--service-dir", str, "", argname="DIR", help="the scan directory (/service)"
    )
    python = cli.SwitchAttr(
        "--python", str, "", argname="PATH", help="the interpreter that services' supervisor uses"
    )
    no_start = cli.Flag("--no-start", help="start nothing now")
    start = cli.Flag("--start", help="start svscan, after --no-start", excludes=["--no-start"])
    no_enable = cli.Flag("--no-enable", help="leave it to you that svscan starts at boot")
    enable = cli.Flag(
        "--enable", help="have svscan start at boot, after --no-enable", excludes=["--no-enable"]
    )
    no_rivals = cli.SwitchAttr(
        "--no-rival",
        str,
        list=True,
        argname="FILE",
        help="FILE has no other svscan started on the scan directory, though it looks so",
    )
    replace = cli.Flag("--replace", help="take the place of another svscan; see the manual")

    def options(self) -> Options:
        """Return the options as a value."""
        return Options(
            init=self.init,
            layout=str(self.layout),
            service_dir=self.service_dir,
            python=self.python,
            start=False if self.no_start else True if self.start else None,
            enable=False if self.no_enable else True if self.enable else None,
            replace=self.replace,
            no_rivals=tuple(service_log.absolute(path) for path in self.no_rivals),
            force=self.force,
        )

    def plan(self, host: Host, old: receipts.Receipt | None) -> Installing:
        """Look at a host and make the plan for it; ``old`` is the receipt that was found."""
        options = self.options()
        systems = systems_of(host)
        told = ""
        look = self.look(host, _init(options, old), old)
        if old is None and _may_read(host):
            found = recovery.recover(look, systems, options)
            if found is not None:
                old, told = found.receipt, found.told
                look = self.look(host, _init(options, old), old)
        elif old is not None:
            old = recovery.with_strays(look, systems, old)
        plan = make_plan(look, systems, remembered(look.host, old, options))
        if old is not None:
            actions = [entry.action for entry in old.entries]
            plan = moving(look.host, plan, systems[plan.verdict.name], actions, old.init)
        return Installing(look.host, respecting(look.host, plan, old), old, told)

    def dry_run(self) -> int:
        """Print what would be done; return whether that is anything."""
        here = self.host()
        one = self.plan(here, receipts.load(here) if _may_read(here) else None)
        host, plan, old = one.host, one.plan, one.old
        _say_verdict(one)
        if resuming.begun(old) is not None:
            say(f"would {BACK}")
        todo = transaction.preflight(host, plan, old)
        said = ""
        for action in todo:
            summary = transaction.summary(action, todo)
            if summary and summary != said:
                say(f"would {summary}")
                said = summary
            for line in action.diff(host).splitlines():
                say(f"    {line}")
        settled = transaction.is_settled(plan, old, todo)
        for line in [] if settled else transaction.going(host, plan, old):
            say(f"would {line}")
        _say_notes(plan)
        if settled and not one.told:
            say("nothing to do")
            return DONE
        if settled:
            say("would write a receipt of what is here")
        return WOULD_CHANGE


@dataclass(frozen=True)
class Installing:
    """A host as it was seen, the plan for it, and the receipt of what is installed.

    ``told`` says that there was no receipt, and what was found instead.
    """

    host: Host
    plan: Plan
    old: receipts.Receipt | None
    told: str = ""


def _may_read(host: Host) -> bool:
    """Tell whether we may read the receipt, and what only root may."""
    return os.geteuid() == 0 or host.root != "/" or bool(host.home)


def _init(options: Options, receipt: receipts.Receipt | None) -> str:
    """Return the init system that is asked for, now or when slashservice was installed."""
    if options.init or receipt is None:
        return options.init
    return receipt.init if receipt.asked and receipt.init in INIT_SYSTEMS else ""


def remembered(host: Host, receipt: receipts.Receipt | None, options: Options) -> Options:
    """Return options, with those of the present installation where nothing else is asked.

    So an upgrade, or a second install, needs none of the options of the first. If an uninstall
    has begun to give another svscan its place back, that is taken again.
    """
    if receipt is None:
        return options
    python = receipt.choices.get("python") or ""
    return dataclasses.replace(
        options,
        init=_init(options, receipt),
        enable=_first(options.enable, receipt.choices.get("enable")),
        start=_first(options.start, _started_then(host, receipt)),
        layout=options.layout or receipt.layout,
        service_dir=options.service_dir or receipt.service_dir,
        scanned=receipt.service_dir,
        python=options.python or (python if host.is_executable(python) else ""),
        no_rivals=(*options.no_rivals, *receipt.choices.get("no_rivals", ())),
        replace=options.replace or resuming.gives_back(host, receipt),
    )


def _first(*choices: bool | None) -> bool | None:
    """Return the first choice that was made."""
    return next((one for one in choices if one is not None), None)


def _started_then(host: Host, receipt: receipts.Receipt) -> bool | None:
    """Return whether svscan shall not be started, as was chosen; it has not been since."""
    runs = host.live and supervision.running(receipt.service_dir)
    return False if receipt.choices.get("start") is False and not runs else None


def _say_verdict(one: Installing) -> None:
    plan, verdict = one.plan, one.plan.verdict
    if one.told:
        say(one.told)
    where = "" if verdict.live else " (files only: nothing is started)"
    say(f"init system: {verdict.name}{where}: {verdict.reasons[0]}")
    say(f"interpreter: {plan.python}")


def _say_notes(plan: Plan) -> None:
    for note in plan.notes:
        say(f"note: {typed(note)}")


class Install(PlanVerb):
    """Put the code in place and wire svscan into the init system."""

    dry = cli.Flag(["-n", "--dry-run"], help="only say what would be done; exit 2 if anything")

    def main(self) -> int:
        """Install, or say what that would change."""
        _refuse_package(self.host(), "mend")
        if self.dry:
            return printed(self.dry_run())
        host = self.host()
        need_root(host)
        with transaction.exclusive(host):
            one = self.plan(host, receipts.load(host))
            host, plan = one.host, one.plan
            _say_verdict(one)
            if resuming.begun(one.old) is not None:
                say(BACK)
            changed = transaction.install(host, plan, say, one.old)
        _say_notes(plan)
        say("installed" if changed else "nothing to do: it is installed as it should be")
        for line in next_steps(plan, host.live or not _is_wired(plan)):
            say(line)
        return DONE


def _is_wired(plan: Plan) -> bool:
    """Tell whether something starts svscan."""
    name = plan.verdict.name
    return (STARTERS if name in STARTERS else INIT_SYSTEMS)[name].wired


def next_steps(plan: Plan, live: bool) -> list[str]:
    """Say what to type now."""
    directory = plan.layout.service_dir
    linked = {getattr(action, "path", "") for action in plan.actions}
    folders = os.environ.get("PATH", "").split(":")  # sudo has its own, secure_path
    places = [plan.layout.commands]
    if "/usr/local/bin/slashservice" in linked:
        places.append("/usr/local/bin")
    prefix = "" if set(places) & set(folders) else f"{places[-1]}/"
    sudo = "sudo " if os.environ.get("SUDO_USER") else ""
    lines = [
        "",
        "Now, for a service of your own:",
        f"    {sudo}{prefix}slashservice add NAME -- COMMAND...    makes one, with a log",
        f"    {sudo}ln -s /your/service/directory {directory}/    starts one you have",
        f"    {sudo}{prefix}slashservice list    shows them all",
    ]
    if live:
        return lines
    left = any(one.enables and getattr(one, "theirs", "") == "left" for one in plan.actions)
    return [] if left else [*lines[:1], "It starts when the host boots."]


def _refuse_package(host: Host, verb: str) -> None:
    """Refuse to install over what a package has brought, or to take it away piece by piece.

    What was installed besides, before the package came, may go.
    """
    brought = package.found(host)
    if brought is None:
        return
    by = f"a package of the distribution ({brought.kind}) has brought slashservice here"
    if verb == "mend":
        raise Refusal(by, f"To set it up once more: {brought.again or brought.mend}")
    receipt = receipts.load(host)
    if receipt is None or receipt.layout == package.NAME:
        raise Refusal(by, f"Remove that: {brought.remove}")


def _say_undoing(foreseen: Foreseen) -> None:
    """Say what undoing will do."""
    for line in filter(None, foreseen.lines):
        say(f"would {line}")
    for note in foreseen.notes:
        say(f"note: {typed(note)}")


class PlanOnly(PlanVerb):
    """Say what install would do; exit 2 if anything."""

    def main(self) -> int:
        """Print the plan."""
        _refuse_package(self.host(), "mend")
        return printed(self.dry_run())


class Uninstall(OwnVerb):
    """Stop the services, and bring the host back to what it was."""

    dry = cli.Flag(["-n", "--dry-run"], help="only say what would be undone; exit 2 if anything")

    def main(self) -> int:
        """Undo what the receipt records."""
        look = self.look(self.host())
        _refuse_package(look.host, "remove")
        host = look.host
        receipt, made = receipts.load(host), None
        if receipt is None and _may_read(host):
            systems = systems_of(host)
            found = recovery.recover(look, systems, Options(), all_goes=True)
            if found is not None:
                receipt = made = found.receipt
                say(found.told)
        if receipt is None:
            with_leftovers = host.is_directory(state_folder(host))
            if with_leftovers and not self.dry:
                transaction.uninstall(host, say)
            say("slashservice is not installed")
            return DONE
        if self.dry:
            _say_undoing(transaction.before_uninstalling(host, receipt))
            return printed(WOULD_CHANGE)
        need_root(host)
        with transaction.exclusive(host):
            notes = transaction.uninstall(host, say, made)
        for note in notes:
            say(f"note: {typed(note)}")
        say("uninstalled")
        return DONE
