"""Make service directories: what ``slashservice add`` and ``slashservice import`` share.

A service appears in the scan directory complete, log and all, or not at all: its directory is made
under another name and moved into place, and linked last. Of several, all appear or none. They are
moved and linked by a process of its own, which lives on if we are killed just then.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from slashservice.installer import naming, programs, service_log, supervision, written
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host import obstacles
from slashservice.installer.host.host import NEW, Host, make_directories
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.host.trust import refuse_to_run
from slashservice.installer.interrupts import undisturbed
from slashservice.installer.supervision import supervised
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

MARKS = ("# Made by `slashservice add`.", "# Made by `slashservice import`")
"""What the run scripts that we make begin with: ``slashservice remove`` removes such services."""

IMPORTED = ".imported"
"""A file in service directories that ``import`` has copied: their run scripts are others' words."""

PATIENCE = 30
"""Seconds to wait for another add, remove or install to end its work."""

TRIES = 10
"""How often a service directory is tried to be made, if the folder is removed meanwhile."""

Say = Callable[[str], None]
Contents = Mapping[str, FileState]
"""What is in a service directory, by path relative to it."""


@dataclass(frozen=True)
class Drawn:
    """A service directory as it shall be.

    Its program is ``command``, which is looked for on ``path`` where the variables have one;
    nothing is looked for if it is empty. ``log`` is the log directory, empty for none.
    ``stays`` tells that the service is to stay up.
    """

    name: str
    contents: Contents
    command: Sequence[str] = ()
    path: str = ""
    user: str = ""
    log: str = ""
    log_user: str = ""
    log_group: str = ""
    stays: bool = True
    accounts: Sequence[str] = field(default_factory=tuple)

    @property
    def down(self) -> bool:
        """Whether it is normally down."""
        return "down" in self.contents

    @property
    def has_log(self) -> bool:
        """Whether it has a log service."""
        return "log/run" in self.contents or "log" in self.contents


def is_ours(host: Host, home: str) -> bool:
    """Tell whether a service directory is one that we have made."""
    if host.lstat(f"{home}/{IMPORTED}"):
        return True
    run = host.read(f"{home}/run") or b""
    return any(mark.encode() in run for mark in MARKS) or written.read(host, home) is not None


def survey(
    host: Host, wanted: Sequence[Drawn], homes: str, service_dir: str, *, again: bool = False
) -> list[Drawn]:
    """Refuse what can't be made; return what is to be made or linked.

    With ``again`` a service that is there and linked, just as it would be made, is no obstacle.
    """
    todo = []
    for one in wanted:
        home, link = f"{homes}/{one.name}", f"{service_dir}/{one.name}"
        check_places(host, home, one, service_dir)
        if host.lstat(link):
            if again and host.readlink(link) == home and is_as_made(host, home, one.contents):
                continue
            raise Refusal(f"there is a service {one.name} already: {link}")
        _survey_one(host, one, home, link)
        todo.append(one)
    return todo


def _survey_one(host: Host, one: Drawn, home: str, link: str) -> None:
    """Refuse to make a service that isn't linked, if something speaks against it."""
    service_dir = os.path.dirname(link)
    check_parts(host, one, home, service_dir)
    is_there = host.lstat(home) is not None
    runs = is_there and host.live and supervised(home)
    if runs or (is_there and not is_as_made(host, home, one.contents)):
        raise taken(host, one.name, home, link, runs)
    if one.log:
        service_log.refuse_shared(host, one.log, one.name, service_dir)
    places = [link] + ([] if is_there else [f"{home}/run"])
    places += [f"{one.log}/current"] if one.log and host.live else []
    obstacles.refuse(host, places, "")
    check_program(host, one, service_dir)


def check_parts(host: Host, one: Drawn, home: str, service_dir: str) -> None:
    """Refuse accounts that are not there, and places where others could meddle."""
    for user in (one.user, one.log_user, *one.accounts):
        numbers_of(host, user)
    refuse_to_run(host, home, service_dir)
    if one.log:
        service_log.check(host, one.log, one.log_user)
    _group(host, one)


def check_program(host: Host, one: Drawn, service_dir: str) -> None:
    """Refuse a program that is not there, or that the account may not run."""
    if one.command:
        path = one.path or search_path(host, service_dir)
        programs.check(host, one.name, one.command, path, one.user, numbers_of(host, one.user))


def _group(host: Host, one: Drawn) -> int | None:
    """Return the number of the group that may read the log; None for none."""
    return service_log.check_group(host, one.log, one.log_group) if one.log_group else None


def search_path(host: Host, service_dir: str) -> str:
    """Return the PATH of svscan, and so of services."""
    return supervision.search_path(service_dir if host.live else "", host.commands)


def make(host: Host, todo: Sequence[Drawn], homes: str, service_dir: str) -> None:
    """Make all these services and link them, or none; ``survey`` has nothing against them."""
    path = search_path(host, service_dir)
    with _all_or_nothing(host) as made:
        moves = []
        for one in todo:
            made += make_log(host, one, path)
            home = f"{homes}/{one.name}"
            if host.lstat(home) is None:
                _stage(host, home, one.contents, made)
                moves.append(home)
        made += moves
        made += [f"{service_dir}/{one.name}" for one in todo]

        def appear() -> None:
            for home in moves:
                host.rename(_new(home), home)
            for one in todo:
                link = FileState("link", target=f"{homes}/{one.name}")
                host.put(f"{service_dir}/{one.name}", link)

        if len(todo) > 1:
            apart(appear)
        else:
            appear()


def make_log(host: Host, one: Drawn, path: str) -> list[str]:
    """Make the log directory where that is not left to its script; return what was made.

    ``path`` is the PATH of services.
    """
    if not one.log or not (host.live or service_log.only_now(host, one.log, one.log_user)):
        return []
    owner, group = numbers_of(host, one.log_user), _group(host, one)
    return service_log.make(host, one.log, one.log_user, owner, path, group)


def apart(work: Callable[[], None]) -> None:
    """Do ``work`` in a process of its own, which no signal to us ends half way.

    It holds our lock, too, for as long as it works.
    """
    reader, writer = os.pipe()
    with undisturbed():
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reader)
                os.setsid()
                for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(one, signal.SIG_IGN)
                work()
                status = 0
            except BaseException as error:
                os.write(writer, reason(error).encode(errors="replace")[:4096])
            finally:
                os._exit(status)
        os.close(writer)
        with open(reader, "rb") as file:
            said = file.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
    if status:
        raise Trouble("the services can't be put in place", said or "the process was killed")


def check_places(host: Host, home: str, one: Drawn, service_dir: str) -> None:
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
    for path in (above, one.log or above):
        other = obstacles.in_the_way(host, path)
        if other and (host.live or host.readlink(other) is None):
            raise Refusal(f"{other} is there, and is no directory")
    if not one.log:
        return
    log, own = host.resolve(one.log), f"{above}/{one.name}"
    if scanned in (log, os.path.dirname(log)):
        raise Refusal(f"{one.log} is no place for a log: svscan would take it for a service")
    if f"{log}/".startswith(f"{own}/") or f"{own}/".startswith(f"{log}/"):
        raise Refusal(f"{one.log} is no place for a log: the service itself is in {home}")


def is_as_made(host: Host, home: str, contents: Contents) -> bool:
    """Tell whether a service directory is the one that we would make: a killed run left it."""
    return all(
        state.kind == "directory" or host.state(f"{home}/{name}").same_content(state)
        for name, state in contents.items()
        if name != written.FILE
    ) and ("down" in contents or not host.lstat(f"{home}/down"))


def taken(host: Host, name: str, home: str, link: str, runs: bool) -> Refusal:
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
    if not is_ours(host, home):
        remove_it = shlex.join(["mv", inside + home, f"{inside}{home}.old"])
    right = [f"If it is right: {link_it}"] if host.is_executable(f"{home}/run") else []
    return Refusal(f"{home} is there already", *right, f"If not: {remove_it}")


def numbers_of(host: Host, user: str) -> tuple[int, int] | None:
    """Return the numbers of an account, None for none; refuse one that the host doesn't have."""
    if not user:
        return None
    try:
        return account(host, user)
    except KeyError:
        raise Refusal(f"there is no account {user} on this host") from None


def account(host: Host, user: str) -> tuple[int, int]:
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
                    if host.live and supervised(path):  # it was linked for a moment
                        supervision.tell(f"{path}/log", b"x")
                        supervision.tell(path, b"dx")
                    host.remove_tree(path)
                elif host.readlink(path) or (host.is_directory(path) and not host.list(path)):
                    host.put(path, ABSENT)
        raise


def _new(home: str) -> str:
    """Return the name under which a service directory is made."""
    homes, name = os.path.split(home)
    return f"{homes}/.{name}{NEW}"


def _stage(host: Host, home: str, contents: Contents, made: list[str]) -> None:
    """Make a service directory beside its place.

    Whoever removes the last service just now removes the folder of them all, too.
    """
    homes, new = os.path.dirname(home), _new(home)
    made += [homes] if not host.is_directory(homes) and homes not in made else []
    made.append(new)
    for left in reversed(range(TRIES)):
        try:
            make_directories(host, homes)
            if host.lstat(new):
                host.remove_tree(new)
            _write(host, new, contents)
            break
        except OSError as error:
            if not left or error.errno != errno.ENOENT:
                raise Trouble(f"{home} can't be made", error.strerror or reason(error)) from error


def _write(host: Host, folder: str, contents: Contents) -> None:
    """Write a service directory. Its variables are closed to all others."""
    host.put(folder, FileState("directory", 0o755, *host.owner))
    for name, state in sorted(contents.items()):
        inner = ""
        for part in name.split("/")[:-1]:
            inner = f"{inner}/{part}"
            if not host.lstat(folder + inner):
                closed = 0o700 if part == "env" else 0o755
                host.put(folder + inner, FileState("directory", closed, *host.owner))
        host.put(f"{folder}/{name}", state)
