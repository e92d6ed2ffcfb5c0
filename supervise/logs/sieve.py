"""Find the few lines a rule may treat differently from the default, without matching every line.

The default is set by the last rule that matches everything (``-*``); without one, lines are
selected. Later rules of the opposite sign are the exceptions. A line that such a rule
matches holds all the words of its pattern, which are the parts between the stars. Searching a
block for a word takes a tenth of the time of matching each of its lines. So where exceptions
are rare, as the errors in a log should be, most lines cost next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.logs.action_script import Rules


SHORTEST = 2
"""A word must have at least so many characters to be worth looking for."""

MOST_WORDS = 4
"""With more words than this, matching every line is cheaper."""

BYTES_A_SUSPECT = 1024
"""Use the sieve only while suspects are rarer than one in this many bytes per word.

Beyond that, matching every line is cheaper.
"""

BATCHES_WITHOUT = 16
"""For so many batches the sieve is not tried again after there were too many suspects."""


class Sieve:
    """Finds the lines that hold one of ``words``; all others are selected if ``default``."""

    __slots__ = ("_default", "_idle", "_words")

    def __init__(self, default: bool, words: list[bytes]) -> None:
        self._default = default
        self._words = words
        self._idle = 0

    def selected(self, text: bytes, decide: Callable[[bytes], object], view: int) -> bytes | None:
        """Return the lines of ``text`` that are selected; None if matching every line is cheaper.

        ``decide`` tells from the first ``view`` characters of a line whether it is selected.
        """
        if self._idle:
            self._idle -= 1
            return None
        suspects = self._suspects(text)
        if suspects is None:
            self._idle = BATCHES_WITHOUT
            return None
        kept = []
        done = 0
        for start, end in sorted(suspects.items()):
            if bool(decide(text[start : end - 1][:view])) != self._default:
                kept.append(text[done:start] if self._default else text[start:end])
                done = end
        if self._default:
            kept.append(text[done:])
        return b"".join(kept)

    def _suspects(self, text: bytes) -> dict[int, int] | None:
        """Return where each line with a word in it begins and ends; None if there are too many."""
        found: dict[int, int] = {}
        most = len(text) // (BYTES_A_SUSPECT * len(self._words))
        for word in self._words:
            at = text.find(word)
            while at >= 0:
                end = text.find(b"\n", at) + 1
                found[text.rfind(b"\n", 0, at) + 1] = end
                if len(found) > most:
                    return None
                at = text.find(word, end)
        return found


def sieve(rules: Rules) -> Sieve | None:
    """Return a sieve for the rules; None if matching every line is cheaper."""
    default = True
    behind: list[tuple[bool, bytes]] = []
    for selects, pattern, by_fnmatch in rules:
        if pattern == b"*":
            default, behind = selects, []
        else:
            behind.append((selects, _word(pattern, by_fnmatch)))
    words = [word for selects, word in behind if selects != default]
    if not words or len(words) > MOST_WORDS or min(map(len, words)) < SHORTEST:
        return None
    return Sieve(default, words)


def _word(pattern: bytes, by_fnmatch: bool) -> bytes:
    """Return the longest part of a pattern that stands for itself; nothing if in doubt."""
    if by_fnmatch:
        if b"[" in pattern or b"\\" in pattern:
            return b""
        pattern = pattern.replace(b"?", b"*")
    return max(pattern.split(b"*"), key=len)
