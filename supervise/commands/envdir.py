"""envdir: run a program with environment variables from a directory, one file each."""

from __future__ import annotations

import os

from slashservice.supervise.chain import environment, pathexec
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.messages import TROUBLE, Quit, fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "envdir"

CURRENT = "current"
ENTER = "enter"
OPEN = "open"
LIST = "list"
FILE = "file"
RETURN = "return"
"""The steps of reading a directory, which may each fail."""

WORDS = {
    CURRENT: b"unable to switch to current directory",
    ENTER: b"unable to switch to directory ",
    OPEN: b"unable to read directory ",
    LIST: b"unable to read directory ",
    FILE: b"unable to read ",
    RETURN: b"unable to switch to starting directory",
}


def main(argv: Sequence[bytes]) -> int:
    """Be ``envdir DIR CHILD``. A wrong call is status 111 here, not 100: C has it so."""
    if len(argv) < 2:
        raise Quit(TROUBLE, b"envdir: usage: envdir dir child\n")
    try:
        settings = read(argv[0])
    except Failed as failed:
        what = WORDS[failed.step]
        if what.endswith(b" "):
            what += failed.path
        raise fatal(NAME, what, failed.error) from None
    pathexec.run_or_fail(NAME, argv[1:], environment.changed(environment.inherited(), settings))


class Failed(Exception):  # noqa: N818 - as in "reading failed"
    """Reading came to grief at ``step``, on ``path``, by ``error``."""

    def __init__(self, step: str, path: bytes, error: OSError) -> None:
        super().__init__(step, path, error)
        self.step = step
        self.path = path
        self.error = error


def read(directory: bytes, skip_directories: bool = False) -> list[bytes]:
    """Return what ``directory`` says, as settings for :func:`environment.changed`.

    The order is that of the directory. The directory is entered to read it, and left again:
    a relative name and a directory that may be entered but not found from above both work.
    Raises ``Failed``.
    """
    try:
        start = _open(b".")
    except OSError as error:
        raise Failed(CURRENT, directory, error) from None
    try:
        try:
            os.chdir(directory)
        except OSError as error:
            raise Failed(ENTER, directory, error) from None
        settings = _settings(directory, skip_directories)
        try:
            os.fchdir(start)
        except OSError as error:
            raise Failed(RETURN, directory, error) from None
    finally:
        os.close(start)
    return settings


def _settings(directory: bytes, skip_directories: bool) -> list[bytes]:
    """Read the current directory, which is ``directory``."""
    try:
        listing = _open(b".", os.O_DIRECTORY)
    except OSError as error:
        raise Failed(OPEN, directory, error) from None
    settings = []
    try:
        try:
            names = [os.fsencode(name) for name in os.listdir(listing)]
        except OSError as error:
            raise Failed(LIST, directory, error) from None
        for name in names:
            if name[:1] == b".":
                continue
            try:
                settings.append(_setting(name))
            except IsADirectoryError as error:
                if not skip_directories:
                    raise Failed(FILE, directory + b"/" + name, error) from None
            except OSError as error:
                raise Failed(FILE, directory + b"/" + name, error) from None
    finally:
        os.close(listing)
    return settings


def _setting(name: bytes) -> bytes:
    """Turn the file ``name`` into a setting: bare where it is empty, or points nowhere."""
    try:
        line = _first_line(name)
    except FileNotFoundError:
        return name
    if not line:
        return name
    return name + b"=" + line.partition(b"\n")[0].rstrip(b" \t").replace(b"\0", b"\n")


def _first_line(name: bytes) -> bytes:
    """Read the file as far as its first newline, and what was read along with that."""
    fd = _open(name)
    try:
        pieces = []
        while piece := os.read(fd, 65536):
            pieces.append(piece)
            if b"\n" in piece:
                break
    finally:
        os.close(fd)
    return b"".join(pieces)


def _open(path: bytes, flags: int = 0) -> int:
    return PENDING.allowed(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags))
