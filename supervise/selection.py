r"""Which lines are selected: patterns as one regular expression for ``filter``.

multilog's star is no shell star: it takes everything up to the *first* occurrence of the
character behind it, and never reconsiders; only a star at the end takes everything. So
``*x`` is ``[^x]*x``, in which a regular expression finds nothing to reconsider either.

The last rule that matches decides, and a line that none matches is selected. Read from the
last rule backwards that is one expression: ``+p`` is ``(?:p|...)`` and ``-p`` is
``(?!p)...``, where the dots are the rules before it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.action_script import Rules

    Match = Callable[[bytes], object]


VIEW = 1000
"""Characters of a line that patterns, alerts and status files see, any time stamp included."""

DEEPEST = 40
"""Changes between ``+`` and ``-`` that go into one expression, which nests with each."""

EVERYTHING = b""
NOTHING = b"(?!)"


def matcher(rules: Rules) -> Match | None:
    """Return what tells whether the view of a line is selected; None if every line is."""
    runs: list[tuple[bool, list[bytes]]] = []
    for selects, pattern, by_fnmatch in rules:
        if not runs or runs[-1][0] != selects:
            runs.append((selects, []))
        runs[-1][1].append(_translate(pattern, by_fnmatch))
    if len(runs) > DEEPEST:
        return one_by_one(rules)
    expression = EVERYTHING
    for selects, patterns in runs:
        expression = _decide(selects, patterns, expression)
    if expression == EVERYTHING:
        return None
    if expression == NOTHING:
        return _never
    import re

    return re.compile(expression, re.DOTALL).match


def _decide(selects: bool, patterns: list[bytes], before: bytes) -> bytes:
    """Put rules of one kind in front of the expression ``before``, of the rules before them."""
    if EVERYTHING in patterns:
        return EVERYTHING if selects else NOTHING
    any_of_them = b"|".join(patterns)
    if not selects:
        return before if before == NOTHING else b"(?!%s)%s" % (any_of_them, before)
    if before == EVERYTHING:
        return EVERYTHING
    if before == NOTHING:
        return b"(?:%s)" % any_of_them
    return b"(?:%s|%s)" % (any_of_them, before)


def _never(line: bytes) -> bool:
    return False


def one_by_one(rules: Rules) -> Match:
    """Return the same as :func:`matcher` does, trying one rule after the other."""
    import re

    tests = [
        (selects, re.compile(_translate(pattern, by_fnmatch), re.DOTALL).match)
        for selects, pattern, by_fnmatch in reversed(rules)
    ]

    def match(line: bytes) -> bool:
        for selects, test in tests:
            if test(line):
                return selects
        return True

    return match


def _translate(pattern: bytes, by_fnmatch: bool) -> bytes:
    """Return the regular expression, to be matched at the start of the view."""
    if by_fnmatch:
        from slashservice.supervise.fnpattern import translate

        return translate(pattern)
    if pattern == b"*":
        return EVERYTHING
    import re

    pieces = []
    for at in range(len(pattern)):
        character = pattern[at : at + 1]
        behind = pattern[at + 1 : at + 2]
        if character != b"*":
            pieces.append(re.escape(character))
        elif not behind:
            return b"".join(pieces)
        elif behind == b"*":
            pieces.append(rb"[^*]*(?=\*)")
        else:
            pieces.append(b"[^%s]*" % re.escape(behind))
    return b"".join(pieces) + rb"\Z"
