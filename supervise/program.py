"""How every command starts, complains and ends.

Messages and exit statuses are the ones of daemontools: a line ``NAME: fatal: what: why``
on standard error with status 111 for trouble that may pass, ``NAME: usage: ...`` with 100
for misuse, ``NAME: warning: what: why`` where the program goes on.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Main = Callable[[Sequence[bytes]], int]


MISUSE = 100
TROUBLE = 111


class Quit(Exception):  # noqa: N818 - it is not always an error
    """Ends the program with ``status``, after ``line`` (may be empty) on standard error."""

    def __init__(self, status: int, line: bytes = b"") -> None:
        super().__init__(status, line)
        self.status = status
        self.line = line


class GoOn(BaseException):
    """Ends the command, for this process to go on as the command ``name`` with ``argv``.

    ``path`` is where its launcher was found.

    Not an ``Exception``: nothing on the way up is to take it for trouble.
    """

    def __init__(self, name: str, argv: Sequence[bytes], path: bytes) -> None:
        super().__init__(name, argv, path)
        self.name = name
        self.argv = argv
        self.path = path


def fatal(program: str, what: bytes, error: OSError | None = None) -> Quit:
    """Make the end of a program by trouble that may pass; to be raised."""
    return Quit(TROUBLE, message(program, b"fatal", what, error))


def usage(program: str, text: str) -> Quit:
    """Make the end of a program that was called wrongly; to be raised."""
    return Quit(MISUSE, f"{program}: usage: {text}\n".encode())


def warn(program: str, what: bytes, error: OSError | None = None) -> None:
    """Complain on standard error and go on."""
    complain(message(program, b"warning", what, error))


def message(program: str, kind: bytes, what: bytes, error: OSError | None = None) -> bytes:
    """Compose ``program: kind: what: why`` and a newline; ``why`` is the error's, if given."""
    why = b"" if error is None else b": " + error_words(error)
    return b"%s: %s: %s%s\n" % (program.encode(), kind, what, why)


def error_words(error: OSError) -> bytes:
    """Say the reason of ``error`` in daemontools' words."""
    try:
        from slashservice.supervise.error_words import words_of
    except (ImportError, OSError):  # out of descriptors, or of reach
        return os.fsencode(os.strerror(error.errno or 0).lower())
    return words_of(error.errno or 0)


never_waits = False
"""To be set where it is up to this process that standard error is read at all."""


def complain(line: bytes) -> None:
    """Write ``line`` to standard error in one piece; that it can't be written is no trouble."""
    try:
        if never_waits:
            import select

            poll = select.poll()
            poll.register(2, select.POLLOUT)
            if not poll.poll(0):
                return
            line = line[: select.PIPE_BUF]  # so much has room
        os.write(2, line)
    except OSError:
        pass


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data`` to ``fd``, in as many pieces as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def load(name: str) -> Main:
    """Import the command ``name`` and return its ``main``."""
    module = __import__(f"slashservice.supervise.commands.{name}", None, None, ["main"])
    main: Main = module.main
    return main


def call(main: Main, argv: Sequence[bytes], name: str) -> int:
    """Run ``main`` and return its exit status, with any last words said."""
    try:
        return main(argv)
    except Quit as quit_:
        complain(quit_.line)
        return quit_.status
    except MemoryError:
        complain(b"%s: fatal: out of memory\n" % name.encode())
        return TROUBLE
    except Exception as error:
        # A defect of ours. No traceback reaches a user; the line says what to report.
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        complain(
            os.fsencode(f"{name}: fatal: internal error: {type(error).__name__}: {error} ({place})")
            + b"\n"
        )
        return TROUBLE


def run(name: str) -> None:
    """Be the command ``name``: what a launcher calls. Never returns.

    The process ends without the interpreter's own clean-up, which only costs time here:
    everything is written with plain system calls, and nothing waits in a buffer.
    """
    if signals.getsignal(signals.SIGINT) != signals.SIG_IGN:
        signals.signal(signals.SIGINT, signals.SIG_DFL)  # die of ^C as a C program does
    while True:
        try:
            os._exit(call(load(name), [os.fsencode(word) for word in sys.argv[1:]], name))
        except GoOn as next_command:
            name = next_command.name
            sys.argv = [os.fsdecode(word) for word in (next_command.path, *next_command.argv)]


def called() -> str:
    """Return the name of the file that was run, which may be a link to a launcher."""
    return os.path.basename(sys.argv[0])
