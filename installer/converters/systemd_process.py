"""How a unit of systemd sets up its process: account, place, variables, directories, limits."""

from __future__ import annotations

import glob
import os
import re

from slashservice.installer.converters import accounts, texts
from slashservice.installer.converters import systemd_values as values
from slashservice.installer.converters.losses import refused
from slashservice.installer.converters.scripts import BY_SOFTLIMIT, OURS
from slashservice.installer.converters.systemd_unit import Reading
from slashservice.installer.converters.unit_file import Setting
from slashservice.installer.converters.unit_words import environment_file
from slashservice.installer.converters.wanted import Folder, Wanted

PLACES = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def read(reading: Reading, made: Wanted, account: str) -> None:
    """Read all that into ``made``; ``account`` is for a unit that names none."""
    _account(reading, made, account)
    _place(reading, made)
    _variables(reading, made)
    _folders(reading, made)
    _limits(reading, made)


def _account(reading: Reading, made: Wanted, account: str) -> None:
    """Find out as whom it runs. systemd gives variables to accounts that are named."""
    one, dynamic = reading.last("User"), reading.last("DynamicUser")
    name = reading.text(one) if one else account
    if dynamic and reading.read(dynamic, values.boolean):
        if not name or not accounts.find(reading.host, name):
            raise reading.refusal(
                dynamic,
                f"{dynamic.value} is for an account that there is only while the service runs",
                "Make one that stays: useradd --system --no-create-home ACCOUNT",
                "Then name it: slashservice import --user ACCOUNT",
            )
        reading.lost(dynamic, f"{dynamic.value} is left out: it runs as {name}")
    if name and name not in ("root", "0"):
        found = accounts.find(reading.host, name)
        where = one.where if one else reading.unit.name
        if not found:
            raise refused(where, f"there is no account {name} on this host")
        made.user = found.name
        made.environment |= {"HOME": found.home, "LOGNAME": found.name, "USER": found.name}
        made.environment |= {"SHELL": found.shell or "/bin/sh"}
    group = reading.last("Group")
    if group:
        made.group = _group(reading, group, reading.text(group))
    for other in reading.all("SupplementaryGroups"):
        made.groups += [_group(reading, other, word) for word in reading.words(other)]
    if (made.group or made.groups) and not made.user:
        made.user = "root"
    if made.groups and not made.group:
        found = accounts.find(reading.host, made.user)
        made.group = found.group if found else ""


def _group(reading: Reading, one: Setting, word: str) -> str:
    name = accounts.group_name(reading.host, word)
    if not name:
        raise refused(one.where, f"there is no group {word} on this host")
    return name


def _place(reading: Reading, made: Wanted) -> None:
    """Find out where it runs, and with what umask and the like."""
    for key in ("RootDirectory", "RootImage"):
        if root := reading.last(key):
            raise reading.refusal(root, " has another root directory, which is not made here")
    made.directory = "/"
    if one := reading.last("WorkingDirectory"):
        text = reading.text(one)
        made.directory_may_lack = text.startswith("-")
        made.directory = text.removeprefix("-")
        if made.directory == "~":
            found = accounts.find(reading.host, made.user or "root")
            made.directory = found.home if found else "/"
        if not made.directory.startswith("/"):
            raise reading.refusal(one, f"{made.directory} is no absolute path")
    made.umask = _number(reading, "UMask", r"[0-7]{1,4}")
    made.nice = _number(reading, "Nice", r"[+-]?[0-9]{1,2}").lstrip("+")
    made.score = _number(reading, "OOMScoreAdjust", r"[+-]?[0-9]{1,4}").lstrip("+")
    made.no_new_privileges = reading.value("NoNewPrivileges", values.boolean, False)


def _number(reading: Reading, key: str, pattern: str) -> str:
    one = reading.last(key)
    if one and not re.fullmatch(pattern, one.value):
        raise reading.refusal(one, f"{one.value} is no number for that")
    return one.value if one else ""


def _variables(reading: Reading, made: Wanted) -> None:
    """Collect the variables; those of files are put over those of lines."""
    for one in reading.all("Environment"):
        for word in reading.words(one):
            name, equals, value = word.partition("=")
            if not equals or not VARIABLE.fullmatch(name):
                raise reading.refusal(one, f" has {word!r}, which is no assignment")
            made.environment[name] = value
    for one in reading.all("EnvironmentFile"):
        text = reading.text(one)
        path = text.removeprefix("-")
        for file in sorted(glob.glob(path)) if glob.has_magic(path) else [path]:
            real = reading.host.real(file, follow=True)
            if not os.path.exists(real):
                if not text.startswith("-"):
                    raise reading.refusal(one, f"{file} is not there")
                reading.lost(one, f"{text}: it is not there now, and will not be looked for")
                continue
            made.environment |= environment_file(texts.read(real))
            reading.lost(one, f"{text} is read now, into env/: later changes of it do not count")


def _folders(reading: Reading, made: Wanted) -> None:
    """Have directories made that the service counts on, and tell it of them as systemd does."""
    keeps = reading.value("RuntimeDirectoryPreserve", lambda text: text != "no", False)
    for key, place in PLACES.items():
        mode = _number(reading, f"{key}Mode", r"[0-7]{3,4}") or "755"
        paths = []
        for one in reading.all(key):
            for word in reading.words(one):
                name, colon, _ = word.partition(":")
                if not name.strip("/.") or name.startswith("/") or ".." in name.split("/"):
                    raise reading.refusal(one, f"{word} is no name of a directory below {place}")
                if colon:
                    reading.lost(one, f"{word}: no link is made to it")
                paths.append(f"{place}/{name.rstrip('/')}")
        kept = keeps or key != "RuntimeDirectory"
        made.folders += [Folder(path, mode, kept) for path in paths]
        if paths:
            variable = key.replace("Directory", "_DIRECTORY").upper()
            made.environment.setdefault(variable, ":".join(paths))


def _limits(reading: Reading, made: Wanted) -> None:
    """Collect the limits."""
    has_prlimit = not reading.host.home and reading.host.which("prlimit") is not None
    for key, name in values.LIMITS.items():
        one = reading.last(key)
        if one is None:
            continue
        soft, hard = reading.value(key, lambda text: values.limit(name, text), ("", ""))  # noqa: B023
        if name not in OURS and not has_prlimit:
            reading.lost(one, f"{one.value} is left out: there is no prlimit to set it")
            continue
        if (name in BY_SOFTLIMIT or not has_prlimit) and soft != "unlimited":
            reading.lost(one, f"{one.value} is a soft limit only, which the service may raise")
        made.limits[name] = (soft, hard)
