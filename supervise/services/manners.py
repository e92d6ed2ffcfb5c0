"""What a service directory says about how its service is to be ended.

Each is a file with one value, under the name and with the meaning that runit or s6 gave it. They
are read when they matter, so that a change counts at once, and a directory without them costs
nothing. ``service(5)`` has them all.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.messages import complain, message
from slashservice.supervise.platform import posix
from slashservice.supervise.protocol import deaths, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.services.directory import ServiceDirectory


MILLISECONDS_TO_FINISH = 5000
"""How long a finish script may run, unless ``timeout-finish`` says otherwise. s6 has the same."""

LONGEST = 64
"""Bytes of a file that are read."""

LARGEST = 10**9
"""The largest number that a file may have, nearly twelve days."""

MOST_SAID = 8
"""So many complaints are remembered, as not to be repeated."""

CONTROLS = b"udopchaitkx12q"
"""The characters that there may be control scripts for."""


class Manners:
    """What the directory says now.

    Something that makes no sense is complained of once, and counts as not being there.
    """

    __slots__ = ("_directory", "_said")

    def __init__(self, directory: ServiceDirectory) -> None:
        self._directory = directory
        self._said: tuple[bytes, ...] = ()
        """What was complained of."""

    def has_finish(self) -> bool:
        """Tell whether there is a finish script that can be run."""
        return _may_be_run(self._directory.path + b"/" + names.FINISH)

    def controls(self) -> bytes:
        """Return the characters that there are control scripts for."""
        folder = self._directory.path + b"/" + names.CONTROL_SCRIPTS
        try:
            found = os.listdir(folder)
        except OSError:
            return b""
        return b"".join(
            name
            for name in sorted(found)
            if len(name) == 1 and name in CONTROLS and _may_be_run(folder + b"/" + name)
        )

    def seconds_to_finish(self) -> float:
        """Return how long a finish script may run; 0 is for ever."""
        return self._number(names.TIMEOUT_FINISH, MILLISECONDS_TO_FINISH) / 1000

    def seconds_to_kill(self) -> float:
        """Return how long after TERM the process is sent KILL; 0 is never."""
        return self._number(names.TIMEOUT_KILL, 0) / 1000

    def kills_group(self) -> bool:
        """Tell whether KILL goes to the whole process group then."""
        return os.path.exists(self._directory.path + b"/" + names.TIMEOUT_KILLPG)

    def deaths_kept(self) -> int:
        """Return how many deaths are remembered."""
        return self._number(names.MAX_DEATH_TALLY, deaths.USUAL, deaths.MOST)

    def is_essential(self) -> bool:
        """Tell whether all services are to end with it."""
        return os.path.lexists(self._directory.path + b"/" + names.ESSENTIAL)

    def goes_last(self) -> bool:
        """Tell whether it is to be brought down when all others are down."""
        return os.path.lexists(self._directory.path + b"/" + names.DOWN_LAST)

    def down_signal(self) -> int:
        """Return the number of the signal that ends the process."""
        word = self._word(names.DOWN_SIGNAL)
        if word is None:
            return signal_numbers.SIGTERM
        number = posix.signal_called(word)
        if not number:
            self._no_sense(names.DOWN_SIGNAL, b"not a signal: " + word)
        return number or signal_numbers.SIGTERM

    def _number(self, name: bytes, usual: int, most: int = LARGEST) -> int:
        word = self._word(name)
        if word is None:
            return usual
        if not word.isdigit() or int(word) > most:
            self._no_sense(name, b"not a number from 0 to %d: " % most + word)
            return usual
        return int(word)

    def _word(self, name: bytes) -> bytes | None:
        """Return the first line of a file; None if there is none."""
        try:
            fd = os.open(
                self._directory.path + b"/" + name, os.O_RDONLY | os.O_CLOEXEC | names.AT_ONCE
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            what = b"unable to open " + self._directory.name + b"/" + name
            self._complain(message("supervise", b"warning", what, error))
            return None
        try:
            return os.read(fd, LONGEST).split(b"\n")[0].strip()
        except OSError as error:
            what = b"unable to read " + self._directory.name + b"/" + name
            self._complain(message("supervise", b"warning", what, error))
            return None
        finally:
            os.close(fd)

    def _complain(self, line: bytes) -> None:
        if line not in self._said:
            complain(line)
            self._said = (*self._said[-MOST_SAID:], line)

    def _no_sense(self, name: bytes, what: bytes) -> None:
        text = self._directory.name + b"/" + name + b": " + what
        self._complain(message("supervise", b"warning", text))


def _may_be_run(path: bytes) -> bool:
    return os.access(path, os.X_OK) and not os.path.isdir(path)


class Remembered:
    """What ``manners`` said when they were looked at last.

    svscan does not look at a service directory whose ``supervise`` is elsewhere at any time, as
    its file system may not answer.
    """

    __slots__ = (
        "_controls",
        "_deaths",
        "_essential",
        "_finish",
        "_group",
        "_last",
        "_manners",
        "_seconds",
        "_signal",
    )

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self.look()

    def look(self) -> None:
        """Look at the directory."""
        manners = self._manners
        self._finish = manners.has_finish()
        self._controls = manners.controls()
        self._seconds = manners.seconds_to_finish(), manners.seconds_to_kill()
        self._group = manners.kills_group()
        self._deaths = manners.deaths_kept()
        self._signal = manners.down_signal()
        self._essential = manners.is_essential()
        self._last = manners.goes_last()

    def has_finish(self) -> bool:
        """See :class:`Manners`; so for the others."""
        return self._finish

    def controls(self) -> bytes:  # noqa: D102
        return self._controls

    def seconds_to_finish(self) -> float:  # noqa: D102
        return self._seconds[0]

    def seconds_to_kill(self) -> float:  # noqa: D102
        return self._seconds[1]

    def kills_group(self) -> bool:  # noqa: D102
        return self._group

    def deaths_kept(self) -> int:  # noqa: D102
        return self._deaths

    def is_essential(self) -> bool:  # noqa: D102
        return self._essential

    def goes_last(self) -> bool:  # noqa: D102
        return self._last

    def down_signal(self) -> int:  # noqa: D102
        return self._signal
