"""Make services: ``slashservice add``.

It is made by :mod:`~slashservice.installer.making`, complete or not at all. Whether it then stays
up is watched by :mod:`~slashservice.installer.starting`.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slashservice.installer import making, naming, service_log, starting, written
from slashservice.installer.errors import WrongUse
from slashservice.installer.host import lock
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.making import Drawn, Say

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*")
MADE_BY_US = making.MARKS[0]

LIMITS = {
    "core": "c",
    "cpu": "t",
    "data": "d",
    "files": "o",
    "filesize": "f",
    "memory": "a",
    "processes": "p",
    "stack": "s",
}
"""The limits that ``add`` can give, and the options of softlimit for them."""


@dataclass(frozen=True)
class Service:
    """A service to be made. ``log`` is the log directory, empty for none.

    It runs a command, or a ``script`` of somebody's own, which does by itself what else there is to
    do. ``log_actions`` is what multilog is told, if it is not the usual. ``checked`` tells that its
    program must be there.
    """

    name: str
    command: Sequence[str]
    user: str = ""
    log: str = ""
    log_user: str = ""
    log_group: str = ""
    log_actions: str = ""
    script: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    checked: bool = True


LARGEST_LIMIT = 2**63 - 1


def check(service: Service, homes: str = "") -> None:
    """Refuse a service that could not run anywhere, or could not be named."""
    if not NAME.fullmatch(service.name):
        raise WrongUse(
            f"{service.name!r} is no name for a service",
            "Letters, digits and _ . + @ - will do; it may not begin with a dot.",
        )
    if not service.script and not (service.command and service.command[0]):
        raise WrongUse("what shall it run?", "slashservice add NAME -- COMMAND...")
    if any("\0" in word for word in service.command):
        raise WrongUse("a command may not contain NUL bytes")
    for path in (service.log, homes):
        if "\n" in path:
            raise WrongUse(f"{path!r} can't be named in a script: there is a newline in it")
    for name, value in service.environment.items():
        if not re.fullmatch(r"[^=/.\x00-\x20\s][^=/\x00-\x20\s]*", name):
            raise WrongUse(f"{name!r} is no name for a variable")
        if value != value.rstrip(" \t"):
            raise WrongUse(f"{name}: a value can't end in a blank, as envdir takes it away")
    for name, value in service.limits.items():
        number = int(value) if re.fullmatch("[0-9]{1,19}", value) else -1
        if name not in LIMITS or not 0 <= number <= LARGEST_LIMIT:
            listed = ", ".join(LIMITS)
            raise WrongUse(f"{name}={value} is no limit", f"NAME=NUMBER; NAME is one of {listed}.")


def files(host: Host, service: Service) -> dict[str, tuple[str, int]]:
    """Return the files of the service directory, by path relative to it, with their modes.

    Variables are read, and limits set, before the account changes: root's files are closed to it.
    Each command looks for the next one on the PATH that it was started with. So nothing of ours
    comes behind the one that comes behind ``envdir``.
    """
    if service.script:
        made = {"run": (service.script, 0o755)}
        return {**made, **_beside(host, service)}
    words = []
    if service.limits:
        words.append("softlimit")
        words += [f"-{LIMITS[name]}{value}" for name, value in service.limits.items()]
    words += ["envdir ./env"] if service.environment else []
    words += [f"setuidgid {service.user}"] if service.user else []
    words.append(_quote(service.command))
    run = f"#!/bin/sh\n{MADE_BY_US}\nexec 2>&1\nexec {' '.join(words)}\n"
    made = {"run": (run, 0o755)}
    for name, value in service.environment.items():
        made[f"env/{name}"] = (value.replace("\n", "\0") + "\n", 0o600)
    return {**made, **_beside(host, service)}


def _beside(host: Host, service: Service) -> dict[str, tuple[str, int]]:
    """Return the files that are the same whatever it runs."""
    made = {"down": ("", 0o644)} if service.down else {}
    if service.log:
        how = service.log_user, service.log_group, service.log_actions
        made["log/run"] = (service_log.script(host, service.log, *how), 0o755)
    return made


def _quote(command: Sequence[str]) -> str:
    """Quote a command for the shell; a bare name is looked for on the supervisor's PATH.

    A word with newlines in it takes several lines of the script, between its quotes.
    """
    return " ".join(shlex.quote(word) for word in command)


def drawn(host: Host, service: Service) -> Drawn:
    """Return the service directory of a service."""
    contents = {
        name: FileState("file", mode, *host.owner, text.encode("utf-8", "surrogateescape"))
        for name, (text, mode) in files(host, service).items()
    }
    contents[written.FILE] = written.state(host, written.of(contents))
    return Drawn(
        service.name,
        contents,
        command=service.command if service.checked else (),
        path=service.environment.get("PATH", "") if service.user else "",
        user=service.user,
        log=service.log,
        log_user=service.log_user,
        log_group=service.log_group,
    )


def add(host: Host, service: Service, homes: str, service_dir: str, say: Say) -> bool:
    """Make the service, link it into the scan directory, and watch its start.

    ``say`` is given what there is to say, as it happens. Return whether the service stays up.
    """
    check(service, homes)
    home, link = f"{homes}/{service.name}", f"{service_dir}/{service.name}"
    begun = time.time()
    with lock.held(host, making.PATIENCE):
        one = drawn(host, service)
        making.make(host, making.survey(host, [one], homes, service_dir), homes, service_dir)
    say(f"{home} is made and linked as {link}")
    if not host.live:
        return True
    possible = starting.is_possible(service_dir, say)
    if not possible:
        return possible is False or service.down
    try:
        return starting.watch(
            host,
            [one],
            service_dir,
            begun,
            say,
            lambda name: naming.remove(host, name, homes, service_dir),
        )
    except Interrupted:
        say(f"not watched any longer: svstat {link} tells how it is")
        return True
