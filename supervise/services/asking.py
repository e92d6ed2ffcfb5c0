"""Control scripts: how the signals of a service wait for them.

They are runit's (runsv(8)): ``control/X`` is run for the command X, and its exit status 0 takes
the place of the signal. ``d`` and ``x`` ask ``control/t`` first; ``control/d`` and ``control/x``
come after the signals, ``control/u`` before each start.

runsv waits for the script, deaf to all else. Here, while a script runs (``asking``), the actions
that come after it wait (``rest``), commands and a drain wait behind them (``queue``), and nothing
is started. When the process dies meanwhile, the signals that wait are for nobody.
"""

from __future__ import annotations

from slashservice.supervise.services.actions import (
    ANNOUNCE,
    ASK,
    CONTROL,
    FORGET,
    SEND,
    SIGNAL,
    START,
    WAKE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.protocol.status import Status
    from slashservice.supervise.services.actions import Action


SECONDS_TO_CONTROL = 60.0
"""How long a control script may run. runsv waits for ever."""

MOST_QUEUED = 4096
"""How many commands may wait for a control script. What comes after them is lost."""

DRAIN = 256
"""Stands for a drain among the commands that wait."""


class Asking:
    """The part of a service that its control scripts have a say in.

    ``controls`` are the characters that it has a script for, ``asking`` is the one whose script
    runs, 0 if none does. ``up`` tells that the service's process runs, ``finishing`` that its
    finish script does, ``finish_due`` that this is to be run, ``prepared`` that ``control/u`` was
    run for the start that is due, ``told`` that a command has told the process to end.
    """

    __slots__ = (
        "asking",
        "controls",
        "finish_due",
        "finishing",
        "give_up_at",
        "prepared",
        "queue",
        "rest",
        "told",
        "up",
    )

    def __init__(self) -> None:
        self.up = False
        self.finishing = False
        self.finish_due = False
        self.prepared = False
        self.told = False
        self.controls = b""
        self.asking = 0
        self.give_up_at = 0.0
        """When the script is sent KILL."""
        self.rest: Sequence[Action] = ()
        """What is to be done when it has ended. First comes the signal that it may replace."""
        self.queue: tuple[int, ...] = ()
        """The commands that wait for it."""

    def was_told(self) -> bool:
        """Tell whether the process was told to end, or a script runs that is to tell it."""
        return self.told or self.asking == ord("t")

    def wants_start(self) -> bool:
        """Tell whether something is still to be started, now that it has its turn."""
        raise NotImplementedError

    def _send(self, character: int, number: int, now: float) -> list[Action]:
        """Send the signal of a command, if there is somebody to send it to."""
        raise NotImplementedError

    def _go(self, actions: list[Action], now: float) -> list[Action]:
        """Return the actions up to the first for which a control script is to be asked.

        The others wait for its answer. Of those that waited, nothing is sent to a process that is
        dead, and nothing started that is not wanted any more.
        """
        go: list[Action] = []
        for at, action in enumerate(actions):
            rest = actions[at + 1 :]
            if action[0] == ASK:
                if action[1] in self.controls:
                    return [*go, *self._ask(action[1], [(SEND, *action[1:]), *rest], now)]
                go += self._send(action[1], action[2], now)
            elif action[0] == SEND:
                go += self._send(action[1], action[2], now)
            elif action == START and self.wants_start():
                if ord("u") in self.controls and not (self.prepared or self.finish_due):
                    self.prepared = True
                    ask = self._ask(ord("u"), [(SEND, 0, 0), START, *rest], now)
                    return [*go, ANNOUNCE, *ask]
                go.append(START)
            elif self.up or action[0] not in (SIGNAL, START[0]):
                go.append(action)
        return go

    def _ask(self, character: int, rest: list[Action], now: float) -> list[Action]:
        self.asking = character
        self.rest = rest
        self.give_up_at = now + SECONDS_TO_CONTROL
        return [(CONTROL, character), (WAKE, self.give_up_at)]

    def show(self, now: Status) -> None:
        """Make of a status what clients shall see."""

    def control(self, character: int, now: float) -> list[Action]:
        """One byte from the control FIFO."""
        raise NotImplementedError

    def drain(self, now: float) -> list[Action]:
        """Bring it down, and then end supervision."""
        raise NotImplementedError

    def _next(self, now: float, unread: bool = False) -> list[Action]:
        """Nothing runs: do what comes next."""
        raise NotImplementedError

    def take(self, now: float) -> list[Action] | None:
        """Do the next of the commands that waited for a control script; None if there is none."""
        if self.asking or not self.queue:
            return None
        command, self.queue = self.queue[0], self.queue[1:]
        return self._then(self.drain(now) if command == DRAIN else self.control(command, now), now)

    def _then(self, actions: list[Action], now: float) -> list[Action]:
        """Add what a death has left to be done, if it was to wait for a control script."""
        waits = self.up or self.finishing or self.asking or self.queue
        return actions if waits or {START, FORGET} & {*actions} else [*actions, *self._next(now)]
