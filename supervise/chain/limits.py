"""Soft resource limits, and which of them have to wait.

Most limits are set at once. Our own interpreter might not live under a limit on memory, stack,
processor time or descriptors, so these wait for the exec of the program they are meant for.
That is why ``softlimit -m300000 envdir ./env prog`` works, although no interpreter could
start in 300 kB. A command that asks for such a limit meanwhile is given the value that waits,
because C's next program would have found it in force.

A chain may end in a long-running command of ours. Then the limits come into force before it
starts, but not below what the interpreter needs: :data:`ROOM` on top of what it has. The
processes that this command starts get the limits as they were given.
"""

from __future__ import annotations

import os
import resource
import sys

from slashservice.supervise import numbers

WAITING = (
    resource.RLIMIT_CPU,
    resource.RLIMIT_STACK,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_DATA,
    resource.RLIMIT_AS,
)
"""The limits that wait, in the order in which they are set."""

MEMORY = {resource.RLIMIT_STACK, resource.RLIMIT_DATA, resource.RLIMIT_AS}

RESOURCES = {
    "a": (resource.RLIMIT_AS,),
    "c": (resource.RLIMIT_CORE,),
    "d": (resource.RLIMIT_DATA,),
    "f": (resource.RLIMIT_FSIZE,),
    "l": (resource.RLIMIT_MEMLOCK,),
    "m": (
        resource.RLIMIT_DATA,
        resource.RLIMIT_STACK,
        resource.RLIMIT_MEMLOCK,
        resource.RLIMIT_AS,
    ),
    "o": (resource.RLIMIT_NOFILE,),
    "p": (resource.RLIMIT_NPROC,),
    "r": (resource.RLIMIT_RSS,),
    "s": (resource.RLIMIT_STACK,),
    "t": (resource.RLIMIT_CPU,),
}
"""The limits by letter: the letters are those of ``softlimit``'s options."""

ROOM = 8 << 20
"""Bytes of memory that a command of ours may add to what it has, whatever the limit."""

STACK = 1 << 20
"""Bytes of stack that the interpreter needs."""

MEMORY_IN_USE = "/proc/self/statm"

UNLIMITED = numbers.LARGEST
"""The system's word for no limit, as the unsigned number that it is."""


class SoftLimits:
    """The soft limits of this process: those in force, and those that wait for the exec."""

    def __init__(self) -> None:
        self.waiting: dict[int, int] = {}
        """By resource."""
        self._before: list[tuple[int, int]] = []

    def get(self, number: int) -> tuple[int, int]:
        """Return the soft and hard limit on a resource. Raises ``OSError``."""
        soft, hard = system_limit(number)
        return self.waiting.get(number, soft), hard

    def set(self, number: int, soft: int) -> None:
        """Set the soft limit on a resource, now or just before the exec. Raises ``OSError``."""
        if number in WAITING:
            self.waiting[number] = soft
            return
        if number == resource.RLIMIT_FSIZE:
            sys.dont_write_bytecode = True  # a compiled module cut short would be read again
        set_system_limit(number, soft)

    @property
    def descriptors(self) -> int | None:
        """The limit on descriptors if it waits. Commands of ours keep to it meanwhile."""
        return self.waiting.get(resource.RLIMIT_NOFILE)

    @property
    def tight(self) -> bool:
        """Whether memory is among what waits."""
        return not self.waiting.keys().isdisjoint(MEMORY)

    def apply(self) -> None:
        """Set what waits. Needs next to no memory once it has begun."""
        self._before = [(number, system_limit(number)[0]) for number in self.waiting]
        for number in WAITING:
            if number in self.waiting:
                set_system_limit(number, self.waiting[number])

    def lift(self) -> None:
        """Undo :meth:`apply`, after an exec that failed."""
        for number, soft in self._before:
            set_system_limit(number, soft)

    def settle(self) -> None:
        """Set what waits as far as a long-running command of ours can bear it."""
        from slashservice.supervise import error_words  # noqa: F401 - while it can be read

        floors = {
            resource.RLIMIT_CPU: 0,
            resource.RLIMIT_NOFILE: 0,
            resource.RLIMIT_STACK: STACK,
            **memory_floors(),
        }
        for number in [number for number in WAITING if number in self.waiting]:
            soft = self.waiting[number]
            bearable = max(soft, floors.get(number, UNLIMITED))
            set_system_limit(number, min(bearable, system_limit(number)[1]))
            if bearable == soft:
                del self.waiting[number]


def memory_floors() -> dict[int, int]:
    """Return the least memory limits we can work under, in bytes; nothing without /proc."""
    try:
        with open(MEMORY_IN_USE, "rb", buffering=0) as file:
            fields = file.read().split()
    except OSError:
        return {}
    page = resource.getpagesize()
    # proc(5): the first field is the whole address space, the sixth data and stack.
    return {
        resource.RLIMIT_AS: int(fields[0]) * page + ROOM,
        resource.RLIMIT_DATA: int(fields[5]) * page + ROOM,
    }


def system_limit(number: int) -> tuple[int, int]:
    """Return the limits in force, as unsigned numbers: Python has -1 for no limit."""
    soft, hard = resource.getrlimit(number)
    return soft & UNLIMITED, hard & UNLIMITED


def set_system_limit(number: int, soft: int) -> None:
    """Put a soft limit in force. Raises ``OSError``."""
    hard = resource.getrlimit(number)[1]
    try:
        # Python wants these as signed numbers.
        resource.setrlimit(number, (soft - (soft >> 63 << 64), hard))
    except ValueError as error:
        from errno import EINVAL, EPERM

        code = EPERM if "not allowed" in str(error) else EINVAL
        raise OSError(code, os.strerror(code)) from None
