"""Trouble that passes: say so once, wait, try again, for as long as it takes.

What may have to wait is a generator, *steps*: it yields a :class:`Pause` or a :class:`Wait`
and goes on when that is over. So the same code serves a process that may simply sleep
(:func:`carry_out`) and a log host that has a thousand other logs to see to.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from slashservice.supervise.program import warn

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


class Complaint:
    """A warning about one thing, said once for as long as the reason stays the same."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: int | None = None

    def about(self, what: bytes, error: OSError | None = None) -> None:
        """Say that we pause because of ``what``, unless that was said last time."""
        number = error.errno if error else 0
        if number != self._said:
            self._said = number
            warn("multilog", what + b", pausing", error)


def insist(what: bytes, call: Callable[[], T]) -> Steps[T]:
    """Make ``call`` succeed: pause, and try again, at each ``OSError``."""
    complaint = Complaint()
    while True:
        try:
            return call()
        except OSError as error:
            complaint.about(what, error)
        yield PAUSE


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
