"""The client side of supervision: tell a service something, ask how it is, wait.

Each function takes the path of a service directory; the empty path is the current directory.
Trouble is an ``OSError``. It carries a file name if a file could not be opened, and none if
the file was open already. svok and svc start for one small question, so what they don't need
is imported where it is used.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise.messages import error_words, fatal, write_all
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from slashservice.supervise.protocol.status import Status


PAUSE = 0.05
"""Seconds between two looks of :func:`wait_for`."""


def tell(directory: bytes, letters: bytes, patient: bool = True) -> None:
    """Write ``letters`` to the control FIFO of a service. Raises ``OSError``.

    The error is ENXIO if there is a FIFO and no supervisor. A ``patient`` call waits while
    the FIFO is full; any other fails with EAGAIN.
    """
    fd = os.open(os.path.join(directory, names.CONTROL), os.O_WRONLY | names.AT_ONCE)
    try:
        if patient:
            os.set_blocking(fd, True)
        write_all(fd, letters)
    finally:
        os.close(fd)


def knock(directory: bytes) -> None:
    """Return if the service has a supervisor. Raises ``OSError``: ENXIO if it has none."""
    os.close(os.open(os.path.join(directory, names.OK), os.O_WRONLY | names.AT_ONCE))


def is_supervised(directory: bytes) -> bool:
    """Tell whether the service has a supervisor. Raises ``OSError`` if that can't be told."""
    try:
        knock(directory)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO):
            return False
        raise
    return True


def read_status(directory: bytes) -> Status | None:
    """Return what the status file says; None if it is too short. Raises ``OSError``."""
    from slashservice.supervise.protocol import status

    return status.unpack(status.read(os.path.join(directory, names.STATUS)))


def describe(directory: bytes) -> bytes:
    """Return svstat's words for the service: how it is, or why that can't be told."""
    from slashservice.supervise.protocol import status

    what = b"unable to stat " + names.DOWN
    try:
        normally_up = not _exists(os.path.join(directory, names.DOWN))
        what = b"unable to open " + names.OK
        knock(directory)
        what = b"unable to open " + names.STATUS
        now = read_status(directory)
    except OSError as error:
        if error.errno == errno.ENXIO and what.endswith(names.OK):
            return b"supervise not running"
        if error.filename is None:
            what = b"unable to read " + names.STATUS
        return what + b": " + error_words(error)
    if now is None:
        return b"unable to read " + names.STATUS + b": bad format"
    return status.words(now, normally_up)


def _exists(path: bytes) -> bool:
    """Tell whether there is such a file. Raises ``OSError`` if that can't be told."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


def enter(word: bytes) -> None:
    """Enter the directory ``word``, or the service of that name. Raises ``OSError``.

    The error is that of the directory here, if there is no such service.
    """
    try:
        os.chdir(word)
    except (FileNotFoundError, NotADirectoryError):
        from slashservice.supervise.protocol import places

        path = places.named(word)
        try:
            if path:
                os.chdir(path)
                return
        except OSError:
            pass
        raise


def visit(program: str, directories: Iterable[bytes]) -> Iterator[tuple[bytes, OSError | None]]:
    """Enter each directory in turn, then come back; yield it, and the error if it failed.

    A word that is no directory here may be the name of a service. C's svc and svstat change
    directory, and that can be seen: a path may be as long as the kernel allows, and a current
    directory that may not be read is fatal. So do ours; all else here works on paths. Raises
    ``Quit``.
    """
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError as error:
        raise fatal(program, b"unable to open current directory", error) from None
    for directory in directories:
        trouble = None
        try:
            enter(directory)
        except OSError as error:
            trouble = error
        yield directory, trouble
        try:
            os.fchdir(here)
        except OSError as error:
            raise fatal(program, b"unable to set directory", error) from None
    os.close(here)


def wait_for(condition: Callable[[], object], limit: float) -> bool:
    """Wait until ``condition()`` holds, ``limit`` seconds at most; tell whether it does."""
    import time

    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True
