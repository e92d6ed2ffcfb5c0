"""What the words of a shell script stand for, as far as that is known without running it.

That is the value of a variable that the script sets, cut as ``${0##*/}`` cuts it, and what a
few commands print that only look at names, such as ``$(dirname "$0")``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

PARAMETER = re.compile(
    r"([A-Za-z_]\w*|[0-9@*])(?:\[[0-9@*]\])?(?:(:?[-=]|##|#|%%|%)(.*))?", re.DOTALL
)
NAMING = ("basename", "dirname", "readlink", "realpath", "which", "command")
"""Commands that print a path. Those in a substitution within a substitution stand before it."""

VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*|[0-9])\}?")


def parameter(inner: str, variables: Mapping[str, str]) -> str | None:
    """Return the value of ``${inner}``, ``None`` where it isn't known."""
    found = PARAMETER.fullmatch(inner)
    if not found:
        return None
    name, operator, word = found.groups()
    value = variables.get(name, "")
    if not operator:
        return value or None
    if operator[-1] in "-=":
        return value or _filled(word.strip("\"'"), variables) or None
    return _cut(value, operator, word) if value and "$" not in value else None


def _filled(word: str, variables: Mapping[str, str]) -> str:
    """Return a word with the variables in it that are known."""
    return VARIABLE.sub(lambda found: variables.get(found.group(1), found.group()), word)


def _cut(value: str, operator: str, pattern: str) -> str | None:
    """Take off what a pattern matches: a part of a path, or a plain ending."""
    if pattern in ("*/", "/*"):
        parts = {
            "##*/": value.rpartition("/")[2],
            "#*/": value.partition("/")[2],
            "%/*": value.rpartition("/")[0],
            "%%/*": value.partition("/")[0],
        }
        return parts.get(operator + pattern)
    if set(pattern) & set("*?[$"):
        return None
    return value.removesuffix(pattern) if "%" in operator else value.removeprefix(pattern)


def output(commands: Sequence[Sequence[str]], directory: str) -> str | None:
    """Return what commands print one after another, ``None`` where it isn't known.

    ``directory`` is where the last of them runs.
    """
    if not commands or not commands[-1]:
        return None
    *before, words = commands
    name = os.path.basename(words[0])
    told = [one for one in before if os.path.basename(one[0] if one else "") not in NAMING]
    if name == "pwd" and all(one[:1] == ("cd",) for one in told):
        return directory or None
    arguments = [word for word in words[1:] if not word.startswith("-")]
    if told or not arguments or any(set("$`\x01") & set(word) for word in words):
        return None
    if name == "basename":
        last = arguments[0].rstrip("/").rpartition("/")[2]
        return last.removesuffix(arguments[1]) if len(arguments) == 2 else last
    if name == "dirname":
        return os.path.dirname(arguments[0].rstrip("/")) or "."
    if name in ("readlink", "realpath", "which", "command"):
        return arguments[-1] if arguments[-1].startswith("/") else None
    if name == "printf":
        return " ".join(arguments[1:]) if arguments[0] in ("%s", r"%s\n") else None
    return " ".join(arguments) if name == "echo" else None


def closing(text: str, at: int, begin: str, end: str) -> int:
    """Return where the bracket that was opened before ``at`` is closed; quotes are respected."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == begin) - (char == end)
            if not depth:
                return at
        at += 1
    return len(text)
