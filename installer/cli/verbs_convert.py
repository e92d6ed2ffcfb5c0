"""The verbs that bring services from elsewhere, and take them there: ``import`` and ``export``."""

from __future__ import annotations

import os
import sys
from typing import Any

from plumbum import cli

from slashservice.installer import naming, service_log, streams
from slashservice.installer.cli.verb import (
    DONE,
    WOULD_CHANGE,
    WRONG,
    HostVerb,
    Misuse,
    OneOf,
    Unprinted,
    need_root,
    printed,
    say,
)
from slashservice.installer.cli.verbs_services import IN, SCANNED, homes_of, scanned_by
from slashservice.installer.converters import archive, copying, importing, kinds
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal, reason
from slashservice.installer.host import crowd
from slashservice.installer.host.host import Host
from slashservice.installer.interrupts import interruptible
from slashservice.installer.supervision import running
from slashservice.supervise.printable import printable


class HereVerb(HostVerb):
    """A verb that reads or writes files of this host."""

    service_dir = cli.SwitchAttr("--service-dir", str, "", argname="DIR", help=SCANNED)
    homes = cli.SwitchAttr("--in", str, "", argname="DIR", help=IN)

    def host(self) -> Host:
        """Return the host; the files are here, so that another one can't be meant."""
        if self.address:
            raise Misuse(f"--host: {self.ELSEWHERE}")
        return super().host()

    ELSEWHERE = ""

    def places(self, host: Host) -> tuple[str, str]:
        """Return the folder of service directories, and the scan directory."""
        return homes_of(host, self.homes), scanned_by(host, self.service_dir)


class Import(HereVerb):
    """Make services of others' files: import supervisord.conf|NAME.service|Procfile|DIR..."""

    USAGE = "    slashservice import [OPTION]... FILE...\n"

    ELSEWHERE = "copy the files there, and import them there"

    kind = cli.SwitchAttr(
        "--from",
        OneOf(*kinds.KINDS),
        "",
        argname="FORMAT",
        help=f"what the files are: {', '.join(kinds.KINDS)}",
    )
    dry_run = cli.Flag(["-n", "--dry-run"], help="only say what would be made; exit 2 if anything")
    user = cli.SwitchAttr("--user", str, "", argname="ACCOUNT", help="run those so that name none")
    log_user = cli.SwitchAttr("--log-user", str, "", argname="ACCOUNT", help="run their logs so")
    no_log = cli.Flag("--no-log", help="without logs", excludes=["--log-user"])
    down = cli.Flag(["--down", "--no-start"], help="do not start them")
    no_check = cli.Flag("--no-check", help="even if a program is not there yet")
    prefix = cli.SwitchAttr("--prefix", str, "", argname="TEXT", help="begin their names so")
    formation = cli.SwitchAttr(
        "--formation", str, "", argname="NAME=NUMBER,...", help="so many of a line of a Procfile"
    )
    engine = cli.SwitchAttr(
        "--engine", str, "", argname="PROGRAM", help="what runs containers: podman, docker"
    )

    def _parse_args(self, argv: list[str]) -> Any:
        """Take a lone dash for standard input, and for no option that nobody knows."""
        return super()._parse_args([kinds.STANDARD_INPUT if one == "-" else one for one in argv])

    def main(self, *files: str) -> int:
        """Make the services; exit 1 if one does not stay up."""
        if not files:
            raise Misuse("import takes at least one file or directory")
        host = self.host()
        need_root(host)
        if host.home and (self.user or self.log_user):
            raise Refusal("services of an ordinary account run as that account, and as no other")
        homes, directory = self.places(host)
        if self.service_dir and not self.force and not (host.live and running(directory)):
            crowd.refuse(host, directory)
        losses = Losses()
        choices = kinds.Choices(
            kind=str(self.kind),
            account=self.user,
            log_account=self.log_user,
            has_log=not self.no_log,
            down=self.down,
            check=not self.no_check,
            formation=self.formation,
            engine=self.engine,
            prefix=self.prefix,
        )
        wanted = kinds.drawn(host, files, choices, losses)
        for line in losses.lines:
            tell(line)
        with interruptible():
            if self.dry_run:
                found = importing.foreseen(host, wanted, homes, directory, tell)
                return printed(WOULD_CHANGE if found else DONE)
            good = importing.make(host, wanted, homes, directory, tell)
        return DONE if good else WRONG


class Export(HereVerb):
    """Write services into a tar archive that import takes on another host: export NAME..."""

    USAGE = "    slashservice export [OPTION]... NAME...\n"

    ELSEWHERE = "ssh HOST slashservice export NAME >NAME.tar"

    output = cli.SwitchAttr("-o", str, "", argname="FILE", help="the archive; else standard output")

    def main(self, *names: str) -> int:
        """Write the archive."""
        if not names:
            raise Misuse("export takes at least one service")
        host = self.host()
        need_root(host)
        if not self.output and sys.stdout.isatty():
            raise Refusal(
                "an archive is nothing for a terminal",
                f"Into a file: slashservice export {names[0]} -o {names[0]}.tar",
            )
        homes, directory = self.places(host)
        losses = Losses()
        services = {}
        for word in names:
            name = naming.known(host, word, homes, directory)
            places = [f"{directory}/{name}", f"{homes}/{name}"]
            home = next((one for one in places if host.is_file(f"{one}/run")), "")
            if not home:
                raise Refusal(f"there is no service {name} in {directory}")
            real = host.real(home, follow=True)
            services[name] = copying.walk(real, losses, name, follow=True)
        for line in losses.lines:
            streams.complain(f"slashservice: note: {printable(line)}\n")
        data = archive.write(services, host)
        self._write(data)
        return DONE

    def _write(self, data: bytes) -> None:
        """Write the archive, which has secrets in it, for nobody else to read."""
        if not self.output:
            try:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            except OSError as error:
                raise Unprinted(error) from None
            return
        path = service_log.absolute(self.output)
        new = f"{path}.{os.getpid()}.new"
        try:
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with open(fd, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(fd)
                os.rename(new, path)
            except BaseException:
                os.unlink(new)
                raise
        except OSError as error:
            raise Refusal(reason(error)) from None


def tell(line: str) -> None:
    """Say a line that quotes files of others: it stays one line."""
    say(printable(line, "\t"))
