"""The verbs for services: ``add`` and ``remove``."""

from __future__ import annotations

from plumbum import cli

from slashservice.installer import services
from slashservice.installer.cli.verb import DONE, HostVerb, Misuse, need_root, say
from slashservice.installer.host.host import Host
from slashservice.installer.record import receipt as receipts
from slashservice.supervise.protocol.names import SCAN_DIRECTORY


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
        need_root(host)
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
        return DONE


class Remove(HostVerb):
    """Unlink a service, stop it, let its log read to the end, and remove its directory."""

    keep = cli.Flag("--keep", help="keep the service directory")
    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help="the scan directory")

    def main(self, name: str) -> int:
        """Remove the service."""
        host = self.host()
        need_root(host)
        directory = self.service_dir or scan_directory(host)
        for line in services.remove(host, name, directory, self.keep):
            say(line)
        return DONE


def scan_directory(host: Host) -> str:
    """Return the scan directory of the installation on a host; the usual one without it."""
    receipt = receipts.load(host)
    return receipt.service_dir if receipt else SCAN_DIRECTORY
