#!/usr/bin/python3 -IS
"""Tell how a service is, once all is quiet: a command that tests put into a machine.

``look NAME [LETTERS]`` first writes the control letters to the service, one after the other. D
makes its file ``down``, N takes that away, and L links it into the scan directory. All is quiet
when nothing is to be read or done any more, and the service is as it is wanted.
"""

import fcntl
import json
import os
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

PATIENCE = 120
"""Seconds after which it will never be quiet."""

RESTART = 1.05
"""Seconds after a start from which on every supervisor starts a service again at once."""


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def supervised(where: str) -> bool:
    try:
        os.close(os.open(f"{where}/supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def unread(where: str) -> bool:
    """Tell whether control letters wait for the supervisor."""
    try:
        fd = os.open(f"{where}/supervise/control", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    waiting = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
    os.close(fd)
    return any(waiting)


class Status:
    """What the status file of a service says."""

    def __init__(self, where: str) -> None:
        data = read(f"{where}/supervise/status")
        self.there = len(data) >= 18
        self.pid = int.from_bytes(data[12:16], "little")
        self.paused = self.pid > 0 and data[16] > 0
        self.want = data[17:18].decode("latin-1")


def processes() -> "dict[int, tuple[str, int, str, bool]]":
    """Return of each process its name, its parent, its state, and whether a signal waits for it."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        lines = read(f"/proc/{pid}/status").decode().splitlines()
        fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        if fields:
            waits = any(int(fields.get(one, "0"), 16) for one in ("SigPnd", "ShdPnd"))
            found[int(pid)] = (fields["Name"], int(fields["PPid"]), fields["State"][0], waits)
    return found


def quiet(scanner: str) -> bool:
    """Tell whether the scanner and all below it sleep, and no signal waits."""
    found = processes()
    tree = [pid for pid, one in found.items() if one[:2] == (scanner, 1)]
    if len(tree) != 1:
        return False
    for above in tree:
        tree += [pid for pid, one in found.items() if one[1] == above]
    for pid in tree:
        name, _, state, waits = found[pid]
        if state == "Z" and name in ("supervise", "runsv"):
            continue  # C's scanners look for those every five seconds
        if state not in "STI" or (waits and state != "T"):
            return False
    return True


class Service:
    """A service of a machine, linked or not."""

    def __init__(self, name: str, scanner: str) -> None:
        self.path, self.link = f"/srv/sv/{name}", f"/service/{name}"
        self.scanner = scanner

    def notes(self) -> "list[str]":
        """What its run script has written down."""
        return read(f"{self.path}/signals").decode().splitlines()

    def in_place(self, pid: int) -> bool:
        """Tell whether its script runs, and has for a while."""
        starts = [line for line in self.notes() if line.startswith("start ")]
        if starts[-1:] != [f"start {pid}"] or not os.path.exists(f"/proc/{pid}"):
            return False
        return time.time() - os.stat(f"{self.path}/begun").st_mtime > RESTART

    def as_wanted(self) -> bool:
        linked, watched = os.path.lexists(self.link), supervised(self.path)
        if unread(self.path) or (linked and not watched and os.path.isdir(self.path)):
            return False
        if not watched:
            return True
        if not linked and self.scanner == "runsvdir":
            return False  # it is about to stop it
        now = Status(self.path)
        if now.pid:
            return self.in_place(now.pid)
        return now.there and now.want != "u"

    def told(self) -> "dict[str, Any]":
        """What is to be the same for all supervisors."""
        now, watched = Status(self.path), supervised(self.path)
        said: dict[str, Any] = {
            "linked": os.path.lexists(self.link),
            "down file": os.path.lexists(f"{self.path}/down"),
            "supervised": watched,
            "signals": [line.split()[0] for line in self.notes()],
        }
        if watched and now.there:
            said |= {"up": now.pid > 0, "paused": now.paused, "want": now.want}
        log = f"{self.path}/log"
        if os.path.isdir(log):
            said["log"] = {"supervised": supervised(log)}
            if supervised(log):
                said["log"]["up"] = Status(log).pid > 0
        return said

    def settle(self) -> "dict[str, Any]":
        """Wait until all is quiet, twice in a row; return how it is then."""
        deadline = time.monotonic() + PATIENCE
        before = None
        while True:
            now = self.told() if self.as_wanted() and quiet(self.scanner) else None
            if now is not None and now == before:
                return now
            before = now
            if time.monotonic() > deadline:
                never(f"{self.told()} {vars(Status(self.path))} {processes()}")
            time.sleep(0.01)

    def write(self, letter: str) -> None:
        down = f"{self.path}/down"
        if letter == "D":
            open(down, "w").close()
        elif letter == "N":
            if os.path.exists(down):
                os.unlink(down)
        elif letter == "L":
            if not os.path.lexists(self.link):
                os.symlink(self.path, self.link)
        elif supervised(self.path):
            fd = os.open(f"{self.path}/supervise/control", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, letter.encode())
            os.close(fd)


def never(seen: str) -> "NoReturn":
    sys.exit(f"look: never quiet: {seen}")


def main(name: str, letters: str = "") -> None:
    service = Service(name, read("/srv/scanner").decode())
    for letter in letters:
        service.write(letter)
        service.settle()
    print(json.dumps(service.settle()))


if __name__ == "__main__":
    main(*sys.argv[1:])
