"""``sv [-v] [-w SECONDS] COMMAND SERVICE...``: steer services as runit's ``sv`` does.

Called by another name, as ``/etc/init.d/NAME``, it is the init script of the service ``NAME``.

What it says, and its exit status, are those of runit's. It differs where that one looks only now
and then, or at whole seconds: ours is told by the kernel when a service changes, and a restart is
over when another process runs.
"""

from __future__ import annotations

import os

from slashservice.supervise import numbers, program
from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import MISUSE, Quit, complain
from slashservice.supervise.protocol.steering import Steering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = b"sv"

USAGE = b" [-v] [-w sec] command service ..."
USAGE_OF_SCRIPT = b" [-w sec] command"

SECONDS_TO_WAIT = 7

PAUSE = 0.42
"""Seconds between two looks of runit's sv, which waits to the first look after its limit."""

WHOLE = {
    b"start": "u",
    b"stop": "d",
    b"reload": "h",
    b"restart": "tcu",
    b"try-restart": "tc",
    b"shutdown": "x",
    b"check": "C",
    b"force-stop": "d",
    b"force-reload": "tc",
    b"force-restart": "tcu",
    b"force-shutdown": "x",
}
"""Commands whose effect is waited for, as the letters to send. All others go by their first one."""

CAPITALS = {b"D": "d", b"T": "tc", b"X": "x", b"E": "x"}
"""The same for those that are short for ``force-``."""

SHORT = {b"e": "x", **{bytes((letter,)): chr(letter) for letter in b"udopchaitkqx12"}}


class Order:
    """The command line: the ``letters`` to send, to ``services``, and what to do after that."""

    def __init__(self, argv: Sequence[bytes]) -> None:
        self.called = os.fsencode(program.called())
        self.is_script = self.called != NAME
        self.seconds = SECONDS_TO_WAIT
        patience = os.environb.get(b"SVWAIT")
        if patience is not None:
            self.seconds = numbers.leading(patience)
        waits = False
        options = Options(program.called(), argv, "w:vV")
        for letter, value in options:
            if letter == "V":
                complain(version())
            if letter in ("V", BAD):
                raise self.misuse()
            if letter == "w":
                self.seconds = numbers.leading(value)
            waits = True
        action, *services = options.rest or [b""]
        self.services = [self.called] if self.is_script else services
        self.kills = action[:1] in CAPITALS or (action in WHOLE and action.startswith(b"force-"))
        self.letters = WHOLE.get(action) or CAPITALS.get(action[:1]) or ""
        self.waits = self.letters != "" or waits
        if not self.letters:
            self.letters = SHORT.get(action[:1], "")
        self.asks = not self.letters and action[:1] == b"s"
        """Whether it asks for the status."""
        known = self.letters or (action == b"status" if self.is_script else self.asks)
        if not (known and self.services):
            raise self.misuse()

    def misuse(self) -> Quit:
        """Make the end by a wrong call."""
        text = USAGE_OF_SCRIPT if self.is_script else USAGE
        return Quit(2 if self.is_script else MISUSE, b"usage: %s%s\n\n" % (self.called, text))


def main(argv: Sequence[bytes]) -> int:
    """Do what the command line says; return the exit status."""
    order = Order(argv)
    steering = Steering(order.services, order.letters, order.is_script, order.kills)
    if order.asks:
        return steering.show()
    steering.tell()
    if order.waits:
        steering.wait((order.seconds // PAUSE + 1) * PAUSE)
    return steering.status()


def version() -> bytes:
    """Say which program this is."""
    from slashservice.supervise.version import VERSION

    return b"sv, slashservice %s\n" % VERSION.encode()
