r"""Recognise run scripts that only exec multilog, so that a log host can run them itself.

A script is *plain* if it is a shell script (``#!/bin/sh`` and its like, without options) of
blank lines, comments, and one command

    exec [setuidgid ACCOUNT] multilog ACTION...

in plain words: characters as they stand, or quoted by ``'...'``, ``"..."`` or a backslash.
A backslash at the end of a line joins it to the next. There must be nothing that a shell would
expand, no pipe and no second command. One redirection may be there, as most scripts have it:
``exec 2>&1`` in a line of its own, or before the command and a semicolon; or ``2>&1`` as a word of
the command. It sends the complaints of multilog to its standard output.
``multilog`` and ``setuidgid`` must be ours: named by the path of our launcher, or found by the
PATH as such. The caller finds that out. A script that names /usr/bin/multilog runs that very
program.

Lines that make a directory where it is missing may come first, as ``slashservice add`` writes them:

    [ -d /DIRECTORY ] || COMMAND...

Such a script is plain as long as the directory is there, since the line does nothing then. The
caller has to find that out, too.

Any other script is run as it is written. That goes for other lines with ``mkdir`` and ``chown``
too: what they do depends on more than the script. To have a plain script run as written, leave out
``exec``.
"""

from __future__ import annotations

import os

LONGEST = 8192
"""Bytes of a script; a longer one is not plain."""

SHELLS = (b"/bin/sh", b"/bin/dash", b"/bin/bash", b"/bin/ash", b"/usr/bin/sh", b"/usr/bin/bash")

SPECIAL = b"*?[]$`&;|<>(){}#~\n\r"
"""Characters that a bare word may not hold, as they mean something to a shell."""

SPECIAL_QUOTED = b"$`\\"
"""Characters that may not be between double quotes."""

MERGE = b"2>&1"
"""The redirection that may be there, as a word."""

UNLESS_THERE = (b"[ -d ", b" ] || ")
"""What is before and behind the directory in a line that makes it where it is missing."""


class Plain:
    """The content of a plain script: multilog with ``actions``, as ``account`` unless None.

    ``programs`` has the words that name setuidgid and multilog, by command. ``merged`` tells that
    complaints go where standard output goes. The script would make the directories ``made`` if
    they were not there.
    """

    __slots__ = ("account", "actions", "made", "merged", "programs")

    def __init__(
        self,
        account: bytes | None,
        actions: list[bytes],
        programs: dict[str, bytes],
        merged: bool = False,
        made: list[bytes] | None = None,
    ) -> None:
        self.account = account
        self.actions = actions
        self.made = made or []
        self.programs = programs
        self.merged = merged


def parse(text: bytes) -> Plain | None:
    """Return the content of the script ``text``; None if it is not plain."""
    first, _, rest = text.partition(b"\n")
    if len(text) > LONGEST or b"\0" in text or not _is_shell(first):
        return None
    merged = False
    made = []
    command: list[bytes] = []
    for line in commands(rest):
        directory = unless_there(line)
        if directory and not command:
            made.append(directory)
            continue
        found = words(line)
        if not found or command:
            return None
        merged |= None in found
        command = [word for word in found if word is not None]
        if command[:1] != [b"exec"] or len(found) == 1:
            return None
        del command[0]
    account = None
    programs = {}
    if len(command) > 2 and os.path.basename(command[0]) == b"setuidgid":
        programs["setuidgid"], account, *command = command
    if not command or os.path.basename(command[0]) != b"multilog":
        return None
    programs["multilog"], *actions = command
    return Plain(account, actions, programs, merged, made)


def unless_there(line: bytes) -> bytes:
    """Return the directory that a line makes where it is missing; empty if it is no such line."""
    before, behind = UNLESS_THERE
    test, found, command = line.partition(behind)
    directory = words(test[len(before) :]) if test.startswith(before) else None
    if not found or not words(command) or not directory or len(directory) > 1:
        return b""
    path = directory[0] or b""
    return path if path[:1] == b"/" else b""


def commands(text: bytes) -> list[bytes]:
    """Return the lines with commands. What follows ``exec 2>&1;`` is a line of its own.

    Lines are joined where a shell joins them. After a single quote a backslash may be a mere
    character. Such a line is left as it is, and is no plain one for its last backslash.
    """
    found = []
    joined = b""
    for line in text.split(b"\n"):
        line = joined + line if joined else line.lstrip(b" \t")
        joined = b""
        backslashes = len(line) - len(line.rstrip(b"\\"))
        if line[:1] == b"#" or not line.strip(b" \t"):
            continue
        if backslashes % 2 and b"'" not in line:
            joined = line[:-1]
            continue
        start, semicolon, rest = line.partition(b";")
        if semicolon and words(start) == [b"exec", None]:
            found.append(start)
            line = rest.strip(b" \t")
        if line:
            found.append(line)
    return [*found, joined + b"\\"] if joined else found


def _is_shell(first: bytes) -> bool:
    """Tell whether a ``#!`` line names a plain shell."""
    if first[:2] != b"#!":
        return False
    parts = first[2:].split()
    return len(parts) == 1 and parts[0] in SHELLS


def words(line: bytes) -> list[bytes | None] | None:
    """Split a line into words as a shell does; None if a shell would do more than that.

    A None among the words stands for ``2>&1``.
    """
    found: list[bytes | None] = []
    word: bytes | None = None
    at = 0
    while at < len(line):
        c = line[at : at + 1]
        at += 1
        if c in b" \t":
            if word is not None:
                found.append(word)
            word = None
            continue
        if word is None and line[at - 1 : at + 4].rstrip(b" \t") == MERGE:
            found.append(None)
            at += 3
            continue
        piece = c
        if c in b"'\"":
            end = line.find(c, at)
            piece = line[at:end]
            if end < 0 or (c == b'"' and any(s in SPECIAL_QUOTED for s in piece)):
                return None
            at = end + 1
        elif c == b"\\":
            piece = line[at : at + 1]
            if not piece:
                return None
            at += 1
        elif c in SPECIAL:
            return None
        word = (word or b"") + piece
    if word is not None:
        found.append(word)
    return found
