"""Units of systemd as files: sections, keys, continued lines, and what drop-ins add.

As systemd reads them: systemd.syntax(7).
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass

from slashservice.installer.converters import texts
from slashservice.installer.errors import Refusal

FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
"""Where systemd looks for units, and for what is dropped in, the first one first."""


@dataclass(frozen=True)
class Setting:
    """An assignment, and where it stands."""

    section: str
    key: str
    value: str
    where: str


class Unit:
    """A unit called ``name``, with all that is said of it, in the order in which it counts."""

    def __init__(self, name: str, settings: list[Setting]) -> None:
        self.name = name
        self.settings = settings

    def all(self, section: str, key: str) -> list[Setting]:
        """Return the assignments of a key that takes many: an empty one takes back those before."""
        found: list[Setting] = []
        for one in self.settings:
            if (one.section, one.key) == (section, key):
                found = [*found, one] if one.value else []
        return found

    def last(self, section: str, key: str) -> Setting | None:
        """Return the assignment that counts of a key with one value; None if there is none."""
        found = [one for one in self.settings if (one.section, one.key) == (section, key)]
        return found[-1] if found and found[-1].value else None

    def where(self) -> str:
        """Return what to name if nothing stands anywhere."""
        return self.name


def read(path: str) -> Unit:
    """Read the unit at ``path`` and what is dropped in. An instance may be of a template."""
    folder, name = os.path.split(os.path.abspath(path))
    stem, suffix = os.path.splitext(name)
    template = f"{stem.partition('@')[0]}@{suffix}" if "@" in stem else ""
    if template == name:
        instance = f"{stem}INSTANCE{suffix}"
        raise Refusal(
            f"{path} is a template",
            f"Name an instance of it: slashservice import {os.path.join(folder, instance)}",
        )
    file = path
    if not os.path.lexists(path) and template:
        file = os.path.join(folder, template)
    if is_masked(file):
        others = [one for one in _of_name(os.path.basename(file)) if not is_masked(one)]
        raise Refusal(
            f"{path} is masked: systemd starts no such service",
            *[f"What it hides: slashservice import {one}" for one in others[:1]],
        )
    settings = _parse(texts.read(file), os.path.basename(file))
    for one in _dropped_in(folder, name):
        settings += _parse(texts.read(one), "/".join(one.split("/")[-2:]))
    return Unit(name, settings)


def is_masked(path: str) -> bool:
    """Tell whether a unit is a link to ``/dev/null``, or empty, which means the same."""
    if os.path.realpath(path) == "/dev/null":
        return True
    return os.path.isfile(path) and not os.path.getsize(path)


def before(path: str) -> str:
    """Return the unit that systemd has instead of the one at ``path``; empty if it is that."""
    folder, name = os.path.split(os.path.abspath(path))
    found = _of_name(name) if folder in FOLDERS else []
    if not found or not os.path.lexists(path):
        return ""
    is_it = os.path.realpath(found[0]) == os.path.realpath(path)
    return "" if is_it else found[0]


def _of_name(name: str) -> list[str]:
    """Return all units of a name, the one first that counts."""
    paths = [os.path.join(folder, name) for folder in FOLDERS]
    return [path for path in paths if os.path.lexists(path)]


def _dropped_in(folder: str, name: str) -> list[str]:
    """Return the files that are dropped in, in their order: by name, wherever they are.

    Of files with one name that counts which is for this unit rather than for all of a kind.
    """
    folders = [*FOLDERS] if folder in FOLDERS else [folder]
    places = [os.path.join(one, other) for one in folders for other in _names_of(name)]
    places += [os.path.join(one, "service") for one in folders]
    found: dict[str, str] = {}
    for place in reversed(places):
        for path in glob.glob(f"{glob.escape(place)}.d/*.conf"):
            found[os.path.basename(path)] = path
    return [found[name] for name in sorted(found) if os.path.realpath(found[name]) != "/dev/null"]


def _names_of(name: str) -> list[str]:
    """Return the names that a unit goes by in the names of such folders, its own first.

    These are that of its template, and those that end in a dash: ``a-b.service`` has ``a-``. A
    template has them without ``@``. The order is systemd's: each has its own names behind it.
    """
    stem, _, suffix = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    found = [name]
    if instance:
        found += _names_of(f"{prefix}@.{suffix}")
    dash = prefix.rstrip("-").rfind("-")
    if dash > 0:
        behind = f"@{instance}" if instance else ""
        found += _names_of(f"{prefix[: dash + 1]}{behind}.{suffix}")
    return [*dict.fromkeys(found)]


def _parse(text: str, name: str) -> list[Setting]:
    """Return the assignments of a file."""
    section = ""
    found = []
    for number, line in _joined(text):
        where = f"{name}:{number}"
        if line.startswith("["):
            if not line.endswith("]"):
                raise Refusal(f"{where}: this begins as the name of a section, and does not end so")
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise Refusal(f"{where}: this is neither a section nor an assignment")
        found.append(Setting(section, key.strip(), value.strip(), where))
    return found


def _joined(text: str) -> list[tuple[int, str]]:
    """Return the lines that count, with their numbers. A backslash at the end is a blank."""
    found: list[tuple[int, str]] = []
    begun = 0
    joined = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        stripped = line.strip()
        if stripped[:1] in ("#", ";") or (not stripped and not begun):
            continue
        begun = begun or number
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined += line[:-1] + " "
            continue
        found.append((begun, (joined + line).strip()))
        begun, joined = 0, ""
    if begun:
        found.append((begun, joined.strip()))
    return [one for one in found if one[1]]
