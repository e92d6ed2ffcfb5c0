"""``runsvchdir DIR``: have runsvdir run the services of another directory, as runit's runsvchdir.

In ``/etc/runit/runsvdir``, or where ``RUNSVDIR`` says, ``current`` becomes a link to DIR, and
``previous`` what it was before. At every moment there is a ``current``. Exit status 0 when it is
current; 111 on trouble, 1 for wrong usage.
"""

from __future__ import annotations

import os
import stat

from slashservice.supervise.chain import environment
from slashservice.supervise.messages import Quit, fatal, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


MISUSE = 1
PLACE = b"/etc/runit/runsvdir"
CURRENT = b"current"
PREVIOUS = b"previous"
NEW = b".new"


def main(argv: Sequence[bytes]) -> int:
    """Make the directory given current."""
    if not argv:
        raise Quit(MISUSE, b"usage: runsvchdir dir\n\n")
    new = argv[0]
    place = environment.get(b"RUNSVDIR", environment.inherited()) or PLACE
    if new.startswith(b"."):
        raise fatal("runsvchdir", new + b": must not start with a dot.")
    try:
        os.chdir(place)
    except OSError as error:
        raise fatal("runsvchdir", b"unable to chdir: " + place, error) from None
    try:
        wanted = os.stat(new)
    except FileNotFoundError as error:
        raise fatal("runsvchdir", new, error) from None
    except OSError as error:
        raise fatal("runsvchdir", b"unable to stat: " + new, error) from None
    if not stat.S_ISDIR(wanted.st_mode):
        raise fatal("runsvchdir", new + b": not a directory.")
    try:
        is_current = os.path.samestat(os.stat(CURRENT), wanted)
    except OSError as error:
        raise fatal("runsvchdir", b"unable to stat: " + CURRENT, error) from None
    if not is_current:
        switch(new)
    words = b": current.\n" if is_current else b": now current.\n"
    write_all(1, b"runsvchdir: " + new + words)
    return 0


def switch(new: bytes) -> None:
    """Make ``current`` a link to ``new``, and ``previous`` what it was. Raises ``Quit``."""
    link(new, CURRENT)
    try:
        before = os.readlink(CURRENT)
    except OSError:
        exchange()
        return
    link(before, PREVIOUS)
    rename(PREVIOUS + NEW, PREVIOUS, b"unable to copy: current to " + PREVIOUS)
    rename(CURRENT + NEW, CURRENT, b"unable to move: current.new to " + CURRENT)


def exchange() -> None:
    """Do the same where ``current`` is no link but the directory itself."""
    unlink(PREVIOUS)
    rename(CURRENT, PREVIOUS, b"unable to copy: current to " + PREVIOUS)
    try:
        os.rename(CURRENT + NEW, CURRENT)
    except OSError as error:
        rename(PREVIOUS, CURRENT, b"unable to move previous back to " + CURRENT)
        raise fatal("runsvchdir", b"unable to move: current.new to " + CURRENT, error) from None


def link(target: bytes, name: bytes) -> None:
    """Make a new link, which is yet to get its name."""
    made = name + NEW
    unlink(made)
    try:
        os.symlink(target, made)
    except OSError as error:
        raise fatal("runsvchdir", b"unable to create: " + made + b" -> " + target, error) from None


def unlink(name: bytes) -> None:
    """Remove what is in the way, if anything is."""
    try:
        os.unlink(name)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise fatal("runsvchdir", b"unable to unlink: " + name, error) from None


def rename(old: bytes, new: bytes, what: bytes) -> None:
    """Rename in one step; ``what`` is said if that fails."""
    try:
        os.rename(old, new)
    except OSError as error:
        raise fatal("runsvchdir", what, error) from None
