"""The command of a log script: a logger, perhaps behind what gives it its account."""

from __future__ import annotations

import os

from slashservice.supervise.scripts.plain import Plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LOGGERS = (b"multilog", b"svlogd")
"""The programs that a log host can be."""


def parse(words: Sequence[bytes | None]) -> tuple[Plain | None, int]:
    """Return what the words of a command come to, None if it is not plain, and where actions begin.

    A None among the words is one that only a shell can tell, or several.
    """
    rest = list(words)
    account = None
    programs: dict[str, bytes] = {}
    name = _name(rest)
    if name in (b"setuidgid", b"chpst"):
        programs[name.decode()] = rest.pop(0) or b""
        account = _account(name, rest)
        if account is None:
            return None, 0
        name = _name(rest)
    if name not in LOGGERS:
        return None, 0
    program = name.decode()
    programs[program] = rest.pop(0) or b""
    actions = [word for word in rest if word is not None]
    known = actions if len(actions) == len(rest) else None
    return Plain(program, account, known, programs), len(words) - len(rest)


def _name(words: list[bytes | None]) -> bytes:
    return os.path.basename(words[0] or b"") if words else b""


def _account(name: bytes, words: list[bytes | None]) -> bytes | None:
    """Take the account off the words, and its option if it has one; None if that is not clear."""
    account = words.pop(0) if words else None
    if name == b"setuidgid":
        # A colon would have chpst's meaning. There is no such account.
        return account if account and b":" not in account and account[:1] != b"-" else None
    if account is None or account[:2] != b"-u":
        return None
    account = account[2:] or (words.pop(0) if words else None)
    return account or None
