"""envdir: run a program with environment variables from a directory, one file each."""

from __future__ import annotations

from slashservice.supervise.chain import environment, pathexec, variables
from slashservice.supervise.messages import TROUBLE, Quit, fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "envdir"

WORDS = {
    variables.CURRENT: b"unable to switch to current directory",
    variables.ENTER: b"unable to switch to directory ",
    variables.OPEN: b"unable to read directory ",
    variables.LIST: b"unable to read directory ",
    variables.FILE: b"unable to read ",
    variables.RETURN: b"unable to switch to starting directory",
}


def main(argv: Sequence[bytes]) -> int:
    """Be ``envdir DIR CHILD``. A wrong call is status 111 here, not 100: C has it so."""
    if len(argv) < 2:
        raise Quit(TROUBLE, b"envdir: usage: envdir dir child\n")
    try:
        settings = variables.read(argv[0])
    except variables.Failed as failed:
        what = WORDS[failed.step]
        if what.endswith(b" "):
            what += failed.path
        raise fatal(NAME, what, failed.error) from None
    pathexec.run_or_fail(NAME, argv[1:], environment.changed(environment.inherited(), settings))
