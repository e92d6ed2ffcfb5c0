"""Which processes hold a flock on a file, where the kernel tells.

Linux lists all locks in ``/proc/locks``, with the process that took each, the device and the
inode number. Other systems list none.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LIST = "/proc/locks"


def holders(file: os.stat_result) -> list[int] | None:
    """Return the pids that hold an exclusive or shared flock on ``file``; None if not told.

    A lock that was inherited is listed under the pid that took it, even if that is dead. Some
    file systems (btrfs, overlayfs) show one device to stat(2) and another one here. So a lock
    on another device counts if its process has the file open.
    """
    listed = _list()
    if listed is None:
        return None
    return [pid for pid, device, inode in listed if _is(file, pid, device, inode)]


def holders_of_any(files: set[tuple[int, int]]) -> set[int]:
    """Return the pids that hold a flock on one of ``files``, and have it open.

    The files are known by device and inode number.
    """
    inodes = {inode for _, inode in files}
    candidates = {pid for pid, _, inode in _list() or () if inode in inodes and pid > 0}
    return {pid for pid in candidates if _has_open(pid, files)}


def users_of_any(files: set[tuple[int, int]], among: Iterable[int]) -> set[int]:
    """Return which of the processes ``among`` have one of ``files`` open.

    The files are known by device and inode number. Where we may not see what a process has open,
    it counts if it is listed with a flock on one of them.
    """
    locking = {pid for pid, device, inode in _list() or () if (device, inode) in files}
    users = set()
    for pid in among:
        opened = _has_open(pid, files)
        if opened or (opened is None and pid in locking):
            users.add(pid)
    return users


def processes() -> list[int]:
    """Return the pids of all processes that we can see, where the kernel tells."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _list() -> list[tuple[int, int, int]] | None:
    """Return pid, device and inode number of each flock; None if that is not told."""
    try:
        with open(LIST, "rb", buffering=0) as listed:
            return parse(b"".join(iter(lambda: listed.read(1 << 16), b"")))
    except OSError:
        return None


def describe(pid: int) -> tuple[int, bytes]:
    """Return the account and the name of a process; -1 and nothing if it can't be seen."""
    try:
        account = os.stat(f"/proc/{pid}").st_uid
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as comm:
            return account, comm.read().strip()
    except OSError:
        return -1, b""


def parse(text: bytes) -> list[tuple[int, int, int]]:
    """Return pid, device and inode number of each flock in the kernel's list.

    Those that wait for a lock have an arrow, and do not count.
    """
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] == b"FLOCK":
            try:
                major, minor, inode = words[5].split(b":")
                device = os.makedev(int(major, 16), int(minor, 16))
                found.append((int(words[4]), device, int(inode)))
            except ValueError:
                continue
    return found


def _is(file: os.stat_result, pid: int, device: int, inode: int) -> bool:
    """Tell whether a lock of ``pid`` is one on ``file``."""
    if inode != file.st_ino or pid <= 0:
        return False
    return device == file.st_dev or _has_open(pid, {(file.st_dev, file.st_ino)}) is True


def _has_open(pid: int, files: set[tuple[int, int]]) -> bool | None:
    """Tell whether a process has one of the files open; None if we may not see that."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    for name in names:
        try:
            found = os.stat(f"{folder}/{name}")
        except OSError:
            continue
        if (found.st_dev, found.st_ino) in files:
            return True
    return False
