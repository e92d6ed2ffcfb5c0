"""Trouble that passes: say so once, wait, try again, for as long as it takes.

Code that may have to wait is a generator, *steps*. It yields a :class:`Pause` or a
:class:`Wait`, and goes on when that is over. So the same code serves a process that may simply
sleep (:func:`carry_out`) and a log host, which has a thousand other logs to see to.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.messages import error_words, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeVar

    T = TypeVar("T")
    GoOn = Callable[[int], None]
    After = Callable[[float, Callable[[], None]], None]
    AfterDeath = Callable[[int, GoOn], None]

    Steps = Generator["Pause | Wait", int, T]


class Pause:
    """To be yielded: go on, with 0, after so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def sit_out(self) -> int:
        """Sleep."""
        time.sleep(self.seconds)
        return 0

    def arrange(self, after: After, after_death: AfterDeath, go_on: GoOn) -> None:
        """Have ``go_on`` called when the time is over."""
        del after_death
        after(self.seconds, lambda: go_on(0))


class Wait:
    """To be yielded: go on with the wait status of the child ``pid``."""

    __slots__ = ("pid",)

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def sit_out(self) -> int:
        """Wait for the child. Raises the ``OSError`` of waiting, which the steps then get."""
        return os.waitpid(self.pid, 0)[1]

    def arrange(self, after: After, after_death: AfterDeath, go_on: GoOn) -> None:
        """Have ``go_on`` called when the child is dead."""
        del after
        after_death(self.pid, go_on)


PAUSE = Pause(5.0)
"""How long trouble with a log lasts before the next attempt, as in C."""


class Attempts:
    """Attempts of ``program`` at what can fail for a while, all about the thing called ``name``.

    As long as the same attempt fails for the same reason, only the first failure is reported.
    In the text of a complaint, ``%s`` stands for the name.
    """

    __slots__ = ("_failing", "_name", "program")

    pause = PAUSE
    """What to yield before the next attempt."""

    def __init__(self, program: str, name: bytes) -> None:
        self.program = program
        self._name = name
        self._failing: dict[object, tuple[object, bytes]] = {}
        """For each attempt that failed and has not succeeded since: why, and what was said."""

    @property
    def trouble(self) -> bytes | None:
        """What was said last of trouble that is not over; None if all is well."""
        return next(reversed(self._failing.values()))[1] if self._failing else None

    def attempt(self, trouble: bytes, call: Callable[..., T], *arguments: object) -> Steps[T]:
        """Make the call until it raises no ``OSError``; return its value.

        Each failure is a complaint of ``trouble`` and a pause. But ``FileNotFoundError`` is
        raised: what is gone does not come back.
        """
        while True:
            try:
                value = call(*arguments)
            except FileNotFoundError:
                self.succeeded(call)  # the trouble it had is over
                raise
            except OSError as error:
                self.complain(trouble, call, error)
            else:
                if self._failing:
                    self.succeeded(call)
                return value
            yield self.pause

    def complain(
        self,
        trouble: bytes,
        about: object,
        error: OSError | None = None,
        meanwhile: bytes = b"pausing",
    ) -> None:
        """Report that the attempt ``about`` failed, unless that was the last report about it."""
        text = self._in_words(trouble)
        reason = error.errno if error else trouble
        if about in self._failing and self._failing[about][0] == reason:
            return
        self._say(text, meanwhile, error)
        self._failing.pop(about, None)
        self._failing[about] = reason, text + (b": " + error_words(error) if error else b"")

    def _in_words(self, trouble: bytes) -> bytes:
        return trouble.replace(b"%s", self._name, 1)

    def _say(self, text: bytes, meanwhile: bytes, error: OSError | None) -> None:
        warn(self.program, text + b", " + meanwhile, error)

    def has_failed(self, about: object) -> bool:
        """Tell whether the attempt has failed and not succeeded since."""
        return about in self._failing

    def succeeded(self, about: object) -> None:
        """Know that the attempt is good again: its next failure is reported."""
        self._failing.pop(about, None)


def carry_out(steps: Steps[T]) -> T:
    """Do all steps in this thread, sleeping as they say; return their value."""
    try:
        effect = next(steps)
        while True:
            try:
                value = effect.sit_out()
            except OSError as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result
