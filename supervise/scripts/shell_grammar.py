"""The grammar of shell scripts: lists of commands, ``if`` and braces.

What the commands mean is not looked at. Other compounds are :class:`NotPlain`.
"""

from __future__ import annotations

from slashservice.supervise.scripts.shell_words import Lexer, NotPlain, Operator, Word

RESERVED = frozenset(
    b"if then else elif fi for while until do done case esac in function select time coproc "
    b"{ } ! [[ ]]".split()
)

REPORT = b"9"
"""The descriptor by which the shell tells what it has come to."""


class Simple:
    """A command: its words, and its redirections with their words."""

    __slots__ = ("at", "redirections", "words")

    def __init__(self, at: int) -> None:
        self.at = at
        self.words: list[Word] = []
        self.redirections: list[tuple[bytes, bytes, Word]] = []

    @property
    def merges(self) -> bool:
        """Whether its one redirection is ``2>&1``."""
        found = [(number, text, word.raw) for number, text, word in self.redirections]
        return found == [(b"2", b">&", b"1")]


class Grammar:
    """Reads the commands of ``text`` from ``at`` on."""

    def __init__(self, text: bytes, at: int) -> None:
        self.lexer = Lexer(text, at)

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.lexer.peek() is None

    def skip_newlines(self) -> None:
        """Go on to the next line with a command."""
        while self.is_operator(b"\n"):
            self.lexer.take()

    def is_operator(self, *texts: bytes) -> bool:
        """Tell whether one of these operators comes next."""
        token = self.lexer.peek()
        return isinstance(token, Operator) and token.text in texts

    def _is_word(self, *words: bytes) -> bool:
        token = self.lexer.peek()
        return isinstance(token, Word) and bool(token.bare) and token.bare in words

    def end_of_list(self) -> None:
        """Go on behind what ends a list. Raises ``NotPlain`` if something else is there."""
        if self.lexer.peek() is not None:
            if not self.is_operator(b"\n", b";"):
                raise NotPlain
            self.lexer.take()

    def statement(self) -> tuple[list[Simple], list[bytes], bool]:
        """Read commands with ``&&`` and ``||`` between them; also whether any is a compound."""
        commands, is_compound = self._command()
        operators = []
        while self.is_operator(b"&&", b"||"):
            token = self.lexer.take()
            assert isinstance(token, Operator)
            operators.append(token.text)
            self.skip_newlines()
            more, compound = self._command()
            commands += more
            is_compound |= compound
        return commands, operators, is_compound

    def _command(self) -> tuple[list[Simple], bool]:
        if self._is_word(b"!"):
            self.lexer.take()
            return self._command()[0], True
        if self._is_word(b"{"):
            self.lexer.take()
            return self._until(b"}")[0], True
        if self._is_word(b"if"):
            self.lexer.take()
            commands, _ = self._until(b"then")
            while True:
                more, end = self._until(b"elif", b"else", b"fi")
                commands += more
                if end == b"fi":
                    return commands, True
                if end == b"elif":
                    commands += self._until(b"then")[0]
                else:
                    return commands + self._until(b"fi")[0], True
        return [self._simple()], False

    def _until(self, *ends: bytes) -> tuple[list[Simple], bytes]:
        """Read the lists of a compound; return their commands, and the word behind them."""
        commands: list[Simple] = []
        while True:
            self.skip_newlines()
            if commands and self._is_word(*ends):
                word = self.lexer.take()
                assert isinstance(word, Word)
                return commands, word.bare
            commands += self.statement()[0]
            if not self.is_operator(b"\n", b";"):
                raise NotPlain
            self.lexer.take()

    def _simple(self) -> Simple:
        token = self.lexer.peek()
        if token is None or self._is_word(*RESERVED):
            raise NotPlain
        simple = Simple(token.at)
        while token is not None:
            if isinstance(token, Word):
                simple.words.append(token)
            elif not self._is_redirection(token):
                break
            else:
                self.lexer.take()
                target = self.lexer.peek()
                if not isinstance(target, Word) or REPORT in (token.number, target.raw):
                    raise NotPlain
                if token.text in (b">&", b"<&") and not target.raw.isdigit():
                    raise NotPlain
                simple.redirections.append((token.number, token.text, target))
            self.lexer.take()
            token = self.lexer.peek()
        if not simple.words:
            raise NotPlain
        return simple

    @staticmethod
    def _is_redirection(token: Operator) -> bool:
        return token.text[:1] in (b"<", b">")
