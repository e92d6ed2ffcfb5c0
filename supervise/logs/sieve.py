"""Finds the lines that a rule may treat differently from the default, without a look at each line.

The default is what becomes of a line that no rule matches. A line that a rule matches holds all
the words of its pattern, which are the parts between the stars. To search a block for a word
takes a fraction of the time of matching each of its lines. So where such lines are not very many,
all others cost next to nothing.

Lines that are found are told by *cuts*: where the first begins, where it ends, where the second
begins, and so on. A newline belongs to the line that it ends.
"""

from __future__ import annotations

from itertools import chain, repeat

from slashservice.supervise.logs.star import Star

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.logs.action_script import Rules


MOST_WORDS = 16
"""With more words than this, the sieve is not used."""

BATCHES_WITHOUT = 16
"""For so many batches the sieve is not tried again after there were too many suspects."""


class Finder:
    """Finds the lines that match a pattern, by its longest word, ``needle``.

    The needle begins with the newline ahead of the line if the word begins the line, and ends with
    a newline if it ends the line.
    """

    __slots__ = ("_first", "_lead", "_star", "needle")

    def __init__(self, pattern: bytes, by_fnmatch: bool) -> None:
        self._star = None if by_fnmatch else Star(pattern)
        self.needle = b""
        """Empty if there is no word."""
        if by_fnmatch:
            if b"[" in pattern or b"\\" in pattern:
                return
            pattern = pattern.replace(b"?", b"*")
        words = [b"\n" + pattern + b"\n"] if b"*" not in pattern else pattern.split(b"*")
        if len(words) > 1:
            words[0] = words[0] and b"\n" + words[0]
            words[-1] = words[-1] and words[-1] + b"\n"
        self.needle = max(words, key=len)
        self._lead = self.needle[:1] == b"\n"
        self._first = b""
        """If the pattern is one star and the word, all that decides: its first character."""
        if not by_fnmatch and len(words) < 4 and pattern[:1] == b"*" and self.needle == words[1]:
            self._first = self.needle[:1]

    @property
    def ends_lines(self) -> bool:
        """Whether the needle is the end of a line."""
        return self.needle[-1:] == b"\n"

    def matching(self, text: bytes, view: int, most: int) -> list[int] | None:
        """Return the lines of ``text`` that match; None if more than ``most`` have the word.

        A newline is ahead of each line, the first included. Of a line the first ``view``
        characters are seen.
        """
        if self._first and view >= len(text):
            return self._after_one_star(text, most)
        cuts = self.suspects(text, most)
        if cuts is None or self._star is None:
            return cuts
        matches = self._star.matches
        kept: list[int] = []
        for start, end in zip(cuts[::2], cuts[1::2], strict=True):
            if matches(text, start, min(end - 1, start + view)):
                kept += (start, end)
        return kept

    def _after_one_star(self, text: bytes, most: int) -> list[int] | None:
        """Do the same where the pattern is a star and the word, and all of each line is seen."""
        find, rfind, needle, first = text.find, text.rfind, self.needle, self._first
        cuts: list[int] = []
        add = cuts.append
        at = find(needle)
        for _ in repeat(None, most):
            if at < 0:
                return cuts
            start = rfind(b"\n", 0, at) + 1
            if find(first, start) == at:
                add(start)
                at = find(b"\n", at) + 1
                add(at)
            else:
                at = find(b"\n", at)
            at = find(needle, at)
        return None

    def suspects(self, text: bytes, most: int) -> list[int] | None:
        """Return the lines of ``text`` that have the word; None if they are more than ``most``."""
        find, rfind, needle, lead = text.find, text.rfind, self.needle, self._lead
        cuts: list[int] = []
        at = find(needle)
        for _ in repeat(None, most):
            if at < 0:
                return cuts
            at += lead
            cuts.append(rfind(b"\n", 0, at) + 1)
            at = find(b"\n", at)
            cuts.append(at + 1)
            at = find(needle, at)
        return None


class Sieve:
    """Selects lines by ``rules``, all behind the first of which may differ from ``default``."""

    __slots__ = ("_any_matches", "_default", "_finders", "_idle", "_needs_ends")

    def __init__(self, default: bool, rules: Rules, finders: list[Finder]) -> None:
        self._default = default
        self._finders = finders
        self._any_matches = not any(
            selects == default or by_fnmatch for selects, _, by_fnmatch in rules
        )
        """Whether a line is an exception as soon as one of the patterns matches."""
        self._needs_ends = any(finder.ends_lines for finder in finders)
        self._idle = 0

    def selected(
        self, text: bytes, decide: Callable[[bytes], bool], view: int, most: int
    ) -> list[int] | None:
        """Return what is selected of ``text``, as cuts; None if suspects are more than ``most``.

        A newline is ahead of each line of ``text``. ``decide`` tells from the first ``view``
        characters of a line whether it is selected.
        """
        if self._idle:
            self._idle -= 1
            return None
        if self._needs_ends and view < len(text):
            return None
        exceptions = self._exceptions(text, decide, view, most)
        if exceptions is None:
            self._idle = BATCHES_WITHOUT
            return None
        return [1, *exceptions, len(text)] if self._default else exceptions

    def cost(self, length: int) -> int:
        """Return what the search through so many bytes takes, as so many suspects would."""
        return length * len(self._finders) // 1000

    def _exceptions(
        self, text: bytes, decide: Callable[[bytes], bool], view: int, most: int
    ) -> list[int] | None:
        """Return the lines that are not treated as by default; None if suspects are too many."""
        found: list[int] = []
        for finder in self._finders:
            if self._any_matches:
                more = finder.matching(text, view, most)
            else:
                more = finder.suspects(text, most)
            if more is None:
                return None
            most -= len(more) // 2
            found += more
        if len(self._finders) > 1:
            ends = dict(zip(found[::2], found[1::2], strict=True))
            found = [*chain.from_iterable(sorted(ends.items()))]
        if self._any_matches:
            return found
        kept: list[int] = []
        for start, end in zip(found[::2], found[1::2], strict=True):
            if decide(text[start : end - 1][:view]) != self._default:
                kept += (start, end)
        return kept


def sieve(default: bool, rules: Rules) -> Sieve | None:
    """Return a sieve for the rules; None if there is nothing to search for.

    None of them matches every line.
    """
    finders = [
        Finder(pattern, by_fnmatch) for selects, pattern, by_fnmatch in rules if selects != default
    ]
    if not 0 < len(finders) <= MOST_WORDS or not all(finder.needle for finder in finders):
        return None
    return Sieve(default, rules, finders)
