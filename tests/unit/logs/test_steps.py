"""Trouble that passes: said once, sat out, tried again."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Generator

import pytest

from slashservice.supervise.logs.steps import PAUSE, Attempts, Pause, Wait, carry_out


class Fails:
    """A call that fails so many times, with these errors, and then succeeds."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)

    def __call__(self, value: str) -> str:
        if self.numbers:
            number = self.numbers.pop(0)
            raise OSError(number, os.strerror(number))
        return value


def test_an_attempt_returns_what_the_call_returns() -> None:
    assert carry_out(Attempts("me", b"d").attempt(b"trouble", "{} {}".format, 1, 2)) == "1 2"


def test_trouble_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    attempts = Attempts("me", b"d")
    fails = Fails(errno.EIO, errno.EIO, errno.ENOSPC, errno.EIO)
    assert carry_out(attempts.attempt(b"unable to do %s", fails, "done")) == "done"
    assert slept == [PAUSE.seconds] * 4
    again = [
        "me: warning: unable to do d, pausing: input/output error",
        "me: warning: unable to do d, pausing: out of disk space",
        "me: warning: unable to do d, pausing: input/output error",
    ]
    assert capfd.readouterr().err.splitlines() == again
    assert attempts.trouble is None
    fails.numbers = [errno.EIO]
    carry_out(attempts.attempt(b"unable to do %s", fails, "done"))
    assert capfd.readouterr().err.splitlines() == again[:1]


def test_the_success_of_one_attempt_says_nothing_of_another(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A processor that can be started each time, and fails each time, is complained of once."""
    attempts = Attempts("me", b"d")
    for _ in range(3):
        carry_out(attempts.attempt(b"unable to start %s", "".join, ()))
        attempts.complain(b"%s failed", "work")
    assert capfd.readouterr().err == "me: warning: d failed, pausing\n"
    assert attempts.has_failed("work") and attempts.trouble == b"d failed"
    attempts.succeeded("work")
    assert not attempts.has_failed("work") and attempts.trouble is None
    attempts.complain(b"%s failed", "work")
    assert capfd.readouterr().err == "me: warning: d failed, pausing\n"


def test_the_trouble_of_many_is_what_was_said_last(capfd: pytest.CaptureFixture[str]) -> None:
    attempts = Attempts("me", b"d")
    attempts.complain(b"%s is slow", "one", meanwhile=b"going on")
    attempts.complain(b"%s is full", "two", OSError(errno.ENOSPC, ""))
    assert attempts.trouble == b"d is full: out of disk space"
    attempts.succeeded("two")
    assert attempts.trouble == b"d is slow"
    assert capfd.readouterr().err.splitlines() == [
        "me: warning: d is slow, going on",
        "me: warning: d is full, pausing: out of disk space",
    ]


def test_an_error_of_waiting_is_raised_in_the_steps() -> None:
    def steps() -> Generator[Wait, int, str]:
        with pytest.raises(ChildProcessError):
            yield Wait(os.getpid())
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        return str(os.waitstatus_to_exitcode((yield Wait(pid))))

    assert carry_out(steps()) == "3"


def test_what_is_waited_for_can_be_arranged() -> None:
    timers: list[tuple[float, Callable[[], None]]] = []
    children: dict[int, Callable[[int], None]] = {}
    values: list[int] = []

    def after(seconds: float, call: Callable[[], None]) -> None:
        timers.append((seconds, call))

    Pause(3).arrange(after, children.__setitem__, values.append)
    Wait(77).arrange(after, children.__setitem__, values.append)
    assert [seconds for seconds, _ in timers] == [3]
    assert list(children) == [77]
    timers[0][1]()
    children[77](9)
    assert values == [0, 9]
