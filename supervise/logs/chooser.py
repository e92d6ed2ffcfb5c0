"""Decides which lines are selected, where there are rules that tell lines apart.

There are three ways. A sieve (:mod:`~slashservice.supervise.logs.sieve`) finds the lines that are
not treated as by default. Where they are too many, lines of the same shape are decided upon once
(:mod:`~slashservice.supervise.logs.shapes`). Where there are too many shapes, each line is matched
with one regular expression (:mod:`~slashservice.supervise.logs.patterns`).

All lines of a block have one stamp. What is left of the patterns behind it decides upon the lines
as they came. So only lines that are selected need be stamped.
"""

from __future__ import annotations

from slashservice.supervise.logs.patterns import essence, matcher
from slashservice.supervise.logs.shapes import Shapes
from slashservice.supervise.logs.sieve import sieve
from slashservice.supervise.logs.star import Star, behind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.patterns import Match


MOST_REMAINDERS = 64
"""What stamps may leave of the rules is kept for so many cases.

There are more only where many patterns look for digits of a stamp.
"""


SMALL = 4096
"""In fewer bytes all ways are the same; and so many bytes tell of the length of lines."""

ENOUGH = 1000
"""Lines that are asked for alone until the regular expression, which has to be loaded, pays."""

BYTES_A_SUSPECT = 80
"""A regular expression for each line is better than a sieve if there is a suspect in so many."""


class Chooser:
    """Selects lines by ``rules``."""

    __slots__ = (
        *("_asked", "_match", "_remainders", "_rules", "_shapes", "_sieve", "_stars"),
        "default",
    )

    def __init__(self, rules: Rules) -> None:
        self.default, self._rules = essence(rules)
        self._sieve = sieve(self.default, self._rules)
        self._match: Match | None = None
        self._asked = 0
        """How often a line was asked for alone."""
        self._stars: list[tuple[bool, Star]] = []
        """The rules, the last first, if none is for fnmatch."""
        self._remainders: dict[Rules, Chooser] | None = None
        self._shapes: Shapes | None = None
        if not any(by_fnmatch for _, _, by_fnmatch in self._rules):
            self._remainders = {}
            self._stars = [
                (selects, Star(pattern)) for selects, pattern, _ in reversed(self._rules)
            ]
            self._shapes = Shapes((pattern for _, pattern, _ in self._rules), self.selects)

    @property
    def tells_lines_apart(self) -> bool:
        """Whether there are rules that change anything."""
        return bool(self._rules)

    def behind(self, stamp: bytes) -> Chooser | None:
        """Return what decides upon the rest of a line that has this stamp; None if nothing does."""
        if not stamp:
            return self
        if self._remainders is None:
            return None
        rules = behind(self._rules, stamp)
        chooser = self._remainders.get(rules)
        if chooser is None:
            if len(self._remainders) >= MOST_REMAINDERS:
                self._remainders = None
                return None
            chooser = self._remainders[rules] = Chooser(((self.default, b"*", False), *rules))
        return chooser

    def selects(self, view: bytes) -> bool:
        """Tell whether a line that looks like this is selected."""
        if self._match is not None or self._remainders is None:
            return bool(self._matcher()(view))
        self._asked += 1
        if self._asked > ENOUGH and self._rules:
            self._matcher()
        for selects, star in self._stars:
            if star.matches(view, 0, len(view)):
                return selects
        return self.default

    def cuts(self, text: bytes, view: int) -> list[int] | None:
        """Return what is selected of ``text``, as cuts; None if ``flags`` tells that sooner.

        A newline is ahead of each line. If ``view`` is less than the length of ``text``, a line may
        be longer than a view.
        """
        if not self._rules:
            return [1, len(text)] if self.default else []
        if self._sieve is None:
            return None
        most = self._worthwhile(text)
        return self._sieve.selected(text, self.selects, view, most) if most > 0 else None

    def _worthwhile(self, text: bytes) -> int:
        """Return up to how many suspects in ``text`` a sieve is better than a look at each line."""
        size = len(text)
        if size < SMALL:
            return size
        if self._shapes is None or self._shapes.is_idle:
            return size // BYTES_A_SUSPECT
        assert self._sieve is not None
        lines = text.count(b"\n", 0, SMALL) * size // SMALL
        return lines * 3 // 20 + size // 235 - self._sieve.cost(size)

    def flags(self, text: bytes, view: int) -> list[bool]:
        """Return for each line of ``text`` whether it is selected; ``view`` is as above."""
        if not self._rules:
            return [self.default] * text.count(b"\n")
        if len(text) >= SMALL and self._shapes is not None:
            flags = self._shapes.flags(text, view)
            if flags is not None:
                return flags
        lines = text.split(b"\n")
        lines.pop()
        if view < len(text):
            lines = [line[:view] for line in lines]
        if len(text) < SMALL:
            return [*map(self.selects, lines)]
        return [*map(bool, map(self._matcher(), lines))]

    def _matcher(self) -> Match:
        if self._match is None:
            self._match = matcher(((self.default, b"*", False), *self._rules))
            assert self._match is not None
        return self._match
