"""Which log directories a run script names: what its multilog does, where that is clear.

Scripts are not run, and nothing is guessed: where a shell would decide by anything but the words
that are written, a script tells nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from slashservice.supervise.scripts import run_script

BRANCHING = {
    *("if", "then", "else", "elif", "case", "for", "while", "until", "{", "}", "function", "eval"),
    *(".", "source", "trap", "exit", "return", "chroot", "unshare", "alias"),
}
"""Words that may have the lines behind them mean something else, or nothing."""

AS_BEFORE = {"env", "nice", "ionice", "softlimit", "pgrphack", "envdir", "setlock", "envuidgid"}
"""Programs that may stand before multilog and leave its account alone."""

TO_OTHERS = {"chpst", "sudo", "s6-setuidgid", "setpriv", "runuser", "doas"}
"""Programs that may stand there and give it an account that we don't look for."""


SPECIAL = b"*?[]$`&;|<>(){}#~\n\r"
"""Characters that a bare word may not hold, as they mean something to a shell."""

SPECIAL_QUOTED = b"$`\\"
"""Characters that may not be between double quotes."""

MERGE = b"2>&1"
"""The redirection that may be there, as a word."""


@dataclass(frozen=True)
class LogScript:
    """The log directories of a multilog, as the script names them, and its account.

    ``account`` is empty for that of svscan; it ``is_known`` unless something unknown gives it.
    ``makes`` tells that the script makes directories first. ``waits`` tells that its logs wait
    where a disk is full.
    """

    directories: tuple[str, ...]
    account: str = ""
    is_known: bool = True
    makes: bool = False
    waits: bool = True


def read(text: bytes) -> LogScript | None:
    """Return what a run script says of its multilog; None if that is not clear."""
    plain = run_script.parse(text)
    if plain and plain.program == "multilog" and plain.actions is not None and not plain.moves:
        prepares = plain.before or b""
        makes = bool(plain.made) or b"mkdir" in prepares or b"install " in prepares
        is_known = "chpst" not in plain.programs
        account = os.fsdecode(plain.account or b"") if is_known else ""
        return _script(plain.actions, account, is_known, makes)
    first, _, rest = text.partition(b"\n")
    if not _is_shell(first) or len(text) > run_script.LONGEST or b"\0" in text or b"<<" in text:
        return None
    makes = moves = False
    for line in commands(rest):
        found = words(line)
        start = os.fsdecode(line.split(None, 1)[0])
        if start in BRANCHING or (found is None and (b"multilog" in line or start == "exec")):
            return None
        makes |= b"mkdir" in line or start == "install"
        moves |= start == "cd"
        if found is None:
            continue
        command = [word for word in found if word is not None]
        if command[:1] == [b"exec"]:
            del command[0]
            if not command:
                continue
        names = [os.fsdecode(os.path.basename(word)) for word in command]
        if "multilog" in names:
            at = names.index("multilog")
            before = names[:at]
            if before and before[0] not in {"setuidgid", *AS_BEFORE, *TO_OTHERS}:
                return None
            account, is_known = _account(before)
            script = _script(command[at + 1 :], account, is_known, makes)
            relative = script and any(not name.startswith("/") for name in script.directories)
            return None if moves and relative else script
        if start == "exec":
            return None
    return None


def _is_shell(first: bytes) -> bool:
    """Tell whether a ``#!`` line names a shell, with whatever options."""
    names = [word for word in first[2:].split() if word[:1] != b"-"]
    return first[:2] == b"#!" and bool(names) and names[-1].endswith(b"sh")


def _account(before: list[str]) -> tuple[str, bool]:
    """Return the account that the words before multilog give it, and whether they are clear."""
    if TO_OTHERS & set(before):
        return "", False
    if "setuidgid" in before:
        (*account,) = before[before.index("setuidgid") + 1 :][:1]
        return (account[0], True) if account else ("", False)
    return "", True


def _script(actions: list[bytes], account: str, is_known: bool, makes: bool) -> LogScript:
    directories = [os.fsdecode(word) for word in actions if word[:1] in (b".", b"/")]
    waits = not {b"fdelete", b"fdrop"} & set(actions)
    return LogScript(tuple(directories), account, is_known, makes, waits)


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
