"""Decides which lines are selected, where there are rules that tell lines apart.

There are two ways. A sieve (:mod:`~slashservice.supervise.logs.sieve`) finds the lines that are
not treated as by default. Where they are too many each line is matched with one regular
expression (:mod:`~slashservice.supervise.logs.patterns`).

All lines of a block have one stamp. What is left of the patterns behind it decides upon the lines
as they came. So only lines that are selected need be stamped.
"""

from __future__ import annotations

from slashservice.supervise.logs.patterns import essence, matcher
from slashservice.supervise.logs.sieve import sieve
from slashservice.supervise.logs.star import Star, behind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.patterns import Match
    from slashservice.supervise.logs.sieve import Spans


MOST_REMAINDERS = 64
"""What stamps may leave of the rules is kept for so many cases.

There are more only where many patterns look for digits of a stamp.
"""


class Chooser:
    """Selects lines by ``rules``."""

    __slots__ = ("_match", "_remainders", "_rules", "_sieve", "_stars", "default")

    def __init__(self, rules: Rules) -> None:
        self.default, self._rules = essence(rules)
        self._sieve = sieve(self.default, self._rules)
        self._match: Match | None = None
        self._stars: list[tuple[bool, Star]] | None = None
        """The rules, the last first; None as long as nobody asked, or if it can't be told so."""
        self._remainders: dict[Rules, Chooser] | None = {}
        if any(by_fnmatch for _, _, by_fnmatch in self._rules):
            self._remainders = None

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
        if self._remainders is None:
            return bool(self._matcher()(view))
        if self._stars is None:
            self._stars = [(selects, Star(p)) for selects, p, _ in reversed(self._rules)]
        for selects, star in self._stars:
            if star.matches(view, 0, len(view)):
                return selects
        return self.default

    def flags(self, lines: Sequence[bytes], view: int, has_long: bool) -> list[object]:
        """Return for each line what is true if it is selected."""
        if has_long:
            lines = [line[:view] for line in lines]
        if not self._rules:
            return [self.default] * len(lines)
        return [*map(self._matcher(), lines)]

    def spans(self, text: bytes, view: int, has_long: bool) -> Spans | None:
        """Return which stretches of ``text`` are selected; None if ``flags`` tells that better.

        A newline is ahead of each line. Of a line the first ``view`` characters are seen;
        ``has_long`` tells whether any is longer.
        """
        if not self._rules:
            return [(1, len(text))] if self.default else []
        if self._sieve is None:
            return None
        return self._sieve.selected(text, self.selects, view, has_long)

    def _matcher(self) -> Match:
        if self._match is None:
            self._match = matcher(((self.default, b"*", False), *self._rules))
            assert self._match is not None
        return self._match
