"""Where svlogd's lines go: to a log directory, to other hosts, to standard error."""

from __future__ import annotations

from slashservice.supervise.logs.lines import each, stamped
from slashservice.supervise.logs.logger import AlertOutput, DirectoryOutput
from slashservice.supervise.messages import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterator

    from slashservice.supervise.logs.lines import Batch, Chosen, Selection
    from slashservice.supervise.logs.steps import Steps
    from slashservice.supervise.logs.svlogd_directory import SvlogdDirectory

CUT = b"..."


class SvlogdOutput(DirectoryOutput):
    """Appends lines to a log directory, and sends them to another host."""

    __slots__ = ("_log", "_skipped")

    def __init__(self, selection: Selection, directory: SvlogdDirectory, skipped: int) -> None:
        super().__init__(selection, directory)
        self._log = directory
        self._skipped = skipped

    def length(self, batch: Batch) -> int:
        """Return how many bytes of the batch go there."""
        return len(self._data(batch))

    def _data(self, batch: Batch) -> bytes:
        """Return what goes to the file."""
        config, skipped = self._log.config, self._skipped
        if config.is_sent_only:
            return b""
        if not config.prefix:
            return batch.chosen(self._selection).all()
        if self._selection.selects_all:
            return all_prefixed(batch, config.prefix, skipped)
        chosen = batch.chosen(self._selection)
        return b"".join(
            (chosen.rest, *prefixed(chosen.text + chosen.begun, config.prefix, skipped))
        )

    def take(self, batch: Batch, done: int = 0) -> Steps[None]:
        """Append the selected lines, except the ``done`` bytes that a killed logger has written."""
        log = self._log
        if not log.is_open:
            return
        if log.config.address:
            yield from self._send(batch, batch.chosen(self._selection), done)
            return
        data = self._data(batch)
        if len(data) > done:
            yield from log.add(data[done:] if done else data, done)

    def _send(self, batch: Batch, chosen: Chosen, done: int) -> Steps[None]:
        """Send each line, and append it. What could not be sent is said in front of it.

        A line of which a killed logger has written something is not sent again.
        """
        log, config = self._log, self._log.config
        assert config.address
        at = 0
        """How much of what goes to the file is there."""
        waiting = [] if config.is_sent_only else [chosen.rest]
        seen = len(b"".join(waiting))
        sender = Sender(config.address)
        try:
            for line in prefixed(chosen.text + chosen.begun, config.prefix, self._skipped):
                if seen >= done:
                    message = view(line, batch.view + len(config.prefix))
                    if trouble := sender.send(message):
                        at = yield from self._append(b"".join(waiting), at, done)
                        waiting = []
                        yield from log.note(trouble + message, at)
                if not config.is_sent_only:
                    waiting.append(line)
                    seen += len(line)
        finally:
            sender.close()
        yield from self._append(b"".join(waiting), at, done)

    def _append(self, data: bytes, at: int, done: int) -> Steps[int]:
        """Append what is not there yet of ``data``, which comes at ``at``; return where it ends."""
        end = at + len(data)
        new = data[max(0, done - at) :]
        if new:
            yield from self._log.add(new, end - len(new))
        return end


class Sender:
    """Sends lines to ``address`` by UDP, and never waits.

    C has a socket for each line, so that none is in the way of another. Here a socket is used
    until it is full.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket | None = None

    def send(self, line: bytes) -> bytes:
        """Send a line; return what is to be said if that failed."""
        import _socket

        for fresh in (False, True):
            try:
                if fresh or self._socket is None:
                    self.close()
                    self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
                    self._socket.setblocking(False)
            except OSError:
                self._socket = None
                return b"warning: no udp socket available: "
            try:
                self._socket.sendto(line, self._address)
                return b""
            except BlockingIOError:
                pass
            except OSError:
                break
        return b"warning: failure sending through udp: "

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class SvlogdAlerts(AlertOutput):
    """Shows lines on standard error, for each directory that selects them."""

    __slots__ = ("_alerts", "_skipped")

    def __init__(self, alerts: list[tuple[Selection, SvlogdDirectory]], skipped: int) -> None:
        super().__init__([])
        self._alerts = alerts
        self._skipped = skipped

    def take(self, batch: Batch) -> Steps[None]:
        """Show the selected lines."""
        yield from ()
        alerts = [alert for alert in self._alerts if alert[1].is_open]
        views: list[bytes] = []
        if len(alerts) == 1:
            selection, log = alerts[0]
            chosen = batch.chosen(selection)
            views = self._views(chosen.text + chosen.begun, batch, log)
        elif alerts:
            for line in each(batch.text) + [batch.begun] * bool(batch.begun):
                for selection, log in alerts:
                    if selection.selects(line.removesuffix(b"\n")[: batch.view]):
                        views += self._views(line, batch, log)
            for selection, _ in alerts:
                batch.chosen(selection)  # to follow an overlong line, it has to see every batch
        if views:
            complain(b"".join(views))

    def _views(self, lines: bytes, batch: Batch, log: SvlogdDirectory) -> list[bytes]:
        prefix = log.config.prefix
        most = batch.view + len(prefix)
        return [view(line, most) for line in prefixed(lines, prefix, self._skipped)]


def all_prefixed(batch: Batch, prefix: bytes, skipped: int) -> bytes:
    """Return all of a block, with the prefix behind the stamp of each line that begins."""
    text = stamped(batch.body, batch.stamp + prefix)
    if text and batch.head != batch.stamp:  # the first line began with a block before
        head = batch.head[:skipped] + prefix + batch.head[skipped:]
        text = head + text[len(batch.stamp + prefix) :]
    return b"".join((batch.rest, text, *prefixed(batch.begun, prefix, skipped)))


def prefixed(text: bytes, prefix: bytes, skipped: int) -> Iterator[bytes]:
    """Yield each line with its newline, and the prefix behind its stamp."""
    lines = text.split(b"\n")
    last = lines.pop()
    for line in lines:
        yield b"%s%s%s\n" % (line[:skipped], prefix, line[skipped:])
    if last:
        yield last[:skipped] + prefix + last[skipped:]


def view(line: bytes, most: int) -> bytes:
    """Return as much of a line as is shown to others, with a newline."""
    line = line[:-1] if line[-1:] == b"\n" else line
    return line[:most] + CUT + b"\n" if len(line) >= most else line + b"\n"
