"""multilog's arguments, the action script: the actions for each line, in order.

Words without a meaning are passed over, as in C. So each extension is a word that C passes
over: ``T``, ``F``, ``S``, ``wCODE`` (all daemontools-encore's), ``aTIME``, ``fwait``,
``fdelete``, ``fdrop``. A script that doesn't know of extensions keeps its meaning.
"""

from __future__ import annotations

from slashservice.supervise.numbers import leading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Rule = tuple[bool, bytes, bool]
    """Whether it selects; the pattern; whether that is one for fnmatch."""

    Rules = tuple[Rule, ...]


LEAST_SIZE = 4096
MOST_SIZE = 16777215
DEFAULT_SIZE = 99999
LEAST_NUMBER = 2
DEFAULT_NUMBER = 10

WAIT, DELETE, DROP = b"fwait", b"fdelete", b"fdrop"
"""Policies for a full disk: wait for space, delete old files, or drop lines."""

LONGEST_CODE = 200
"""Bytes of a code at most: with a label before it, it has to be a name that a file can have."""

NEVER_DIGITS = 12
NEVER = 10**NEVER_DIGITS
"""Seconds that no file gets old, 30,000 years; and the digits that a smaller number has at most."""

UNITS = {b"": 1, b"s": 1, b"m": 60, b"h": 3600, b"d": 86400, b"w": 604800}


class Alert:
    """``e``: selected lines to standard error."""

    __slots__ = ("rules",)

    def __init__(self, rules: Rules) -> None:
        self.rules = rules


class StatusFile:
    """``=FILE``: the last selected line in ``path``."""

    __slots__ = ("path", "rules")

    def __init__(self, rules: Rules, path: bytes) -> None:
        self.rules = rules
        self.path = path


class Settings:
    """The settings for the log directories behind them in the script.

    ``size`` in bytes and ``number`` of files, ``processor`` (a shell command, or
    None), ``code`` (the suffix of a finished file), ``age`` in seconds (0 for no limit),
    ``when_full`` (one of WAIT, DELETE, DROP).
    """

    __slots__ = ("age", "code", "number", "processor", "size", "when_full")

    def __init__(self) -> None:
        self.size = DEFAULT_SIZE
        self.number = DEFAULT_NUMBER
        self.processor: bytes | None = None
        self.code = b"s"
        self.age = 0
        self.when_full = WAIT

    def copy(self) -> Settings:
        """Return a copy."""
        new = Settings()
        for name in self.__slots__:
            setattr(new, name, getattr(self, name))
        return new

    def change(self, word: bytes) -> None:
        """Change what ``word`` says; a word that isn't a setting changes nothing."""
        letter, value = word[:1], word[1:]
        if letter == b"s":
            self.size = min(max(leading(value), LEAST_SIZE), MOST_SIZE)
        elif letter == b"n":
            self.number = max(leading(value), LEAST_NUMBER)
        elif letter == b"!":
            self.processor = value
        elif letter == b"w" and 0 < len(value) <= LONGEST_CODE and b"/" not in value:
            self.code = value
        elif letter == b"a":
            age = seconds(value)
            self.age = self.age if age is None else age
        elif word in (WAIT, DELETE, DROP):
            self.when_full = word


class Directory:
    """``./DIR`` or ``/DIR``: selected lines into the log directory ``path``."""

    __slots__ = ("path", "rules", "settings")

    def __init__(self, rules: Rules, path: bytes, settings: Settings) -> None:
        self.rules = rules
        self.path = path
        self.settings = settings


class ActionScript:
    """A parsed script: its time stamp (``t``, ``T`` or empty) and its actions, in order."""

    __slots__ = ("actions", "stamp")

    def __init__(self, words: Iterable[bytes]) -> None:
        self.stamp = b""
        self.actions: list[Alert | StatusFile | Directory] = []
        rules: Rules = ()
        settings = Settings()
        by_fnmatch = False
        for at, word in enumerate(words):
            letter = word[:1]
            if at == 0 and (letter == b"t" or word == b"T"):
                self.stamp = letter
            elif letter in (b"+", b"-"):
                rules += ((letter == b"+", word[1:], by_fnmatch),)
            elif word in (b"F", b"S"):
                by_fnmatch = word == b"F"
            elif letter == b"e":
                self.actions.append(Alert(rules))
            elif letter == b"=":
                self.actions.append(StatusFile(rules, word[1:]))
            elif letter in (b".", b"/"):
                self.actions.append(Directory(rules, word, settings.copy()))
            else:
                settings.change(word)


def seconds(text: bytes) -> int | None:
    """Return the seconds of a time such as ``90``, ``15m`` or ``1d``; None if it is none.

    A time that is longer than anything lasts is ``NEVER``.
    """
    number = text.rstrip(b"smhdw")
    unit = UNITS.get(text[len(number) :])
    if unit is None or not number.isdigit():
        return None
    digits = number.lstrip(b"0")
    return NEVER if len(digits) > NEVER_DIGITS else int(digits or b"0") * unit
