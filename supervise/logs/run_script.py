r"""Recognise run scripts that only exec multilog, so that a log host can run them itself.

A script is *plain* if it is a shell script (``#!/bin/sh`` and its like, without options) of
blank lines, comments, and one command

    exec [setuidgid ACCOUNT] multilog ACTION...

in plain words: characters as they stand, or quoted by ``'...'``, ``"..."`` or a backslash.
There must be nothing that a shell would expand, no redirection, no pipe and no second command.
``multilog`` and ``setuidgid`` must be ours: named by the path of our launcher, or found by the
PATH as such. The caller finds that out. A script that names /usr/bin/multilog runs that very
program.

Any other script is run as it is written. To have a plain script run as written, leave out
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


class Plain:
    """The content of a plain script: multilog with ``actions``, as ``account`` unless None.

    ``programs`` has the words that name setuidgid and multilog, by command.
    """

    __slots__ = ("account", "actions", "programs")

    def __init__(
        self, account: bytes | None, actions: list[bytes], programs: dict[str, bytes]
    ) -> None:
        self.account = account
        self.actions = actions
        self.programs = programs


def parse(text: bytes) -> Plain | None:
    """Return the content of the script ``text``; None if it is not plain."""
    first, _, rest = text.partition(b"\n")
    if len(text) > LONGEST or not _is_shell(first):
        return None
    lines = [line.strip(b" \t") for line in rest.split(b"\n")]
    commands = [line for line in lines if line and line[:1] != b"#"]
    command = words(commands[0]) if len(commands) == 1 else None
    if not command or command.pop(0) != b"exec":
        return None
    account = None
    programs = {}
    if len(command) > 2 and os.path.basename(command[0]) == b"setuidgid":
        programs["setuidgid"], account, *command = command
    if not command or os.path.basename(command[0]) != b"multilog":
        return None
    programs["multilog"], *actions = command
    return Plain(account, actions, programs)


def _is_shell(first: bytes) -> bool:
    """Tell whether a ``#!`` line names a plain shell."""
    if first[:2] != b"#!":
        return False
    parts = first[2:].split()
    return len(parts) == 1 and parts[0] in SHELLS


def words(line: bytes) -> list[bytes] | None:
    """Split a line into words as a shell does; None if a shell would do more than that."""
    found: list[bytes] = []
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
