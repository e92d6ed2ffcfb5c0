"""Make services: ``slashservice add``.

A service directory appears in the scan directory complete, log and all, or not at all: it is made
under another name and moved into place, and linked last. Whether it then stays up is watched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from slashservice.installer import naming, programs, service_log, supervision, trial
from slashservice.installer.errors import Refusal, Trouble, WrongUse, reason
from slashservice.installer.host import lock, obstacles
from slashservice.installer.host.host import NEW, Host, make_directories
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.host.trust import refuse_to_run
from slashservice.installer.interrupts import Interrupted, undisturbed
from slashservice.installer.supervision import supervised
from slashservice.supervise import tai
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*")
MADE_BY_US = "# Made by `slashservice add`."
PATIENCE = 30
"""Seconds to wait for another add, remove or install to end its work."""

START_LIMIT = 15
"""Seconds for svscan to see a new service."""

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

Say = Callable[[str], None]


@dataclass(frozen=True)
class Service:
    """A service to be made. ``log`` is the log directory, empty for none.

    ``checked`` tells that its program must be there.
    """

    name: str
    command: Sequence[str]
    user: str = ""
    log: str = ""
    log_user: str = ""
    log_group: str = ""
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
    if not service.command or not service.command[0]:
        raise WrongUse("what shall it run?", "slashservice add NAME -- COMMAND...")
    if any("\0" in word or "\n" in word for word in service.command):
        raise WrongUse("a command may not contain NUL bytes or newlines")
    for path in (service.log, homes):
        if "\n" in path:
            raise WrongUse(f"{path!r} can't be named in a script: there is a newline in it")
    for name in service.environment:
        if not re.fullmatch(r"[^=/.\0\n][^=/\0\n]*", name):
            raise WrongUse(f"{name!r} is no name for a variable")
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
    if service.down:
        made["down"] = ("", 0o644)
    if service.log:
        whose = service.log_user, service.log_group
        made["log/run"] = (service_log.script(host, service.log, *whose), 0o755)
    return made


def _quote(command: Sequence[str]) -> str:
    """Quote a command for the shell; a bare name is looked for on the supervisor's PATH."""
    return " ".join(shlex.quote(word) for word in command)


def add(host: Host, service: Service, homes: str, service_dir: str, say: Say) -> bool:
    """Make the service, link it into the scan directory, and watch its start.

    ``say`` is given what there is to say, as it happens. Return whether the service stays up.
    """
    check(service, homes)
    home, link = f"{homes}/{service.name}", f"{service_dir}/{service.name}"
    begun = time.time()
    with lock.held(host, PATIENCE):
        _make(host, service, home, link)
    say(f"{home} is made and linked as {link}")
    if not host.live:
        return True
    svscan = supervision.running(service_dir)
    if not svscan:
        say("it starts as soon as svscan runs")
        return True
    if supervision.is_drained(service_dir, svscan):
        say(f"it is not started: svscan on {service_dir} is drained, and starts nothing")
        say("slashservice install has another svscan take its place; then it starts")
        return service.down
    try:
        remedy = naming.remove(host, service.name, homes, service_dir)
        return _watch(host, service, link, begun, say, remedy)
    except Interrupted:
        say(f"not watched any longer: svstat {link} tells how it is")
        return True


def _make(host: Host, service: Service, home: str, link: str) -> None:
    """Make the service in ``home``, and link it, if nothing speaks against it."""
    service_dir = os.path.dirname(link)
    _check_places(host, home, service, service_dir)
    if host.lstat(link):
        raise Refusal(f"there is a service {service.name} already: {link}")
    numbers = {user: _numbers(host, user) for user in (service.user, service.log_user)}
    refuse_to_run(host, home, service_dir)
    if service.log:
        service_log.check(host, service.log, service.log_user)
    group = None
    if service.log_group:
        group = service_log.check_group(host, service.log, service.log_group)
    contents = files(host, service)
    is_there = host.lstat(home) is not None
    runs = is_there and host.live and supervised(home)
    if runs or (is_there and not _is_as_made(host, home, contents)):
        raise _taken(host, service.name, home, link, runs)
    if service.log:
        service_log.refuse_shared(host, service.log, service.name, service_dir)
    places = [link] + ([] if is_there else [f"{home}/run"])
    places += [f"{service.log}/current"] if service.log and host.live else []
    obstacles.refuse(host, places, "")
    search_path = supervision.search_path(service_dir if host.live else "", host.commands)
    if service.checked:
        path = service.environment.get("PATH", "") if service.user else ""
        programs.check(
            host,
            service.name,
            service.command,
            path or search_path,
            service.user,
            numbers[service.user],
        )
    with _all_or_nothing(host) as made:
        if service.log and (host.live or service_log.only_now(host, service.log, service.log_user)):
            owner = numbers[service.log_user]
            made += service_log.make(host, service.log, service.log_user, owner, search_path, group)
        if not is_there:
            _make_home(host, home, contents, made)
        made.append(link)
        host.put(link, FileState("link", target=home))


def _check_places(host: Host, home: str, service: Service, service_dir: str) -> None:
    """Refuse places that are in each other's way."""
    if not host.is_directory(service_dir):
        usual = service_dir == SCAN_DIRECTORY or bool(host.home)
        raise Refusal(
            f"there is no scan directory {service_dir}",
            "slashservice install" if usual else f"To have it scanned: mkdir -p {service_dir}",
        )
    scanned = host.resolve(service_dir)
    above = host.resolve(os.path.dirname(home))
    if f"{above}/".startswith(f"{scanned}/"):
        raise Refusal(
            f"{os.path.dirname(home)} is no place for service directories: svscan on {service_dir} "
            "would start what is made there before it is whole",
            "A link in the scan directory leads to it from wherever it is: leave out --in.",
        )
    for path in (above, service.log or above):
        other = obstacles.in_the_way(host, path)
        if other and (host.live or host.readlink(other) is None):
            raise Refusal(f"{other} is there, and is no directory")
    if not service.log:
        return
    log, own = host.resolve(service.log), f"{above}/{service.name}"
    if scanned in (log, os.path.dirname(log)):
        raise Refusal(f"{service.log} is no place for a log: svscan would take it for a service")
    if f"{log}/".startswith(f"{own}/") or f"{own}/".startswith(f"{log}/"):
        raise Refusal(f"{service.log} is no place for a log: the service itself is in {home}")


def _watch(host: Host, service: Service, link: str, begun: float, say: Say, remedy: str) -> bool:
    """Wait until svscan has the service, and see whether it stays up."""
    if not wait_for(lambda: supervised(link), START_LIMIT):
        say(f"svscan has not taken it up yet: svstat {link}")
        return True
    if service.down:
        say(f"svscan supervises it, and it is down: slashservice start {link}")
        return True
    both = [link, *([f"{link}/log"] if service.log else [])]
    seen, *logs = trial.watch(both, tai.pack(int(begun * 1e9)))
    say(trial.words(service.name, seen, link))
    log_works = all(one.good for one in logs)
    trouble = service_log.trouble(host, link) if service.log else ""
    if not log_works:
        say(f"its log does not run: {link}/log/run")
    elif trouble:
        say(f"its log is in trouble: {trouble}")
        log_works = False
    if seen.good:
        return log_works
    lines = service_log.last_lines(host, service.log, begun) if service.log else []
    if lines:
        say("the last lines that it logged:")
        for line in lines:
            say(f"    {line}")
    elif service.log:
        say("it has logged nothing")
    else:
        say("it has no log: what it says is where svscan's own messages are")
    say(f"it is started again and again; {remedy} ends that")
    return False


def _is_as_made(host: Host, home: str, contents: Mapping[str, tuple[str, int]]) -> bool:
    """Tell whether a service directory is the one that we would make: a killed run left it."""
    return all(
        host.read(f"{home}/{name}") == text.encode("utf-8", "surrogateescape")
        for name, (text, _) in contents.items()
    ) and ("down" in contents or not host.lstat(f"{home}/down"))


def _taken(host: Host, name: str, home: str, link: str, runs: bool) -> Refusal:
    """Say what to do about a service directory that is there without a link to it."""
    inside = host.root if host.root != "/" else ""
    link_it = shlex.join(["ln", "-s", home, inside + link])
    remove_it = naming.remove(host, name, os.path.dirname(home), os.path.dirname(link))
    if runs:
        return Refusal(
            f"{home} is there already, and its service still runs: it was unlinked, not stopped",
            f"To stop and remove it: {remove_it}",
            f"To keep it: {link_it}",
        )
    if MADE_BY_US.encode() not in (host.read(f"{home}/run") or b""):
        remove_it = shlex.join(["mv", inside + home, f"{inside}{home}.old"])
    right = [f"If it is right: {link_it}"] if host.is_executable(f"{home}/run") else []
    return Refusal(f"{home} is there already", *right, f"If not: {remove_it}")


def _numbers(host: Host, user: str) -> tuple[int, int] | None:
    """Return the numbers of an account, None for none; refuse one that the host doesn't have."""
    if not user:
        return None
    try:
        return _account(host, user)
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


TRIES = 10
"""How often a service directory is tried to be made, if the folder is removed meanwhile."""


@contextlib.contextmanager
def _all_or_nothing(host: Host) -> Iterator[list[str]]:
    """Remove the paths in the list that is yielded, the last first, if the block fails."""
    made: list[str] = []
    try:
        yield made
    except BaseException:
        with undisturbed():
            for path in reversed(made):
                if host.readlink(path) is None and (
                    (path.endswith(NEW) and host.is_directory(path)) or host.is_file(f"{path}/run")
                ):
                    host.remove_tree(path)
                elif host.readlink(path) or (host.is_directory(path) and not host.list(path)):
                    host.put(path, ABSENT)
        raise


def _make_home(
    host: Host, home: str, contents: Mapping[str, tuple[str, int]], made: list[str]
) -> None:
    """Make a service directory beside its place and move it there.

    Whoever removes the last service just now removes the folder of them all, too.
    """
    homes, name = os.path.split(home)
    new = f"{homes}/.{name}{NEW}"
    made += [homes] if not host.is_directory(homes) else []
    made.append(new)
    for left in reversed(range(TRIES)):
        try:
            make_directories(host, homes)
            if host.lstat(new):
                host.remove_tree(new)
            _write(host, new, contents)
            host.rename(new, home)
            break
        except OSError as error:
            if not left or error.errno != errno.ENOENT:
                raise Trouble(f"{home} can't be made", error.strerror or reason(error)) from error
    made.append(home)


def _write(host: Host, folder: str, contents: Mapping[str, tuple[str, int]]) -> None:
    """Write a service directory. Its variables are closed to all others."""
    host.put(folder, FileState("directory", 0o755, *host.owner))
    for name, (text, mode) in sorted(contents.items()):
        inner = os.path.dirname(name)
        if inner and not host.lstat(f"{folder}/{inner}"):
            closed = 0o700 if inner == "env" else 0o755
            host.put(f"{folder}/{inner}", FileState("directory", closed, *host.owner))
        data = text.encode("utf-8", "surrogateescape")
        host.put(f"{folder}/{name}", FileState("file", mode, *host.owner, data))
