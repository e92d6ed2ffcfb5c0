"""Refuse, before anything is done, what the file system will not let be changed."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import struct
from collections.abc import Iterable
from shlex import quote

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

GET_FLAGS = (2 << 30) | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1
"""FS_IOC_GETFLAGS of Linux."""

IMMUTABLE, APPEND_ONLY = 0x10, 0x20
BSD_IMMUTABLE = stat.UF_IMMUTABLE | stat.SF_IMMUTABLE
BSD_APPEND_ONLY = stat.UF_APPEND | stat.SF_APPEND


CHOICE = "Or choose another --layout or --service-dir."


def refuse(host: Host, paths: Iterable[str], choice: str = CHOICE) -> None:
    """Refuse if one of ``paths`` is immutable, or the folder that it is in, or read-only.

    ``choice`` says what else there is to choose, if anything.
    """
    seen = set()
    for path in paths:
        folder = os.path.dirname(path)
        other = in_the_way(host, folder)
        if other:
            raise no_directory(host, f"{path} can't be made: {other} is", other)
        while folder != "/" and not host.is_directory(folder):
            folder = os.path.dirname(folder)
        is_link = host.readlink(path) is not None  # it can go whatever it leads to
        for one in (folder,) if is_link else (path, folder):
            if one not in seen:
                seen.add(one)
                _refuse_one(host, one, choice)


def no_directory(host: Host, what: str, other: str) -> Refusal:
    """Return the refusal for what is in the place of a directory; ``what`` begins it."""
    leads = None if host.stat(other) else host.readlink(other)
    rest = "no directory" if leads is None else f"a link that leads nowhere: to {leads}"
    real = quote(host.real(other))
    return Refusal(f"{what} {rest}", f"If nobody needs it: mv {real} {real}.old")


def _refuse_one(host: Host, path: str, choice: str) -> None:
    """Refuse a file or folder that can't be changed."""
    status = host.lstat(path)
    if status is None or not (stat.S_ISREG(status.st_mode) or host.is_directory(path)):
        return
    real = host.real(path, follow=stat.S_ISLNK(status.st_mode))
    word = flags(real)
    if word:
        show, clear = ("lsattr -d", "chattr -i -a")
        if hasattr(status, "st_flags"):
            show, clear = ("ls -ldo", "chflags noschg,nouchg,nosappnd,nouappnd")
        raise Refusal(
            f"{path} can't be changed: it is {word}, as {show} {quote(real)} shows",
            f"If it may be: {clear} {quote(real)}",
            "Then do it once more, and set it again.",
        )
    if os.statvfs(real).f_flag & os.ST_RDONLY:
        raise Refusal(
            f"{path} can't be changed: it is on a file system that is mounted read-only",
            f"If it may be: mount -o remount,rw {quote(mount_point(real))}",
            *filter(None, [choice]),
        )


def mount_point(real: str) -> str:
    """Return where the file system is mounted that ``real`` is on.

    What ``ismount`` compares is no help where the kernel tells: on an overlay a file may have
    another device than its folder.
    """
    path = os.path.realpath(real)
    mounted = _mounted()
    is_mounted = mounted.__contains__ if mounted else os.path.ismount
    while path != "/" and not is_mounted(path):
        path = os.path.dirname(path)
    return path


def _mounted() -> set[str]:
    """Return where Linux has something mounted, a folder of the same file system too.

    Empty where nothing tells that.
    """
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            places = [line.split(" ")[4] for line in file]
    except (OSError, IndexError):
        return set()
    return {re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), one) for one in places}


def flags(real: str) -> str:
    """Say what keeps root from changing the file or folder ``real``; nothing if nothing does."""
    if hasattr(os.stat_result, "st_flags"):
        found = int(getattr(os.lstat(real), "st_flags", 0))
        immutable, append_only = found & BSD_IMMUTABLE, found & BSD_APPEND_ONLY
    else:
        try:
            fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            return ""
        try:
            answer = fcntl.ioctl(fd, GET_FLAGS, bytes(struct.calcsize("l")))
        except OSError:
            return ""  # a file system that has no such thing
        finally:
            os.close(fd)
        (found,) = struct.unpack_from("I", answer)
        immutable, append_only = found & IMMUTABLE, found & APPEND_ONLY
    return "immutable" if immutable else "append-only" if append_only else ""


def in_the_way(host: Host, path: str) -> str:
    """Return what is there instead of the directory ``path``, or of one above it; or nothing.

    A link that leads nowhere is such a thing, too.
    """
    while path != "/" and not host.lstat(path):
        path = os.path.dirname(path)
    return "" if host.is_directory(path) else path
