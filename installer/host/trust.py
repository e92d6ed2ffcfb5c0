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
    """Say who besides root could change what is at ``path``; nothing if nobody could.

    Parts that don't exist yet can be changed by nobody: we shall make them.
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
                if status.st_uid not in _trusted_users(host):
                    return f"{part} belongs to user {status.st_uid}"
                continue
            why = _distrust_one(host, part, status)
            if why:
                return why
    return ""


def _down_to(path: str) -> list[str]:
    """Return ``/``, ``/a``, ``/a/b``, ... down to ``path``."""
    parts = [part for part in os.path.normpath(path).split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]


def _trusted_users(host: Host) -> tuple[int, ...]:
    """Return the users to trust: root, and the one who builds an image without being root."""
    return (0,) if host.root == "/" and not host.home else (0, os.geteuid())


def _distrust_one(host: Host, path: str, status: os.stat_result) -> str:
    """Judge one file or folder."""
    if status.st_uid not in _trusted_users(host):
        return f"{path} belongs to user {status.st_uid}"
    sticky = stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)
    if status.st_mode & stat.S_IWOTH and not sticky:
        return f"{path} can be written by everybody"
    if status.st_mode & stat.S_IWGRP and not sticky and _has_members(host, status.st_gid):
        return f"{path} can be written by group {status.st_gid}"
    return ""


def _has_members(host: Host, gid: int) -> bool:
    """Tell whether a group has any member that isn't to be trusted."""
    if gid == 0:
        return False
    trusted = {str(uid) for uid in _trusted_users(host)}
    names = {"", "root"}
    for line in (host.read("/etc/passwd") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if len(fields) > 3 and fields[2] in trusted:
            names.add(fields[0])
        elif len(fields) > 3 and fields[3] == str(gid):
            return True
    for line in (host.read("/etc/group") or b"").decode("latin-1").splitlines():
        fields = line.split(":")
        if len(fields) > 3 and fields[2] == str(gid):
            return any(member not in names for member in fields[3].split(","))
    return True


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
