"""Lines of shell: how words are written, and what a line is made of."""

from __future__ import annotations

import re
import shlex

KEYWORDS = frozenset(
    (
        *(
            "if",
            "then",
            "else",
            "elif",
            "fi",
            "for",
            "while",
            "until",
            "do",
            "done",
            "case",
            "esac",
        ),
        *("{", "}", "!", "function", "select", "time", "[[", ":", ".", "alias", "break", "cd"),
        *("command", "continue", "eval", "exec", "exit", "export", "read", "readonly", "return"),
        *("set", "shift", "source", "times", "trap", "ulimit", "umask", "unset", "wait"),
    )
)
"""Words at the beginning of a line that ``exec`` does not take."""

QUOTED = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\`$]|\\.|\$(?!\())*\"")
"""What has no operators in it: one character, or text in which no command stands."""

COMPOUND = re.compile(r"[;&|()`\n]|\$\(|<<")
"""What a command has that the shell itself must stay for."""

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(words: list[str] | tuple[str, ...]) -> str:
    """Return words as a shell takes them."""
    return " ".join(shlex.quote(word) for word in words)


def between_quotes(text: str) -> str:
    """Return text that may stand between double quotes, and is just itself there."""
    return re.sub(r'([\\"$`])', r"\\\1", text)


def words_of(line: str) -> list[str]:
    """Return the words of a line in which a shell would expand nothing; none if it would."""
    try:
        return shlex.split(line)
    except ValueError:
        return []


def program_of(line: str) -> str:
    """Return the program that a line of shell starts first; empty if that is not plain."""
    words = words_of(line)
    while words and (ASSIGNMENT.match(words[0]) or words[0] in ("exec", "env")):
        words.pop(0)
    if not words or words[0] in KEYWORDS or re.search(r"[$`*?\[~<>|&;()]", words[0]):
        return ""
    return words[0]


def replaced(line: str) -> tuple[str, bool]:
    """Return a line with ``exec`` before its command, and whether the shell goes for it.

    Then signals reach the program. A line of several commands stays as it is.
    """
    line = line.strip()
    words = words_of(line)
    if not words or COMPOUND.search(QUOTED.sub("", line).replace("2>&1", "")):
        return line, False
    if words[0] == "exec":
        return line, True
    if ASSIGNMENT.match(words[0]):
        rest = line
        given = []
        while found := re.match(r"(?:[A-Za-z_]\w*=(?:[^\s'\"\\]|'[^']*'|\"[^\"]*\")*)\s+", rest):
            given.append(found[0].strip())
            rest = rest[found.end() :]
        after = words_of(rest)
        if not after or after[0] in KEYWORDS or ASSIGNMENT.match(after[0]):
            return line, False
        return f"exec env {' '.join(given)} {rest}", True
    if words[0] in KEYWORDS:
        return line, False
    return f"exec {line}", True
