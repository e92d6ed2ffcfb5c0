"""Check scripts: ``./check`` in a service directory tells whether the service is of use.

It exits with 0 if so. Such a script may take its time, so several run at once, and each is over
when the time of whoever waits is up.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.messages import complain, error_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.protocol.onlooker import Onlooker
    from slashservice.supervise.protocol.runit_status import Seen

NAME = b"check"

AT_ONCE = 16
"""How many run at once."""

PAUSE = 0.42
"""Seconds until a script that failed is run again, as with runit."""


class Named:
    """A service of the command line: ``word`` is what it is called there.

    ``before`` is how it was when it was told something. ``checked`` is the run of it of which the
    check script said that it is of use, and ``checker`` the pid of that script while it runs.
    """

    __slots__ = ("before", "checked", "checker", "complained", "not_before", "word")

    def __init__(self, word: bytes) -> None:
        self.word = word
        self.before: Seen | None = None
        self.checked: tuple[int, bytes] = (0, b"")
        self.checker = 0
        self.complained = False
        self.not_before = 0.0
        """When the check script may be run again."""


class Checks:
    """Runs the check scripts of services, while ``onlooker()`` looks at these."""

    def __init__(self, onlooker: Callable[[], Onlooker]) -> None:
        self._onlooker = onlooker
        self._running = 0
        self._queue: list[int] = []
        """Services whose script waits for others to end."""

    def is_available(self, number: int, service: Named, seen: Seen) -> bool:
        """Tell whether the service in the current directory is of use, as far as is known now.

        If its script has to tell, that is started.
        """
        if service.checked == seen.run:
            return True
        try:
            os.stat(NAME)
        except FileNotFoundError:
            return True
        except OSError as error:
            if not service.complained:
                warn(b"unable to stat ", service, error)
            service.complained = True
            return False
        onlooker = self._onlooker()
        if onlooker.loop.clock() < service.not_before:
            return False
        if self._running >= AT_ONCE:
            self._queue.append(number)
            return False

        def ended(wait_status: int) -> None:
            service.checker = 0
            self._running -= 1
            if wait_status == 0:
                service.checked = seen.run
                onlooker.see(number)
            else:
                self._again_later(number, service)
            if self._queue:
                onlooker.see(self._queue.pop(0))

        try:
            service.checker = onlooker.start(NAME, [b"./check"], ended)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOMEM):
                warn(b"unable to fork for ", service, error)
                self._again_later(number, service)
                return False
            warn(b"unable to run ", service, error)
            return True
        self._running += 1
        return False

    def _again_later(self, number: int, service: Named) -> None:
        onlooker = self._onlooker()
        service.not_before = onlooker.loop.clock() + PAUSE
        onlooker.see_after(PAUSE, number)

    def end(self, service: Named) -> None:
        """Have the script of a service end, for which time is up."""
        if service.checker:
            try:
                os.kill(service.checker, signal_numbers.SIGTERM)
            except OSError:
                pass  # it has become another account's


def warn(what: bytes, service: Named, error: OSError) -> None:
    """Complain of a script. That does not count as a failure."""
    complain(b"warning: %s%s/check: %s\n" % (what, service.word, error_words(error)))
