"""The verbs for services: ``add`` and ``remove``."""

from __future__ import annotations

from collections.abc import Iterable

from plumbum import cli

from slashservice.installer import naming, removal, service_log, services
from slashservice.installer.cli.verb import DONE, WRONG, HostVerb, Misuse, OwnVerb, need_root, say
from slashservice.installer.errors import Refusal
from slashservice.installer.host import crowd
from slashservice.installer.host.host import Host
from slashservice.installer.interrupts import interruptible
from slashservice.installer.record import receipt as receipts
from slashservice.installer.supervision import running
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

SCANNED = "the scan directory"
IN = f"where its directory is made, instead of {naming.HOMES}"


class Add(HostVerb):
    """Make a service, with a log, and start it."""

    USAGE = "    slashservice add [OPTION]... NAME -- COMMAND...\n"

    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help=SCANNED)
    homes = cli.SwitchAttr("--in", str, "", argname="DIR", help=IN)
    user = cli.SwitchAttr("--user", str, "", argname="ACCOUNT", help="run it as ACCOUNT")
    log_user = cli.SwitchAttr("--log-user", str, "", argname="ACCOUNT", help="run its log so")
    log_group = cli.SwitchAttr(
        "--log-group", str, "", argname="GROUP", help="accounts of GROUP may read its log"
    )
    log = cli.SwitchAttr("--log", str, "", argname="DIR", help="the log directory")
    no_log = cli.Flag(
        "--no-log", help="without a log", excludes=["--log", "--log-user", "--log-group"]
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

    def main(self, name: str, *command: str) -> int:
        """Make the service; exit 1 if it does not stay up."""
        host = self.host()
        need_root(host)
        if host.home and (self.user or self.log_user):
            raise Refusal("services of an ordinary account run as that account, and as no other")
        homes, directory = homes_of(host, self.homes), scanned_by(host, self.service_dir)
        if self.service_dir and not self.force and not (host.live and running(directory)):
            crowd.refuse(host, directory)
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
            environment=_pairs("--env NAME=VALUE", self.environment),
            limits=_pairs("--limit NAME=NUMBER", self.limits),
            down=self.down,
            checked=not self.no_check,
        )
        if why and service.log and not self.log:
            say(f"its log will be {log}: {why}")
        with interruptible():
            good = services.add(host, service, homes, directory, say)
        return DONE if good else WRONG


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

    def main(self, name: str) -> int:
        """Remove the service."""
        host = self.host()
        need_root(host)
        homes, directory = homes_of(host, self.homes), scanned_by(host, self.service_dir)
        with interruptible():
            removal.remove(
                host,
                naming.known(host, name, homes, directory),
                directory,
                say,
                homes=homes,
                keep=self.keep,
                kill_after=self.kill_after,
            )
        return DONE


def homes_of(host: Host, asked: str) -> str:
    """Return the folder in which service directories are made."""
    return service_log.absolute(asked) if asked else naming.usual_homes(host)


def scanned_by(host: Host, asked: str) -> str:
    """Return the scan directory that is meant."""
    return service_log.absolute(asked) if asked else scan_directory(host)


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
