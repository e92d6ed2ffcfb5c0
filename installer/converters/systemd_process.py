"""How a unit of systemd sets up its process: account, place, variables, directories, limits."""

from __future__ import annotations

import glob
import os
import re

from slashservice.installer.converters import accounts, texts
from slashservice.installer.converters import systemd_values as values
from slashservice.installer.converters.accounts import Account
from slashservice.installer.converters.losses import refused
from slashservice.installer.converters.scripts import BY_SOFTLIMIT, OURS
from slashservice.installer.converters.systemd_unit import Reading
from slashservice.installer.converters.unit_file import Setting
from slashservice.installer.converters.unit_words import Unclear, environment_file, marked
from slashservice.installer.converters.wanted import Folder, Wanted

PLACES = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}
SHELLS = re.compile("/(usr/)?s?bin/nologin|/(usr/)?bin/(false|true)|")
"""Shells that nobody can log in with, which systemd has no variable for."""

NOBODY = 65534
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def read(reading: Reading, made: Wanted, account: str) -> None:
    """Read all that into ``made``; ``account`` is for a unit that names none."""
    _account(reading, made, account)
    _place(reading, made)
    _variables(reading, made)
    _folders(reading, made)
    _take_away(reading, made)
    _limits(reading, made)


def _account(reading: Reading, made: Wanted, account: str) -> None:
    """Find out as whom it runs."""
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
    if name:
        found = accounts.find(reading.host, name)
        where = one.where if one else reading.unit.name
        if not found:
            raise refused(where, f"there is no account {name} on this host")
        made.user = found.name if found.uid else ""
        _named(made, found)
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


def _named(made: Wanted, account: Account) -> None:
    """Add the variables that systemd gives to accounts that are named."""
    is_nobody = account.name == "nobody" or account.uid == NOBODY
    home = "" if is_nobody or not account.home.strip("/") else account.home
    shell = "" if is_nobody or SHELLS.fullmatch(account.shell) else account.shell
    for name, value in {"HOME": home, "SHELL": shell}.items():
        if value:
            made.environment[name] = value
        else:
            made.unset.append(name)
    made.environment |= {"LOGNAME": account.name, "USER": account.name}


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
            made.environment.setdefault("HOME", made.directory)
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
    """Collect the variables; those of files are put over those of lines.

    What systemd does not understand, and so passes over, is lost here too.
    """
    for one in reading.all("Environment"):
        try:
            for word, _ in marked(one.value, strict=True):
                _assign(reading, one, word, made)
        except Unclear as why:
            reading.lost(one, f": {why}: the rest of it is left out, as systemd does")
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


def _assign(reading: Reading, one: Setting, word: str, made: Wanted) -> None:
    """Add the variable of an assignment, if systemd takes it."""
    try:
        name, equals, value = reading.names.filled(word).partition("=")
    except Unclear as why:
        reading.lost(one, f": {why}: {word!r} is left out, as systemd does")
        return
    if equals and VARIABLE.fullmatch(name) and _is_utf_8(value):
        made.environment[name] = value
    else:
        reading.lost(one, f" has {word!r}, which is no assignment: it is left out, as systemd does")


def _is_utf_8(text: str) -> bool:
    """Tell whether a text is UTF-8, whose bytes may have been written one by one."""
    try:
        text.encode("utf-8", "surrogateescape").decode()
    except UnicodeDecodeError:
        return False
    return True


def _take_away(reading: Reading, made: Wanted) -> None:
    """Take away the variables that it shall not have, wherever they come from."""
    made.unset = [name for name in made.unset if name not in made.environment]
    for one in reading.all("UnsetEnvironment"):
        for word in reading.words(one):
            name, equals, value = word.partition("=")
            if not VARIABLE.fullmatch(name):
                raise reading.refusal(one, f" has {word!r}, which is no variable")
            if equals and made.environment.get(name) != value:
                continue
            made.environment.pop(name, None)
            if name not in made.unset:
                made.unset.append(name)


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
        one = reading.last_said(key)
        if one is None:
            continue
        text = reading.text(one)
        soft, hard = reading.read(one, lambda _: values.limit(name, text))  # noqa: B023
        if name not in OURS and not has_prlimit:
            reading.lost(one, f"{one.value} is left out: there is no prlimit to set it")
            continue
        if (name in BY_SOFTLIMIT or not has_prlimit) and soft != "unlimited":
            reading.lost(one, f"{one.value} is a soft limit only, which the service may raise")
        made.limits[name] = (soft, hard)
