"""svlogd's logger: that of multilog, with runit's options, directories and outputs.

Lines get their stamp as in multilog, and patterns pass over it. A prefix is put behind it for
each directory that has one.
"""

from __future__ import annotations

import time

from slashservice.supervise import tai
from slashservice.supervise.logs.lines import Lines, Selection
from slashservice.supervise.logs.lock import FOR_EVER
from slashservice.supervise.logs.logger import NO_JOURNAL, Logger
from slashservice.supervise.logs.svlogd_arguments import PROGRAM, SvlogdArguments
from slashservice.supervise.logs.svlogd_directory import SvlogdDirectory
from slashservice.supervise.logs.svlogd_outputs import SvlogdAlerts, SvlogdOutput
from slashservice.supervise.messages import fatal, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.journal import Interrupted, Journal
    from slashservice.supervise.logs.lines import Batch
    from slashservice.supervise.logs.no_journal import NoJournal
    from slashservice.supervise.logs.steps import Steps

SECONDS_BESIDE_OTHERS = 10.0
"""How long a directory is waited for that another logger has locked, if there are others.

The host that a killed svscan leaves lets go within less.
"""

STAMP_LENGTH = tai.LABEL_LENGTH + 1


class SvlogdLogger(Logger):
    """Does what svlogd does with the arguments ``words``. Raises ``Quit`` if they are wrong.

    The journal is that of a hosted one.
    """

    __slots__ = ("_arguments", "_opened", "_patient", "_texts", "_words")

    program = PROGRAM
    can_reopen = True

    def __init__(self, words: Sequence[bytes], journal: Journal | NoJournal = NO_JOURNAL) -> None:
        super().__init__((), journal)
        self._words = [b"svlogd", *words]
        self._arguments = arguments = SvlogdArguments(words)
        self._stamp = STAMPS[arguments.stamp]
        view = arguments.longest + self._skipped
        self._lines = ReplacingLines(view, arguments.table) if arguments.table else Lines(view)
        self._patient = False
        self._texts: list[bytes] | None = None
        self._opened = [
            SvlogdDirectory(path, journal, number, arguments.longest, arguments.verbose)
            for number, path in enumerate(arguments.directories, 1)
        ]
        self._directories = [*self._opened]

    @property
    def is_verbose(self) -> bool:
        """Whether it is to say what it does."""
        return self._arguments.verbose

    @property
    def _skipped(self) -> int:
        """How many characters of a line are its stamp."""
        return STAMP_LENGTH if self._arguments.stamp else 0

    def start(self, base: int, patient: bool = False) -> Steps[None]:
        """Open all directories, and do what a killed logger has left in the journal.

        If ``patient``, wait for directories that another logger has locked (see ``_open``). What
        can't be opened is said, and left out. Raises ``Quit`` if that is all.
        """
        yield from self._begin(base)
        self._patient = patient
        left = None
        if self._journal is not NO_JOURNAL:
            for directory in self._opened:
                directory.look_ahead(self._base)
            self._configure()
            left = self._recover()
        yield from self._open(left)
        self._configure()
        if left:
            yield from self._go_on(left)

    def reopen(self) -> Steps[None]:
        """Close all directories and open them again, with the configurations they have now.

        Raises ``Quit`` if none can be opened.
        """
        yield from self._open(None)
        self._configure()

    def _open(self, left: Interrupted | None) -> Steps[None]:
        """Open all directories, of which a killed logger may have ``left`` a write.

        One that another logger has locked is waited for; where there is another directory to write
        to, not for long, as the service would have to wait as well. Raises ``Quit`` if none opens.
        """
        locked: list[SvlogdDirectory] = []
        for directory in self._opened:
            yield from directory.close_cleanly()
            try:
                yield from self._enter(directory, 0.0, left, again=self._patient)
            except BlockingIOError:
                locked.append(directory)
        for directory in locked:
            others = [other for other in self._opened if other.is_open]
            seconds = SECONDS_BESIDE_OTHERS if others else FOR_EVER
            if any(map(directory.is_the_same_as, others)):
                seconds = 0.0
            yield from self._enter(directory, seconds, left)
        self._insist()

    def _enter(
        self,
        directory: SvlogdDirectory,
        seconds: float,
        left: Interrupted | None,
        again: bool = False,
    ) -> Steps[None]:
        if (yield from directory.open(self._base, seconds, again)):
            if left and left.block:
                directory.settle()
            yield from directory.enter()

    def _insist(self) -> None:
        if not any(directory.is_open for directory in self._opened):
            raise fatal(PROGRAM, b"no functional log directories.")

    def _configure(self) -> None:
        """Do what the configurations say from now on, if that is something else."""
        texts = [directory.text for directory in self._opened]
        if texts == self._texts:
            return
        self._texts = texts
        self._journal.rename(PROGRAM, [*self._words, *texts])
        skipped = self._skipped
        alerts: list[tuple[Selection, SvlogdDirectory]] = []
        self._selections = []
        self._outputs = [SvlogdAlerts(alerts, skipped)]
        for directory in self._opened:
            selection = SvlogdSelection(directory.config.rules, skipped)
            self._selections.append(selection)
            self._outputs.append(SvlogdOutput(selection, directory, skipped))
            if directory.config.alerts:
                alerts.append((SvlogdSelection(directory.config.alerts, skipped), directory))
        self._selections += [selection for selection, _ in alerts]

    def _unreadable(self, error: OSError) -> None:
        warn(PROGRAM, b"unable to read standard input", error)

    def running(self) -> list[int]:
        """Return the pids of processors; each end is to be told it."""
        found = [directory.processor for directory in self._opened]
        return [processor.pid for processor in found if processor and processor.pid]

    def processed(self, pid: int, status: int) -> Steps[None]:
        """Know that the processor ``pid`` has ended, with that wait status."""
        for directory in self._opened:
            if directory.processor and directory.processor.pid == pid:
                yield from directory.processed(status)

    def seconds_until_old(self) -> float | None:
        """Return in how many seconds :meth:`rotate_old` has something to do; None if never."""
        waits = [directory.seconds_until_processed_again() for directory in self._opened]
        return min(
            (wait for wait in (super().seconds_until_old(), *waits) if wait is not None),
            default=None,
        )

    def rotate_old(self) -> Steps[None]:
        """Finish each ``current`` that has reached its age; run processors again."""
        yield from super().rotate_old()
        for directory in self._opened:
            wait = directory.seconds_until_processed_again()
            if wait is not None and wait <= 0:
                yield from directory.process_again()

    def hand_over(self) -> Steps[None]:
        """Wait for processors, and close everything cleanly; leave an unfinished line."""
        for directory in self._opened:
            yield from directory.await_processor()
        yield from super().hand_over()


class SvlogdSelection(Selection):
    """Decides by svlogd's rules; the first ``skipped`` characters of a line are its stamp."""

    __slots__ = ()

    def __init__(self, rules: Rules, skipped: int) -> None:
        super().__init__(())
        if rules:  # only configurations with patterns pay for it
            from slashservice.supervise.logs.svlogd_patterns import SvlogdChooser

            chooser = SvlogdChooser(rules, skipped)
            self._chooser = chooser if chooser.tells_lines_apart or not chooser.default else None


class ReplacingLines(Lines):
    """Lines in which ``table`` replaces characters, as far as patterns see them."""

    __slots__ = ("_table",)

    def __init__(self, view: int, table: bytes) -> None:
        super().__init__(view)
        self._table = table

    def take(self, block: bytes, stamp: bytes) -> Batch:
        """Return ``block`` as a batch. Lines that begin in it get ``stamp`` in front."""
        return super().take(self._replaced(block, self.view - len(stamp)), stamp)

    def _replaced(self, block: bytes, longest: int) -> bytes:
        parts = []
        start = 0
        room = 0 if self.overlong else longest - self.read
        while start < len(block):
            # What ends within a view is taken at once.
            end = block.find(b"\n", start, start + room + 1)
            if end < 0:
                parts.append(block[start : start + room].translate(self._table))
                end = block.find(b"\n", start + room)
                end = end if end >= 0 else len(block)
                parts.append(block[start + room : end + 1])
                start = end + 1
            else:
                stop = _end_of_short_lines(block, end, longest)
                parts.append(block[start:stop].translate(self._table))
                start = stop
            room = longest
        return b"".join(parts)


def _end_of_short_lines(block: bytes, newline: int, longest: int) -> int:
    """Return where the lines end that follow ``newline`` and are not longer than ``longest``."""
    while newline + 1 < len(block):
        further = block.rfind(b"\n", newline + 1, newline + longest + 2)
        if further < 0:
            break
        newline = further
    return newline + 1


def _no_stamp() -> bytes:
    return b""


def _label() -> bytes:
    return tai.label(tai.now()) + b" "


def _readable(separator: bytes) -> Callable[[], bytes]:
    """Return a function that says what time it is, with that character before the hours."""
    second, shown = -1, b""

    def stamp() -> bytes:
        nonlocal second, shown
        now, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if now != second:
            t = time.gmtime(now)
            shown = b"%d-%02d-%02d%s%02d:%02d:%02d." % (*t[:3], separator, *t[3:6])
            second = now
        return b"%s%05d " % (shown, nanoseconds // 10_000)

    return stamp


STAMPS: list[Callable[[], bytes]] = [_no_stamp, _label, _readable(b"_"), _readable(b"T")]
"""Functions that return the stamp of this moment, by how often ``-t`` was given."""
