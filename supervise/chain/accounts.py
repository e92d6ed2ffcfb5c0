"""Accounts and groups: looking them up, by name or in the words that ``chpst`` takes.

``setuidgid`` and ``envuidgid`` need :func:`look_up` and :func:`settings` only. What ``chpst``
alone needs is imported late, for their sake.
"""

from __future__ import annotations

import os
import pwd

from slashservice.supervise.chain import environment
from slashservice.supervise.messages import fatal

NOBODY = (1 << 32) - 1
"""No user or group may have this number: to the kernel it means "leave it as it is"."""


class Unknown(Exception):  # noqa: N818 - as in "user unknown"
    """There is no such user or group, or (with ``error``) it could not be looked up."""

    def __init__(self, function: str, name: bytes) -> None:
        super().__init__(function, name)
        self.error = _trouble(function, name)


class Malformed(Exception):  # noqa: N818 - as in "numbers malformed"
    """The numbers of a user and its groups can't be read."""


def look_up(name: bytes) -> tuple[int, int] | None:
    """Return the user and group number of account ``name``; None if there is no such account."""
    try:
        entry = pwd.getpwnam(os.fsdecode(name))
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def become(program: str, name: bytes) -> None:
    """Take the user and the group of account ``name``, and no other group, as ``program``.

    Raises ``Quit``.
    """
    known = look_up(name)
    if known is None:
        raise fatal(program, b"unknown account " + name)
    user, group = known
    _take(program, user, [group])


def become_words(program: str, words: bytes) -> None:
    """Take the user and the groups that ``words`` ask for, as :func:`parse` has them.

    Raises ``Quit``.
    """
    try:
        user, groups = parse(words)
    except (Unknown, Malformed):
        raise fatal(program, b"unknown account " + words) from None
    _take(program, user, groups)


def _take(program: str, user: int, groups: list[int]) -> None:
    environment.inherited()  # now: the kernel will not show it to the new account
    try:
        os.setgroups(groups)
        os.setgid(groups[0])
    except OSError as error:
        raise fatal(program, b"unable to setgid", error) from None
    try:
        os.setuid(user)
    except OSError as error:
        raise fatal(program, b"unable to setuid", error) from None


def settings(user: int, group: int) -> list[bytes]:
    """Return GID and UID as settings for :func:`environment.changed`, in C's order."""
    return [b"GID=%d" % group, b"UID=%d" % user]


def parse(words: bytes) -> tuple[int, list[int]]:
    """Return the numbers of the user and the groups that ``words`` ask for, as runit has it.

    ``USER`` stands for the account and its group, ``USER:GROUP...`` for other groups, and
    ``:UID:GID...`` gives numbers. Raises ``Unknown``, or ``Malformed`` for the numbers.
    """
    if words[:1] == b":":
        parts = [_number(word) for word in words[1:].split(b":")]
        if len(parts) < 2:
            raise Malformed
        return parts[0], parts[1:]
    name, *groups = words.split(b":")
    known = look_up(name)
    if known is None:
        raise Unknown("getpwnam", name)
    user, group = known
    return user, [_group(one) for one in groups] or [group]


def own_groups(words: bytes, group: int) -> list[int]:
    """Return ``group`` and all groups that the database gives the account in ``words``."""
    return os.getgrouplist(os.fsdecode(words.partition(b":")[0]), group)


def _number(word: bytes) -> int:
    from slashservice.supervise import numbers

    number = numbers.unsigned(word) if len(word) <= 10 else None
    if not word or number is None or number >= NOBODY:
        raise Malformed
    return number


def _group(name: bytes) -> int:
    import grp

    try:
        return grp.getgrnam(os.fsdecode(name)).gr_gid
    except KeyError:
        raise Unknown("getgrnam", name) from None


def _trouble(function: str, name: bytes) -> OSError | None:
    """Look a name up once more to learn why that failed: Python's modules do not say."""
    try:
        from slashservice.supervise.platform import clib

        number = clib.trouble(function, name)
    except (ImportError, AttributeError, OSError):
        return None
    return OSError(number, os.strerror(number)) if number else None
