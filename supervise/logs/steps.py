"""Trouble that passes: say so once, wait, try again, for as long as it takes.

What may have to wait is a generator, *steps*: it yields a :class:`Pause` or a :class:`Wait`
and goes on when that is over. So the same code serves a process that may simply sleep
(:func:`carry_out`) and a log host that has a thousand other logs to see to.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.messages import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeVar

    T = TypeVar("T")
    Steps = Generator["Pause | Wait", int, T]


class Pause:
    """To be yielded: go on after so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Wait:
    """To be yielded: go on with the wait status of the child ``pid``, or the error as raised."""

    __slots__ = ("pid",)

    def __init__(self, pid: int) -> None:
        self.pid = pid


PAUSE = Pause(5.0)
"""How long trouble with a log lasts before the next attempt, as in C."""


class Attempts:
    """Attempts at what can fail for a while, on behalf of the thing called ``name``.

    As long as the same attempt fails for the same reason, that is said only once. A
    complaint is given with ``%s`` where the name goes.
    """

    __slots__ = ("_last", "_name")

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._last: object = None

    def fails(self, trouble: bytes, call: Callable[..., object], *arguments: object) -> bool:
        """Make the call; if that raises ``OSError`` complain of ``trouble``, and return True."""
        try:
            call(*arguments)
        except OSError as error:
            self.complain(trouble, call, error)
            return True
        self._last = None
        return False

    def complain(self, trouble: bytes, about: object, error: OSError | None = None) -> None:
        """Say that we pause because of ``trouble``, unless ``about`` the same we just did."""
        complaint = (about, error and error.errno)
        if complaint != self._last:
            self._last = complaint
            warn("multilog", trouble.replace(b"%s", self._name, 1) + b", pausing", error)


def carry_out(steps: Steps[T]) -> T:
    """Do all steps in this thread, sleeping as they say; return what they come to."""
    try:
        effect = next(steps)
        while True:
            if isinstance(effect, Pause):
                time.sleep(effect.seconds)
                effect = steps.send(0)
                continue
            try:
                status = os.waitpid(effect.pid, 0)[1]
            except OSError as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(status)
    except StopIteration as stop:
        result: T = stop.value
        return result
