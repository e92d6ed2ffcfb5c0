"""envuidgid: run a program with an account's numbers in UID and GID."""

from __future__ import annotations

from slashservice.supervise.chain import accounts, environment, pathexec
from slashservice.supervise.messages import fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "envuidgid"


def main(argv: Sequence[bytes]) -> int:
    """Be ``envuidgid ACCOUNT CHILD``: nothing but the two variables changes."""
    if len(argv) < 2:
        raise usage(NAME, "envuidgid account child")
    known = accounts.look_up(argv[0])
    if known is None:
        raise fatal(NAME, b"unknown account " + argv[0])
    settings = accounts.settings(*known)
    pathexec.run_or_fail(NAME, argv[1:], environment.changed(environment.inherited(), settings))
