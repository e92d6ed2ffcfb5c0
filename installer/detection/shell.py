"""Read a shell script as far as to tell which commands it runs: words, quotes, separators.

It is no shell. Branches are not decided: a command in any of them counts as one that is run.
What a variable is set to anywhere in the script is what it is everywhere; of those that the
script doesn't set, the name is left in place. Comments, here-documents, the patterns of a
``case`` and the names of functions are no commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from slashservice.installer.detection import values

SEPARATORS = (";;&", ";;", ";&", ";", "&&", "&", "||", "|&", "|", "(", ")", "\n")
REDIRECTIONS = ("<<<", "<<-", "<<", "<&", "<>", "<", "&>>", "&>", ">>", ">&", ">|", ">")
OPERATORS = tuple(sorted((*SEPARATORS, *REDIRECTIONS), key=len, reverse=True))
BLANKS = " \t"
NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
HERE = ("<<", "<<-")
NESTED = 20
"""Command substitutions inside each other are looked into no deeper than this."""

RESERVED = ("if", "then", "elif", "else", "while", "until", "do", "!", "{", "time")
"""Words that stand before a command."""

Variables = dict[str, str]


@dataclass(frozen=True)
class Token:
    """A word, or an operator; the lines that it begins and ends on, counted from 1."""

    text: str
    operator: bool = False
    first: int = 1
    last: int = 1
    quoted: bool = False


@dataclass(frozen=True)
class Simple:
    """A simple command: its words, redirections left out; its lines; where it runs.

    ``directory`` is what the script has last changed to, empty where it has not.
    ``redirections`` are operators with their files; with that of a here-document its text.
    There may be redirections alone, as behind the end of a loop.
    """

    words: tuple[str, ...]
    first: int = 1
    last: int = 1
    directory: str = ""
    redirections: tuple[tuple[str, str], ...] = ()


def commands(text: str, variables: Variables | None = None) -> list[Simple]:
    """Return the simple commands of a script; ``variables`` are filled with what it sets.

    A text that ends inside quotes is read once more, line by line.
    """
    known = {} if variables is None else variables
    for _ in range(2):  # the second time with what is set further down
        parser = _Parser(text, known)
        found = parser.commands()
        if parser.lexer.unfinished:
            found = [
                one
                for number, line in enumerate(text.split("\n"), 1)
                for one in _Parser(line, known, number).commands()
            ]
    return found


@dataclass
class _Lexer:
    """Cuts a text into words and operators."""

    text: str
    variables: Variables
    line: int = 1
    at: int = 0
    depth: int = 0
    unfinished: bool = False
    inner: list[Simple] = field(default_factory=list)
    waiting: list[tuple[str, bool, int]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def tokens(self) -> Iterator[Token]:
        """Yield the words and operators. What a variable holds is cut at its blanks."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in BLANKS:
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self._newline(2)
            elif char == "#":
                self._comment()
            elif char == "\r" and self.text[self.at + 1 : self.at + 2] in ("\n", ""):
                self.at += 1
            else:
                operator = next(
                    (one for one in OPERATORS if self.text.startswith(one, self.at)), ""
                )
                if operator:
                    yield Token(operator, True, self.line, self.line)
                    self.at += len(operator)
                    if operator in HERE:
                        self._here(operator)
                    if operator == "\n":
                        self.line += 1
                        self._skip_here()
                else:
                    yield from self._word()

    def _newline(self, length: int) -> None:
        self.at += length
        self.line += 1

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _here(self, operator: str) -> None:
        """Remember a here-document that begins on the next line."""
        found = re.compile(r"[ \t]*(\\?[\w.!+-]+|'[^'\n]*'|\"[^\"\n]*\")").match(self.text, self.at)
        self.bodies.append("")
        if found:
            end = found.group(1).strip("\\'\"")
            self.waiting.append((end, operator == "<<-", len(self.bodies) - 1))

    def _skip_here(self) -> None:
        """Pass over the here-documents that were begun on the line before."""
        for end, tabs, number in self.waiting:
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop].rstrip("\r")
                self.at = min(len(self.text), stop + 1)
                self.line += 1
                if (line.lstrip("\t") if tabs else line) == end:
                    break
                self.bodies[number] += line + "\n"
        self.waiting.clear()

    def _word(self) -> Iterator[Token]:
        """Yield the word that begins here: more than one if a variable holds several."""
        first, text, quoted, whole = self.line, "", False, False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in BLANKS or char == "\n" or char in ";&|()<>":
                break
            if char == "\\":
                if self.text.startswith("\\\n", self.at):
                    self._newline(2)
                    continue
                text += self.text[self.at + 1 : self.at + 2]
                self.at += 2
            elif char in "'\"":
                text += self._quoted(char)
                quoted = True
            elif char == "$" and self.text[self.at + 1 : self.at + 2] in ("'", '"'):
                self.at += 1
            elif char in "$`":
                value = self._expansion()
                parts = value.split()
                if value[:1].isspace() and text:
                    yield Token(text, False, first, self.line)
                    text = ""
                for part in parts[:-1]:
                    yield Token(text + part, False, first, self.line)
                    text = ""
                text += parts[-1] if parts else ""
                whole = whole or bool(parts)
                continue
            elif char == "\r" and self.text[self.at + 1 : self.at + 2] in ("\n", ""):
                self.at += 1
                continue
            else:
                text += char
                self.at += 1
            whole = True
        if whole:
            yield Token(text, False, first, self.line, quoted)

    def _quoted(self, quote: str) -> str:
        """Return what is in the quotes that begin here."""
        self.at += 1
        text = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                return text
            self.line += char == "\n"
            if quote == '"' and char in "$`":
                text += self._expansion()
                continue
            if quote == '"' and char == "\\":
                self.at += 1
                escaped = self.text[self.at : self.at + 1]
                self.line += escaped == "\n"
                text += escaped if escaped in '$`"\\' else "" if escaped == "\n" else char + escaped
            else:
                text += char
            self.at += 1
        self.unfinished = True
        return text

    def _expansion(self) -> str:
        """Return what the ``$`` or backquote here stands for: itself where that isn't known."""
        text, start = self.text, self.at
        if text[start] == "`":
            return self._substitution("`", 1)
        if text.startswith("$((", start):
            return self._substitution("))", 3, run=False)
        if text.startswith("$(", start):
            return self._substitution(")", 2)
        if text.startswith("${", start):
            end = values.closing(text, start + 2, "{", "}")
            self.at = end + 1
            self.line += text.count("\n", start, self.at)
            value = values.parameter(text[start + 2 : end], self.variables)
            return text[start : self.at] if value is None else value
        found = NAME.match(text, start + 1)
        self.at = found.end() if found else start + 1
        name = found.group() if found else ""
        return self.variables.get(name, text[start : self.at])

    def _substitution(self, end: str, length: int, run: bool = True) -> str:
        """Pass over a command substitution; what it runs is kept in ``inner``.

        What it stands for is returned where that is known, else its own text.
        """
        start = self.at
        if end == "`":
            stop = self.text.find("`", start + 1)
            stop = len(self.text) if stop < 0 else stop
        else:
            stop = values.closing(self.text, start + 2, "(", ")")
        body = self.text[start + length : stop]
        value = None
        if run and self.depth < NESTED:
            found = _Parser(body, self.variables, self.line, self.depth + 1).commands()
            self.inner += found
            if found and not found[-1].redirections:
                value = values.output([one.words for one in found], found[-1].directory)
        self.at = min(len(self.text), stop + 1)
        self.line += self.text.count("\n", start, self.at)
        return re.sub(r"\s+", "\x01", self.text[start : self.at]) if value is None else value


class _Parser:
    """Puts the words of a text together to simple commands."""

    def __init__(self, text: str, variables: Variables, line: int = 1, depth: int = 0) -> None:
        self.variables = variables
        self.lexer = _Lexer(text, variables, line, depth=depth)
        self.words: list[Token] = []
        self.redirections: list[tuple[str, str]] = []
        self.directory = ""
        self.outside: list[str] = []
        self.cases = 0
        self.pattern = False

    def commands(self) -> list[Simple]:
        """Return the simple commands."""
        found, bodies = list(self._simples()), self.lexer.bodies
        if not bodies:
            return found
        return [
            replace(
                one,
                redirections=tuple(
                    (operator, bodies[int(to)] if operator in HERE and to.isdigit() else to)
                    for operator, to in one.redirections
                ),
            )
            if one.redirections
            else one
            for one in found
        ]

    def _simples(self) -> Iterator[Simple]:
        """Yield the simple commands; a here-document is there by its number."""
        skip, before = "", Token("\n", True)
        for token in self.lexer.tokens():
            if token.operator and token.text in REDIRECTIONS:
                if self.words and self.words[-1].text.isdigit() and not before.operator:
                    self.words.pop()  # the number of the descriptor
                skip = token.text
            elif token.operator:
                skip = ""
                yield from self._separator(token.text, before)
            elif skip:
                to = str(len(self.lexer.bodies) - 1) if skip in HERE else token.text
                self.redirections.append((skip, to))
                skip = ""
            elif not (self.pattern and token.text != "esac"):
                self.words.append(token)
                if token.text in ("in", "esac"):
                    self._begin_case()
            before = token
        yield from self._end()

    def _separator(self, text: str, before: Token) -> Iterator[Simple]:
        """End a command, and keep account of brackets and of the patterns of ``case``."""
        if self.pattern:
            if text == ")":
                self.pattern = False
            if self.words and self.words[0].text == "esac":
                self.pattern = False
                self.cases -= 1
            if self.pattern or text == ")":
                self.words.clear()
                return
        if text == "(" and len(self.words) == 1 and before is self.words[0] and not before.quoted:
            self.words.clear()  # the name of a function
        yield from self._end()
        if text == "(":
            self.outside.append(self.directory)
        elif text == ")" and self.outside:
            self.directory = self.outside.pop()
        elif text.startswith((";;", ";&")) and self.cases:
            self.pattern = True

    def _begin_case(self) -> None:
        """Notice ``case WORD in``, behind which the first pattern is."""
        texts = [one.text for one in self.words if not one.quoted]
        while texts and texts[0] in RESERVED:
            texts.pop(0)
        if len(self.words) > 2 and texts[:1] == ["case"] and texts[-1:] == ["in"]:
            self.words.clear()
            self.cases += 1
            self.pattern = True
        elif texts == ["esac"]:
            self.cases = max(0, self.cases - 1)
            self.pattern = False

    def _end(self) -> Iterator[Simple]:
        """Yield the command whose words have come together, and what is substituted in them."""
        words, self.words = self.words, []
        redirections, self.redirections = tuple(self.redirections), []
        yield from self.lexer.inner
        self.lexer.inner.clear()
        while words and not words[0].quoted and words[0].text in RESERVED:
            words.pop(0)
        if words and words[0].text == "function":
            del words[:2]
            while words and words[0].text == "{":
                words.pop(0)
        if not words:
            if redirections:
                yield Simple((), self.lexer.line, self.lexer.line, self.directory, redirections)
            return
        first, last = words[0].first, words[-1].last
        texts = [one.text for one in words]
        if texts[0] in ("export", "local", "readonly", "declare", "typeset"):
            texts = [one for one in texts[1:] if ASSIGNMENT.fullmatch(one)]
        if texts[:1] in (["set"], ["setenv"]) and len(texts) == 3:
            self.variables.setdefault(texts[1], texts[2])  # csh
        if texts[:1] == [":"]:
            texts = []
        if texts and all(ASSIGNMENT.fullmatch(one) for one in texts):
            for one in texts:
                name, _, value = one.partition("=")
                if value or name not in self.variables:
                    self.variables[name] = value
            texts = []
        if texts[:1] == ["cd"] and len(texts) == 2:
            self.directory = _joined(self.directory, texts[1])
        if texts or redirections:
            yield Simple(tuple(texts), first, last, self.directory, redirections)


def _joined(directory: str, to: str) -> str:
    """Return where ``cd`` leads from a directory, empty where that is not known."""
    if to.startswith("/") or "$" in to:
        return to
    return f"{directory.rstrip('/')}/{to}" if directory else ""
