"""A logger: one action script at work, wherever its input comes from.

``multilog`` runs one on its standard input, a log host runs many. Nothing here sleeps or
knows of signals. All that can take long is in steps
(:mod:`~slashservice.supervise.logs.steps`), to be carried out one after the other.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import tai
from slashservice.supervise.logs.action_script import ActionScript, Alert, StatusFile
from slashservice.supervise.logs.c_writes import stretches
from slashservice.supervise.logs.lines import Lines, Selection, each, is_longer
from slashservice.supervise.logs.logdir import LogDirectory
from slashservice.supervise.logs.no_journal import NoJournal
from slashservice.supervise.logs.status_file import StatusOutput
from slashservice.supervise.logs.steps import Pause
from slashservice.supervise.messages import complain, fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.journal import Interrupted, Journal
    from slashservice.supervise.logs.lines import Batch
    from slashservice.supervise.logs.steps import Steps


BLOCK = 65536
"""Bytes to read at a time: as many as a pipe holds."""

ALERT_VIEW = 200
"""Characters of a line that an alert shows."""

SECONDS_BETWEEN_LOCKS = 0.1
"""Seconds until a journal that a predecessor still has is tried again."""

PREDECESSOR = b"the logger before has not let go yet"
"""What the trouble of a logger is that has to wait for that."""

NO_JOURNAL = NoJournal()


class Logger:
    """Does what the action script ``words`` says with each line of its input.

    Log directories and status files are seen from the directory ``base``, a descriptor. A copy
    of it is kept, as a log directory may have to be made again.
    """

    __slots__ = (
        "_base",
        "_directories",
        "_journal",
        "_lines",
        "_outputs",
        "_selections",
        "_stamp",
        "_waits",
    )

    program = "multilog"

    can_reopen = False
    """Whether HUP has it open its directories again."""

    def __init__(self, words: Iterable[bytes], journal: Journal | NoJournal = NO_JOURNAL) -> None:
        script = ActionScript(words)
        selections: dict[Rules, Selection] = {}
        self._base = -1
        self._journal = journal
        self._waits: bytes | None = None
        """What it says of the predecessor that it waits for."""
        self._lines = Lines()
        self._stamp = STAMPS[script.stamp]
        self._directories: list[LogDirectory] = []
        self._outputs: list[AlertOutput | StatusOutput | DirectoryOutput] = []
        alerts: list[Selection] = []
        for action in script.actions:
            selection = selections.get(action.rules)
            if selection is None:
                selection = selections[action.rules] = Selection(action.rules)
            if isinstance(action, Alert):
                if not alerts:
                    self._outputs.append(AlertOutput(alerts))
                alerts.append(selection)
            elif isinstance(action, StatusFile):
                self._outputs.append(StatusOutput(selection, action.path))
            else:
                number = len(self._outputs)
                directory = LogDirectory(action.path, action.settings, journal, number)
                self._directories.append(directory)
                self._outputs.append(DirectoryOutput(selection, directory))
        self._selections = list(selections.values())

    def start(self, base: int, patient: bool = False) -> Steps[None]:
        """Open everything, and do what a killed logger has left in the journal.

        If ``patient``, wait for directories that another logger has locked. Raises ``Quit`` on
        errors at which C ends.
        """
        yield from self._begin(base)
        left = self._recover()
        for output in self._outputs:
            if isinstance(output, StatusOutput):
                output.open(self._base)
        for directory in self._directories:
            yield from directory.acquire(self._base, patient)
            if left and left.block:
                directory.settle()
            yield from directory.enter()
        if left:
            yield from self._go_on(left)

    def _begin(self, base: int) -> Steps[None]:
        """Wait until the journal is ours; keep a copy of ``base``."""
        while not self._journal.try_lock():
            self._waits = PREDECESSOR
            yield Pause(SECONDS_BETWEEN_LOCKS)
        self._waits = None
        try:
            self._base = os.dup(base)
        except OSError as error:
            raise fatal(self.program, b"unable to keep current directory", error) from None

    def _recover(self) -> Interrupted | None:
        """Return what a killed logger has left, if that makes sense."""
        left = self._journal.recover()
        if left and not self._makes_sense(left):
            self._journal.discard()
            return None
        return left

    def _makes_sense(self, left: Interrupted) -> bool:
        """Take the carry that is left; tell whether a logger with this script may have left that.

        If not, nothing is taken.
        """
        if left.output or left.offset:
            outputs = self._outputs[left.output : left.output + 1]
            if not outputs or not isinstance(outputs[0], DirectoryOutput):
                return False
        if left.stamp and len(left.stamp) != len(self._stamp()):
            return False
        if left.carry:
            from slashservice.supervise.logs import unfinished_line

            try:
                unfinished_line.unpack(left.carry, self._lines, self._selections)
            except ValueError:
                return False
        return True

    def _go_on(self, left: Interrupted) -> Steps[None]:
        """Do the rest of the block that a killed logger was at."""
        if not left.block:
            return
        stamp = left.stamp or self._stamp()
        self._journal.begin(stamp)
        batch = self._lines.take(left.block, stamp)
        for selection in self._selections:
            batch.chosen(selection)  # to follow an overlong line, it has to see every batch
        for number, output in enumerate(self._outputs):
            if number == left.output and isinstance(output, DirectoryOutput):
                if left.offset > output.length(batch):
                    self._journal.discard()
                    self._lines.forget()
                    return
                yield from output.take(batch, left.offset)
            elif number >= left.output:
                yield from output.take(batch)
        self._journal.done(self._carry)

    def take(self, pipe: int, size: int) -> Steps[bool]:
        """Read a block of at most ``size`` bytes, and do what the script says with its lines.

        Return False at the end of input, or if it can't be read.
        """
        try:
            block = self._journal.take(pipe, size)
        except BlockingIOError:
            return True
        except OSError as error:
            self._unreadable(error)
            return False
        if block:
            yield from self._do(block)
        return bool(block)

    def _unreadable(self, error: OSError) -> None:
        """Say nothing of input that can't be read, as C."""

    def feed(self, block: bytes) -> Steps[None]:
        """Do what the script says with the lines of ``block``, which does not come from a pipe."""
        self._journal.put(block)
        return self._do(block)

    def _do(self, block: bytes) -> Steps[None]:
        """Do what the script says with a block that is in the journal."""
        stamp = self._stamp()
        self._journal.begin(stamp)
        batch = self._lines.take(block, stamp)
        for output in self._outputs:
            yield from output.take(batch)
        self._journal.done(self._carry)

    def _carry(self) -> bytes:
        """Pack what is known of an unfinished line; return nothing if there is none."""
        if self.at_line_end:
            return b""
        from slashservice.supervise.logs import unfinished_line

        return unfinished_line.pack(self._lines, self._selections)

    @property
    def at_line_end(self) -> bool:
        """Whether the input so far ends with a newline, or is empty."""
        return not self._lines.unfinished

    @property
    def waits_for_lock(self) -> bool:
        """Whether another process has its journal, or one of its directories."""
        locks = any(directory.lock.is_waited_for for directory in self._directories)
        return locks or self._waits is not None

    @property
    def trouble(self) -> bytes | None:
        """What keeps it from doing what the script says, in a line; None if nothing does."""
        if self._waits:
            return self._waits
        for output in self._outputs:
            if output.trouble:
                return output.trouble
        return None

    def rotate(self) -> Steps[None]:
        """Finish each ``current`` that isn't empty."""
        for directory in self._directories:
            if directory.size:
                yield from directory.turn_over()

    def seconds_until_old(self) -> float | None:
        """Return in how many seconds :meth:`rotate_old` has something to do; None if never."""
        waits = [directory.seconds_until_old() for directory in self._directories]
        return min((wait for wait in waits if wait is not None), default=None)

    def rotate_old(self) -> Steps[None]:
        """Finish each ``current`` that has reached its age."""
        for directory in self._directories:
            wait = directory.seconds_until_old()
            if wait is not None and wait <= 0:
                yield from directory.turn_over()

    def running(self) -> list[int]:
        """Return the pids of processors that run beside it; each end is to be told it."""
        return []

    def processed(self, pid: int, status: int) -> Steps[None]:
        """Know that the processor ``pid`` has ended, with that wait status."""
        yield from ()

    def reopen(self) -> Steps[None]:
        """Close all directories and open them again. Raises ``Quit`` if none can be opened."""
        yield from ()

    def finish(self) -> Steps[None]:
        """End the last line, if it is unfinished, and close everything cleanly."""
        if not self.at_line_end:
            yield from self.feed(b"\n")
        yield from self.hand_over()

    @property
    def is_safe(self) -> bool:
        """Whether it could be killed without a line being lost, whatever it is at."""
        return self._journal.keeps_all

    def secure(self) -> None:
        """Try to be safe: keep what found no room in the journal when it was read."""
        self._journal.secure()

    @property
    def is_kept(self) -> bool:
        """Whether the journal has all of the input that is not in the logs."""
        return self.at_line_end or self._journal.has_carry

    def hand_over(self) -> Steps[None]:
        """Close everything cleanly; an unfinished line is left to the next logger."""
        for directory in self._directories:
            yield from directory.close_cleanly()
        self.release()

    def release(self) -> None:
        """Let go of everything, as a process that ends at once would."""
        for directory in self._directories:
            directory.release()
        for output in self._outputs:
            if isinstance(output, StatusOutput):
                output.release()
        if self._base >= 0:
            os.close(self._base)
        self._base = -1
        self._journal.close()
        self._journal = NO_JOURNAL


class AlertOutput:
    """Shows lines on standard error, once for each selection in the list that selects them."""

    __slots__ = ("_selections",)

    trouble: bytes | None = None
    """Alerts that can't be shown are lost."""

    def __init__(self, selections: list[Selection]) -> None:
        self._selections = selections

    def take(self, batch: Batch) -> Steps[None]:
        """Show the selected lines."""
        yield from ()
        chosen = [batch.chosen(selection) for selection in self._selections]
        text = chosen[0].text if len(chosen) == 1 else batch.merged(chosen)
        for one in chosen:
            if one.begun:
                text += one.begun[: ALERT_VIEW + 1] + b"\n"
        if not text:
            return
        if is_longer(text, ALERT_VIEW + 1):
            lines = text.split(b"\n")
            lines = [v if len(v) <= ALERT_VIEW else v[:ALERT_VIEW] + b"..." for v in lines]
            text = b"\n".join(lines)
        complain(text)


class DirectoryOutput:
    """Appends lines to a log directory."""

    __slots__ = ("_selection", "directory")

    def __init__(self, selection: Selection, directory: LogDirectory) -> None:
        self._selection = selection
        self.directory = directory

    @property
    def trouble(self) -> bytes | None:
        """What is wrong with the directory; None if nothing is."""
        return self.directory.trouble

    def length(self, batch: Batch) -> int:
        """Return how many bytes of the batch go there."""
        return len(batch.chosen(self._selection).all())

    def take(self, batch: Batch, done: int = 0) -> Steps[None]:
        """Append the selected lines, except the ``done`` bytes that a killed logger has written."""
        selection = self._selection
        chosen = batch.chosen(selection)
        data = chosen.all()
        if done:
            data = data[done:]
            lengths = [(len(line), False) for line in each(data)]
            yield from self.directory.append(data, lambda _: lengths, done)
        elif data:
            yield from self.directory.append(
                data, lambda room: stretches(batch, selection, chosen, room)
            )


def _no_stamp() -> bytes:
    return b""


def _label() -> bytes:
    return tai.label(tai.now()) + b" "


def _decimal() -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return b"%d.%06d " % (seconds, nanoseconds // 1000)


STAMPS: dict[bytes, Callable[[], bytes]] = {b"": _no_stamp, b"t": _label, b"T": _decimal}
"""Functions that return the stamp of this moment, by the word of the action script."""
