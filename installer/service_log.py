"""The log of a service that ``slashservice add`` makes: where it goes, and who makes that.

The log's own script makes the directory where it is missing. So a service can be moved to another
host, and ``/var/log`` can be emptied, or be in memory. The script begins as root. Where others may
change the way to the directory, it makes it as the account that will write there: what root makes
there could become anything. For the same reason root writes no log there.

Where it is a group that may change the way, the account mostly can't make the directory. Then it
is made as the service is, by descriptors.
"""

from __future__ import annotations

import os
import stat
from shlex import quote

from slashservice.installer import logs
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host, make_directories
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.host.trust import strangers
from slashservice.supervise.printable import printable

LOG_FOLDERS = ("/var/log/slashservice", "/var/lib/slashservice-logs")
"""The folder for logs, and the one for them where a group may write to ``/var/log``, as Ubuntu's
``syslog`` may."""

SIZE, NUMBER = 1000000, 10
"""How large a file of a log becomes, in bytes, and how many of them are kept."""

MODE = 0o700
MODE_FOR_GROUP = 0o2750
"""The mode of a log directory, and that of one whose group may read: multilog's files are open to
all who get there. What is made in it has its group."""

SHOWN = 5
"""Lines of a log that tell why a service died."""

TAIL = 8192
"""Bytes at the end of a log in which these lines are."""

LOG_FILES = {"current", "lock", "state", "lost+found"}
"""What multilog keeps in a log directory, or is in one that is a file system of its own."""


def absolute(path: str) -> str:
    """Return a log directory as its script must name it; multilog passes over any other word."""
    return os.path.normpath(os.path.abspath(path))


def usual(host: Host) -> tuple[str, str]:
    """Return the folder for logs on a host, and why it is not the first of those there are."""
    if isinstance(host, Home):
        return host.kept_logs, ""
    first, second = LOG_FOLDERS
    why = strangers(host, first)
    return (second, why) if why and not strangers(host, second) else (first, "")


def check(host: Host, path: str, account: str) -> None:
    """Refuse a directory that is for other things, or where somebody else can redirect root."""
    inside = host.list(path)
    if path == "/" or (inside and not LOG_FILES & set(inside)):
        what = inside[0] if inside else "all there is"
        raise Refusal(f"{path} is no log directory: {what} is in it")
    why = "" if account else strangers(host, path)
    if why:
        raise Refusal(
            f"{path} is no safe place for a log that {'you write' if host.home else 'root writes'}"
            f": {why}",
            *([] if host.home else ["Name the account that shall write it: --log-user ACCOUNT"]),
        )


def refuse_shared(host: Host, path: str, name: str, service_dir: str) -> None:
    """Refuse a directory that another log writes to, or will: it would lock this one out."""
    writer = logs.writer(host, service_dir, path)
    if writer:
        raise Refusal(
            f"{path} can't be the log directory of {name}: {writer}",
            "Each log needs one of its own: --log DIR, or leave out --log.",
        )


def trouble(host: Host, service: str) -> str:
    """Return what keeps the logger of a service from writing, in its own words; or nothing."""
    return logs.told(host, *os.path.split(service))


def actions(size: int = 0, number: int = 0, processor: str = "") -> str:
    """Return what multilog is told ahead of the directory; the usual size and number for 0.

    ``processor`` is a shell command that each full file is given to, empty for none.
    """
    words = ["t", f"s{size or SIZE}", f"n{number or NUMBER}"]
    return " ".join([*words, quote(f"!{processor}")] if processor else words)


def script(host: Host, path: str, account: str, group: str = "", told: str = "") -> str:
    """Return the run script of a log that ``account`` writes, svscan's own if it is empty.

    Accounts of ``group`` may read it, if there is one. ``told`` are the :func:`actions` of
    multilog, if they are not the usual ones.
    """
    as_account = f"setuidgid {account} " if account else ""
    return (
        f"#!/bin/sh\n{_making(host, path, account, group)}\n"
        f"exec {as_account}multilog {told or actions()} {quote(path)}\n"
    )


def _making(host: Host, path: str, account: str, group: str = "") -> str:
    """Return the line of shell that makes the directory where it is missing."""
    make = f"mkdir -p -m {MODE:o} {quote(path)}"
    if group:
        owner = f"-o {account} " if account else ""
        make = f"install -d -m {MODE_FOR_GROUP:o} {owner}-g {quote(group)} {quote(path)}"
    elif account and strangers(host, path):
        make = f"setuidgid {account} {make}"
    elif account:
        make = f"install -d -m {MODE:o} -o {account} {quote(path)}"
    return f"[ -d {quote(path)} ] || {make}"


def check_group(host: Host, path: str, group: str) -> int:
    """Return the number of a group that shall read a log. Refuse what can't be kept to."""
    if host.home:
        raise Refusal("a log can be given to a group by root only")
    number = _group(host, group)
    if number is None:
        raise Refusal(f"there is no group {group} on this host")
    why = strangers(host, path)
    if why:
        raise Refusal(f"{path} can't be given to the group {group} by root: {why}")
    about = host.lstat(path)
    if about and (about.st_gid != number or stat.S_IMODE(about.st_mode) != MODE_FOR_GROUP):
        mode = f"chmod {MODE_FOR_GROUP:o} {quote(host.real(path))}"
        raise Refusal(
            f"{path} is there already, and is not the group's",
            f"To give it to the group: chgrp {quote(group)} {quote(host.real(path))} && {mode}",
        )
    return number


def _group(host: Host, name: str) -> int | None:
    """Return the number of a group: the system's view, or an image's file; None without one."""
    if host.root == "/":
        import grp

        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None
    for line in (host.read("/etc/group") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if fields[0] == name and len(fields) > 2 and fields[2].isdecimal():
            return int(fields[2])
    return None


def make(
    host: Host,
    path: str,
    account: str,
    owner: tuple[int, int] | None,
    search_path: str,
    group: int | None = None,
) -> list[str]:
    """Make the directory, which is to be ``account``'s; return what was made, the outermost first.

    It is open to ``group``, if that is given.
    svscan then need not run the script for that, and can host the log at once. What is made below
    a directory of others is not returned: it is no more than that account's.
    """
    missing: list[str] = []
    at = path
    while not host.lstat(at):
        missing.insert(0, at)
        at = os.path.dirname(at)
    if not missing:
        return []
    if account and strangers(host, path, groups=False):
        line = _making(host, path, account)
        outcome = host.run(["env", f"PATH={search_path}", "sh", "-c", line])
        if not outcome.good:
            raise Trouble(f"the log directory {path} can't be made", outcome.output)
        return []
    try:
        make_directories(host, os.path.dirname(path))
        user, usual_group = owner or host.owner
        mode = MODE if group is None else MODE_FOR_GROUP
        whose = usual_group if group is None else group
        host.put(path, FileState("directory", mode, user, whose))
    except OSError as error:
        for one in reversed(missing):
            about = host.lstat(one)
            if about and stat.S_ISDIR(about.st_mode) and not host.list(one):
                host.put(one, ABSENT)
        why = error.strerror or reason(error)
        raise Trouble(f"the log directory {path} can't be made", why) from error
    return missing


def only_now(host: Host, path: str, account: str) -> bool:
    """Tell whether the script of a log can't be left to make its directory: a group has the way."""
    return bool(account and strangers(host, path) and not strangers(host, path, groups=False))


def last_lines(host: Host, path: str, since: float) -> list[str]:
    """Return the last lines that were logged after ``since``, in Unix time, without their stamps.

    They are as a terminal may be shown them.
    """
    from slashservice.supervise import tai

    lines = []
    for line in (host.read(f"{path}/current") or b"")[-TAIL:].splitlines():
        stamp, _, text = line.partition(b" ")
        try:
            when = int(stamp[1:17], 16) - tai.EPOCH
        except ValueError:
            continue
        if when >= int(since):
            lines.append(printable(text.decode("utf-8", "surrogateescape")))
    return lines[-SHOWN:]
