"""Variables from a directory, one file each: what ``envdir`` and ``chpst -e`` read."""

from __future__ import annotations

import os

from slashservice.supervise.chain.pending import PENDING

CURRENT = "current"
ENTER = "enter"
OPEN = "open"
LIST = "list"
FILE = "file"
RETURN = "return"
"""The steps of reading a directory. Each may fail."""


class Failed(Exception):  # noqa: N818 - as in "reading failed"
    """Reading came to grief at ``step``, on ``path``, by ``error``."""

    def __init__(self, step: str, path: bytes, error: OSError) -> None:
        super().__init__(step, path, error)
        self.step = step
        self.path = path
        self.error = error


def read(directory: bytes, skip_directories: bool = False) -> list[bytes]:
    """Return what ``directory`` says, as settings for :func:`environment.changed`.

    Their order is that of the directory. The process enters the directory to read it, and
    comes back by descriptor: it needs no right to find the way by name. Raises ``Failed``.
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
    first, _, unused = line.partition(b"\n")
    PENDING.taken_out |= bool(unused)
    return name + b"=" + first.rstrip(b" \t").replace(b"\0", b"\n")


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
