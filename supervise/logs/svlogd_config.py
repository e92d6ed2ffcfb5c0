"""The file ``config`` of a log directory of svlogd."""

from __future__ import annotations

from slashservice.supervise.logs.action_script import DELETE, Settings
from slashservice.supervise.numbers import LARGEST, leading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules


SIZE = 1_000_000
NUMBER = 10
SYSLOG = 514
DIGITS = b"0123456789"
SIZES = {b"k": 1024, b"m": 1024 * 1024}
TIMES = {b"m": 60, b"h": 3600}
LONGEST_TIME = (1 << 32) - 1
"""Seconds: what C keeps of more is the rest."""

EVERYTHING = b"*"


class SvlogdConfig(Settings):
    """What the lines of ``text`` say, as C reads them.

    ``size`` in bytes, 0 for no limit; ``number`` of old files, 0 for no limit, and ``least`` of
    them that are kept when the disk is full; ``age`` in seconds, 0 for no limit; ``address`` to
    send to, and ``is_sent_only`` whether that replaces the file; ``complaints`` about the lines,
    each with what it is about.
    """

    __slots__ = (*("address", "alerts", "complaints", "is_sent_only", "least", "prefix", "rules"),)

    def __init__(self, text: bytes = b"") -> None:
        super().__init__()
        self.size = SIZE
        self.number = self.least = NUMBER
        self.prefix = b""
        self.address: tuple[str, int] | None = None
        self.is_sent_only = False
        self.rules: Rules = ()
        self.alerts: Rules = ()
        self.complaints: list[tuple[bytes, bytes]] = []
        at = 0
        while at + 1 < len(text):  # a last line of one character is passed over
            end = text.find(b"\n", at)
            end = end if end >= 0 else len(text)
            self._change(text[at:end])
            at = end + 1
        if self.alerts:
            self.alerts = ((False, EVERYTHING, False), *self.alerts)
        if not self.address:
            self.is_sent_only = False
        if self.least < self.number:
            self.when_full = DELETE

    def _change(self, line: bytes) -> None:
        letter = line[:1]
        value = line[1:].partition(b"\0")[0]
        if letter in (b"+", b"-", b"e", b"E"):
            for rule in line.split(b"\0"):
                self._add(rule[:1], rule[1:])
        elif letter == b"s":
            self.size = _scaled(value, SIZES)
        elif letter == b"n":
            self.number = leading(value)
        elif letter == b"N":
            self.least = leading(value)
        elif letter == b"t":
            self.age = _scaled(value, TIMES) & LONGEST_TIME
        elif letter == b"!" and len(line) > 1:
            self.processor = value
        elif letter == b"p" and len(line) > 1:
            self.prefix = value
        elif letter in (b"u", b"U"):
            self.is_sent_only |= letter == b"U"
            self._send_to(value)

    def _add(self, letter: bytes, pattern: bytes) -> None:
        if letter in (b"+", b"-"):
            self.rules += ((letter == b"+", pattern, False),)
        elif letter in (b"e", b"E"):
            self.alerts += ((letter == b"e", pattern, False),)

    def _send_to(self, text: bytes) -> None:
        parts = text.split(b".", 3)
        numbers = [_digits(part) for part in parts]
        if len(parts) < 4 or not all(numbers) or any(parts[n] != numbers[n] for n in range(3)):
            self.complaints.append((b"unable to scan ip address", text))
            return
        behind = parts[3][len(numbers[3]) :]
        port = SYSLOG
        if behind[:1] == b":":
            port = leading(behind[1:])
            if not port:
                self.complaints.append((b"unable to scan port number", behind[1:]))
                return
        host = ".".join(str(leading(one) & 0xFF) for one in numbers)
        self.address = (host, port & 0xFFFF) if port & 0xFFFF else None


def _digits(text: bytes) -> bytes:
    return text[: len(text) - len(text.lstrip(DIGITS))]


def _scaled(text: bytes, units: dict[bytes, int]) -> int:
    behind = text[len(_digits(text)) :][:1]
    return leading(text) * units.get(behind, 1) & LARGEST
