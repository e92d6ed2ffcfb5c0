"""What keeps a log from being written, as the file ``supervise/trouble`` of its log service.

The logger reports it, svscan writes it down, and whoever shows how services are reads it. It is
one line. There is no file while there is no trouble. That of a logger which could not begin
stays until one could.
"""

from __future__ import annotations

import os

from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.services.directory import ServiceDirectory

NEW = names.TROUBLE + b".new"


def write(directory: ServiceDirectory, text: bytes) -> None:
    """Write ``text`` down, or that there is none any more. If that fails, nothing is changed."""
    if not text:
        forget(directory)
        return
    new = directory.at(NEW)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(new, flags, 0o644)
        try:
            os.write(fd, text + b"\n")
        finally:
            os.close(fd)
        os.rename(new, directory.at(names.TROUBLE))
    except OSError:
        pass


def is_known(directory: ServiceDirectory) -> bool:
    """Tell whether trouble is written down."""
    return os.path.lexists(directory.at(names.TROUBLE))


def forget(directory: ServiceDirectory) -> None:
    """There is no trouble, or nobody who could tell of it."""
    try:
        os.unlink(directory.at(names.TROUBLE))
    except OSError:
        pass
