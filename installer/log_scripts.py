"""Which log directories a run script names: what its multilog does, where that is clear.

Scripts are not run, and nothing is guessed: where a shell would decide by anything but the words
that are written, a script tells nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from slashservice.supervise.logs import run_script

BRANCHING = {
    *("if", "then", "else", "elif", "case", "for", "while", "until", "{", "}", "function", "eval"),
    *(".", "source", "trap", "exit", "return", "chroot", "unshare", "alias"),
}
"""Words that may have the lines behind them mean something else, or nothing."""

AS_BEFORE = {"env", "nice", "ionice", "softlimit", "pgrphack", "envdir", "setlock", "envuidgid"}
"""Programs that may stand before multilog and leave its account alone."""

TO_OTHERS = {"chpst", "sudo", "s6-setuidgid", "setpriv", "runuser", "doas"}
"""Programs that may stand there and give it an account that we don't look for."""


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
    if plain:
        account = os.fsdecode(plain.account or b"")
        return _script(plain.actions, account, True, bool(plain.made))
    first, _, rest = text.partition(b"\n")
    if not _is_shell(first) or len(text) > run_script.LONGEST or b"\0" in text or b"<<" in text:
        return None
    makes = moves = False
    for line in run_script.commands(rest):
        found = run_script.words(line)
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
