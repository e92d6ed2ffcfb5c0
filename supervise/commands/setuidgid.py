"""setuidgid: run a program under another account."""

from __future__ import annotations

import os

from slashservice.supervise.chain import accounts, environment, pathexec
from slashservice.supervise.messages import fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "setuidgid"


def main(argv: Sequence[bytes]) -> int:
    """Be ``setuidgid ACCOUNT CHILD``: CHILD has the account's user, group and no other group."""
    if len(argv) < 2:
        raise usage(NAME, "setuidgid account child")
    known = accounts.look_up(argv[0])
    if known is None:
        raise fatal(NAME, b"unknown account " + argv[0])
    user, group = known
    environment.inherited()  # now: the kernel will not show it to the new account
    try:
        os.setgroups([group])
        os.setgid(group)
    except OSError as error:
        raise fatal(NAME, b"unable to setgid", error) from None
    try:
        os.setuid(user)
    except OSError as error:
        raise fatal(NAME, b"unable to setuid", error) from None
    pathexec.run_or_fail(NAME, argv[1:])
