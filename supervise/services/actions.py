"""What the state machine of a service asks for: actions, and what is wanted of a service.

**Record, then act.** The supervisor may be killed between any two system calls, and the
next one acts on the status file. Had ``d`` sent TERM before DOWN was on record, the next
supervisor would find UP, and start what was to stay down. So an event that changes what is
wanted, or that pauses the process, gives RECORD_WANT before any signal or start. The
opposite error is harmless: a supervisor that finds DOWN or paused on record sends the signal
again, as it can't know whether it was sent. Only TERM is recorded after it was sent: where it
is on record, it was sent. But where KILL is to follow it, RECORD_MEANT comes before: the next
supervisor sends TERM once more rather than forget KILL.

**Announce when all is done.** The status file is written after the signals, and after a
start. START comes without ANNOUNCE: the answer to it (``started``, ``not_started``,
``not_run``) announces. A start that has to wait is announced at once. One event rewrites the
file at most once, or twice where what is wanted had to be recorded.

**A turn for each start.** When many services ask for a start at once, each has to wait for its
turn (:mod:`~slashservice.supervise.services.turns`), so START may be answered later, or never.
Any event may come before the turn does, and ask again. So when it has come, ``wants_start``
tells whether there is still something to start. A start that waits for its turn is announced
like any other that waits.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    Plain = tuple[
        Literal[
            "record want", "record meant", "announce", "start", "forget", "kill", "kill control"
        ]
    ]
    Action = (
        Plain
        | tuple[Literal["signal"], int]
        | tuple[Literal["wake"], float]
        | tuple[Literal["control"], int]
        | tuple[Literal["ask", "send"], int, int]
    )
    """What to do: one of the constants below, or one of the words with what comes with it."""


UP = b"u"
DOWN = b"d"
ONCE = b"\0"
"""What is wanted, as the status file has it.

UP: start it whenever it is down. DOWN: keep it down. ONCE: leave it as it is, and do not start
it again when it dies.
"""

RECORD_WANT: Final = ("record want",)
"""Write the status file before going on: what is wanted, TERM not being counted as sent."""

RECORD_MEANT: Final = ("record meant",)
"""The same, and that TERM is about to be sent, which KILL is to follow."""

ANNOUNCE: Final = ("announce",)
"""Write the status file."""

START: Final = ("start",)
"""Ask for a turn, unless it waits for one already. When it comes, and if ``wants_start``: run the
finish script if ``finish_due``, else the run script. Answer with ``started``, ``not_started`` or
``not_run``. Announce, if the turn does not come at once.
"""

FORGET: Final = ("forget",)
"""End supervision. No action comes after it."""

KILL: Final = ("kill",)
"""Send the process KILL; with ``flag-timeout-killpg``, its whole process group."""

KILL_CONTROL: Final = ("kill control",)
"""Send KILL to the control script that runs."""

SIGNAL: Final = "signal"
"""Send the process the signal that comes with it."""

WAKE: Final = "wake"
"""Call ``due`` at the time that comes with it."""

CONTROL: Final = "control"
"""Run ``control/X``, X being the character that comes with it; answer with ``control_ended``."""

ASK: Final = "ask"
"""Inside the machine only: CONTROL if there is such a script, and the signal unless it exits 0."""

SEND: Final = "send"
"""Inside the machine only: the signal of an ASK that has been answered."""

NOT_SENT, SENT, MEANT = 0, 1, 2
"""Whether TERM was sent; MEANT is on record where it is about to be."""

PLAIN_SIGNALS = {
    ord("h"): signal_numbers.SIGHUP,
    ord("a"): signal_numbers.SIGALRM,
    ord("i"): signal_numbers.SIGINT,
    ord("k"): signal_numbers.SIGKILL,
    ord("q"): signal_numbers.SIGQUIT,
    ord("1"): signal_numbers.SIGUSR1,
    ord("2"): signal_numbers.SIGUSR2,
}
"""Control characters that send a signal and change nothing else."""
