"""Services that other packages bring: linked as their packages wish, and taken out as these go.

A package puts a service directory into ``/usr/lib/slashservice/service``, or into ``/etc/sv`` as
for runit. What it wishes is in its file ``.meta/enable``: ``yes`` or ``no``. Without that file the
first is enabled and the second is not: many packages bring one for runit that nobody asked for.

A decision is made once for each service, and noted. So a link that an administrator has taken away
stays away, whatever is upgraded; one that was there before is his.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import package
from slashservice.installer.host.host import Host, make_directories
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.services import NAME
from slashservice.installer.stopping import stop
from slashservice.installer.supervision import supervised

Say = Callable[[str], None]

PLACES = ((package.BROUGHT, True), ("/etc/sv", False))
"""Where packages put services, and whether these are enabled unless they say something else."""

RECORD = "/var/lib/slashservice/brought.json"
"""The services that were decided about, by name, with their directories."""

STATES = "/var/lib/slashservice/supervise"
"""Where a service keeps its state whose directory is below ``/usr``, which may be read-only."""

KILL_AFTER = 60.0
"""Seconds for a service to go down whose package is gone."""


@dataclass(frozen=True)
class Brought:
    """The services of packages on a host, and its scan directory."""

    host: Host
    service_dir: str
    say: Say

    def update(self) -> None:
        """Link what is new, and take out what is gone."""
        for name, home in self._dangling():
            self._leave(name, home)
        known = self._known()
        left = {name: home for name, home in known.items() if not self._leave(name, home)}
        new = {name: home for name, home in self._wished() if name not in left}
        for name, home in new.items():
            self._enable(name, home)
        decided = {**left, **new}
        if decided != known:
            self._note(decided)

    def take_out(self) -> None:
        """Unlink what was linked, as slashservice itself goes; it is linked again when that comes.

        Nothing of it may run any more.
        """
        known = self._known()
        linked = [name for name, home in known.items() if self._leads(name, home)]
        for name in linked:
            self.host.put(self._link(name), ABSENT)
            self._clear(name, known.pop(name))
        if linked:
            self._note(known)

    def _leads(self, name: str, home: str) -> bool:
        return self._target(name) == home

    def _target(self, name: str) -> str:
        """Return where a link of the scan directory leads, as a whole path; empty for no link."""
        target = self.host.readlink(self._link(name))
        folder = self.host.resolve(self.service_dir)
        return os.path.normpath(os.path.join(folder, target)) if target else ""

    def _dangling(self) -> list[tuple[str, str]]:
        """Return links, with where they lead, that people have made to services that are gone."""
        known = self._known()
        found = [(name, self._target(name)) for name in self.host.list(self.service_dir)]
        return [
            (name, home)
            for name, home in found
            if name not in known
            and os.path.dirname(home) == package.BROUGHT
            and not self.host.is_file(f"{home}/run")
        ]

    def _link(self, name: str) -> str:
        return f"{self.service_dir}/{name}"

    def _wished(self) -> list[tuple[str, str]]:
        """Return names and directories of the services that their packages want enabled."""
        found = {}
        for folder, usual in reversed(PLACES):
            for name in self.host.list(folder):
                home = f"{folder}/{name}"
                is_service = NAME.fullmatch(name) and self.host.is_file(f"{home}/run")
                if is_service and wishes(self.host, home, usual):
                    found[name] = home
        return sorted(found.items())

    def _enable(self, name: str, home: str) -> None:
        """Link a service, unless something is at its place."""
        host, link = self.host, self._link(name)
        host.remove_new(link)
        if host.lstat(link) is not None:
            if not self._leads(name, home):
                self.say(f"{link} is there already and stays; {home} is not started")
            return
        self._keep_state(name, home)
        host.put(link, FileState("link", target=home))
        self.say(f"{home} is enabled: {link} leads to it")

    def _keep_state(self, name: str, home: str) -> None:
        """Have a service below ``/usr`` keep its state elsewhere."""
        if not home.startswith("/usr/"):
            return
        for inner, suffix in (("", ""), ("/log", ".log")):
            at, state = f"{home}{inner}/supervise", f"{STATES}/{name}{suffix}"
            if self.host.is_directory(home + inner) and self.host.lstat(at) is None:
                make_directories(self.host, STATES)
                if not self.host.is_directory(state):
                    self.host.put(state, FileState("directory", 0o700, *self.host.owner))
                self.host.put(at, FileState("link", target=state))

    def _leave(self, name: str, home: str) -> bool:
        """Stop and unlink a service whose package is gone; tell whether to forget about it.

        Where an administrator had taken it out already, that is remembered.
        """
        host, link = self.host, self._link(name)
        if host.is_file(f"{home}/run"):
            return False
        linked = self._leads(name, home)
        if linked:
            host.put(link, ABSENT)
            self.say(f"{link} is unlinked, as {home} is gone")
        if host.live and host.is_directory(home) and (linked or supervised(home)):
            try:
                for line in stop(home, KILL_AFTER):
                    self.say(f"{name}: {line}")
            except (Trouble, Refusal) as trouble:
                self.say(str(trouble))
        self._clear(name, home)
        return linked

    def _clear(self, name: str, home: str) -> None:
        """Remove the state of a service, and what that has kept of its directory."""
        host = self.host
        for inner, suffix in (("/log", ".log"), ("", "")):
            folder, state = home + inner, f"{STATES}/{name}{suffix}"
            at = f"{folder}/supervise"
            if host.live and host.is_directory(folder) and supervised(folder):
                continue
            if host.readlink(at) == state:
                host.put(at, ABSENT)
            elif host.readlink(at) is None and host.is_file(f"{at}/lock"):
                host.remove_tree(at)
            if host.is_directory(state):
                host.remove_tree(state)
            if host.is_directory(folder) and not host.list(folder):
                host.put(folder, ABSENT)
        if host.is_directory(STATES) and not host.list(STATES):
            host.put(STATES, ABSENT)

    def _known(self) -> dict[str, str]:
        """Return what was decided before; nothing if that can't be read."""
        try:
            plain = json.loads(self.host.read(RECORD) or b"{}")
            return {str(name): str(home) for name, home in plain.items() if NAME.fullmatch(name)}
        except (ValueError, AttributeError, TypeError):
            return {}

    def _note(self, decided: dict[str, str]) -> None:
        data = json.dumps(decided, indent=1, sort_keys=True) + "\n"
        make_directories(self.host, RECORD.rpartition("/")[0])
        self.host.put(RECORD, FileState("file", 0o644, *self.host.owner, data.encode()))


def wishes(host: Host, home: str, usual: bool) -> bool:
    """Tell whether a package wants a service enabled; ``usual`` if it does not say."""
    said = host.read(f"{home}/.meta/enable")
    if said is None:
        return usual
    return said.strip().lower() in (b"", b"yes", b"true", b"1")
