"""Shell scripts that prepare something, and then exec a logger.

Lines that only a shell can do are left to one: it is given the script up to the last command, and
tells at the end what the words of that are (``Plain.before``). So nothing of ``mkdir`` or ``chown``
is done again here. What we have to be sure of is that no such line changes what the logger
inherits, beside what we see: the working directory, variables, and where complaints go.
"""

from __future__ import annotations

import os

from slashservice.supervise.scripts import log_command
from slashservice.supervise.scripts.shell_grammar import REPORT, Grammar, Simple
from slashservice.supervise.scripts.shell_words import NotPlain, Word, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.scripts.plain import Plain

PROGRAMS = frozenset(
    b"mkdir chown chgrp chmod install touch ln rm rmdir mv cp test [ : true false echo printf "
    b"restorecon chcon setfacl mkfifo mknod sleep logger id getent date basename dirname "
    b"readlink mountpoint chattr stat pwd hostname uname which find cat".split()
)
"""Programs that change nothing of the shell, by which they are run or which they are part of."""

FLAGS = frozenset(b"euf")
"""Flags of ``set`` that say what is to end the script; and that names are no patterns."""

OPTIONS = (b"errexit", b"nounset", b"noglob")
"""The same, behind ``-o``."""

NOT_ASSIGNED = (
    *(b"IFS", b"PWD", b"OLDPWD", b"PPID", b"UID", b"EUID", b"GROUPS", b"ENV", b"LANG", b"OPTIND"),
    *(b"SHELLOPTS", b"BASHOPTS", b"POSIXLY_CORRECT", b"GLOBIGNORE", b"DIRSTACK", b"RANDOM"),
    *(b"SECONDS", b"CDPATH", b"HOSTNAME", b"TMPDIR", b"TZ", b"EXECIGNORE", b"FIGNORE", b"SRANDOM"),
)
"""Variables that mean something to a shell, or can't be assigned."""


class ShellScript:
    """Reads a script from ``at`` on, command after command, until it ends by ``exec``.

    ``insists`` tells that ``set -u`` is in force from the beginning.
    """

    def __init__(self, text: bytes, at: int, insists: bool) -> None:
        self._text = text
        self._insists = insists
        """Whether a variable has to have a value before it is used."""
        self._grammar = Grammar(text, at)
        self._lexer = self._grammar.lexer
        self._variables: dict[bytes, bytes | None] = {}
        self._set: set[bytes] = set()
        self._certain: set[bytes] = set()
        """Variables that have a value in any case."""
        self._exported: set[bytes] = set()
        self._made: list[bytes] = []
        self._merged = self._is_needed = self._moves = False
        self._may_run = True
        self._umask: int | None = None

    def read(self) -> Plain | None:
        """Return what the script comes to; None if its command is not plain.

        Raises ``NotPlain``.
        """
        while True:
            self._grammar.skip_newlines()
            if self._grammar.is_at_end:
                raise NotPlain
            commands, operators, is_compound = self._grammar.statement()
            self._insist_on_used()
            if len(commands) == 1 and not is_compound:
                simple = commands[0]
                if self._starts(simple, b"exec") and len(simple.words) > 1:
                    return self._last(simple)
                self._line(simple)
            elif not self._is_condition(commands, operators, is_compound):
                for simple in commands:
                    self._step(simple)
            self._take_assigned()
            self._grammar.end_of_list()

    def _value(self, word: Word) -> bytes | None:
        return word.value(self._variables)

    def _starts(self, simple: Simple, name: bytes) -> bool:
        return simple.words[0].bare == name

    def _line(self, simple: Simple) -> None:
        """A command that is always done, and alone in its line."""
        name = simple.words[0].bare
        if simple.words[0].assignment():
            self._assign(simple.words, simple)
            self._certain |= {found[0] for word in simple.words if (found := word.assignment())}
        elif name == b"exec":
            if not simple.merges:
                raise NotPlain
            self._merged = True
        elif name == b"export":
            self._export(simple)
        elif name == b"set":
            self._options(simple)
        elif name == b"umask":
            self._mask(simple)
        else:
            made = self._directories(simple)
            if not made:
                self._step(simple)
            self._made += made

    def _step(self, simple: Simple) -> None:
        """A command that a shell has to do, or that depends on another one."""
        self._is_needed = True
        first = simple.words[0]
        if first.assignment():
            self._assign(simple.words, simple)
            for word in simple.words:
                found = word.assignment()
                if found:
                    self._variables[found[0]] = None
            return
        name = self._value(first)
        if name == b"cd":
            self._moves = True
        elif name != b"exit" and not self._is_harmless(name):
            raise NotPlain

    @staticmethod
    def _is_harmless(name: bytes | None) -> bool:
        return name is not None and os.path.basename(name) in PROGRAMS

    def _assign(self, words: list[Word], simple: Simple) -> None:
        if simple.redirections:
            raise NotPlain
        for word in words:
            found = word.assignment()
            if not found:
                raise NotPlain
            name, what = found
            self._may_be_assigned(name)
            value = what.value(self._variables, True)
            if value is None:
                self._is_needed = True
            self._variables[name] = value

    def _may_be_assigned(self, name: bytes) -> None:
        if name in NOT_ASSIGNED or name.startswith((b"BASH", b"LC_", b"_")):
            raise NotPlain
        self._set.add(name)

    def _insist_on_used(self) -> None:
        """Raise ``NotPlain`` where the lack of a variable may be the end.

        The status that bash ends with is another one for ``bash -c``.
        """
        if self._insists and not self._lexer.used <= self._certain:
            raise NotPlain
        self._lexer.used.clear()

    def _take_assigned(self) -> None:
        """Take note of what expansions may have assigned."""
        for name in self._lexer.assigned:
            self._may_be_assigned(name)
            self._variables[name] = None
            self._is_needed = True

    def _export(self, simple: Simple) -> None:
        if simple.redirections or len(simple.words) == 1:
            raise NotPlain
        for word in simple.words[1:]:
            found = word.assignment()
            if found:
                # Some shells split the value into words here.
                if found[1].value(self._variables) is None:
                    raise NotPlain
                self._assign([word], simple)
                self._exported.add(found[0])
            elif is_name(word.bare):
                self._may_be_assigned(word.bare)
                self._exported.add(word.bare)
            else:
                raise NotPlain

    def _options(self, simple: Simple) -> None:
        """``set``: only what has the script end early."""
        words = [word.bare for word in simple.words[1:]]
        if simple.redirections or not words:
            raise NotPlain
        while words:
            word = words.pop(0)
            if word[:1] not in (b"-", b"+") or len(word) < 2:
                raise NotPlain
            flags, option = word[1:], b""
            if flags[-1:] == b"o":
                flags = flags[:-1]
                option = words.pop(0) if words else b""
                if option == b"pipefail":
                    self._is_needed = True  # not every shell has it
                elif option not in OPTIONS:
                    raise NotPlain
            if not FLAGS.issuperset(flags):
                raise NotPlain
            self._insists |= b"u" in flags or option == b"nounset"

    def _mask(self, simple: Simple) -> None:
        mask = self._value(simple.words[1]) if len(simple.words) == 2 else None
        if simple.redirections or not mask or len(mask) > 4 or not set(mask) <= set(b"01234567"):
            raise NotPlain
        self._umask = int(mask, 8) & 0o777

    def _directories(self, simple: Simple) -> list[bytes]:
        """Return what ``mkdir -p`` makes, if the command is that and nothing else."""
        words = [self._value(word) for word in simple.words]
        if words[:2] != [b"mkdir", b"-p"] or len(words) == 2:
            return []
        found = [word for word in words[2:] if word and word[:1] != b"-"]
        is_all = len(found) == len(words) - 2 and self._goes_nowhere(simple)
        return found if is_all else []

    @staticmethod
    def _goes_nowhere(simple: Simple) -> bool:
        """Whether the redirections can do no harm."""
        targets = [(text, word.raw) for _, text, word in simple.redirections]
        return all(one in ((b">", b"/dev/null"), (b">&", b"1"), (b">&", b"2")) for one in targets)

    def _is_condition(
        self, commands: list[Simple], operators: list[bytes], is_compound: bool
    ) -> bool:
        """Take note of ``[ -d DIRECTORY ] || COMMAND``; tell whether it is that."""
        if is_compound or operators != [b"||"] or commands[0].redirections:
            return False
        words = [self._value(word) for word in commands[0].words]
        if words[:1] == [b"["] and words[-1:] == [b"]"]:
            words = [b"test", *words[1:-1]]
        if len(words) != 3 or words[:2] != [b"test", b"-d"] or not words[2]:
            return False
        self._made.append(words[2])
        name = self._value(commands[1].words[0])
        if commands[1].words[0].assignment() or name == b"cd":
            raise NotPlain
        self._may_run &= name == b"exit" or self._is_harmless(name)
        return True

    def _last(self, simple: Simple) -> Plain | None:
        """The command that the script becomes."""
        if not (self._grammar.is_at_end or self._grammar.is_operator(b"\n")):
            raise NotPlain
        if simple.redirections and not simple.merges:
            raise NotPlain
        words = simple.words[1:]
        plain, actions_at = log_command.parse([self._value(word) for word in words])
        self._take_assigned()
        if plain is None:
            return None
        plain.merged = self._merged or simple.merges
        plain.made = self._made
        plain.moves = self._moves
        plain.is_needed = self._is_needed or plain.actions is None
        plain.assigned, plain.exported = self._set, self._exported
        plain.path = self._variables.get(b"PATH")
        plain.umask = self._umask
        if b"PATH" in self._set and plain.path is None:
            return None
        if self._may_run and (self._made or plain.is_needed):
            plain.before = self._before(simple, simple.words[actions_at:])
        elif plain.is_needed:
            return None
        return plain

    def _before(self, simple: Simple, words: list[Word]) -> bytes:
        """Make what a shell has to do before the command, and what tells that it is done.

        The directory comes last: what finds it out would change ``$?`` for the actions. They
        stay on their lines, whose numbers a shell has in its complaints.
        """
        where = b'"$(pwd -P && echo .)"' if self._moves else b'""'
        telling = [self._text[: simple.at] + b"printf"]
        at = simple.at
        # ``words`` begins with the last one of the logger, in whose place the format stands.
        said = [b"'%s\\0'", *(action.raw for action in words[1:])]
        for word, told in zip(words, said, strict=True):
            telling.append(b"\\\n" * self._text.count(b"\n", at, word.at) + told)
            at = word.at + len(word.raw)
        return b" ".join([*telling, where, b">&" + REPORT]) + b"\n"
