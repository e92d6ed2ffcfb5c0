"""The verbs for services: ``add`` and ``remove``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from plumbum import cli

from slashservice.installer import (
    changing,
    making,
    naming,
    removal,
    service_log,
    services,
    streams,
)
from slashservice.installer.changes import Updated
from slashservice.installer.cli.verb import (
    DONE,
    WOULD_CHANGE,
    WRONG,
    HostVerb,
    Misuse,
    OwnVerb,
    need_root,
    printed,
    say,
    without,
)
from slashservice.installer.converters import dotenv
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host import crowd
from slashservice.installer.host.host import Host
from slashservice.installer.interrupts import interruptible
from slashservice.installer.record import receipt as receipts
from slashservice.installer.supervision import running
from slashservice.supervise.logs.action_script import LEAST_SIZE, MOST_SIZE
from slashservice.supervise.printable import printable_json
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

SCANNED = "the scan directory"
LARGEST = 1 << 20
"""Bytes of a file with variables, or of a script. No program is given more than a few of them."""

OF_LOG = ["--log", "--log-user", "--log-group", "--log-size", "--log-number", "--log-processor"]
MOST_FILES = 1_000_000
IN = f"where its directory is made, instead of {naming.HOMES}"


class Add(HostVerb):
    """Make a service, with a log, and start it."""

    USAGE = "    slashservice add [OPTION]... NAME -- COMMAND...\n"
    USAGE += "    slashservice add [OPTION]... --run FILE NAME\n"

    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help=SCANNED)
    homes = cli.SwitchAttr("--in", str, "", argname="DIR", help=IN)
    user = cli.SwitchAttr("--user", str, "", argname="ACCOUNT", help="run it as ACCOUNT")
    log_user = cli.SwitchAttr("--log-user", str, "", argname="ACCOUNT", help="run its log so")
    log_group = cli.SwitchAttr(
        "--log-group", str, "", argname="GROUP", help="accounts of GROUP may read its log"
    )
    log = cli.SwitchAttr("--log", str, "", argname="DIR", help="the log directory")
    log_size = cli.SwitchAttr(
        "--log-size",
        cli.Range(LEAST_SIZE, MOST_SIZE),
        0,
        argname="BYTES",
        help=f"how large a file of its log becomes ({service_log.SIZE})",
    )
    log_number = cli.SwitchAttr(
        "--log-number",
        cli.Range(2, MOST_FILES),
        0,
        argname="NUMBER",
        help=f"how many of them are kept ({service_log.NUMBER})",
    )
    log_processor = cli.SwitchAttr(
        "--log-processor", str, "", argname="COMMAND", help="what full files go through, as gzip"
    )
    no_log = cli.Flag("--no-log", help="without a log", excludes=OF_LOG)
    script = cli.SwitchAttr(
        "--run",
        str,
        "",
        argname="FILE",
        excludes=["--user", "--env", "--env-from", "--limit", "--host"],
        help="a run script, instead of COMMAND",
    )
    down = cli.Flag("--down", help="do not start it")
    no_check = cli.Flag("--no-check", help="even if its program is not there yet")
    environment = cli.SwitchAttr(
        "--env", str, list=True, argname="NAME=VALUE", help="a variable for its environment"
    )
    limits = cli.SwitchAttr(
        "--limit",
        str,
        list=True,
        argname="NAME=NUMBER",
        help=f"a limit for it, as of softlimit: {', '.join(services.LIMITS)}",
    )

    environment_from = cli.SwitchAttr(
        "--env-from", str, "", argname="FILE", help="variables, as in a file .env; --env goes first"
    )
    update = cli.Flag("--update", help="if it is there, change it to what is asked for")
    restart = cli.Flag(
        "--restart", requires=["--update"], help="restart it if it runs by older files"
    )
    dry_run = cli.Flag(
        ["-n", "--dry-run"], requires=["--update"], help="only show changes; exit 2 if any"
    )
    as_json = cli.Flag("--json", requires=["--update"], help="say it as JSON")

    def words_there(self) -> list[str]:
        """Return the command line for another host, with the variables of a file that is here."""
        argv = without(super().words_there(), "--env-from")
        found = _variables(self.environment_from) if self.environment_from else {}
        given = [f"--env={name}={value}" for name, value in found.items()]
        return [argv[0], *given, *argv[1:]]

    def main(self, name: str, *command: str) -> int:
        """Make the service; exit 1 if it does not stay up."""
        host = self.host()
        need_root(host)
        if host.home and (self.user or self.log_user):
            raise Refusal("services of an ordinary account run as that account, and as no other")
        homes, directory = homes_of(host, self.homes), scanned_by(host, self.service_dir)
        if self.service_dir and not self.force and not (host.live and running(directory)):
            crowd.refuse(host, directory)
        script = _script(self.script) if self.script else ""
        if script and command:
            raise Misuse("add takes either a command or --run FILE")
        if "\n" in self.log_processor:
            raise Misuse("--log-processor takes a command of one line")
        name = naming.new(host, name, homes, directory)
        usual, why = service_log.usual(host)
        log = service_log.absolute(self.log) if self.log else f"{usual}/{name}"
        service = services.Service(
            name=name,
            command=command,
            user=self.user,
            log="" if self.no_log else log,
            log_user=self.log_user,
            log_group=self.log_group,
            log_actions=service_log.actions(self.log_size, self.log_number, self.log_processor),
            script=script,
            environment={
                **(_variables(self.environment_from) if self.environment_from else {}),
                **_pairs("--env NAME=VALUE", self.environment),
            },
            limits=_pairs("--limit NAME=NUMBER", self.limits),
            down=self.down,
            checked=not self.no_check,
        )
        tell = _to_standard_error if self.as_json else say
        if why and service.log and not self.log:
            tell(f"its log will be {log}: {why}")
        if self.update:
            return self._update(host, service, homes, directory, tell)
        with interruptible():
            good = services.add(host, service, homes, directory, say)
        return DONE if good else WRONG

    def _update(
        self, host: Host, service: services.Service, homes: str, directory: str, tell: making.Say
    ) -> int:
        with interruptible():
            found = changing.update(
                host,
                service,
                homes,
                directory,
                tell,
                restart=self.restart,
                dry_run=self.dry_run,
                force=self.force,
            )
        if self.as_json:
            say(printable_json(json.dumps(found.to_json(), indent=2)))
        elif self.dry_run:
            _foretell(found)
        if self.dry_run:
            return printed(WOULD_CHANGE if found.changes or found.is_restarted else DONE)
        return DONE if found.is_good else WRONG


def _foretell(found: Updated) -> None:
    """Say what would be changed."""
    for change in found.changes:
        say(f"{change.path} would be {change.what}")
        for line in change.diff().splitlines():
            say(f"    {line}")
    if found.is_restarted:
        say(f"{found.name} would be restarted")
    elif found.is_due:
        say(f"{found.name} would still run as it was, without --restart")
    elif not found.changes:
        say(f"{found.name} is as it was asked for")


class Remove(OwnVerb):
    """Unlink a service, stop it, let its log read to the end, and remove its directory."""

    USAGE = "    slashservice remove [OPTION]... NAME\n"

    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help=SCANNED)
    homes = cli.SwitchAttr("--in", str, "", argname="DIR", help=IN)
    keep = cli.Flag("--keep", help="keep the service directory")
    kill_after = cli.SwitchAttr(
        "--kill-after",
        cli.Range(0, 86400),
        None,
        argname="SECONDS",
        help="send KILL if it is still up so long after TERM",
    )
    dry_run = cli.Flag(["-n", "--dry-run"], help="only say what would be removed; exit 2 if any")
    as_json = cli.Flag("--json", help="say it as JSON; a service that is not there is no error")

    def main(self, name: str) -> int:
        """Remove the service."""
        host = self.host()
        need_root(host)
        homes, directory = homes_of(host, self.homes), scanned_by(host, self.service_dir)
        name = naming.known(host, name, homes, directory)
        if self.dry_run or self.as_json:
            going = removal.foreseen(host, name, directory, homes=homes, keep=self.keep)
            if self.as_json:
                self._remove(host, name, homes, directory, bool(going), _to_standard_error)
                plain = {"name": name, "changed": bool(going), "removed": going}
                say(printable_json(json.dumps(plain, indent=2)))
                return printed(WOULD_CHANGE if self.dry_run and going else DONE)
            if not going:
                raise Refusal(f"there is no service {name} in {directory}")
            for path in going:
                say(f"{path} would be removed")
            return printed(WOULD_CHANGE)
        self._remove(host, name, homes, directory, True, say)
        return DONE

    def _remove(
        self, host: Host, name: str, homes: str, directory: str, is_there: bool, tell: making.Say
    ) -> None:
        if self.dry_run or not is_there:
            return
        with interruptible():
            removal.remove(
                host,
                name,
                directory,
                tell,
                homes=homes,
                keep=self.keep,
                kill_after=self.kill_after,
            )


def homes_of(host: Host, asked: str) -> str:
    """Return the folder in which service directories are made."""
    return service_log.absolute(asked) if asked else naming.usual_homes(host)


def scanned_by(host: Host, asked: str) -> str:
    """Return the scan directory that is meant."""
    return service_log.absolute(asked) if asked else scan_directory(host)


def _to_standard_error(line: str) -> None:
    """Say what is not for programs."""
    streams.complain(f"{line}\n")


def _variables(path: str) -> dict[str, str]:
    """Return the variables in a file ``.env``; refuse what is none, as it may be meant for one."""
    return dotenv.strictly(_text(path, "variables"), path)


def _script(path: str) -> str:
    """Return a run script that is in a file; refuse what the kernel would run as none."""
    text = _text(path, "a run script")
    if not text.startswith("#!"):
        raise Refusal(f"{path} is no run script: its first line does not begin with #!")
    return text


def _text(path: str, what: str) -> str:
    """Return what is in a file that somebody names."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Trouble(f"unable to read {path}", error.strerror or reason(error)) from error
    if len(data) > LARGEST:
        raise Refusal(f"{path} is too large for {what}: more than {LARGEST} bytes")
    return data.decode("utf-8", "surrogateescape")


def _pairs(usage: str, words: Iterable[str]) -> dict[str, str]:
    """Take apart options of the form ``NAME=VALUE``."""
    parted = [word.partition("=") for word in words]
    if any(not middle for _, middle, _ in parted):
        raise Misuse(usage.replace(" ", " takes "))
    return {name: value for name, _, value in parted}


def scan_directory(host: Host) -> str:
    """Return the scan directory of the installation on a host; the usual one without it."""
    receipt = receipts.load(host)
    return receipt.service_dir if receipt else SCAN_DIRECTORY
