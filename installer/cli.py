"""``slashservice``: the command line.

Exit status: 0 done, or nothing to do; 2 a dry run found something to do; 1 ``status`` or
``doctor`` found something wrong; 100 wrong usage; 111 trouble, or a refusal. Each message
is one line, ``slashservice: fatal: what``, with advice below it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from plumbum import cli
from plumbum.cli.switches import SwitchError

from slashservice.installer import receipt as receipts
from slashservice.installer import services, source, status, transaction
from slashservice.installer.detect import Verdict, detect
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.evidence import Evidence
from slashservice.installer.host import Host, state_folder
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.options import Options
from slashservice.installer.planner import Plan, make_plan
from slashservice.installer.probe import probe

DONE, WRONG, WOULD_CHANGE, MISUSE, TROUBLE = 0, 1, 2, 100, 111
SHOW = ("ShowHelp", "ShowHelpAll", "ShowVersion", "ShowCompletion")


class Ended(Exception):  # noqa: N818 - the end of a verb, good or bad
    """Ends the command with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Misuse(Exception):  # noqa: N818 - the user's, not ours
    """The command was called wrongly."""


def say(line: str) -> None:
    """Print a line; that nobody reads it any more must not stop an installation."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


class Verb(cli.Application):
    """What all verbs share: how wrong usage is told."""

    SUBCOMMAND_HELPMSG = False

    def _parse_args(self, argv: list[str]) -> Any:
        try:
            return super()._parse_args(argv)
        except SwitchError as error:
            raise _misuse(error) from None

    def _validate_args(self, swfuncs: Any, tailargs: Any) -> Any:
        try:
            return super()._validate_args(swfuncs, tailargs)
        except SwitchError as error:
            raise _misuse(error) from None


def _misuse(error: SwitchError) -> Exception:
    """Tell wrong usage from a request for help, which plumbum raises alike."""
    return error if type(error).__name__ in SHOW else Misuse(str(error))


class HostVerb(Verb):
    """A verb for some host: this one, an image, or another over SSH."""

    root = cli.SwitchAttr(
        "--root", str, "", argname="DIR", help="the image at DIR, instead of this host"
    )
    address = cli.SwitchAttr(
        "--host", str, "", argname="ssh://USER@NAME", help="another host, over SSH"
    )
    ssh_options = cli.SwitchAttr(
        "--ssh-option", str, list=True, argname="KEY=VALUE", help="an option for ssh, as its -o"
    )
    force = cli.Flag("--force", help="overwrite in place what can't be replaced in one step")

    def host(self) -> Host:
        """Return the host this verb is for; a host over SSH gets the verb itself, and ends it."""
        if self.address:
            from slashservice.installer.remote import Address, run_there

            argv = _without(sys.argv[1:], "--host", "--ssh-option")
            raise Ended(run_there(Address.of(self.address), argv, self.ssh_options))
        root = self.root or os.environ.get("DPKG_ROOT", "") or "/"
        if not os.path.isdir(root):
            raise Refusal(f"{root} is no directory")
        return Host(root, in_place=self.force)

    def look(self, host: Host, asked: str = "") -> tuple[Evidence, Verdict]:
        """Gather the evidence about a host and judge it."""
        offline = "SYSTEMD_OFFLINE is set" if os.environ.get("SYSTEMD_OFFLINE") == "1" else ""
        evidence = probe(host, offline)
        if asked:
            asked = by_name(asked).name
        verdict = detect(evidence, asked)
        host.live = host.live and verdict.live
        return evidence, verdict


def _without(argv: list[str], *names: str) -> list[str]:
    """Return arguments without some options and their values."""
    kept = []
    words = iter(argv)
    for word in words:
        if word == "--":
            kept += [word, *words]
        elif word in names:
            next(words, None)
        elif not word.startswith(tuple(f"{name}=" for name in names)):
            kept.append(word)
    return kept


class Slashservice(Verb):
    """Install daemontools into whatever init system a host has, and look after it."""

    PROGNAME = "slashservice"
    VERSION = source.version()
    CALL_MAIN_IF_NESTED_COMMAND = False

    def main(self, *words: str) -> int:
        """Say what there is to choose from."""
        if words:
            raise Misuse(f"there is no verb {words[0]}; see slashservice --help")
        self.help()
        raise Ended(MISUSE)


class PlanVerb(HostVerb):
    """The options that shape a plan."""

    init = cli.SwitchAttr(
        "--init", str, "", argname="NAME", help=f"the init system: {', '.join(INIT_SYSTEMS)}"
    )
    layout = cli.SwitchAttr(
        "--layout",
        cli.Set("slashpackage", "fhs", case_sensitive=True),
        "",
        help="where the code goes: /package and /command, or /usr/local",
    )
    service_dir = cli.SwitchAttr(
        "--service-dir", str, "", argname="DIR", help="the scan directory (/service)"
    )
    python = cli.SwitchAttr(
        "--python", str, "", argname="PATH", help="the interpreter that services' supervisor uses"
    )
    no_start = cli.Flag("--no-start", help="start nothing now")
    no_enable = cli.Flag("--no-enable", help="leave it to you that svscan starts at boot")
    replace = cli.Flag("--replace", help="take the place of another svscan; see the manual")

    def options(self) -> Options:
        """Return the options as a value."""
        return Options(
            init=self.init,
            layout=str(self.layout),
            service_dir=self.service_dir,
            python=self.python,
            start=not self.no_start,
            enable=not self.no_enable,
            replace=self.replace,
            force=self.force,
        )

    def plan(self, host: Host) -> Plan:
        """Make the plan for a host."""
        options = remembered(host, self.options())
        evidence, verdict = self.look(host, options.init)
        return make_plan(host, evidence, verdict, options)

    def dry_run(self, host: Host) -> int:
        """Print what would be done; return whether that is anything."""
        plan = self.plan(host)
        _say_verdict(plan)
        todo = transaction.pending(host, plan)
        said = ""
        for action in todo:
            action.preflight(host)
            summary = transaction.summary(action, todo)
            if summary and summary != said:
                say(f"would {summary}")
                said = summary
            for line in action.diff(host).splitlines():
                say(f"    {line}")
        _say_notes(plan)
        if not todo:
            say("nothing to do")
        return WOULD_CHANGE if todo else DONE


def remembered(host: Host, options: Options) -> Options:
    """Return options with what an installation that is there has, where nothing else is asked.

    So an upgrade, or a second install, needs none of the options of the first.
    """
    import dataclasses

    receipt = receipts.load(host) if os.geteuid() == 0 or host.root != "/" else None
    if receipt is None or receipt.phase == "undoing":
        return options
    asked = receipt.facts.get("verdict", {}).get("row") == "0"
    return dataclasses.replace(
        options,
        init=options.init or (receipt.init if asked else ""),
        layout=options.layout or receipt.layout,
        service_dir=options.service_dir or receipt.service_dir,
    )


def _say_verdict(plan: Plan) -> None:
    verdict = plan.verdict
    where = "" if verdict.live else " (files only: nothing is started)"
    say(f"init system: {verdict.name}{where}: {verdict.reasons[0]}")
    say(f"interpreter: {plan.python}")


def _say_notes(plan: Plan) -> None:
    for note in plan.notes:
        say(f"note: {note}")


@Slashservice.subcommand("install")
class Install(PlanVerb):
    """Put the code in place and wire svscan into the init system."""

    dry = cli.Flag(["-n", "--dry-run"], help="only say what would be done; exit 2 if anything")

    def main(self) -> int:
        """Install, or say what that would change."""
        host = self.host()
        if self.dry:
            raise Ended(self.dry_run(host))
        _need_root(host)
        with transaction.exclusive(host):
            before = receipts.load(host)
            if before is not None and before.phase == "undoing":
                say("an earlier uninstall was interrupted: finishing it")
                transaction.uninstall(host, say)
            plan = self.plan(host)
            _say_verdict(plan)
            changed = transaction.install(host, plan, say)
        _say_notes(plan)
        say("installed" if changed else "nothing to do: it is installed as it should be")
        for line in next_steps(plan, host.live):
            say(line)
        raise Ended(DONE)


def next_steps(plan: Plan, live: bool) -> list[str]:
    """Say what to type now."""
    directory = plan.layout.service_dir
    linked = {getattr(action, "path", "") for action in plan.actions}
    prefix = "" if "/usr/local/bin/slashservice" in linked else f"{plan.layout.commands}/"
    lines = [
        "",
        "Now, for a service of your own:",
        f"    {prefix}slashservice add NAME -- COMMAND...    makes one, with a log",
        f"    ln -s /your/service/directory {directory}/    starts one you have",
        f"    {prefix}svstat {directory}/*",
    ]
    return lines if live else [*lines[:1], "It starts when the host boots."]


@Slashservice.subcommand("plan")
class PlanOnly(PlanVerb):
    """Say what install would do; exit 2 if anything."""

    def main(self) -> int:
        """Print the plan."""
        raise Ended(self.dry_run(self.host()))


@Slashservice.subcommand("uninstall")
class Uninstall(HostVerb):
    """Stop the services, and bring the host back to what it was."""

    dry = cli.Flag(["-n", "--dry-run"], help="only say what would be undone; exit 2 if anything")

    def main(self) -> int:
        """Undo what the receipt tells of."""
        host = self.host()
        self.look(host)
        receipt = receipts.load(host)
        if receipt is None:
            with_leftovers = host.is_directory(state_folder(host))
            if with_leftovers and not self.dry:
                transaction.uninstall(host, say)
            say("slashservice is not installed")
            raise Ended(DONE)
        if self.dry:
            for entry in reversed(receipt.entries):
                if entry.action.describe():
                    say(f"would {entry.action.describe_undo(entry.before)}")
            raise Ended(WOULD_CHANGE)
        _need_root(host)
        with transaction.exclusive(host):
            notes = transaction.uninstall(host, say)
        for note in notes:
            say(f"note: {note}")
        say("uninstalled")
        raise Ended(DONE)


@Slashservice.subcommand("detect")
class Detect(HostVerb):
    """Say which init system runs the host, and why."""

    as_json = cli.Flag("--json", help="say it as JSON, with all the evidence")
    explain = cli.Flag("--explain", help="show the evidence")

    def main(self) -> int:
        """Print the verdict."""
        host = self.host()
        evidence, verdict = self.look(host)
        if self.as_json:
            plain = {"verdict": verdict.to_json(), "evidence": evidence.to_json()}
            say(json.dumps(plain, indent=2, sort_keys=True))
            raise Ended(DONE if verdict.name else TROUBLE)
        live = "" if verdict.live else ", judged by its files" if verdict.row == "1" else ""
        say(f"{verdict.name or 'unknown'}{live}")
        for line in verdict.reasons:
            say(f"  because {line}")
        for line in verdict.warnings:
            say(f"  warning: {line}")
        for line in verdict.advice:
            say(f"  {line}")
        if self.explain:
            say(json.dumps(evidence.to_json(), indent=2, sort_keys=True))
        raise Ended(DONE if verdict.name else TROUBLE)


@Slashservice.subcommand("status")
class StatusVerb(HostVerb):
    """Say what is installed, and whether it runs; exit 1 if not all is well."""

    as_json = cli.Flag("--json", help="say it as JSON")

    def main(self) -> int:
        """Print the status."""
        host = self.host()
        self.look(host)
        found = status.look(host)
        if self.as_json:
            say(json.dumps(found.to_json(), indent=2, sort_keys=True))
        else:
            for line in status.lines(found):
                say(line)
        raise Ended(DONE if found.good else WRONG)


@Slashservice.subcommand("doctor")
class Doctor(HostVerb):
    """Look for what is wrong, or soon will be; exit 1 if anything is."""

    as_json = cli.Flag("--json", help="say it as JSON")

    def main(self) -> int:
        """Print the findings."""
        host = self.host()
        evidence, verdict = self.look(host)
        findings = examine(host, evidence, verdict)
        if self.as_json:
            say(json.dumps([vars(one) for one in findings], indent=2))
        else:
            for one in findings:
                say(one.what + (f"\n    {one.remedy}" if one.remedy else ""))
            if not findings:
                say("nothing found wrong")
        raise Ended(WRONG if findings else DONE)


@Slashservice.subcommand("add")
class Add(HostVerb):
    """Make a service, with a log, and start it: add NAME -- COMMAND..."""

    user = cli.SwitchAttr("--user", str, "", argname="ACCOUNT", help="run it as ACCOUNT")
    log_user = cli.SwitchAttr("--log-user", str, "", argname="ACCOUNT", help="run its log so")
    log = cli.SwitchAttr("--log", str, "", argname="DIR", help="the log directory")
    no_log = cli.Flag("--no-log", help="without a log", excludes=["--log", "--log-user"])
    down = cli.Flag("--down", help="do not start it")
    environment = cli.SwitchAttr(
        "--env", str, list=True, argname="NAME=VALUE", help="a variable for its environment"
    )
    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help="the scan directory")
    homes = cli.SwitchAttr("--in", str, services.HOMES, argname="DIR", help="make it in DIR")

    def main(self, name: str, *command: str) -> int:
        """Make the service."""
        host = self.host()
        _need_root(host)
        self.look(host)
        pairs = [one.partition("=") for one in self.environment]
        if any(not middle for _, middle, _ in pairs):
            raise Misuse("--env takes NAME=VALUE")
        service = services.Service(
            name=name,
            command=command,
            user=self.user,
            log="" if self.no_log else self.log or f"{services.LOG_FOLDER}/{name}",
            log_user=self.log_user,
            environment={key: value for key, _, value in pairs},
            down=self.down,
        )
        directory = self.service_dir or scan_directory(host)
        for line in services.add(host, service, self.homes.rstrip("/"), directory):
            say(line)
        raise Ended(DONE)


@Slashservice.subcommand("remove")
class Remove(HostVerb):
    """Unlink a service, stop it, let its log read to the end, and remove its directory."""

    keep = cli.Flag("--keep", help="keep the service directory")
    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help="the scan directory")

    def main(self, name: str) -> int:
        """Remove the service."""
        host = self.host()
        _need_root(host)
        self.look(host)
        directory = self.service_dir or scan_directory(host)
        for line in services.remove(host, name, directory, self.keep):
            say(line)
        raise Ended(DONE)


def scan_directory(host: Host) -> str:
    """Return the scan directory of the installation on a host; the usual one without it."""
    receipt = receipts.load(host)
    return receipt.service_dir if receipt else "/service"


@Slashservice.subcommand("commands")
class Commands(Verb):
    """Put the daemontools commands into a folder: commands DIR."""

    python = cli.SwitchAttr("--python", str, "", argname="PATH", help="the interpreter to use")

    def main(self, folder: str) -> int:
        """Write a launcher for each command."""
        from slashservice.supervise import launchers

        for path in launchers.write(os.path.abspath(folder), self.python or None):
            say(path)
        raise Ended(DONE)


@Slashservice.subcommand("demo")
class Demo(Verb):
    """Show supervision at work in a folder of its own, as yourself."""

    def main(self, *words: str) -> int:
        """Run the demonstration."""
        demo: Callable[[list[bytes]], int]
        demo = importlib.import_module("slashservice.supervise.demo").main
        raise Ended(demo([os.fsencode(word) for word in words]))


@Slashservice.subcommand("completion")
class Completion(Verb):
    """Print the completions for a shell: completion bash, zsh or fish."""

    def main(self, shell: cli.Set("bash", "zsh", "fish")) -> int:  # type: ignore[valid-type]
        """Print the file."""
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "completion")
        with open(os.path.join(folder, f"slashservice.{shell}"), encoding="utf-8") as file:
            sys.stdout.write(file.read())
        raise Ended(DONE)


def _need_root(host: Host) -> None:
    """Refuse to touch the running system as anybody but root."""
    if host.root == "/" and os.geteuid() != 0:
        raise Refusal("only root may do that", "Try it with sudo.")


def main() -> None:
    """Be ``slashservice``. Never returns."""
    if sys.argv[1:2] in (["drain"], ["running"]):
        from slashservice.installer.supervision import main as supervision_main

        sys.exit(supervision_main(sys.argv[1:]))
    try:
        Slashservice.run(["slashservice", *sys.argv[1:]], exit=False)
        ended = DONE
    except Ended as end:
        ended = end.status
    except Misuse as misuse:
        complain("usage", str(misuse))
        ended = MISUSE
    except Refusal as refusal:
        complain("fatal", refusal.what, *refusal.advice)
        ended = TROUBLE
    except (Trouble, transaction.Interrupted, OSError) as error:
        complain("fatal", reason(error) if isinstance(error, OSError) else str(error))
        ended = TROUBLE
    try:
        sys.stdout.flush()
    except OSError:
        pass
    os._exit(ended)


def complain(kind: str, what: str, *advice: str) -> None:
    """Say what is wrong on standard error."""
    lines = [f"slashservice: {kind}: {what}", *(f"    {line}" for line in advice)]
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:
        pass
