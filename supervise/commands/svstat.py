"""``svstat DIR...``: say of each service whether it is up, and for how long.

The answer, or why there is none, is one line per directory on standard output. Exit 0.
"""

from __future__ import annotations

import errno
import os
import time

from slashservice.supervise import signals, tai
from slashservice.supervise.messages import error_words, fatal, write_all
from slashservice.supervise.protocol import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Print a line for each directory named."""
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError as error:
        raise fatal("svstat", b"unable to open current directory", error) from None
    lines = []
    for directory in argv:
        lines.append(directory + b": " + describe(directory) + b"\n")
        try:
            os.fchdir(here)
        except OSError as error:
            raise fatal("svstat", b"unable to set directory", error) from None
    signals.restore_defaults()
    try:
        write_all(1, b"".join(lines))
    except OSError as error:
        raise fatal("svstat", b"unable to write output", error) from None
    return 0


def describe(directory: bytes) -> bytes:
    """Say how the service in ``directory`` is. Changes the working directory to it."""
    what = b"unable to chdir"
    try:
        os.chdir(directory)
        what = b"unable to stat down"
        normally_up = not _exists("down")
        what = b"unable to open supervise/ok"
        os.close(os.open("supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
        what = b"unable to open supervise/status"
        fd = os.open("supervise/status", os.O_RDONLY | os.O_NONBLOCK)
        what = b"unable to read supervise/status"
        try:
            data = os.read(fd, status.DAEMONTOOLS_SIZE)
        finally:
            os.close(fd)
        now = status.unpack(data)
        if now is None:
            return what + b": bad format"
    except OSError as error:
        if error.errno == errno.ENXIO and what.endswith(b"/ok"):
            return b"supervise not running"
        return what + b": " + error_words(error)
    return words(now, normally_up)


def words(now: status.Status, normally_up: bool) -> bytes:
    """Put a status into words."""
    label = int.from_bytes(now.stamp[:8], "big")
    # A stamp that makes no sense is shown as C does, who calculates in floating point.
    seconds = int(float(max(0, tai.EPOCH + int(time.time()) - label)))
    text = b"up (pid %d) " % now.pid if now.pid else b"down "
    text += b"%d seconds" % seconds
    if now.pid and not normally_up:
        text += b", normally down"
    if not now.pid and normally_up:
        text += b", normally up"
    if now.pid and now.paused:
        text += b", paused"
    if not now.pid and now.want == b"u":
        text += b", want up"
    if now.pid and now.want == b"d":
        text += b", want down"
    return text


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True
