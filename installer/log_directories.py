"""What is wrong with the directories that logs are written to, seen from outside.

A hosted logger says itself what is wrong. A multilog with a process of its own says so on
standard error only, and C's says nothing where its directory was removed. So their run scripts
are read, and the directories they name are looked at.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from shlex import quote

from slashservice.installer import log_scripts
from slashservice.installer.host.host import Host
from slashservice.installer.host.trust import strangers
from slashservice.installer.log_scripts import LogScript
from slashservice.supervise.platform import flocks
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import names, status
from slashservice.supervise.protocol.status import Status

Fault = tuple[str, str]
"""What is wrong, and what to do about it."""


def faults(host: Host, service: str) -> Iterator[Fault]:
    """Yield what is wrong with the log directories of the service at ``service``.

    Raises ``OSError`` where files may not be read.
    """
    log = host.resolve(f"{service}/log")
    script = log_scripts.read(host.read(f"{log}/run") or b"")
    now = _status(host, log)
    if script is None or (now and not now.pid and now.want == b"d"):
        return
    numbers = _numbers(host, script) if script.is_known else None
    if script.account and script.is_known and numbers is None and host.live:
        what = f"{log}/run wants the account {script.account}, which is not there"
        yield what, "make the account, or name another"
        return
    for name in script.directories:
        place = Place(os.path.normpath(os.path.join(log, name)), f"{service}/log")
        if name[0] == ".":
            place.begin = log
        yield from _faults(host, place, script, numbers, now)


def exposed(host: Host, service: str) -> Iterator[Fault]:
    """Yield the log directories that root writes to, and others can lead elsewhere."""
    log = host.resolve(f"{service}/log")
    script = log_scripts.read(host.read(f"{log}/run") or b"")
    if script is None or script.account or not script.is_known:
        return
    for name in script.directories:
        path = os.path.normpath(os.path.join(log, name))
        why = strangers(host, path)
        if why:
            what = f"{log}/run has {'you' if host.home else 'root'} write to {path}, but {why}"
            yield what, "have an account write there: exec setuidgid ACCOUNT multilog ..."


def users(host: Host, service_dir: str) -> dict[str, list[str]]:
    """Return the services that name each log directory, which is given without links."""
    found: dict[str, list[str]] = {}
    logs = set()
    for name in sorted(host.list(service_dir)):
        service = f"{service_dir}/{name}"
        try:
            log = host.resolve(f"{service}/log")
            script = log_scripts.read(host.read(f"{log}/run") or b"")
        except OSError:
            continue
        if name.startswith(".") or log in logs:
            continue
        logs.add(log)  # a service may be linked twice
        for word in dict.fromkeys(script.directories if script else ()):
            path = host.resolve(os.path.normpath(os.path.join(log, word)))
            found.setdefault(path, []).append(service)
    return found


def writer(host: Host, service_dir: str, path: str) -> str:
    """Say who writes to a log directory now, or will: a service, or a process; or nothing."""
    service = users(host, service_dir).get(host.resolve(path))
    if service:
        return f"it is the log directory of {service[0]}"
    holder = _holder(host, path) if host.live else 0
    return (
        f"it is locked by process {_called(holder)}, which writes its log there" if holder else ""
    )


class Place:
    """A log directory, and the log service it is of.

    It is seen from the directory ``begin``, which its account need not be able to reach.
    """

    def __init__(self, path: str, log: str) -> None:
        self.path = path
        self.log = log
        self.begin = "/"


Numbers = tuple[int, int]
"""Of a user and a group."""


def _faults(
    host: Host, place: Place, script: LogScript, numbers: Numbers | None, now: Status | None
) -> Iterator[Fault]:
    path = place.path
    about = host.stat(path)
    if about is None:
        yield from _missing(host, place, script, numbers, now)
        return
    if not stat.S_ISDIR(about.st_mode):
        yield f"{path} is not a directory", "name another one in the run script of the log"
        return
    if numbers:
        closed = _closed(host, place.begin, path, numbers, ("lock", "current"))
        if closed:
            mend = f"chown {numbers[0]}:{numbers[1]}"
            if not f"{closed}/".startswith(f"{path}/"):  # it is on the way, and for others, too
                mend = "chmod a+x"
            where = quote(host.real(closed, follow=True))
            yield f"{closed} is closed to {script.account}", f"{mend} {where}"
            return
    yield from _full(host, place, script, numbers)
    holder = _holder(host, path) if host.live and now else 0
    if holder and now and not _belongs(holder, now.pid) and _is_as_before(host, place, now):
        yield (
            f"{path} is locked by another process, {_called(holder)}",
            "each log needs a directory of its own; end the other one, or name another directory",
        )


def _missing(
    host: Host, place: Place, script: LogScript, numbers: Numbers | None, now: Status | None
) -> Iterator[Fault]:
    """Multilog makes a directory in one that is there, and at its start."""
    path, parent = place.path, os.path.dirname(place.path)
    if script.makes:
        return
    about = host.stat(parent)
    if about is None or not stat.S_ISDIR(about.st_mode):
        yield f"{path} can't be made: {parent} is not there", f"mkdir -p {quote(host.real(parent))}"
    elif numbers and _closed(host, place.begin, parent, numbers):
        owner = f"{numbers[0]} -g {numbers[1]}"
        what = f"{path} is not there, and {script.account} can't make it in {parent}"
        yield what, f"install -d -m 700 -o {owner} {quote(host.real(path))}"
    elif host.live and now and _is_c(now.pid):
        what = f"{path} was removed; its multilog writes to nowhere, and will stop at its next file"
        yield what, f"svc -t {quote(place.log)}; what was written since is lost"


def _full(host: Host, place: Place, script: LogScript, numbers: Numbers | None) -> Iterator[Fault]:
    try:
        disk = os.statvfs(host.real(place.path, follow=True))
    except OSError:
        return
    free = disk.f_bavail if numbers and numbers[0] else disk.f_bfree
    if disk.f_flag & os.ST_RDONLY:
        yield f"{place.path} is on a file system that is read-only", "mount it read-write"
    elif script.waits and disk.f_blocks and not free:
        yield (
            f"{place.path} is on a file system that is full",
            "make room; the log goes on by itself, and no line is lost",
        )
    elif script.waits and disk.f_files and not disk.f_ffree:
        yield f"{place.path} is on a file system that has room for no more files", "remove some"


def _numbers(host: Host, script: LogScript) -> Numbers | None:
    """Return the numbers of the script's account; None if there is none, or that can't be told."""
    if not script.account:
        return None
    if host.live:
        try:
            found = pwd.getpwnam(script.account)
        except KeyError:
            return None
        return found.pw_uid, found.pw_gid
    for line in (host.read("/etc/passwd") or b"").splitlines():
        fields = line.decode("utf-8", "surrogateescape").split(":")
        if fields[0] == script.account and len(fields) > 3:
            return (int(fields[2]), int(fields[3])) if (fields[2] + fields[3]).isdigit() else None
    return None


def _closed(
    host: Host, begin: str, path: str, numbers: Numbers, names: tuple[str, ...] = ()
) -> str:
    """Return what keeps an account from the directory ``path`` or ``names`` in it, or nothing.

    It goes there from ``begin``.
    """
    way = [path]
    while way[0] not in (begin, "/"):
        way.insert(0, os.path.dirname(way[0]))
    for above in way[:-1]:
        if not _may(host, above, numbers, 0o1):
            return above
    for one, bits in ((path, 0o3), *((f"{path}/{name}", 0o2) for name in names)):
        if not _may(host, one, numbers, bits):
            return one
    return ""


def _may(host: Host, path: str, numbers: Numbers, bits: int) -> bool:
    """Tell whether an account may do to ``path`` what the bits of a mode say, or may by an ACL."""
    about = host.stat(path)
    if about is None or not numbers[0]:
        return True
    shift = 6 if about.st_uid == numbers[0] else 3 if about.st_gid == numbers[1] else 0
    return (about.st_mode >> shift) & bits == bits or _has_acl(host.real(path, follow=True))


def _has_acl(real: str) -> bool:
    if sys.platform != "linux":
        return True  # there may be one
    try:
        return any("acl" in name for name in os.listxattr(real))
    except OSError:
        return False


# What runs


def _status(host: Host, log: str) -> Status | None:
    return status.unpack(host.read(f"{log}/{os.fsdecode(names.STATUS)}") or b"")


def _is_as_before(host: Host, place: Place, now: Status) -> bool:
    """Tell whether the logger is the one that it was."""
    again = _status(host, place.log)
    return again is not None and again.pid == now.pid


def _is_c(pid: int) -> bool:
    """Tell whether a process is C's multilog. Ours makes what was removed again, by itself."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "multilog"
    except OSError:
        return False


def _holder(host: Host, path: str) -> int:
    """Return the process that has locked a log directory; 0 if none has, or it can't be told."""
    try:
        lock = os.lstat(host.real(f"{path}/lock"))
    except OSError:
        return 0
    return min(flocks.holders_of_any({(lock.st_dev, lock.st_ino)}), default=0)


def _belongs(pid: int, ancestor: int) -> bool:
    """Tell whether a process is that one, or descends from it."""
    while pid > 1 and pid != ancestor:
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return True  # it has gone: nobody can tell any more
    return pid == ancestor


def _called(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:
            name = file.read().decode("utf-8", "surrogateescape").strip()
    except OSError:
        name = "?"
    return f"{pid} ({printable(name)})"
