"""One log host as svscan sees it: a process that it started, and must not trust.

A host runs as the account of its logs. So svscan takes what it says for what a stranger says,
and waits for nothing. A host is *replaced*, that is killed, when it says what it can't mean, or
leaves a request unanswered for some seconds. All its loggers are told dead then. They are
started anew, in another host, and go on with what is in their journals.
"""

from __future__ import annotations

import errno
import os
import socket

from slashservice.supervise import signal_numbers
from slashservice.supervise.chain import launchers
from slashservice.supervise.messages import TROUBLE, warn
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import loghost
from slashservice.supervise.services import trouble
from slashservice.supervise.services.heritage import start_command
from slashservice.supervise.services.remote_logger import RemoteLogger
from slashservice.supervise.services.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage

SECONDS_TO_ANSWER = 5.0
"""How long a host may be silent while a request waits for its answer."""

SECONDS_TO_BEGIN = 30.0
"""The same for one that has yet to answer for the first time: a machine that boots is busy."""

SECONDS_TO_DIE = 5.0
"""How long a logger may take to die of SIGKILL before its host is killed."""

SECONDS_OF_IDLENESS = 5.0
"""How long a host without loggers is kept."""

SECONDS_UNTIL_MORE = 0.01
"""How long until a message is sent again that could not be sent at once."""

SECONDS_BETWEEN_TROUBLES = 1.0
"""How often a logger's trouble is written down at most."""

LOOKS = 5
"""How often we look, in these seconds, whether a host has answered. Counting looks, rather than
reading the clock, leaves out the time in which we did not listen."""

MESSAGES_AT_ONCE = 64
"""How many messages of a host are taken before others have their turn."""

TROUBLES_A_SECOND = 100
"""How many reports of trouble, beside ten for each logger, are taken for meant."""

GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)
"""The errors of sending to a host that has ended; its loggers have ended with it."""


class Host:
    """The log host of one account (None: of our own).

    It complains to our descriptor ``complaints``.
    ``ended`` is called with its wait status once it is dead, ``full`` with the directory of a log
    service that it has no descriptors for, ``started`` with that of one whose pipe it has.
    """

    def __init__(
        self,
        loop: Loop,
        heritage: Heritage,
        null: int,
        account: bytes | None,
        complaints: int,
        ended: Callable[[Host, int], None],
        full: Callable[[Host, ServiceDirectory], None],
        started: Callable[[ServiceDirectory], None],
    ) -> None:
        self.is_full = False
        """Whether it has refused a logger since the last one in it ended."""
        self.expected = 0
        """How many loggers it is about to be given."""
        self.is_replaced = False
        self._account = account
        self._loop = loop
        self._ended = ended
        self._full = full
        self._started = started
        self._loggers: dict[int, RemoteLogger] = {}
        self._unsent: list[Request] = []
        self._unanswered: list[tuple[bytes, int]] = []
        self._count = 0
        self._silence = 0
        self._has_answered = self._is_watched = self._is_to_flush = self._is_dead = False
        self._troubles = 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        command = [*launchers.command("loghost"), b"%d" % theirs.fileno()]
        if account is not None:
            command.append(account)
        try:
            self.pid = start_command(heritage, command, theirs.fileno(), null, complaints)
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        loop.add(self._socket.fileno(), self._heard)
        loop.on_exit(self.pid, self._died)
        loop.after(SECONDS_OF_IDLENESS, self._close_if_idle)

    def start(
        self,
        directory: ServiceDirectory,
        program: bytes,
        argv: Sequence[bytes],
        descriptors: Sequence[int],
        exited: Exited,
        made: Sequence[bytes] = (),
    ) -> RemoteLogger:
        """Start a logger, a multilog or svlogd with the words ``argv``.

        The ``descriptors`` are its input, its directory and its journal. It begins only if the
        directories ``made`` are there; ``looked`` of it is called, then.

        Raises ``OSError``.
        """
        number = self._count = self._count + 1
        data = loghost.compose(loghost.START, number, program, b"%d" % len(made), *made, *argv)
        self._ask(Request(loghost.START, number, data), descriptors)
        logger = self._loggers[number] = RemoteLogger(
            self.pid, number, directory, exited, self.signal, self.kill
        )
        if trouble.is_known(directory):
            self._write_later(logger)  # until then it is the trouble of this one as well
        return logger

    def signal(self, logger: RemoteLogger, number: int) -> None:
        """Send a signal to a logger. If it does not die of SIGKILL, the host is killed.

        But not while the host waits for a disk: then it could not die either, and its other logs
        would wait as well.
        """
        if self._signal(logger, number) and number == signal_numbers.SIGKILL:
            self._loop.after(SECONDS_TO_DIE, lambda: self._insist(logger, system.waits_for_disk))

    def kill(self, logger: RemoteLogger) -> None:
        """Kill a logger; if it does not die, kill the host, whatever that is at."""
        if self._signal(logger, signal_numbers.SIGKILL):
            self._loop.after(SECONDS_TO_DIE, lambda: self._insist(logger, lambda pid: False))

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more messages: it is ending, or has ended."""
        return self._socket.fileno() < 0

    @property
    def is_idle(self) -> bool:
        """Whether no logger is left in it, nor about to come."""
        return not (self._loggers or self.expected)

    def close(self) -> None:
        """Let the host end, as it has no loggers any more. It must within some seconds."""
        if not self.is_closed:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
            self._loop.after(SECONDS_TO_ANSWER, self._kill)
        while self._unsent:
            self._unsent.pop(0).close()

    # Requests

    def _signal(self, logger: RemoteLogger, number: int) -> bool:
        """Send a signal to a logger; return whether it is there."""
        if self._loggers.get(logger.number) is not logger:
            return False
        data = loghost.compose(loghost.SIGNAL, logger.number, b"%d" % number)
        self._ask(Request(loghost.SIGNAL, logger.number, data), ())
        return True

    def _insist(self, logger: RemoteLogger, may_wait: Callable[[int], bool]) -> None:
        """The time to die is over."""
        if self._loggers.get(logger.number) is not logger:
            return
        if may_wait(self.pid):
            self._loop.after(SECONDS_TO_DIE, lambda: self._insist(logger, may_wait))
        else:
            self._replace(b"does not end " + logger.directory.name)

    def _ask(self, request: Request, descriptors: Sequence[int]) -> None:
        """Send a request, now or as soon as it can be sent. Raises the ``OSError`` of waiting."""
        if self.is_closed:
            return  # its loggers are about to be told dead
        if self._unsent or not self._send(request, descriptors):
            request.keep(descriptors)
            request.since = self._loop.clock()
            self._unsent.append(request)
            self._flush_later()
        self._watch()

    def _send(self, request: Request, descriptors: Sequence[int]) -> bool:
        """Send a request; return False if that has to wait."""
        try:
            socket.send_fds(self._socket, [request.data], descriptors)
        except OSError as error:
            request.error = error
            return error.errno in GONE
        self._unanswered.append((request.word, request.number))
        return True

    def _flush_later(self) -> None:
        if not self._is_to_flush:
            self._is_to_flush = True
            self._loop.after(SECONDS_UNTIL_MORE, self._flush)

    def _flush(self) -> None:
        self._is_to_flush = False
        while self._unsent:
            request = self._unsent[0]
            if not self._send(request, request.descriptors):
                lasts = self._loop.clock() >= request.since + SECONDS_TO_ANSWER
                if not lasts or isinstance(request.error, BlockingIOError):
                    self._flush_later()
                    return
                self._give_up(request)
                continue
            self._unsent.pop(0).close()

    def _give_up(self, request: Request) -> None:
        """The system does not let us send it, and that is not the host's fault."""
        self._unsent.pop(0).close()
        logger = self._loggers.get(request.number)
        if logger:
            what = b"unable to talk to the log host of " + logger.directory.name
            warn("svscan", what, request.error)
            if request.word == loghost.START:
                self._end(logger, TROUBLE << 8)

    def _watch(self) -> None:
        """See to it that somebody looks whether the host answers."""
        if not self._is_watched:
            self._is_watched = True
            self._silence = 0
            self._loop.after(SECONDS_TO_ANSWER / LOOKS, self._look)

    def _look(self) -> None:
        self._is_watched = False
        unread = self._unsent and isinstance(self._unsent[0].error, BlockingIOError)
        if self.is_closed or not (self._unanswered or unread):
            return
        self._silence += 1
        patience = SECONDS_TO_ANSWER if self._has_answered else SECONDS_TO_BEGIN
        if self._silence >= patience * LOOKS / SECONDS_TO_ANSWER:
            self._replace(b"does not answer")
            return
        self._is_watched = True
        self._loop.after(SECONDS_TO_ANSWER / LOOKS, self._look)

    # What the host says

    def _heard(self) -> None:
        for _ in range(MESSAGES_AT_ONCE):
            if self.is_closed:
                return
            try:
                report = loghost.hear(self._socket)
            except BlockingIOError:
                return
            except ConnectionResetError:
                continue  # it is gone; what it said before comes now
            except OSError:
                report = None
            except loghost.Nonsense:
                self._replace(b"talks nonsense")
                return
            if report is None:
                self.close()  # its death is reported by the loop
                return
            try:
                self._obey(report)
            except loghost.Nonsense:
                self._replace(b"talks nonsense")

    def _obey(self, report: loghost.Message) -> None:
        """Do what a report says. Raises ``Nonsense`` if it does not fit what was before."""
        logger = self._loggers.get(report.number)
        if report.word in (loghost.EXITED, loghost.TROUBLE, loghost.READY, loghost.UNREADY):
            if logger is None or not logger.is_started:
                raise loghost.Nonsense(report.word)
            if report.word == loghost.EXITED:
                self.is_full = False
                self._end(logger, report.value)
            elif report.word == loghost.TROUBLE:
                self._note_trouble(logger, report.text)
            else:
                self._looked(logger, report.word == loghost.READY)
            return
        asked = self._unanswered[0] if self._unanswered else (b"", 0)
        if report.number != asked[1] or report.word not in loghost.ANSWERS[asked[0]]:
            raise loghost.Nonsense(report.word)
        del self._unanswered[0]
        self._silence = 0
        self._has_answered = True
        if report.word == loghost.STARTED and logger:
            logger.is_started = True
            self._started(logger.directory)
        elif report.word == loghost.FULL and logger:
            del self._loggers[logger.number]
            self._full(self, logger.directory)
            what = b"log host %d has no descriptors left for " % self.pid
            warn("svscan", what + logger.directory.name + b", starting it elsewhere")
            self._loggers[logger.number] = logger
            self._end(logger, TROUBLE << 8)

    def _end(self, logger: RemoteLogger, status: int) -> None:
        """A logger is gone."""
        del self._loggers[logger.number]
        if logger.text and os.WIFEXITED(status) and os.WEXITSTATUS(status):
            trouble.write(logger.directory, logger.text)  # it says why it could not begin
        elif logger.text or not logger.written:
            trouble.forget(logger.directory)
        if self.is_idle:
            self._loop.after(SECONDS_OF_IDLENESS, self._close_if_idle)
        logger.exited(status)

    def _looked(self, logger: RemoteLogger, is_ready: bool) -> None:
        """The host has looked for directories. Raises ``Nonsense`` if it had not to."""
        looked, logger.looked = logger.looked, None
        if looked is None:
            raise loghost.Nonsense(loghost.READY)
        if not is_ready:
            del self._loggers[logger.number]
            self._loop.after(SECONDS_OF_IDLENESS, self._close_if_idle)
        looked(is_ready)

    def _note_trouble(self, logger: RemoteLogger, text: bytes) -> None:
        """Write down the trouble of a logger (empty: that it is gone), in a while at the latest."""
        if self._troubles == 0:
            self._loop.after(1.0, self._forget_count)
        self._troubles += 1
        if self._troubles > TROUBLES_A_SECOND + 10 * len(self._loggers):
            raise loghost.Nonsense(loghost.TROUBLE)
        logger.text = text
        if logger.written:
            self._write_later(logger)

    def _write_later(self, logger: RemoteLogger) -> None:
        logger.written = False
        self._loop.after(SECONDS_BETWEEN_TROUBLES, lambda: self._write_trouble(logger))

    def _forget_count(self) -> None:
        self._troubles = 0

    def _write_trouble(self, logger: RemoteLogger) -> None:
        logger.written = True
        if self._loggers.get(logger.number) is logger:
            trouble.write(logger.directory, logger.text)

    # Its end

    def _close_if_idle(self) -> None:
        if self.is_idle:
            self.close()

    def _replace(self, why: bytes) -> None:
        """Kill the host. Its loggers are told dead when it is, and start anew in another one."""
        if not self.is_replaced and not self._is_dead:
            self.is_replaced = True
            whose = b" of " + self._account if self._account is not None else b""
            warn("svscan", b"log host %d" % self.pid + whose + b" " + why + b", replacing it")
        self._kill()
        self.close()

    def _kill(self) -> None:
        """Kill the process, which is ours to wait for: nobody else can have its pid."""
        if not self._is_dead:
            try:
                os.kill(self.pid, signal_numbers.SIGKILL)
            except OSError:
                pass

    def _died(self, status: int) -> None:
        self._is_dead = True
        self.close()
        self._ended(self, status)
        for logger in list(self._loggers.values()):
            self._end(logger, status)
