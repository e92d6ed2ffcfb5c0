"""Times, and how a process ended, as people say it."""

from __future__ import annotations

from slashservice.supervise import signal_numbers
from slashservice.supervise.protocol import deaths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.protocol.deaths import Death

UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))

NOT_STARTED = "not started"
"""How a run ended that was none: the script could not be executed."""


def duration(seconds: float) -> str:
    """Say a number of seconds in its two largest units, as ``3d 4h``; what is negative is none."""
    left = max(0, int(seconds))
    for place, (unit, size) in enumerate(UNITS):
        if left >= size or size == 1:
            number, left = divmod(left, size)
            below = UNITS[place + 1 : place + 2]
            more = [f"{left // smaller}{letter}" for letter, smaller in below if left // smaller]
            return " ".join([f"{number}{unit}", *more])
    raise AssertionError


def spell(seconds: float) -> str:
    """Say how long something took: ``0.4 s``, ``3 s``, and from a minute on as ``duration``."""
    if seconds >= 60:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"


def times(number: int) -> str:
    """Say how often something happened."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def signal_name(number: int) -> str:
    """Return what a signal is called, without ``SIG``; its number if it has no name here."""
    name = signal_numbers.name(number)
    return name.removeprefix("SIG") if name else f"signal {number}"


def ending(death: Death) -> str:
    """Say how a run ended: ``exit 7``, ``KILL``, ``SEGV, core``, ``unknown``, ``not started``."""
    if not death.pid:
        return NOT_STARTED
    if death.signal:
        return signal_name(death.signal) + (", core" if death.low_byte & deaths.CORE else "")
    return death.words().decode()
