"""The clocks of the kernels of the BSDs and macOS, and what sysctl(8) and ps(1) say of them.

As the sources of these kernels have it:

- Each has a clock that counts from the boot and can't be set. The time of day is that clock plus
  ``kern.boottime``: setting the clock moves ``kern.boottime``, on all of them.
- FreeBSD and OpenBSD keep by the first clock when a process started, and add ``kern.boottime``
  when they are asked. NetBSD, DragonFly and macOS keep the time of day at the fork.
- FreeBSD has ``kern.boot_id`` since version 13, as bytes that only ``-x`` shows as digits, once
  its random numbers are seeded; macOS has ``kern.bootsessionuuid``. The others have neither.

Programs that stand in for sysctl and ps import this as it is, so it imports nothing of ours.
All times here are in microseconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

SECOND = 1_000_000

MOVING = ("freebsd", "openbsd")
"""Where the start of a process is kept by the clock that can't be set."""

SYSTEMS = ("darwin", "freebsd14", "freebsd12", "openbsd7", "netbsd10", "dragonfly6")


class Kernel:
    """The clocks of a machine: ``system`` is Python's name for it, ``identity`` is 32 digits."""

    def __init__(self, system: str, booted: int, identity: str) -> None:
        self.system = system
        self.identity = identity
        self._booted = booted
        self._steps: list[tuple[int, int]] = []

    @property
    def starts_move(self) -> bool:
        return self.system.startswith(MOVING)

    def step(self, uptime: int, by: int) -> None:
        """Let the clock have been set, that long after the boot."""
        self._steps.append((uptime, by))

    def boottime(self, uptime: int | None = None) -> int:
        """Return what ``kern.boottime`` is, or was that long after the boot."""
        steps = (by for at, by in self._steps if uptime is None or at <= uptime)
        return self._booted + sum(steps)

    def start(self, uptime: int) -> int:
        """Return the start that is shown now of a process started that long after the boot."""
        return uptime + self.boottime(None if self.starts_move else uptime)

    def sysctl(self, words: Sequence[str]) -> tuple[int, str]:
        """Return the exit status, and what is printed to standard output."""
        option, name = words
        if (option, name) == ("-n", "kern.boottime"):
            seconds, rest = divmod(self.boottime(), SECOND)
            date = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(seconds))
            if self.system.startswith(("openbsd", "netbsd")):
                return 0, f"{date}\n"
            return 0, f"{{ sec = {seconds}, usec = {rest} }} {date}\n"
        if (option, name) == ("-n", "kern.bootsessionuuid") and self.system == "darwin":
            at = (0, 8, 12, 16, 20, 32)
            parts = [self.identity[a:b].upper() for a, b in pairwise(at)]
            return 0, "-".join(parts) + "\n"
        if name == "kern.boot_id" and self.system == "freebsd14":
            if option == "-n":
                return 1, ""  # a structure is not printed
            if option == "-nx":
                return 0, f"Format: Length:16 Dump:0x{self.identity}\n"
        return 1, ""

    def ps(
        self, words: Sequence[str], look: Callable[[int], tuple[str, int] | None]
    ) -> tuple[int, str]:
        """Return the exit status, and what is printed; ``look`` tells a pid's state and start.

        What comes behind = in an -o is a header, to its end (FreeBSD, macOS); an alias, as stat
        is, may have none (OpenBSD). The start is shown in whole seconds. Raises ``ValueError``
        for words that one of the originals would not understand so.
        """
        columns, pid, rest = [], None, list(words)
        while rest:
            option, value, *rest = rest
            name, equals, header = value.partition("=")
            if option == "-p":
                pid = int(value)
            elif option == "-o" and name in ("state", "lstart") and equals and not header:
                columns.append(name)
            else:
                raise ValueError(f"unexpected: {option} {value}")
        if pid is None:
            raise ValueError("no pid")
        found = look(pid)
        if found is None:
            return 1, ""
        state, uptime = found
        start = time.strftime("%c", time.gmtime(self.start(uptime) // SECOND))
        shown = {"state": state.ljust(4), "lstart": start.ljust(28)}
        return 0, " ".join(shown[name] for name in columns) + "\n"

    def write(self, path: str) -> None:
        """Keep it in a file, which is never half written."""
        lines = [self.system, self.identity, str(self._booted)]
        lines += [f"{at} {by}" for at, by in self._steps]
        with open(path + ".new", "w") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(path + ".new", path)


def read(path: str) -> Kernel:
    """Return the kernel that is kept in a file."""
    with open(path) as file:
        system, identity, booted, *steps = file.read().splitlines()
    kernel = Kernel(system, int(booted), identity)
    for line in steps:
        uptime, by = map(int, line.split())
        kernel.step(uptime, by)
    return kernel
