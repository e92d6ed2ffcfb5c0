"""The receipt: a record, on the host, of what an installation did and of what was before.

It is also the journal. It is written whole before the first change, so that a run which is
killed anywhere leaves all that is needed to finish or to undo it: each action can tell from
what is at its path whether it was applied. ``phase`` says how far things are.

A JSON file, ``receipt.json`` in ``/var/lib/slashservice``, readable by root alone as it holds
copies of files it may not show.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from slashservice.installer.errors import Trouble
from slashservice.installer.host import package
from slashservice.installer.host.host import (
    LASTING,
    RECEIPT,
    STATE_FOLDERS,
    Host,
    make_directories,
    state_folder,
)
from slashservice.installer.host.layout import layout
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.kinds import UnknownKindError, action_from_json
from slashservice.supervise.version import VERSION

FORMAT = 1

DAMAGED = f"{RECEIPT}.damaged"
"""What one that can't be read is set aside as, by who follows the advice."""

Phase = Literal["applying", "retiring", "installed", "undoing"]


@dataclass(frozen=True)
class Entry:
    """One action of an installation.

    ``before`` is what was there before slashservice came; ``previous`` what was there before
    the run that wrote the receipt, which is another thing when it upgrades. ``after`` is the
    digest of what the action left. While a run goes on there may still be what earlier ones
    left: ``also`` has the digests of that. ``retired`` actions are of an older version only.
    """

    action: Action
    before: dict[str, Any]
    previous: dict[str, Any]
    after: str = ""
    retired: bool = False
    also: tuple[str, ...] = ()

    def left(self, host: Host) -> str:
        """Return the digest of what we left at the action's path, as far as we know it."""
        if self.also and isinstance(self.action, PathAction):
            now = host.state(self.action.path).digest()
            if now in self.also:
                return now
        return self.after

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values."""
        return {
            "action": self.action.to_json(),
            "before": self.before,
            "previous": self.previous,
            "after": self.after,
            "retired": self.retired,
            "also": self.also,
        }


@dataclass(frozen=True)
class Receipt:
    """All of an installation. ``prior`` is the receipt that a run in progress replaces."""

    version: str
    init: str
    layout: str
    service_dir: str
    python: str
    phase: Phase = "applying"
    entries: tuple[Entry, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    prior: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain JSON values."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain["format"] = FORMAT
        plain["entries"] = [entry.to_json() for entry in self.entries]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Receipt:
        """Read back what :meth:`to_json` gave."""
        if plain.get("format") != FORMAT:
            raise Trouble(
                RECEIPT,
                f"it has format {plain.get('format')}: use the version that wrote it",
                f"That is slashservice {plain.get('version', 'of a later version')}.",
            )
        values = {item.name: plain[item.name] for item in dataclasses.fields(cls)}
        values["entries"] = tuple(
            Entry(
                action_from_json(entry["action"]),
                entry["before"],
                entry["previous"],
                entry["after"],
                entry["retired"],
                tuple(entry.get("also", ())),
            )
            for entry in plain["entries"]
        )
        return cls(**values)

    @property
    def asked(self) -> bool:
        """Whether the administrator said with ``--init`` which init system it is.

        Older receipts have the number of a rule in the verdict, as ``row``: "0" for this.
        """
        verdict = self.facts.get("verdict", {})
        return bool(verdict.get("asked", verdict.get("row") == "0"))

    @property
    def choices(self) -> dict[str, Any]:
        """What the administrator has chosen beyond the fields of the receipt, by name."""
        choices: dict[str, Any] = self.facts.get("choices", {})
        return choices

    def find(self, key: str) -> Entry | None:
        """Return the entry of the action called ``key``."""
        return next((entry for entry in self.entries if entry.action.key == key), None)


def tree(receipt: Receipt) -> str:
    """Return the folder of the code that is installed, empty if there is none."""
    trees = (one for one in receipt.entries if one.action.kind == "tree" and not one.retired)
    found = next((str(getattr(one.action, "path", "")) for one in trees), "")
    return found or str(receipt.facts.get("tree", ""))


def path(host: Host) -> str:
    """Return where the receipt of a host is, or will be."""
    return f"{state_folder(host)}/{RECEIPT}"


def found(host: Host) -> list[str]:
    """List the receipts there are, the one that counts first: it should be the only one."""
    folders = dict.fromkeys((state_folder(host), *(() if host.home else (*STATE_FOLDERS, LASTING))))
    real = {host.resolve(folder): f"{folder}/{RECEIPT}" for folder in reversed(folders)}
    there = [one for one in reversed(real.values()) if host.lstat(one)]
    return there or [path(host)]


class Closed(Trouble):
    """The receipt is there, and only root may read it."""


def load(host: Host) -> Receipt | None:
    """Return the host's receipt, ``None`` if slashservice isn't installed there."""
    path = f"{state_folder(host)}/{RECEIPT}"
    data = host.read(path)
    if data is None:
        if host.lstat(path) is not None:
            raise Closed(path, "it can't be read: be root")
        return _of_package(host)
    try:
        return _as_packaged(host, Receipt.from_json(json.loads(data)))
    except UnknownKindError as unknown:
        raise Trouble(
            path,
            f"it has an action of a kind that this version does not know: {unknown}",
            "Use the version of slashservice that wrote it, or a later one.",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = str(error) if data.strip(b"\0 \n") else "it is empty"
        raise Trouble(
            path,
            f"it is damaged: {what}",
            "slashservice knows its own files and lines without it, too. To have it made anew:",
            f"    mv {path} {os.path.dirname(path)}/{DAMAGED}; slashservice install",
        ) from error


def _as_packaged(host: Host, receipt: Receipt) -> Receipt:
    """Return a receipt with the code that is there now, where that is a package's."""
    brought = _of_package(host) if receipt.layout == package.NAME else None
    if brought is None:
        return receipt
    facts = {**receipt.facts, **brought.facts}
    return dataclasses.replace(receipt, version=brought.version, facts=facts)


def _of_package(host: Host) -> Receipt | None:
    """Return what stands for a receipt where a package has brought all: nothing had to be done."""
    if package.found(host) is None:
        return None
    code = host.resolve(f"{package.HOME}/current")
    name = os.path.basename(code)
    places = layout(package.NAME, name)
    return Receipt(
        version=name.rpartition("-")[0] or VERSION,
        init="its package",
        layout=package.NAME,
        service_dir=places.service_dir,
        python="/usr/bin/python3",
        phase="installed",
        facts={"tree": places.tree},
    )


def save(host: Host, receipt: Receipt) -> None:
    """Write the receipt, in one step."""
    where = state_folder(host)
    missing: list[str] = []
    at = where
    while not host.is_directory(at):
        missing.insert(0, at)
        at = os.path.dirname(at)
    plain = receipt.to_json()
    plain["facts"] = {**receipt.facts, "folders": [*_made_for_it(host, where), *missing]}
    data = json.dumps(plain, indent=1, sort_keys=True) + "\n"
    try:
        make_directories(host, where)
        host.put(f"{where}/{RECEIPT}", FileState("file", 0o600, *host.owner, data.encode()))
    except BaseException:
        _remove_empty(host, missing)
        raise


def tidy(host: Host) -> None:
    """Remove what a run that was killed has left beside the receipt."""
    host.remove_new(f"{state_folder(host)}/{RECEIPT}")


def forget(host: Host) -> None:
    """Remove the receipt, and its folder if nothing is kept there."""
    where = state_folder(host)
    folders = _made_for_it(host, where)
    tidy(host)
    for name in (RECEIPT, DAMAGED):
        if host.lstat(f"{where}/{name}") and not host.is_directory(f"{where}/{name}"):
            host.put(f"{where}/{name}", ABSENT)
    _remove_empty(host, [*folders, where])


def _remove_empty(host: Host, folders: list[str]) -> None:
    """Remove folders in which nothing is, the last first."""
    for folder in reversed(folders):
        if host.readlink(folder) is None and host.is_directory(folder) and not host.list(folder):
            host.put(folder, ABSENT)


def _made_for_it(host: Host, where: str) -> list[str]:
    """Return the folders that were made for the receipt that is there, the outermost first."""
    try:
        plain = json.loads(host.read(f"{where}/{RECEIPT}") or b"{}")
        return [str(one) for one in plain.get("facts", {}).get("folders", [])]
    except (ValueError, AttributeError):
        return []
