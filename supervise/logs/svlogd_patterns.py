r"""svlogd's patterns as regular expressions.

A star takes everything up to the first occurrence of the character behind it, as multilog's. A
plus takes the character behind it, once or more. Neither reconsiders. A line that ends while a
plus takes is matched, whatever else the pattern asks for. The character behind a star is seen
again: if it is a star or a plus itself, it works as such.
"""

from __future__ import annotations

from slashservice.supervise.logs.chooser import Chooser
from slashservice.supervise.logs.patterns import ANY_NUMBER, NOTHING, matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.patterns import Match


class SvlogdChooser(Chooser):
    """Selects lines by svlogd's rules; the first ``skipped`` characters of a line are its stamp.

    Where there is no plus, the patterns are those of multilog.
    """

    __slots__ = ("_behind", "_skipped")

    def __init__(self, rules: Rules, skipped: int) -> None:
        super().__init__(rules)
        has_plus = any(b"+" in pattern for _, pattern, _ in rules)
        self._behind = PlusChooser(rules) if has_plus else Chooser(rules)
        self._skipped = skipped

    def behind(self, stamp: bytes) -> Chooser:
        """Return what decides upon the rest of a line behind its stamp, whatever that is."""
        return self._behind

    def selects(self, view: bytes) -> bool:
        """Tell whether a line that looks like this is selected."""
        return self._behind.selects(view[self._skipped :])


class PlusChooser(Chooser):
    """Selects lines, without a stamp, by rules of which some have a plus."""

    __slots__ = ()

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._sieve = None
        self._remainders = None

    def _matcher(self) -> Match:
        if self._match is None:
            self._match = matcher(((self.default, b"*", False), *self._rules), translate)
            assert self._match is not None
        return self._match


def translate(pattern: bytes) -> list[bytes]:
    """Return the regular expression, to be matched behind the stamp, in pieces."""
    import re

    pieces: list[bytes] = []
    pluses = at = 0
    while at < len(pattern):
        character, behind = pattern[at : at + 1], pattern[at + 1 : at + 2]
        at += 1
        if character == b"*":
            if not behind:
                break
            # Only what is no pattern itself is said again by the next piece.
            end = b"(?=%s)" % re.escape(behind) if behind in b"*+" else b""
            pieces.append(b"[^%s]%s%s" % (re.escape(behind), ANY_NUMBER, end))
        elif character == b"+":
            if not behind:
                pieces.append(NOTHING)
                break
            again = re.escape(behind)
            pieces.append(b"%s+(?!%s)(?:\\Z|" % (again, again))
            pluses += 1
            at += 1
        else:
            pieces.append(re.escape(character))
    else:
        pieces.append(rb"\Z")
    # With parentheses that are open, it can't be taken apart.
    return [b"".join(pieces) + b")" * pluses] if pluses else pieces
