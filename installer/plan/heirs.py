"""Could the next svscan take over what this one has? That is asked before this one goes.

The next one has to open what is in the ``supervise`` directory of each service, for reading and
writing. Where it can't, the service would run on without a supervisor, and nobody would start it
again. What is seen here is what it would see.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from shlex import quote

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal, reason
from slashservice.installer.host.host import Host
from slashservice.installer.host.obstacles import flags, mount_point
from slashservice.supervise.protocol import names

OPENED = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
FIFOS = (names.CONTROL, names.OK)
USAGE = 100
"""What a command ends with when it is called wrongly; it has started then."""


def attended(directory: str) -> list[str]:
    """Return the paths of the services in a scan directory that have a supervisor, logs too."""
    services = supervision.service_directories(directory)
    found = [path for one in services for path in (one, f"{one}/log")]
    return [path for path in found if supervision.is_attended(path)]


def obstacle(service: str) -> tuple[str, str]:
    """Return what keeps a svscan from taking the service directory, and what to do; or nothing."""
    path = ""
    try:
        for path in (f"{service}/.", f"{service}/{os.fsdecode(names.DOWN)}"):
            _look(path)
        path = f"{service}/{os.fsdecode(names.LOCK)}"
        _open(path, OPENED | os.O_NOFOLLOW)
        for name in FIFOS:
            path = f"{service}/{os.fsdecode(name)}"
            _open_fifo(path)
    except OSError as error:
        return _said(path, error)
    return "", ""


def _look(path: str) -> None:
    """Raise ``OSError`` if it can't be told what is there; that nothing is there is well."""
    try:
        os.stat(path)
    except FileNotFoundError:
        if path.endswith("/."):
            raise


def _open(path: str, how: int) -> None:
    """Open a file, or see that it could be made. Raises ``OSError``."""
    try:
        fd = os.open(path, how)
    except FileNotFoundError:
        _makeable(path)
        return
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EEXIST, "it is no file")
    finally:
        os.close(fd)


def _open_fifo(path: str) -> None:
    """See that a FIFO could be opened. To open it would tell clients of a supervisor."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise FileExistsError(errno.EEXIST, "it leads nowhere") from None
        _makeable(path)
        return
    if not stat.S_ISFIFO(found.st_mode):
        raise OSError(errno.EEXIST, "it is no FIFO")
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _makeable(path: str) -> None:
    """Raise ``OSError`` if there is no file, and none could be made."""
    folder = os.path.realpath(os.path.dirname(path))
    if not os.path.lexists(folder):
        folder = os.path.dirname(folder)  # svscan makes this one, and none above it
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), folder)
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    if flags(folder) or not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


def _said(path: str, error: OSError) -> tuple[str, str]:
    """Say in words what is in the way at ``path``, or where the error has it."""
    at = os.fsdecode(error.filename or path)
    if error.errno == errno.EROFS:
        mount = f"mount -o remount,rw {quote(mount_point(at))}"
        return f"{path} is on a file system that is mounted read-only", mount
    word = flags(at) if os.path.lexists(at) and not os.path.islink(at) else ""
    if word:
        return f"{at} is {word}", f"chattr -i -a {quote(at)}"
    if error.errno == errno.ELOOP and path.endswith("lock"):
        return f"{path} is a symbolic link, which svscan does not follow", f"rm {quote(path)}"
    if error.errno in (errno.EEXIST, errno.EISDIR):
        return f"{path} is not what svscan makes there", f"mv {quote(path)} {quote(path + '.old')}"
    return f"{path} can't be opened: {error.strerror}", ""


def refuse(services: Iterable[str]) -> None:
    """Refuse to exchange svscan if another one could not take all these services."""
    found = {path: obstacle(path) for path in services}
    bad = {path: one for path, one in found.items() if one[0]}
    if not bad:
        return
    (first, _), *_ = bad.values()
    more = f" (and {len(bad) - 1} more are like it)" if len(bad) > 1 else ""
    remedies = dict.fromkeys(remedy for _, remedy in bad.values() if remedy)
    advice = [f"Mend that first: {one}" for one in remedies] or ["Mend that first."]
    raise Refusal(
        f"another svscan could not take over {next(iter(bad))}: {first}{more}",
        *advice,
        "Until then svscan runs on as it is, with all its services.",
    )


def rehearse(host: Host, program: str) -> None:
    """Refuse if ``program``, the svscan to come, does not even start."""
    try:
        outcome = host.run([program, "-?"])
        why = "" if outcome.status == USAGE else outcome.output or f"exit {outcome.status}"
    except OSError as error:
        why = error.strerror or reason(error)
    if why:
        raise Refusal(
            f"{program}, which is to be the next svscan, does not start: {why}",
            "svscan runs on as it is, with all its services.",
        )
