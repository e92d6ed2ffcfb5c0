r"""Which lines the rules of a selection choose: their patterns as one regular expression.

multilog's star is not a shell's. It takes everything up to the *first* occurrence of the
character behind it, and never reconsiders. Only a star at the end takes everything. So ``*x``
is ``[^x]*x``, which leaves a regular expression nothing to reconsider either.

The last rule that matches decides. A line that no rule matches is selected. The expression
begins with the last rule: ``+p`` gives ``(?:p|...)`` and ``-p`` gives ``(?!p)...``, where the
dots are the expression of the rules written ahead of it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.logs.action_script import Rules

    Match = Callable[[bytes], object]

    Pieces = list[bytes]

    Translate = Callable[[bytes], Pieces]


VIEW = 1000
"""Characters of a line that patterns, alerts and status files see, any time stamp included."""

DEEPEST = 40
"""How many changes between ``+`` and ``-`` one expression may have; it nests with each."""

EVERYTHING = b""
NOTHING = b"(?!)"

ANY_NUMBER = b"*+" if sys.version_info >= (3, 11) else b"*"
"""Of characters, without going back where the rest of a pattern fails."""


def essence(rules: Rules) -> tuple[bool, Rules]:
    """Return whether a line is selected that no rule matches, and the rules that change anything.

    The first of them that are left differ from that. None of them matches every line.
    """
    default = True
    kept: Rules = ()
    for selects, pattern, by_fnmatch in rules:
        if not pattern.strip(b"*") and (pattern == b"*" or (by_fnmatch and pattern)):
            default, kept = selects, ()
        elif (kept or selects != default) and (by_fnmatch or b"\n" not in pattern):
            kept += ((selects, pattern, by_fnmatch),)
    return default, kept


def matcher(rules: Rules, translate: Translate | None = None) -> Match | None:
    """Return a test for the view of a line, true if it is selected; None if every line is.

    ``translate`` is for patterns of another language.
    """
    runs: list[tuple[bool, list[Pieces]]] = []
    for selects, pattern, by_fnmatch in rules:
        if not runs or runs[-1][0] != selects:
            runs.append((selects, []))
        runs[-1][1].append(translate(pattern) if translate else _translate(pattern, by_fnmatch))
    if len(runs) > DEEPEST:
        return one_by_one(rules, translate)
    expression = EVERYTHING
    for selects, patterns in runs:
        expression = _decide(selects, _any_of(patterns), expression)
    if expression == EVERYTHING:
        return None
    if expression == NOTHING:
        return _never
    import re

    return re.compile(expression, re.DOTALL).match


def _any_of(patterns: list[Pieces]) -> bytes:
    """Return the expression for any of them. Their common beginning is tried only once."""
    first, last = min(patterns), max(patterns)
    common = 0
    while common < len(first) and first[common] == last[common]:
        common += 1
    beginning = b"".join(first[:common])
    rests = [b"".join(pattern[common:]) for pattern in patterns]
    return beginning if EVERYTHING in rests else b"%s(?:%s)" % (beginning, b"|".join(rests))


def _decide(selects: bool, matched: bytes, before: bytes) -> bytes:
    """Put rules of one kind, for what is ``matched``, in front of the rules ``before``."""
    if matched == EVERYTHING:
        return EVERYTHING if selects else NOTHING
    if not selects:
        if before in (EVERYTHING, NOTHING):
            return before or b"(?!%s)" % matched
        return b"(?=%s)(?!%s)" % (before, matched)  # test the rarer condition first
    if before == EVERYTHING:
        return EVERYTHING
    if before == NOTHING:
        return matched
    return b"(?:%s|%s)" % (matched, before)


def _never(line: bytes) -> bool:
    return False


def one_by_one(rules: Rules, translate: Translate | None = None) -> Match:
    """Return the same as :func:`matcher` does, trying one rule after the other."""
    import re

    tests = []
    for selects, pattern, by_fnmatch in reversed(rules):
        pieces = translate(pattern) if translate else _translate(pattern, by_fnmatch)
        tests.append((selects, re.compile(b"".join(pieces), re.DOTALL).match))

    def match(line: bytes) -> bool:
        for selects, test in tests:
            if test(line):
                return selects
        return True

    return match


def _translate(pattern: bytes, by_fnmatch: bool) -> Pieces:
    """Return the regular expression, to be matched at the start of the view, in pieces."""
    if by_fnmatch:
        from slashservice.supervise.logs.fnpattern import translate

        whole = translate(pattern)
        return [whole] if whole else []
    if pattern == b"*":
        return []
    import re

    pieces = []
    for at in range(len(pattern)):
        character = pattern[at : at + 1]
        behind = pattern[at + 1 : at + 2]
        if character != b"*":
            pieces.append(re.escape(character))
        elif not behind:
            return pieces
        elif behind == b"*":
            pieces.append(b"[^*]%s(?=\\*)" % ANY_NUMBER)
        else:
            pieces.append(b"[^%s]%s" % (re.escape(behind), ANY_NUMBER))
    return [*pieces, rb"\Z"]
