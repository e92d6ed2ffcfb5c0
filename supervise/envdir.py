"""envdir: run a program with environment variables from a directory."""

from __future__ import annotations

from slashservice.supervise import env_directory, environment, pathexec
from slashservice.supervise.program import TROUBLE, Quit, fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "envdir"

WORDS = {
    env_directory.CURRENT: b"unable to switch to current directory",
    env_directory.ENTER: b"unable to switch to directory ",
    env_directory.OPEN: b"unable to read directory ",
    env_directory.LIST: b"unable to read directory ",
    env_directory.FILE: b"unable to read ",
    env_directory.RETURN: b"unable to switch to starting directory",
}


def main(argv: Sequence[bytes]) -> int:
    """Be ``envdir DIR CHILD``. A wrong call is status 111 here, not 100: C has it so."""
    if len(argv) < 2:
        raise Quit(TROUBLE, b"envdir: usage: envdir dir child\n")
    try:
        settings = env_directory.read(argv[0])
    except env_directory.Failed as failed:
        what = WORDS[failed.step]
        if what.endswith(b" "):
            what += failed.path
        raise fatal(NAME, what, failed.error) from None
    pathexec.run_or_fail(NAME, argv[1:], environment.changed(environment.inherited(), settings))
