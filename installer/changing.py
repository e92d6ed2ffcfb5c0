"""Change services to what is asked for: ``slashservice add --update``.

What ``add`` would write otherwise is replaced, each file by a rename; what it would not write goes.
Whatever else is in the directory is a person's, and stays. Ours that a person has edited is not
overwritten (:mod:`~slashservice.installer.written`).

Files come in an order in which the service can be started at any moment: variables before the
script that reads them, and away after it. A process of its own does it, which lives on if we are
killed just then. Should that be killed, what it has done and what it has not are both known for
ours, and the next call goes on.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from slashservice.installer import (
    making,
    naming,
    renewing,
    service_log,
    services,
    starting,
    written,
)
from slashservice.installer.changes import Change, Updated, compare
from slashservice.installer.errors import Refusal
from slashservice.installer.host import lock
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.making import Drawn, Say
from slashservice.installer.services import Service
from slashservice.installer.supervision import supervised

OF_SUPERVISORS = {"supervise", "down", "run"}
"""What is in the directory of a log that nobody but us and supervisors has put something into."""


@dataclass(frozen=True)
class Places:
    """Where a service is made and linked."""

    homes: str
    service_dir: str
    name: str

    @property
    def home(self) -> str:
        """The service directory."""
        return f"{self.homes}/{self.name}"

    @property
    def link(self) -> str:
        """Its name in the scan directory."""
        return f"{self.service_dir}/{self.name}"


def update(
    host: Host,
    service: Service,
    homes: str,
    service_dir: str,
    say: Say,
    *,
    restart: bool = False,
    dry_run: bool = False,
    force: bool = False,
) -> Updated:
    """Make the service, or change it to what is asked for; say so as it happens.

    With ``restart`` it is restarted if it runs by files that were changed since, and so is its log.
    With ``dry_run`` only that is returned which would be done.
    """
    services.check(service, homes)
    places = Places(homes, service_dir, service.name)
    if host.lstat(places.home) is None:
        try:
            return _create(host, service, places, say, dry_run)
        except Refusal:
            if host.lstat(places.home) is None:
                raise
            # Somebody else was faster, and has made it meanwhile.
    one = services.drawn(host, service)
    begun = time.time()
    with contextlib.nullcontext() if dry_run else lock.held(host, making.PATIENCE):
        _survey(host, one, places)
        known = written.read(host, places.home)
        changes = compare(host, one, places.home, known, force)
        _check_log(host, one, places, changes, restart)
        if host.lstat(places.link) is None:
            link = FileState("link", target=places.home)
            changes.append(Change(places.link, "made", ABSENT, link))
        if dry_run:
            now = renewing.due(host, places.home, one.has_log)
            due = now.with_changes(_touched(places.home, changes))
            return Updated(one.name, changes, is_restarted=restart and bool(due), is_due=bool(due))
        _apply(host, one, places, changes, known or {})
        for change in changes:
            say(f"{change.path} is {change.what}")
        due = _settle(host, one, places, changes, restart)
        begun = time.time() if due.pair else begun
    return _finish(host, one, places, changes, due, begun, say, restart)


def _create(host: Host, service: Service, places: Places, say: Say, dry_run: bool) -> Updated:
    one = services.drawn(host, service)
    made = [
        Change(f"{places.home}/{name}", "made", ABSENT, state)
        for name, state in sorted(one.contents.items())
        if name != written.FILE
    ]
    made.append(Change(places.link, "made", ABSENT, FileState("link", target=places.home)))
    if dry_run:
        making.survey(host, [one], places.homes, places.service_dir)
        return Updated(one.name, made, is_created=True)
    good = services.add(host, service, places.homes, places.service_dir, say)
    return Updated(one.name, made, is_created=True, is_good=good)


def _survey(host: Host, one: Drawn, places: Places) -> None:
    """Refuse to change what is not ours, or what could not be made either."""
    home, link = places.home, places.link
    making.check_places(host, home, one, places.service_dir)
    if host.lstat(link):
        if host.readlink(link) is None or host.resolve(link) != host.resolve(home):
            raise Refusal(f"there is another service {one.name} already: {link}")
    elif host.live and supervised(home):
        raise making.taken(host, one.name, home, link, True)
    if host.lstat(f"{home}/{making.IMPORTED}") or not making.is_ours(host, home):
        raise Refusal(
            f"{home} was not made by slashservice add, which changes nothing there",
            f"To have it made anew: {_removal(host, places)}",
        )
    making.check_parts(host, one, home, places.service_dir)
    making.check_program(host, one, places.service_dir)


def _check_log(
    host: Host, one: Drawn, places: Places, changes: Sequence[Change], restart: bool
) -> None:
    """Refuse a log that could not be written, or taken away."""
    folder = f"{places.home}/log"
    changed = [change for change in changes if change.path == f"{folder}/run"]
    if one.log:
        before = changed[0].now.data if changed else b""
        if changed and not before.endswith(os.fsencode(f" {quote(one.log)}\n")):
            service_log.refuse_shared(host, one.log, one.name, places.service_dir)
        _check_owner(host, one)
        return
    if not changed:
        return
    theirs = [name for name in host.list(folder) if name not in OF_SUPERVISORS]
    if theirs:
        raise Refusal(f"{folder}/{theirs[0]} is not slashservice's: it is in the way of --no-log")
    if host.live and (supervised(folder) or renewing.runs_alone(folder)) and not restart:
        raise Refusal(f"to take its log away, {one.name} has to be restarted", "Add --restart.")


def _check_owner(host: Host, one: Drawn) -> None:
    """Refuse a log directory that is another account's: it could not write there."""
    about = host.stat(one.log)
    owner = making.numbers_of(host, one.log_user)
    if about and owner and about.st_uid != owner[0]:
        raise Refusal(
            f"the log directory {one.log} belongs to user {about.st_uid}, and not to "
            f"{one.log_user}",
            f"To give it away: chown -R {quote(one.log_user)} {quote(host.real(one.log))}",
            "Or name another one: --log DIR",
        )


def _apply(
    host: Host, one: Drawn, places: Places, changes: Sequence[Change], known: written.Known
) -> None:
    """Do it: all of it or, if that fails, nothing. The directory of a log is not removed here."""
    home = places.home
    after = written.of(one.contents)
    for name in {*known, *after, written.FILE}:
        host.remove_new(f"{home}/{name}")
    both = written.state(host, written.either(known, after))
    end = written.state(host, after)
    removed = [change.path for change in changes if not change.wanted]
    if f"{home}/log/run" in removed:
        end = both
    steps = [(f"{home}/{written.FILE}", both)] if changes else []
    for folder, mode in (("env", 0o700), ("log", 0o755)):
        path = f"{home}/{folder}"
        if host.lstat(path) is None and any(name.startswith(f"{folder}/") for name in after):
            steps.append((path, FileState("directory", mode, *host.owner)))
    steps += [
        (change.path, change.wanted)
        for change in changes
        if change.wanted and change.path != places.link
    ]
    steps += [(path, ABSENT) for path in removed if path != f"{home}/log/run"]
    left = {f"env/{name}" for name in host.list(f"{home}/env")}
    if left and left <= {os.path.relpath(path, home) for path in removed}:
        steps.append((f"{home}/env", ABSENT))
    if host.state(f"{home}/{written.FILE}").data != end.data or changes:
        steps.append((f"{home}/{written.FILE}", end))

    def appear() -> None:
        with _or_as_before(host) as done:
            for path, state in steps:
                done.append((path, host.state(path)))
                host.put(path, state)

    path = making.search_path(host, places.service_dir)
    making.make_log(host, one, path)
    if steps:
        making.apart(appear)


@contextlib.contextmanager
def _or_as_before(host: Host) -> Iterator[list[tuple[str, FileState]]]:
    """Put back the states in the list, the last first, if the block fails."""
    done: list[tuple[str, FileState]] = []
    try:
        yield done
    except BaseException:
        for path, state in reversed(done):
            with contextlib.suppress(OSError):
                if host.state(path) != state:
                    host.put(path, state)
        raise


def _touched(home: str, changes: Sequence[Change]) -> set[str]:
    """Return which parts of a service start otherwise from now on: itself, its log, or both."""
    names = [
        os.path.relpath(change.path, home) for change in changes if change.path.startswith(home)
    ]
    found = {"log" for name in names if name.startswith("log/")}
    return found | {"main" for name in names if name == "run" or name.startswith("env/")}


def _settle(
    host: Host, one: Drawn, places: Places, changes: Sequence[Change], restart: bool
) -> renewing.Due:
    """Link the service, take its log away if that goes, and return what is due of a restart.

    Where a log has come or goes, both end here, and begin again.
    """
    home, link = places.home, FileState("link", target=places.home)
    drops_log = not one.has_log and host.lstat(f"{home}/log") is not None
    drops_log = drops_log and any(change.path == f"{home}/log/run" for change in changes)
    due: renewing.Due = renewing.due(host, home, one.has_log)
    if drops_log:
        due = renewing.Due(pair=host.live and supervised(home))
    is_linked = host.lstat(places.link) is not None
    try:
        if restart and due.pair and is_linked:
            host.put(places.link, ABSENT)
            renewing.end(home, _removal(host, places))
        if drops_log:
            host.remove_tree(f"{home}/log")
            after = written.state(host, written.of(one.contents))
            host.put(f"{home}/{written.FILE}", after)
    finally:
        if host.lstat(places.link) is None:
            host.put(places.link, link)
    return due


def _finish(
    host: Host,
    one: Drawn,
    places: Places,
    changes: Sequence[Change],
    due: renewing.Due,
    begun: float,
    say: Say,
    restart: bool,
) -> Updated:
    """Restart what is due, if that is wanted; say how it is, and watch it."""
    restarted = restart and bool(due)
    if restarted and not due.pair:
        renewing.restart(places.home, due)
        begun = time.time()
    if restarted:
        say(f"{one.name} is restarted")
    elif due.pair:
        say(f"{one.name} runs on without its log until it is asked for with --restart")
    elif due:
        parts = [places.link] * due.main + [f"{places.link}/log"] * due.log
        say(f"{one.name} runs on as it was: slashservice restart {' '.join(map(quote, parts))}")
    elif not changes:
        say(f"{one.name} is as it was asked for")
    good = True
    if host.live and (restarted or any(change.path == places.link for change in changes)):
        good = _watch(host, one, places, begun, say)
    return Updated(
        one.name, changes, is_restarted=restarted, is_due=bool(due) and not restarted, is_good=good
    )


def _removal(host: Host, places: Places) -> str:
    return naming.remove(host, places.name, places.homes, places.service_dir)


def _watch(host: Host, one: Drawn, places: Places, begun: float, say: Say) -> bool:
    possible = starting.is_possible(places.service_dir, say)
    if not possible:
        return possible is False or one.down
    try:
        return starting.watch(
            host, [one], places.service_dir, begun, say, lambda name: _removal(host, places)
        )
    except Interrupted:
        say(f"not watched any longer: svstat {places.link} tells how it is")
        return True
