"""Make and remove services: ``slashservice add`` and ``slashservice remove``.

A service directory appears in the scan directory complete, log and all, or not at all: it
is made under another name and moved into place, and linked last. Removing goes the way the
documentation has it: the link first, so that nothing is started again; the service; and its
log once it has read all there is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import NEW, Host, make_directories
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.host.trust import distrust, refuse_to_run
from slashservice.installer.supervision import supervised, tell
from slashservice.supervise.protocol.client import wait_for

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*")
HOMES = "/etc/slashservice"
"""Services are made in this folder by default. It exists only as long as it has one."""

LOG_FOLDER = "/var/log/slashservice"
MADE_BY_US = "# Made by `slashservice add`."
MULTILOG = "t s1000000 n10"
START_LIMIT = 15
STOP_LIMIT = supervision.LIMIT
DRAIN_GRACE = 10
"""Seconds for a log to reach the end of its input, where another svscan holds the pipe."""


@dataclass(frozen=True)
class Service:
    """A service to be made. ``log`` is the log directory, empty for none."""

    name: str
    command: Sequence[str]
    user: str = ""
    log: str = ""
    log_user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    down: bool = False


def check(service: Service) -> None:
    """Refuse a service that could not run, or could not be named."""
    if not NAME.fullmatch(service.name):
        raise Refusal(
            f"{service.name!r} is no name for a service",
            "Letters, digits and _ . + @ - will do; it may not begin with a dot.",
        )
    if not service.command:
        raise Refusal("what shall it run?", "slashservice add NAME -- COMMAND...")
    if any("\0" in word or "\n" in word for word in service.command):
        raise Refusal("a command may not contain NUL bytes or newlines")
    for name in service.environment:
        if not re.fullmatch(r"[^=/.\0\n][^=/\0\n]*", name):
            raise Refusal(f"{name!r} is no name for a variable")


def files(service: Service) -> dict[str, tuple[str, int]]:
    """Return the files of the service directory, by path relative to it, with their modes."""
    words = [f"setuidgid {service.user}"] if service.user else []
    words += ["envdir ./env"] if service.environment else []
    words.append(_quote(service.command))
    run = f"#!/bin/sh\n{MADE_BY_US}\nexec 2>&1\nexec {' '.join(words)}\n"
    made = {"run": (run, 0o755)}
    for name, value in service.environment.items():
        made[f"env/{name}"] = (value.replace("\n", "\0") + "\n", 0o600)
    if service.down:
        made["down"] = ("", 0o644)
    if service.log:
        log_user = f"setuidgid {service.log_user} " if service.log_user else ""
        text = f"#!/bin/sh\nexec {log_user}multilog {MULTILOG} {shlex.quote(service.log)}\n"
        made["log/run"] = (text, 0o755)
    return made


def _quote(command: Sequence[str]) -> str:
    """Quote a command for the shell; a bare name is looked for on the supervisor's PATH."""
    return " ".join(shlex.quote(word) for word in command)


def add(host: Host, service: Service, homes: str, service_dir: str) -> list[str]:
    """Make the service and link it into the scan directory; return what to say about it."""
    check(service)
    home, link = f"{homes}/{service.name}", f"{service_dir}/{service.name}"
    if not host.is_directory(service_dir):
        raise Refusal(f"there is no scan directory {service_dir}", "slashservice install")
    if host.lstat(link):
        raise Refusal(f"there is a service {service.name} already: {link}")
    if host.lstat(home):
        raise Refusal(f"{home} is there already", f"If it is right: ln -s {home} {link}")
    _refuse_unknown_users(host, service)
    refuse_to_run(host, home, service_dir)
    _refuse_what_others_lead(host, service)
    if service.log:
        _make_log_folder(host, service)
    make_directories(host, homes)
    new = f"{homes}/.{service.name}{NEW}"
    if host.lstat(new):
        host.remove_tree(new)
    _write(host, new, files(service))
    host.rename(new, home)
    host.put(link, FileState("link", target=home))
    said = [f"{home} is made and linked as {link}"]
    if host.live and supervision.running(service_dir) and not service.down:
        if wait_for(lambda: supervised(link), START_LIMIT):
            said.append(f"svscan supervises it: svstat {link}")
        else:
            said.append(f"svscan has not taken it up yet: svstat {link}")
    return said


def _refuse_unknown_users(host: Host, service: Service) -> None:
    """Refuse accounts the host doesn't have: such a service could never start."""
    for user in {service.user, service.log_user} - {""}:
        try:
            _account(host, user)
        except KeyError:
            raise Refusal(f"there is no account {user} on this host") from None


def _account(host: Host, user: str) -> tuple[int, int]:
    """Return uid and gid of an account: the system's view, or an image's passwd file."""
    if host.root == "/":
        import pwd

        found = pwd.getpwnam(user)
        return found.pw_uid, found.pw_gid
    for line in (host.read("/etc/passwd") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if fields[0] == user and len(fields) > 3:
            return int(fields[2]), int(fields[3])
    raise KeyError(user)


def _make_log_folder(host: Host, service: Service) -> None:
    """Make the log directory, owned by whoever will write it."""
    owner = _account(host, service.log_user) if service.log_user else host.owner
    make_directories(host, os.path.dirname(service.log), owner=owner)
    if not host.lstat(service.log):
        host.put(service.log, FileState("directory", 0o700, *owner))


def _refuse_what_others_lead(host: Host, service: Service) -> None:
    """Refuse to have root log to what somebody else can lead elsewhere."""
    why = distrust(host, service.log, groups=False) if service.log else ""
    if why and not service.log_user:
        raise Refusal(
            f"root would write to what somebody else can lead elsewhere: {service.log}",
            f"{why}: name another directory with --log, or who shall write with --log-user.",
        )


def _write(host: Host, folder: str, contents: Mapping[str, tuple[str, int]]) -> None:
    """Write a service directory."""
    host.put(folder, FileState("directory", 0o755, *host.owner))
    for name, (text, mode) in sorted(contents.items()):
        inner = os.path.dirname(name)
        if inner and not host.lstat(f"{folder}/{inner}"):
            host.put(f"{folder}/{inner}", FileState("directory", 0o755, *host.owner))
        data = text.encode("utf-8", "surrogateescape")
        host.put(f"{folder}/{name}", FileState("file", mode, *host.owner, data))


def remove(host: Host, name: str, service_dir: str, keep: bool = False) -> list[str]:
    """Take a service out of the scan directory and stop it; return what to say about it.

    The directory goes too if ``add`` made it, unless ``keep``; its logs stay.
    """
    link = f"{service_dir}/{name}"
    if "/" in name or name.startswith(".") or not host.lstat(link):
        raise Refusal(f"there is no service {name} in {service_dir}")
    target = host.readlink(link)
    if target is None:
        raise Refusal(
            f"{link} is no link but the service directory itself",
            "Move it elsewhere first: slashservice removes links, not what you wrote.",
        )
    home = host.resolve(link)
    host.put(link, ABSENT)
    said = [f"{link} is unlinked"]
    if host.live and host.is_directory(home):
        stop(home)
        said.append("the service is down, and its log has been read to the end")
    if not keep and MADE_BY_US.encode() in (host.read(f"{home}/run") or b""):
        log = re.search(rb"multilog [^\n]* (\S+)\n", host.read(f"{home}/log/run") or b"")
        host.remove_tree(home)
        said.append(f"{home} is removed")
        if os.path.dirname(home) == HOMES and not host.list(HOMES):
            host.put(HOMES, ABSENT)
        if log:
            said.append(f"its logs are kept: {os.fsdecode(log.group(1))}")
    elif host.is_directory(home):
        said.append(f"{home} is kept")
    return said


def stop(home: str) -> None:
    """Stop an unlinked service, then its log, and have both given up by their supervisor."""
    log = f"{home}/log"
    tell(log, b"x")
    tell(home, b"dx")
    if not wait_for(lambda: not supervised(home), STOP_LIMIT):
        raise Trouble(f"the service in {home} does not go down", "svstat tells more")
    if not wait_for(lambda: not supervised(log), DRAIN_GRACE):
        tell(log, b"dx")
        if not wait_for(lambda: not supervised(log), STOP_LIMIT):
            raise Trouble(f"the log in {log} does not end", "svstat tells more")
