"""Finding the logs of a service, or of many."""

from __future__ import annotations

import os

from slashservice.supervise.logs.reader import LogReader
from slashservice.supervise.scripts import run_script

SUPERVISE = b"supervise"
"""The directory beside a log's that is the supervisor's: closed to others, and no log."""


def find(directory: bytes) -> list[LogReader]:
    """Return readers for the logs in a log directory, a service directory or a scan directory."""
    path = directory.rstrip(b"/") or b"/"
    if _is_log(path):
        return [LogReader(path, _service_name(path))]
    found = _of_service(path)
    if not found:
        for name in sorted(_names(path)):
            below = path + b"/" + name
            found += [LogReader(below, name)] if _is_log(below) else _of_service(below)
    return found


def _of_service(path: bytes) -> list[LogReader]:
    """Return readers for the logs of a service: those its script names, else those there are."""
    log = path + b"/log"
    directories = []
    script = run_script.parse(_start_of(log + b"/run"))
    if script and script.actions and not script.moves:
        words = [word for word in script.actions if word[:1] in (b".", b"/")]
        directories = [os.path.normpath(os.path.join(log, word)) for word in words]
    directories = [one for one in directories if _is_log(one)]
    if not directories:
        below = [log + b"/" + name for name in sorted(_names(log))]
        directories = [one for one in below if _is_log(one)]
    if not directories and _is_closed(log):
        directories = [log]
    service = os.path.basename(os.path.abspath(path))
    if len(directories) == 1:
        return [LogReader(directories[0], service)]
    return [LogReader(one, service + b"/" + os.path.basename(one)) for one in directories]


def closed_script(service: bytes) -> bytes:
    """Return the path of the script that may name logs, if there is one that we may not read."""
    script = service + b"/log/run"
    return script if os.path.exists(script) and not os.access(script, os.R_OK) else b""


def _start_of(script: bytes) -> bytes:
    """Return as much of a run script as could be plain; nothing if it can't be read."""
    try:
        fd = os.open(script, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, run_script.LONGEST + 1)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _names(path: bytes) -> list[bytes]:
    try:
        return [name for name in os.listdir(path) if name[:1] != b"."]
    except OSError:
        return []


def _is_log(path: bytes) -> bool:
    """Tell whether a directory holds a log, or is closed to us and may hold one."""
    if os.path.basename(path) == SUPERVISE:
        return False
    there = os.path.lexists(path + b"/current") or os.path.lexists(path + b"/lock")
    return there or _is_closed(path)


def _is_closed(path: bytes) -> bool:
    """Tell whether it is a directory that we may not enter."""
    try:
        os.lstat(path + b"/.")
    except PermissionError:
        return True
    except (OSError, ValueError):
        pass
    return False


def _service_name(path: bytes) -> bytes:
    """Name a log directory after the service it is in."""
    parts = os.path.abspath(path).split(b"/")
    return parts[-3] if parts[-2:-1] == [b"log"] and len(parts) > 3 else parts[-1]
