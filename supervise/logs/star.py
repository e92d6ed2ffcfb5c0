"""multilog's own patterns, and what is left of them behind a stamp.

A star takes everything up to the *first* occurrence of the character behind it, and never
reconsiders. Only a star at the end takes everything. So a pattern is matched in one pass,
whatever the line. It can be half matched, too: behind the stamp that all lines of a block have,
what is left of a pattern is a pattern again.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules


class Star:
    """The pattern ``pattern``, to be matched in the middle of a text.

    ``prefix`` is what a line begins with. ``stars`` has for each star the character up to which
    it takes everything, the literal from there on, and its length. With ``is_open`` anything may
    follow.
    """

    __slots__ = ("is_open", "prefix", "stars")

    def __init__(self, pattern: bytes) -> None:
        self.is_open = pattern[-1:] == b"*"
        self.prefix, *literals = (pattern[:-1] if self.is_open else pattern).split(b"*")
        # Where there is nothing between two stars, the second is the character behind the first.
        self.stars = [(literal[:1] or b"*", literal, len(literal)) for literal in literals]

    def matches(self, text: bytes, at: int, end: int) -> bool:
        """Tell whether ``text[at:end]`` is what the pattern stands for."""
        if self.prefix:
            if not text.startswith(self.prefix, at, end):
                return False
            at += len(self.prefix)
        for character, literal, length in self.stars:
            at = text.find(character, at, end)
            if at < 0 or (length > 1 and not text.startswith(literal, at, end)):
                return False
            at += length
        return self.is_open or at == end


def behind(rules: Rules, stamp: bytes) -> Rules:
    """Return rules that decide upon the rest of a line as ``rules`` do upon the line.

    The line begins with ``stamp``. None of the rules may be one for fnmatch.
    """
    left = []
    for selects, pattern, _ in rules:
        rest = _rest(pattern, stamp)
        if rest is not None:
            left.append((selects, rest, False))
    return tuple(left)


def _rest(pattern: bytes, stamp: bytes) -> bytes | None:
    """Return what is left of a pattern behind ``stamp``; None if it can't match any more."""
    at = 0
    while stamp:
        if pattern[at : at + 1] != b"*":
            if pattern[at : at + 1] != stamp[:1]:
                return None
            at += 1
            stamp = stamp[1:]
            continue
        character = pattern[at + 1 : at + 2]
        if not character:
            break
        found = stamp.find(character)
        if found < 0:
            break
        at += 1
        stamp = stamp[found:]
    return pattern[at:]
