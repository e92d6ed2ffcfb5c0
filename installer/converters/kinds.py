"""Which format a file is in, by its name and by what is in it; and what is made of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from slashservice.installer import service_log
from slashservice.installer.converters import (
    archive,
    compose,
    procfile,
    render,
    runit,
    supervisord,
    systemd,
)
from slashservice.installer.converters.losses import Losses
from slashservice.installer.converters.wanted import Wanted
from slashservice.installer.errors import Refusal, WrongUse, reason
from slashservice.installer.host.host import Host
from slashservice.installer.making import Drawn
from slashservice.installer.services import NAME

OTHER_UNITS = {
    "socket": "a socket that systemd opens: the service has to open its own",
    "timer": "a timer: that is work for cron, or for a run script that sleeps",
    "path": "a path that systemd watches",
    "target": "a target: services here have no such order",
    "mount": "a file system to be mounted: that belongs into /etc/fstab",
    "automount": "a file system to be mounted: that belongs into /etc/fstab",
    "swap": "swap space: that belongs into /etc/fstab",
    "slice": "a control group",
    "scope": "a control group",
    "device": "a device",
}


STANDARD_INPUT = "/dev/stdin"


@dataclass(frozen=True)
class Choices:
    """What the command line says of the services to be made."""

    kind: str = ""
    account: str = ""
    log_account: str = ""
    has_log: bool = True
    down: bool = False
    check: bool = True
    formation: str = ""
    engine: str = ""
    prefix: str = ""


def kind_of(path: str) -> str:
    """Return the format of a file, by a name of :data:`KINDS`; :class:`Refusal` if it has none."""
    name = os.path.basename(os.path.abspath(path))
    stem, _, suffix = name.rpartition(".")
    if path == STANDARD_INPUT or name.endswith((".tar", ".tar.gz", ".tgz")):
        return "tar"
    if os.path.isdir(path):
        return "runit"
    if suffix == "service":
        return "systemd"
    if suffix in OTHER_UNITS and stem:
        raise Refusal(f"{path} is {OTHER_UNITS[suffix]}")
    if name == "Procfile" or name.startswith("Procfile.") or suffix == "procfile":
        return "procfile"
    if suffix in ("yaml", "yml"):
        return "compose"
    try:
        with open(path, "rb", opener=_open) as file:
            first = file.read(1 << 16)
    except OSError as error:
        raise Refusal(reason(error)) from None
    if archive.is_archive(first):
        return "tar"
    if re.search(rb"^\[(program:|supervisord\]|include\])", first, re.MULTILINE):
        return "supervisord"
    if re.search(rb"^\[Service\]", first, re.MULTILINE):
        return "systemd"
    raise Refusal(f"{path}: what this is can't be told", f"Say it with --from: {', '.join(KINDS)}")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def drawn(host: Host, paths: Iterable[str], choices: Choices, losses: Losses) -> list[Drawn]:
    """Return the services that are in files, each as its directory shall be."""
    found: list[Drawn] = []
    for path in paths:
        if not path:
            raise WrongUse("a file was given as nothing")
        kind = choices.kind or kind_of(path)
        found += KINDS[kind](host, path, choices, losses)
    if choices.prefix:
        found = [replace(one, name=choices.prefix + one.name) for one in found]
    seen: set[str] = set()
    for one in found:
        if not NAME.fullmatch(one.name):
            raise Refusal(
                f"{one.name!r} is no name for a service", "Letters, digits and _ . + @ - will do."
            )
        if one.name in seen:
            raise Refusal(f"two of these services are called {one.name}")
        seen.add(one.name)
    return found


def _rendered(host: Host, wanted: Iterable[Wanted], choices: Choices) -> list[Drawn]:
    """Return services that were read as directories, each with a log of its own."""
    folder, _ = service_log.usual(host)
    found = []
    for one in wanted:
        if host.home and one.user:
            raise Refusal(
                f"{one.origin}: {one.name} runs as {one.user}",
                "Services of an ordinary account run as that account, and as no other.",
            )
        one.down = one.down or choices.down
        log = f"{folder}/{choices.prefix}{one.name}" if choices.has_log else ""
        found.append(render.drawn(host, one, log, choices.log_account, choices.check))
    return found


def _systemd(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    return _rendered(host, [systemd.read(host, path, losses, choices.account)], choices)


def _supervisord(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    return _rendered(host, supervisord.read(host, path, losses, choices.account), choices)


def _procfile(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    found = procfile.read(host, path, losses, choices.account, choices.formation)
    return _rendered(host, found, choices)


def _compose(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    found = compose.read(host, path, losses, choices.account, choices.engine)
    return _rendered(host, found, choices)


def _runit(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    return [runit.read(host, path, losses, choices.check, choices.down)]


def _tar(host: Host, path: str, choices: Choices, losses: Losses) -> list[Drawn]:
    if path == STANDARD_INPUT:
        given = sys.stdin.buffer
        return archive.read(host, given, "standard input", losses, choices.check, choices.down)
    try:
        with open(path, "rb", opener=_open) as file:
            return archive.read(host, file, path, losses, choices.check, choices.down)
    except OSError as error:
        raise Refusal(reason(error)) from None


KINDS: Mapping[str, Callable[[Host, str, Choices, Losses], list[Drawn]]] = {
    "systemd": _systemd,
    "supervisord": _supervisord,
    "procfile": _procfile,
    "compose": _compose,
    "runit": _runit,
    "tar": _tar,
}
