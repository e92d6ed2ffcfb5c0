"""Check that nobody but root can change what root will run, on the whole way to it.

A supervisor that runs as root out of somebody's home, or on an interpreter that a group of
developers may replace, hands root to them. So the interpreter and each place we install to
are walked from the root directory down, links followed.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.owners import others, trusted

OLDEST_PYTHON = (3, 10)
CANDIDATES = (
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    *(
        f"{folder}/python3.{minor}"
        for folder in ("/usr/bin", "/usr/local/bin", "/usr/pkg/bin")
        for minor in range(20, 9, -1)
    ),
)


def distrust(host: Host, path: str) -> str:
    """Say who besides root could change what is at ``path``; nothing if nobody could."""
    part, why = suspect(host, path)
    return f"{part} {why}" if why else ""


def suspect(host: Host, path: str) -> tuple[str, str]:
    """Return a part of the way to ``path`` that others than root could change, and how.

    Both are empty if nobody could. Parts that don't exist yet can be changed by nobody: we shall
    make them.
    """
    seen = set()
    todo = [path]
    while todo:
        here = todo.pop()
        for part in _down_to(here):
            if part in seen:
                continue
            seen.add(part)
            status = host.lstat(part)
            if status is None:
                break
            if stat.S_ISLNK(status.st_mode):
                todo.append(os.path.join(os.path.dirname(part), host.readlink(part) or ""))
                if status.st_uid not in trusted():
                    return part, f"belongs to user {status.st_uid}"
                continue
            why = others(status, trusted(), host.read)
            if why:
                return part, why
    return "", ""


def strangers(host: Host, path: str, groups: bool = True) -> str:
    """Say who besides root and us can change or make what is at ``path``; nothing if nobody can.

    A sticky directory is everybody's here: what is not there yet can be made by others.
    Without ``groups``, those that may write are passed over.
    """
    users = {0, host.owner[0]}
    todo = [path]
    seen = set()
    while todo:
        here = ""
        for part in ["", *os.path.normpath(todo.pop()).strip("/").split("/")]:
            here = os.path.join(here, part) or "/"
            about = host.lstat(here)
            if about is None:
                break
            if here in seen:
                continue
            seen.add(here)
            is_link = stat.S_ISLNK(about.st_mode)
            mode = stat.S_IFLNK if is_link else about.st_mode & ~stat.S_ISVTX
            judged = os.stat_result((mode, *about[1:10]))
            why = others(judged, users, host.read if groups else None)
            if why:
                return f"{here} {why}"
            if is_link:
                todo.append(os.path.join(os.path.dirname(here), host.readlink(here) or ""))
    return ""


def refuse_to_run(host: Host, *paths: str) -> None:
    """Refuse to have root run what is at one of ``paths`` if others can change it."""
    for path in paths:
        why = distrust(host, path)
        if why:
            who = "you" if host.home else "root"
            raise Refusal(f"{who} would run what somebody else can change: {path}", f"{why}.")


def _down_to(path: str) -> list[str]:
    """Return ``/``, ``/a``, ``/a/b``, ... down to ``path``."""
    parts = [part for part in os.path.normpath(path).split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]


def interpreter(host: Host, asked: str = "") -> str:
    """Return the interpreter that the installed commands shall run on.

    The one asked for; else ours, by the name that survives its updates; else any of the
    host's that is new enough. :class:`Refusal` where there is none to be trusted.
    """
    problems = []
    for path in [asked] if asked else _candidates(host):
        problem = _interpreter_problem(host, path)
        if not problem:
            return path
        problems.append(f"{path}: {problem}")
    raise Refusal(
        f"there is no Python that {'you' if host.home else 'root'} may safely run services with",
        *problems[:4],
        "Install the distribution's python3 (3.10 or newer), or name one with --python.",
    )


def _candidates(host: Host) -> list[str]:
    """List the interpreters to try, best first."""
    if host.root != "/":
        return [path for path in CANDIDATES if host.is_executable(path)]
    own = os.path.abspath(getattr(sys, "_base_executable", None) or sys.executable)
    stable = [
        path
        for path in CANDIDATES
        if host.is_executable(path) and os.path.realpath(path) == os.path.realpath(own)
    ]
    return list(dict.fromkeys([*stable, own, *filter(host.is_executable, CANDIDATES)]))


def _interpreter_problem(host: Host, path: str) -> str:
    """Say why an interpreter won't do, nothing if it will."""
    if not path.startswith("/"):
        return "it is no absolute path"
    if not host.is_executable(path):
        return "it is no program"
    why = distrust(host, path) or ("" if host.home else _closed(host, host.resolve(path)))
    if why:
        return why
    version, library = _version_and_library(host, path)
    if version and version < OLDEST_PYTHON:
        return f"it is Python {version[0]}.{version[1]}; slashservice needs 3.10"
    return distrust(host, library) if library else ""


def _closed(host: Host, path: str) -> str:
    """Say what keeps accounts other than root from running ``path``: a home, mostly.

    A run script may call our commands after it has become somebody else.
    """
    for part in _down_to(path):
        status = host.lstat(part)
        if status and not status.st_mode & stat.S_IXOTH:
            return f"{part} is closed to all accounts but its owner's"
    return ""


def _version_and_library(host: Host, path: str) -> tuple[tuple[int, int] | None, str]:
    """Ask an interpreter for its version and its library; from its name where it can't run."""
    if host.live:
        code = "import os,sys;print(*sys.version_info[:2],os.__file__)"
        outcome = host.run([path, "-I", "-S", "-c", code], timeout=30)
        words = outcome.output.split(None, 2)
        if outcome.good and len(words) == 3:
            return (int(words[0]), int(words[1])), words[2]
        return (0, 0), ""
    found = re.search(r"python(\d+)\.(\d+)$", host.resolve(path))
    return ((int(found.group(1)), int(found.group(2))) if found else None), ""
