"""Steering services as runit's ``sv`` does, in its words.

Each service is entered before it is told or asked something, as runit's does; so a path may be as
long as the kernel allows, and messages name the service as it was given.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise import signals
from slashservice.supervise.messages import MISUSE, Quit, complain, error_words, write_all
from slashservice.supervise.protocol import client, names, places, runit_status, status
from slashservice.supervise.protocol.checks import Checks, Named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.protocol.onlooker import Onlooker
    from slashservice.supervise.protocol.runit_status import Seen

EXIT = b"xX"
"""What is sent for ``x``: runsv obeys the first letter, svscan both."""

EXIT_OF_DAEMONTOOLS = b"dx"

CHECKED = frozenset("utk")
"""Letters after which a service that is up has to be of use, too."""

DOWN, UNKNOWN, FATAL = 3, 4, 151
"""Exit statuses of an init script."""


class Unknown(Exception):  # noqa: N818 - what stood in the way has been said
    """A status can't be read."""


class Steering:
    """Tells the services ``words`` the ``letters`` of the control FIFO, and looks what comes of it.

    ``C`` stands for whatever is wanted of a service, and tells it nothing. ``kills`` has what takes
    too long killed. ``is_script`` is for an init script, whose exit statuses are others.
    """

    def __init__(
        self,
        words: Iterable[bytes],
        letters: str = "",
        is_script: bool = False,
        kills: bool = False,
    ) -> None:
        self._services = [Named(word) for word in words]
        self._letters = letters
        self._is_script = is_script
        self._kills = kills
        self._left: list[int] = []
        """The services to wait for, as indices."""
        self._failures = 0
        self._unwritten: OSError | None = None
        self._checks = Checks(self._onlooker)
        self._made: Onlooker | None = None
        try:
            self._here = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._fatal(b"unable to open current directory", error) from None

    def status(self) -> int:
        """Return the exit status: how many services failed, as far as it can tell."""
        return min(self._failures, 99)

    def show(self) -> int:
        """Say how each service is; return the exit status."""
        answer = -1
        signals.restore_defaults()
        for service in self._services:
            if self._enter(service):
                answer = self._show(service)
            self._leave()
        if self._unwritten:
            raise self._fatal(b"unable to write output", self._unwritten)
        return answer if self._is_script and answer >= 0 else self.status()

    def _show(self, service: Named) -> int:
        """Say how a service and its log are; return an init script's exit status, -1 for any."""
        try:
            seen = self._get(service.word)
        except Unknown:
            return UNKNOWN
        if not seen:
            return -1
        line = self._words(service.word, seen)
        answer = DOWN if seen.pid == 0 else 0
        log = service.word + b"/log"
        try:
            os.chdir("log")
        except FileNotFoundError:
            self._say(line + b"\n")
        except OSError as error:
            self._say(line + b"; ")
            self._fail(b"warning", log, b"unable to change directory", error)
        else:
            self._say(line + b"; ")
            try:
                of_log = self._get(log)
            except Unknown:
                of_log = None
            if of_log:
                self._say(self._words(log, of_log, b"log") + b"\n")
        return answer if line else UNKNOWN

    def tell(self) -> None:
        """Send each service the letters."""
        for number, service in enumerate(self._services):
            if self._enter(service) and (self._letters == "C" or self._send(service)):
                self._left.append(number)
            self._leave()

    def _send(self, service: Named) -> bool:
        """Send the letters to the service in the current directory; tell whether that was done."""
        letters = self._letters
        seen = service.before = self._known(service)
        if not seen:
            return False
        if letters == "d" and seen.want == b"d" and seen.termed:
            return True  # a second TERM may mean something else to a daemon
        data = letters.encode()
        if letters == "x":
            data = EXIT_OF_DAEMONTOOLS if seen.old else EXIT
        return self._write(service, data)

    def _write(self, service: Named, data: bytes) -> bool:
        try:
            client.tell(b"", data, patient=False)
        except OSError as error:
            if error.filename is None:
                what = b"unable to write to " + names.CONTROL
                self._fail(b"warning", service.word, what, error)
            elif error.errno == errno.ENXIO:
                self._not_running(service.word)
            else:
                self._fail(b"warning", service.word, b"unable to open " + names.CONTROL, error)
            return False
        return True

    def wait(self, seconds: float) -> None:
        """Wait until each service that was told has obeyed, so many seconds at most."""
        for number in self._left:
            if self._look(number):
                continue
            if self._enter(self._services[number]):
                self._onlooker().add(number)
            self._leave()
            self._onlooker().see(number)
        if not self._made:
            return
        for number in self._made.run(seconds):
            service = self._services[number]
            self._checks.end(service)
            if self._enter(service):
                self._late(service)
            self._leave()

    def _onlooker(self) -> Onlooker:
        """Return what looks at services, made when it is first needed: it is slow to start."""
        if not self._made:
            from slashservice.supervise.protocol.onlooker import Onlooker

            self._made = Onlooker(self._look)
        return self._made

    def _late(self, service: Named) -> None:
        """Time is up for the service in the current directory."""
        self._say(b"kill: " if self._kills else b"timeout: ")
        seen = self._known(service)
        if seen:
            self._failures += 1
        self._say((self._words(service.word, seen) if seen else b"") + b"\n")
        if self._kills and seen:
            self._write(service, b"k")

    def _look(self, number: int) -> bool:
        """Tell whether the waiting for a service is over, and say how it went."""
        service = self._services[number]
        if service.checker:
            return False
        try:
            return not self._enter(service) or self._is_over(number, service)
        finally:
            self._leave()

    def _is_over(self, number: int, service: Named) -> bool:
        seen = self._known(service)
        if not seen:
            return True
        letters = self._letters
        if letters == "C":
            letters = "u" if seen.want == b"u" else "d"
        if not all(runit_status.has_effect(letter, seen, service.before) for letter in letters):
            return False
        asks = seen.pid and not CHECKED.isdisjoint(letters)
        if asks and not self._checks.is_available(number, service, seen):
            return False
        self._say(b"ok: " + self._words(service.word, seen) + b"\n")
        return True

    def _known(self, service: Named) -> Seen | None:
        """Return the status of the service in the current directory; None if there is none."""
        try:
            return self._get(service.word)
        except Unknown:
            return None

    def _get(self, word: bytes) -> Seen | None:
        """Return the status of the service in the current directory.

        It is None if that has no supervisor. Raises ``Unknown``. In both cases it is said.
        """
        what = b"unable to open " + names.OK
        try:
            client.knock(b"")
            what = b"unable to open " + names.STATUS
            data = status.read(names.STATUS)
        except OSError as error:
            if error.errno == errno.ENXIO and what.endswith(names.OK):
                self._not_running(word)
                return None
            if error.filename is None:
                what = b"unable to read " + names.STATUS
            self._fail(b"warning", word, what, error)
            raise Unknown from None
        seen = runit_status.parse(data)
        if not seen:
            what = b"unable to read " + names.STATUS + b": bad format"
            self._fail(b"warning", word, what)
            raise Unknown
        return seen

    def _words(self, word: bytes, seen: Seen, name: bytes = b"") -> bytes:
        """Put the status of the service in the current directory into words.

        There are none if it can't be told whether it is normally up; that is said.
        """
        try:
            os.stat(names.DOWN)
        except FileNotFoundError:
            return runit_status.words(seen, name or word, normally_up=True)
        except OSError as error:
            complain(b"warning: unable to stat %s/down: %s\n" % (word, error_words(error)))
            return b""
        return runit_status.words(seen, name or word, normally_up=False)

    def _enter(self, service: Named) -> bool:
        """Make the service's directory the current one."""
        try:
            if places.is_name(service.word):
                os.chdir(places.services())
            os.chdir(service.word)
        except OSError as error:
            what = b"unable to change to service directory"
            self._fail(b"fail", service.word, what, error)
            return False
        return True

    def _leave(self) -> None:
        try:
            os.fchdir(self._here)
        except OSError as error:
            raise self._fatal(b"unable to change to original directory", error) from None

    def _not_running(self, word: bytes) -> None:
        if self._letters == "x":
            self._say(b"ok: " + word + b": runsv not running\n")
        else:
            self._fail(b"fail", word, b"runsv not running")

    def _fail(self, kind: bytes, word: bytes, what: bytes, error: OSError | None = None) -> None:
        self._failures += 1
        why = b": " + error_words(error) if error else b""
        self._say(kind + b": " + word + b": " + what + why + b"\n")

    def _say(self, words: bytes) -> None:
        """Write to standard output. If nobody reads that, the order is carried out all the same."""
        try:
            write_all(1, words)
        except OSError as error:
            if error.errno != errno.EBADF:  # whoever closed it wants none
                self._unwritten = error

    def _fatal(self, what: bytes, error: OSError) -> Quit:
        status = FATAL if self._is_script else MISUSE
        return Quit(status, b"fatal: %s: %s\n" % (what, error_words(error)))
