"""What a run script starts, as far as its last ``exec`` tells in plain words.

That is guessed for somebody who asks why a service does not work. What a shell would have to expand
is passed over.
"""

from __future__ import annotations

import os
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
        self.folders: list[str] = []
        self.program = ""
        """What it becomes, as it stands there; empty if that is not plain."""
        self._walk(_last_exec(self.text))

    @property
    def first_line(self) -> bytes:
        """The line that names the interpreter."""
        return self.text.partition(b"\n")[0]

    @property
    def interpreter(self) -> list[str]:
        """The words behind ``#!``, without a carriage return; none if it has no such line."""
        line = self.first_line
        return [os.fsdecode(word) for word in line[2:].split()] if line[:2] == b"#!" else []

    def _walk(self, words: list[str]) -> None:
        """Find out what the words come to, one command after another."""
        while words and os.path.basename(words[0]) in VALUES:
            name = os.path.basename(words.pop(0))
            values = WITH_VALUE.get(name, "")
            while words and (_is_option(words[0]) or (name == "env" and "=" in words[0])):
                option = words.pop(0)
                takes = len(option) == 2 and option[1] in values
                value = words.pop(0) if takes and words else option[2:]
                if name == "chpst" and option[1] in "uU":
                    self.accounts.append(value.partition(":")[0])
                elif name == "chpst" and option[1] == "e":
                    self.folders.append(value)
            for _ in range(VALUES[name]):
                value = words.pop(0) if words else ""
                if name in ACCOUNTS:
                    self.accounts.append(value)
                elif name in FOLDERS:
                    self.folders.append(value)
        self.accounts = [one for one in self.accounts if _is_plain(one)]
        self.folders = [one for one in self.folders if _is_plain(one)]
        self.program = words[0] if words and _is_plain(words[0]) else ""


def _is_option(word: str) -> bool:
    return len(word) > 1 and word[0] == "-"


def _is_plain(word: str) -> bool:
    return bool(word) and not EXPANDED & set(word)


def _last_exec(text: bytes) -> list[str]:
    """Return the words of the last line that begins with ``exec`` and names a command."""
    found: list[str] = []
    for line in text.replace(b"\\\n", b" ").decode("utf-8", "surrogateescape").splitlines():
        if not line.lstrip().startswith("exec "):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)[1:]
        except ValueError:
            continue
        words = words[: next((at for at, word in enumerate(words) if word in ENDS), len(words))]
        words = _without_redirections(words)
        if words:
            found = words
    return found


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
