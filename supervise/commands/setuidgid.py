"""setuidgid: run a program under another account."""

from __future__ import annotations

from slashservice.supervise.chain import accounts, pathexec
from slashservice.supervise.messages import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "setuidgid"


def main(argv: Sequence[bytes]) -> int:
    """Be ``setuidgid ACCOUNT CHILD``: CHILD has the account's user, group and no other group."""
    if len(argv) < 2:
        raise usage(NAME, "setuidgid account child")
    accounts.become(NAME, argv[0])
    pathexec.run_or_fail(NAME, argv[1:])
