"""What ^C and TERM do to a verb that changes something: they end it in order, by an exception."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 - asked for by a signal, not an error
    """A signal asks us to stop; its name is the text."""


def _interrupt(number: int, frame: object) -> None:
    """Turn a signal into an exception."""
    raise Interrupted(signal.Signals(number).name)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have signals raise :class:`Interrupted`; a terminal that is closed ends nothing."""
    handlers = {}
    try:
        for number in SIGNALS:
            handlers[number] = signal.signal(number, _interrupt)
        handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals pass by while something is put back.

    They are caught, not blocked or ignored: those would be handed on to what is started.
    """
    handlers = {one: signal.signal(one, _pass_by) for one in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _pass_by(number: int, frame: object) -> None:
    """Take no notice of a signal."""
