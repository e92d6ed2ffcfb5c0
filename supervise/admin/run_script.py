"""What a run script starts, as far as its ``exec`` tells in plain words.

That is for somebody who asks why a service does not work, and a wrong answer is worse than none. So
nothing is said of a script that has more than one ``exec``, or none as its last command; nor of one
that changes its directory or PATH, or reads another; nor of what a shell would have to expand.
"""

from __future__ import annotations

import os
import re
import shlex

LONGEST = 65536

VALUES = {
    "setuidgid": 1,
    "s6-setuidgid": 1,
    "envuidgid": 1,
    "s6-envuidgid": 1,
    "envdir": 1,
    "s6-envdir": 1,
    "setlock": 1,
    "s6-setlock": 1,
    "pgrphack": 0,
    "fghack": 0,
    "softlimit": 0,
    "chpst": 0,
    "nice": 0,
    "ionice": 0,
    "nohup": 0,
    "env": 0,
    "exec": 0,
    "command": 0,
}
"""Commands that become another program, and how many words they take before it, with no dash."""

ACCOUNTS = {"setuidgid", "s6-setuidgid", "envuidgid", "s6-envuidgid"}
FOLDERS = {"envdir", "s6-envdir"}

WITH_VALUE = {
    "chpst": "uUbe/nlLmdopfcrtC",
    "softlimit": "acdflmoprst",
    "nice": "n",
    "ionice": "cnp",
    "env": "uC",
    "setlock": "",
}
"""Options of these that take the next word for their value, if nothing is behind them."""

UNCLEAR = re.compile(rb"^\s*(?:cd|chdir|pushd|source)\b|\bPATH=|^\s*\.\s", re.MULTILINE)
"""What makes it unclear where, on which PATH, or whether a command is run."""

PIECES = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?<![^\s;&|()])#[^\n]*|[^'"\\#\n]+|.""", re.DOTALL
)
"""Of a script: words in quotes, characters behind a backslash, comments, and what is between."""

BEFORE_A_COMMENT = ("", " ", "\t", ";", "&", "|", "(", ")")

SHELLS = ("sh", "ash", "dash", "bash", "ksh", "mksh", "zsh")

MOVES = {"chpst": "C/", "env": "C"}
"""Options of these that make it unclear where, and on which PATH, the program is looked for."""

EXPANDED = frozenset("$`*?[~")
ENDS = frozenset((";", "&&", "||", "|", "&"))


class RunScript:
    """The script in the file ``path``: ``error`` tells why it can't be read.

    Its ``text`` may be known already.
    """

    def __init__(self, path: str, text: bytes | None = None) -> None:
        self.path = path
        self.error: OSError | None = None
        self.text = text or b""
        try:
            if text is None:
                with open(path, "rb", buffering=0) as file:
                    self.text = file.read(LONGEST)
        except OSError as error:
            self.error = error
        self.accounts: list[str] = []
        self.groups: list[str] = []
        self.folders: list[str] = []
        self.program = ""
        """What it becomes, as it stands there; empty if that is not plain."""
        if self.shell:
            self._walk(_only_exec(self.text))

    @property
    def first_line(self) -> bytes:
        """The line that names the interpreter."""
        return self.text.partition(b"\n")[0]

    @property
    def interpreter(self) -> list[str]:
        """The words behind ``#!``, without a carriage return; none if it has no such line."""
        line = self.first_line
        return [os.fsdecode(word) for word in line[2:].split()] if line[:2] == b"#!" else []

    @property
    def shell(self) -> str:
        """The name of the shell that it is for; empty if it is for none."""
        names = [os.path.basename(word) for word in self.interpreter if word[0] not in "-"]
        name = names[1] if names[:1] == ["env"] and len(names) > 1 else names[0] if names else ""
        return name if name in SHELLS else ""

    def _walk(self, words: list[str]) -> None:
        """Find out what the words come to, one command after another."""
        if words and _is_option(words[0]):
            return  # of exec itself: what it starts is called otherwise
        while words and os.path.basename(words[0]) in VALUES:
            name = os.path.basename(words.pop(0))
            values = WITH_VALUE.get(name, "")
            while words and (_is_option(words[0]) or (name == "env" and "=" in words[0])):
                option = words.pop(0)
                if name in ("exec", "command") or _moves(name, option):
                    self.folders = []
                    return
                takes = len(option) == 2 and option[1] in values
                value = words.pop(0) if takes and words else option[2:]
                if name == "chpst" and option[1] in "uU":
                    account, *groups = value.split(":")
                    self.accounts.append(account)
                    self.groups += groups if account else []
                elif name == "chpst" and option[1] == "e":
                    self.folders.append(value)
            for _ in range(VALUES[name]):
                value = words.pop(0) if words else ""
                if name in ACCOUNTS:
                    self.accounts.append(value)
                elif name in FOLDERS:
                    self.folders.append(value)
        self.accounts = [one for one in self.accounts if _is_plain(one)]
        self.groups = [one for one in self.groups if _is_plain(one)]
        self.folders = [one for one in self.folders if _is_plain(one)]
        self.program = words[0] if words and _is_plain(words[0]) else ""


def _moves(name: str, option: str) -> bool:
    """Tell whether an option has what follows looked for elsewhere."""
    if name == "env" and (option == "-" or option.startswith(("-i", "--", "PATH="))):
        return True
    return option[:1] == "-" and option[1:2] in tuple(MOVES.get(name, ""))


def _is_option(word: str) -> bool:
    return word[:1] == "-"


def _is_plain(word: str) -> bool:
    return bool(word) and not EXPANDED & set(word)


def _only_exec(text: bytes) -> list[str]:
    """Return the words behind ``exec`` in the last command of a script; none if that is unclear."""
    if UNCLEAR.search(text) or b"<<" in text:
        return []
    lines = [line for line in _lines(text.decode("utf-8", "surrogateescape")) if line.strip()]
    if not lines:
        return []
    commands = [words for line in lines if (words := _words(line))]
    return commands[0] if len(commands) == 1 and _words(lines[-1]) else []


def _lines(text: str) -> list[str]:
    """Return the lines of a script as a shell has them, without comments; none if that is unclear.

    A newline between quotes is a part of a word.
    """
    lines = [""]
    for piece in PIECES.findall(text):
        if piece == "\n":
            lines.append("")
        elif piece in ("'", '"'):
            return []  # it has no end
        elif (piece != "\\\n" and piece[0] != "#") or (
            piece == "#" and lines[-1][-1:] not in BEFORE_A_COMMENT
        ):
            lines[-1] += piece
    return lines


def _words(line: str) -> list[str]:
    """Return the words of the command that a line has executed; none if there is none."""
    if not re.match(r"exec\s", line):
        # One that stands behind something else may not be reached.
        return ["?$"] if re.search(r"\bexec\s+[^\s\d<>&]", line) else []
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)[1:]
    except ValueError:
        return ["?$"]
    words = words[: next((at for at, word in enumerate(words) if word in ENDS), len(words))]
    return _without_redirections(words)


def _without_redirections(words: list[str]) -> list[str]:
    """Take out each redirection: the number before it, and where it leads."""
    kept: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not {"<", ">"} & set(word):
            kept.append(word)
            continue
        if kept and kept[-1].isdigit():
            kept.pop()
        if left:
            left.pop(0)
    return kept
