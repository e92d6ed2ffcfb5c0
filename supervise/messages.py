"""What commands say, and with which exit status they end.

Messages and exit statuses are those of daemontools. For trouble that may pass there is a line
``NAME: fatal: what: why`` on standard error, and status 111. Misuse gives
``NAME: usage: ...`` and status 100. After ``NAME: warning: what: why`` the program goes on.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


MISUSE = 100
TROUBLE = 111


class Quit(Exception):  # noqa: N818 - it is not always an error
    """Ends the program with ``status``, after ``line`` (may be empty) on standard error."""

    def __init__(self, status: int, line: bytes = b"") -> None:
        super().__init__(status, line)
        self.status = status
        self.line = line


def fatal(program: str, what: bytes, error: OSError | None = None) -> Quit:
    """Make the end of a program by trouble that may pass; to be raised."""
    return Quit(TROUBLE, message(program, b"fatal", what, error))


def usage(program: str, text: str) -> Quit:
    """Make the end of a program that was called wrongly; to be raised."""
    return Quit(MISUSE, f"{program}: usage: {text}\n".encode("utf-8", "backslashreplace"))


def warn(program: str, what: bytes, error: OSError | None = None) -> None:
    """Complain by a warning; the program goes on."""
    complain(message(program, b"warning", what, error))


def message(program: str, kind: bytes, what: bytes, error: OSError | None = None) -> bytes:
    """Compose ``program: kind: what: why`` and a newline; ``why`` is the error's, if given."""
    why = b"" if error is None else b": " + error_words(error)
    whose, what = phrase(program, what, error)
    return b"%s: %s: %s%s\n" % (whose, kind, what, why)


def error_words(error: OSError) -> bytes:
    """Say the reason of ``error`` in daemontools' words."""
    try:
        from slashservice.supervise.error_words import words_of
    except (ImportError, OSError):  # out of descriptors, or of reach
        return os.fsencode(os.strerror(error.errno or 0).lower())
    return words_of(error.errno or 0)


def complain(line: bytes) -> None:
    """Write ``line`` to where complaints go. If it can't be written it is lost."""
    try:
        write(line)
    except OSError:
        pass


def to_standard_error(line: bytes) -> None:
    """Write ``line`` there, however long that takes. Raises ``OSError``."""
    os.write(2, line)


def to_standard_error_without_waiting(line: bytes) -> None:
    """Write as much of ``line`` as surely has room; nothing if standard error is full."""
    import select

    poll = select.poll()
    poll.register(2, select.POLLOUT)
    if poll.poll(0):
        os.write(2, line[: select.PIPE_BUF])


def own_words(program: str, what: bytes, error: OSError | None) -> tuple[bytes, bytes]:
    """Return by which name a program speaks, and what it says: its own name, and just that."""
    return program.encode(), what


phrase: Callable[[str, bytes, OSError | None], tuple[bytes, bytes]] = own_words
"""In whose words messages are. A program that speaks as another one sets it once, at its start."""

write: Callable[[bytes], None] = to_standard_error
"""Where complaints go. A program may set it once, at its start."""


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data`` to ``fd``, in as many pieces as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
