"""The words and operators of a shell script.

Only what sh, dash, bash and BusyBox read in the same way is taken. Anything else is
:class:`NotPlain`: functions, pipes, background commands, here-documents, arithmetic.

A word has *parts*. A text stands for itself. The value of a variable may be known. Any other part,
as ``$(pwd)`` or ``*``, is for a shell alone to find out; here it is only found where it ends.
"""

from __future__ import annotations

TEXT, VARIABLE, OTHER = "text", "variable", "other"
"""The kinds of parts."""

BLANK = b" \t"

ESCAPED = (b"$", b"`", b'"', b"\\", b"\n")
"""What a backslash between double quotes takes its meaning from."""

OPERATORS_BEGIN = b";&|<>()\n"

OPERATORS = (b"&&", b"||", b">>", b">|", b">&", b"<&", b"\n", b";", b">", b"<")

REFUSED = (b";;", b"<<", b"<>", b"&>", b">&-", b"<&-")
"""Operators that no plain script has, and beginnings of such."""

ENDS_WORD = b" \t\n;&|<>()"

FOR_A_SHELL = b"*?[~{}"
"""Characters that may mean something where they are not quoted."""

STEADY = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.,:+-@%="  # one word
)
"""Characters of a value that stays one word, the same, where it is put without quotes."""

LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
DIGITS = frozenset(b"0123456789")
IN_BRACES = STEADY | frozenset(b" #?*!")

HERE_ALONE = (b"_", b"PPID", b"IFS", b"LINENO", b"SHLVL", b"EPOCHREALTIME", b"BASH", b"FUNCNAME")
"""Variables that differ between the script and what we would run of it; some are mere trouble."""


class NotPlain(Exception):  # noqa: N818 - it is no error of anybody's
    """A shell would do more with the script than is looked into here."""


class Word:
    """One word: its ``raw`` bytes, from ``at`` on, and what they mean.

    A part is its kind, its bytes, and whether it is quoted.
    """

    __slots__ = ("at", "parts", "raw")

    def __init__(self, at: int, raw: bytes, parts: list[tuple[str, bytes, bool]]) -> None:
        self.at = at
        self.raw = raw
        self.parts = parts

    def value(
        self, variables: dict[bytes, bytes | None], is_assigned: bool = False
    ) -> bytes | None:
        """Return what a shell makes of it; None if only a shell can tell.

        A word that ``is_assigned`` is not split.
        """
        found = b""
        for kind, part, quoted in self.parts:
            known: bytes | None = part
            if kind == OTHER:
                return None
            if kind == VARIABLE:
                known = variables.get(part)
                if known is None:
                    return None
                if not (quoted or is_assigned or (known and STEADY.issuperset(known))):
                    return None
            found += known or b""
        return found

    @property
    def bare(self) -> bytes:
        """The word if nothing in it is quoted, and it is all text; else nothing."""
        if len(self.parts) == 1 and self.parts[0][0] == TEXT and not self.parts[0][2]:
            return self.parts[0][1]
        return b""

    def assignment(self) -> tuple[bytes, Word] | None:
        """Return the name and the value if the word assigns one to the other."""
        if not self.parts or self.parts[0][0] != TEXT or self.parts[0][2]:
            return None
        name, equals, rest = self.parts[0][1].partition(b"=")
        if not equals or not is_name(name):
            return None
        parts = [(TEXT, rest, False), *self.parts[1:]]
        return name, Word(self.at, self.raw, parts)


class Operator:
    """An operator at a place, for a redirection with the ``number`` before it, or nothing."""

    __slots__ = ("at", "number", "text")

    def __init__(self, at: int, text: bytes, number: bytes = b"") -> None:
        self.at = at
        self.text = text
        self.number = number


class Lexer:
    """Splits ``text`` into words and operators, from ``at`` up to ``end`` or its own end.

    ``assigned`` has the variables that expansions assign, ``used`` those that they need.
    """

    def __init__(self, text: bytes, at: int, end: bytes = b"") -> None:
        self.text = text
        self.at = at
        self.assigned: set[bytes] = set()
        self.used: set[bytes] = set()
        self._end = end
        self._ahead: Word | Operator | None = None

    def peek(self) -> Word | Operator | None:
        """Return what comes next; None at the end. Raises ``NotPlain``."""
        if self._ahead is None:
            self._ahead = self._next()
        return self._ahead

    def take(self) -> Word | Operator | None:
        """Return what comes next, and go on behind it. Raises ``NotPlain``."""
        token = self.peek()
        self._ahead = None
        return token

    def _next(self) -> Word | Operator | None:
        text = self.text
        while self.at < len(text):
            c = text[self.at : self.at + 1]
            if c == self._end:
                return None
            if c in BLANK:
                self.at += 1
            elif text.startswith(b"\\\n", self.at):
                self.at += 2
            elif c == b"#":
                line = text.find(b"\n", self.at)
                self.at = len(text) if line < 0 else line
            elif c in OPERATORS_BEGIN:
                return self._operator(b"")
            else:
                word = self._word()
                if text[self.at : self.at + 1] not in (b"<", b">"):
                    return word
                if word.raw[-1:] == b"}" or b"\\" in word.raw:
                    raise NotPlain
                if not word.raw.isdigit():
                    return word
                if len(word.raw) > 1:
                    raise NotPlain
                return self._operator(word.raw)
        if self._end:
            raise NotPlain
        return None

    def _operator(self, number: bytes) -> Operator:
        at, text = self.at, self.text
        if any(text.startswith(refused, at) for refused in REFUSED):
            raise NotPlain
        for operator in OPERATORS:
            if text.startswith(operator, at):
                self.at += len(operator)
                return Operator(at - len(number), operator, number)
        if text[at : at + 1] == b"|" and self._end:
            self.at += 1
            return Operator(at, b"|")
        raise NotPlain

    def _word(self) -> Word:
        start, text = self.at, self.text
        parts: list[tuple[str, bytes, bool]] = []
        while self.at < len(text):
            at = self.at
            c = text[at : at + 1]
            if c in ENDS_WORD:
                break
            if c == b"\\":
                if at + 1 == len(text):
                    raise NotPlain
                self.at += 2
                if text[at + 1 : at + 2] != b"\n":
                    _join(parts, TEXT, text[at + 1 : at + 2], True)
            elif c == b"'":
                self.at = _find(text, b"'", at + 1) + 1
                _join(parts, TEXT, text[at + 1 : self.at - 1], True)
            elif c == b'"':
                self._double_quoted(parts)
            elif c == b"$":
                parts.append(self._dollar(False))
            elif c == b"`":
                parts.append(self._backticks(False))
            else:
                if c == b"\r":
                    raise NotPlain
                self.at += 1
                _join(parts, OTHER if c in FOR_A_SHELL else TEXT, c, False)
        raw = text[start : self.at]
        if raw in (b"{", b"}", b"["):
            parts = [(TEXT, raw, False)]
        return Word(start, raw, parts)

    def _double_quoted(self, parts: list[tuple[str, bytes, bool]]) -> None:
        text = self.text
        self.at += 1
        parts.append((TEXT, b"", True))
        while True:
            at = self.at
            c = text[at : at + 1]
            if not c:
                raise NotPlain
            if c == b'"':
                self.at += 1
                return
            if c == b"$":
                parts.append(self._dollar(True))
            elif c == b"`":
                parts.append(self._backticks(True))
            elif c == b"\\" and text[at + 1 : at + 2] in ESCAPED:
                self.at += 2
                if text[at + 1 : at + 2] != b"\n":
                    _join(parts, TEXT, text[at + 1 : at + 2], True)
            else:
                self.at += 1
                _join(parts, TEXT, c, True)

    def _dollar(self, quoted: bool) -> tuple[str, bytes, bool]:
        start, text = self.at, self.text
        c = text[start + 1 : start + 2]
        if c and c[0] in LETTERS:
            end = start + 1
            while end < len(text) and text[end] in LETTERS | DIGITS:
                end += 1
            if text.startswith(b"\\\n", end):
                raise NotPlain  # the name goes on in the next line
            self.at = end
            return VARIABLE, self._checked(text[start + 1 : end]), quoted
        if c == b"{":
            self.at = _find(text, b"}", start) + 1
            return self._in_braces(text[start + 2 : self.at - 1], quoted)
        if c == b"(" and text[start + 2 : start + 3] != b"(":
            self.at = self._inner(text, start + 2, b")") + 1
        elif c and c in b"0123456789?#@*":
            if c in b"123456789":
                self.used.add(c)
            self.at = start + 2
        else:
            raise NotPlain
        return OTHER, text[start : self.at], quoted

    def _in_braces(self, inside: bytes, quoted: bool) -> tuple[str, bytes, bool]:
        """Take apart what is between braces."""
        if is_name(inside):
            return VARIABLE, self._checked(inside), quoted
        if not inside or not IN_BRACES.issuperset(inside) or inside[:1] in b"!-?":
            raise NotPlain
        end = 0
        while end < len(inside) and inside[end] in LETTERS | DIGITS:
            end += 1
        name, rest = inside[:end], inside[end:]
        is_safe = rest.lstrip(b":")[:1] in (b"-", b"=", b"+")
        if is_name(name):
            self._checked(name, not is_safe)
        elif not is_safe:
            self.used.add(inside)
        if rest.lstrip(b":")[:1] == b"=":
            if not is_name(name):
                raise NotPlain
            self.assigned.add(name)
        return OTHER, b"${" + inside + b"}", quoted

    def _checked(self, name: bytes, is_needed: bool = True) -> bytes:
        if name in HERE_ALONE or name.startswith(b"BASH"):
            raise NotPlain
        if is_needed:
            self.used.add(name)
        return name

    def _backticks(self, quoted: bool) -> tuple[str, bytes, bool]:
        start = self.at
        self.at = _find(self.text, b"`", start + 1) + 1
        inside = self.text[start + 1 : self.at - 1]
        if b"\\" in inside or (quoted and b'"' in inside):
            raise NotPlain
        self._inner(inside, 0, b"")
        return OTHER, self.text[start : self.at], quoted

    def _inner(self, text: bytes, at: int, end: bytes) -> int:
        """Look through the commands of a substitution; return where it ends."""
        inner = Lexer(text if end else text + b")", at, b")")
        while token := inner.take():
            if isinstance(token, Word) and token.bare in (b"case", b"esac", b"trap", b"exec"):
                raise NotPlain
            if isinstance(token, Operator) and token.text in (b">&", b"<&"):
                target = inner.peek()
                if not isinstance(target, Word) or not target.raw.isdigit():
                    raise NotPlain
        self.used |= inner.used
        if not end and inner.at != len(text):
            raise NotPlain
        return inner.at


def is_name(word: bytes) -> bool:
    """Tell whether a variable may have this name."""
    return bool(word) and word[0] in LETTERS and (LETTERS | DIGITS).issuperset(word)


def _find(text: bytes, character: bytes, at: int) -> int:
    found = text.find(character, at)
    if found < 0:
        raise NotPlain
    return found


def _join(parts: list[tuple[str, bytes, bool]], kind: str, more: bytes, quoted: bool) -> None:
    """Append to the last part, or begin another."""
    if parts and parts[-1][0] == kind and parts[-1][2] == quoted:
        more = parts.pop()[1] + more
    parts.append((kind, more, quoted))
