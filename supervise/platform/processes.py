"""What can be seen of other processes, where the system has ``/proc``; elsewhere nothing is."""

from __future__ import annotations

import os

SESSION = 3
"""The place of the session among the fields of ``/proc/PID/stat`` behind the name: see proc(5)."""

ENVIRONMENT = 47
"""The place of the bounds of what it was started with, there."""


def opened(pid: int) -> list[bytes] | None:
    """Return what the descriptors of a process lead to; None where that can't be seen."""
    found = descriptors(pid)
    return None if found is None else list(found.values())


def descriptors(pid: int) -> dict[bytes, bytes] | None:
    """Return what each descriptor of a process leads to; None where that can't be seen.

    Whoever opens the path of one has what it leads to, even if that has no name any more.
    """
    folder = b"/proc/%d/fd/" % pid
    try:
        opened = os.listdir(folder)
    except OSError:
        return None
    found = {}
    for fd in opened:
        try:
            found[folder + fd] = os.readlink(folder + fd)
        except OSError:
            continue
    return found


def of_session(leader: int) -> list[tuple[int, str]]:
    """Return pid and name of the processes in the session that the process ``leader`` began.

    Those that have ended are left out.
    """
    found = []
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        start, _, rest = text.rpartition(")")
        fields = rest.split()
        if fields[SESSION : SESSION + 1] == [str(leader)] and fields[0] != "Z":
            found.append((pid, start.partition("(")[2]))
    return sorted(found)


def writers(path: bytes) -> list[tuple[int, str]]:
    """Return pid and name of the processes that have something open to be written.

    ``path`` is what their descriptors lead to, as ``pipe:[7]``.
    """
    found = []
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return []
    for pid in pids:
        opened = descriptors(pid) or {}
        if any(leads == path and _is_written(link) for link, leads in opened.items()):
            found.append((pid, name(pid)))
    return found


def _is_written(link: bytes) -> bool:
    """Tell whether a descriptor, by its link below ``/proc``, is open to be written."""
    try:
        with open(link.replace(b"/fd/", b"/fdinfo/"), "rb") as file:
            words = file.read().split()
        return int(words[words.index(b"flags:") + 1], 8) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, ValueError, IndexError):
        return False


def input_of(pid: int) -> bytes:
    """Return what the standard input of a process leads to; empty where that can't be seen."""
    try:
        return os.readlink(b"/proc/%d/fd/0" % pid)
    except OSError:
        return b""


def name(pid: int) -> str:
    """Return what a process is called; empty if it is gone, or that can't be seen."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


def variable(pid: int, wanted: str) -> str:
    """Return a variable that a process was started with; empty if it had none, or can't be seen."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return ""
    start = os.fsencode(wanted) + b"="
    return next((os.fsdecode(word[len(start) :]) for word in words if word.startswith(start)), "")


def session(pid: int) -> int:
    """Return the leader of the session of a process; 0 if that can't be seen."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


GONE = " (deleted)"
"""What the kernel puts behind the name of a file that is open, and no longer there."""


def replaced(pid: int) -> str:
    """Return a file that a process runs, as its program or a library, and that was replaced since.

    It is empty if there is none, or where that can't be seen.
    """
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as file:
            maps = [line.rstrip("\n").split(None, 5) for line in file]
    except OSError:
        return ""
    if program.endswith(GONE):
        return program[: -len(GONE)]
    for words in maps:
        path = words[-1]
        if len(words) == 6 and "x" in words[1] and ".so" in path and path.endswith(GONE):
            return path[: -len(GONE)]
    return ""


def erase_environment() -> None:
    """Have the kernel show an empty environment of this process. Raises ``OSError``.

    It shows the memory where that was when the process was started.
    """
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b") ")[2].split()
    start, end = (int(field) for field in fields[ENVIRONMENT : ENVIRONMENT + 2])
    fd = os.open("/proc/self/mem", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(fd, bytes(end - start), start)
    finally:
        os.close(fd)
    os.environ.clear()
