"""The processor of a log directory: the command that turns ``previous`` into ``processed``.

It runs in the directory, by ``/bin/sh -c``. It reads ``previous`` and the old ``state`` as
descriptors 0 and 4, and writes ``processed`` and ``newstate`` as 1 and 5. Unless it exits 0, it
is run again five seconds later.

The commands ``gzip`` and ``zstd``, alone or with a level such as ``-9``, mean the same without a
shell, and are run without one. gzip needs no process either.
"""

from __future__ import annotations

import errno
import os
from fcntl import F_DUPFD_CLOEXEC, fcntl

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import environment, pathexec
from slashservice.supervise.logs.folder import COMPLETE
from slashservice.supervise.logs.steps import PAUSE, Wait
from slashservice.supervise.messages import TROUBLE, complain, message, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.logs.folder import Folder
    from slashservice.supervise.logs.steps import Attempts, Steps

READ = os.O_RDONLY | os.O_NONBLOCK
WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK

SHELL = b"/bin/sh"

COMPRESSORS = (b"gzip", b"zstd")

GZIP_FORMAT = 31
"""The largest window, and 16 for gzip's own header and sum."""

BLOCK = 1 << 18

FORK_TROUBLE = b"unable to fork for processor in %s"

OUT_OF_THE_WAY = 10


def replace(
    attempts: Attempts, folder: Folder, command: bytes, make_room: Callable[[OSError], bool]
) -> Steps[None]:
    """Make ``processed`` of ``previous``, and a new ``state``, by ``command``."""
    attempt = attempts.attempt
    yield from process(attempts, folder, command, make_room)
    yield from _secure(attempts, folder, b"processed", COMPLETE)
    yield from _secure(attempts, folder, b"newstate", None)
    yield from attempt(b"unable to remove %s/previous", folder.remove_if_there, b"previous")
    trouble = b"unable to rename newstate to state in directory %s"
    yield from attempt(trouble, folder.rename, b"newstate", b"state")


def _secure(attempts: Attempts, folder: Folder, name: bytes, mark: str | None) -> Steps[None]:
    """Put a file of the processor on disk, and then mark it."""
    attempt = attempts.attempt
    fd = yield from attempt(b"unable to create %s/" + name, folder.append_to, name)
    yield from attempt(b"unable to write %s/" + name + b" to disk", folder.put_on_disk, fd)
    if mark:
        yield from attempt(b"unable to set mode of %s/" + name, folder.mark, fd, mark)
    os.close(fd)


def process(
    attempts: Attempts, folder: Folder, command: bytes, make_room: Callable[[OSError], bool]
) -> Steps[None]:
    """Run ``command`` in the log directory ``folder`` until it succeeds.

    ``make_room`` is asked when our own compressor finds no space. Raises ``FileNotFoundError`` if
    somebody has removed ``previous``: no attempt can succeed then.
    """
    words = command.split()
    if words and words[0] in COMPRESSORS and not words[2:] and _is_level(words[1:]):
        if words[0] == b"gzip":
            yield from _compress(attempts, folder, _level(words[1:]), make_room)
            return
        argv = [words[0], b"-q", *words[1:]]
    else:
        argv = [SHELL, b"-c", command]
    entries = environment.inherited()
    start: Callable[[int, list[bytes], list[bytes]], int] = _start
    while True:
        pid = yield from attempts.attempt(FORK_TROUBLE, start, folder.fd, argv, entries)
        try:
            status = yield Wait(pid)
        except OSError as error:
            attempts.complain(b"wait failed for processor in %s", process, error)
        else:
            if status == 0:
                attempts.succeeded(process)
                return
            _insist_on_previous(attempts, folder)
            kind = b"crashed" if os.WIFSIGNALED(status) else b"failed"
            attempts.complain(b"processor " + kind + b" in %s", process)
        start = _start_silently
        yield PAUSE


def _is_level(words: list[bytes]) -> bool:
    """Tell whether the words are nothing, or a level of compression."""
    return all(word[:1] == b"-" and word[1:].isdigit() and word < b"-:" for word in words)


def _level(words: list[bytes]) -> int:
    """Return the level of compression that the words say, 9 at most; 6 if they say none."""
    if not words:
        return 6
    digits = words[0][1:].lstrip(b"0")
    return int(digits or b"0") if len(digits) < 2 else 9


def _compress(
    attempts: Attempts, folder: Folder, level: int, make_room: Callable[[OSError], bool]
) -> Steps[None]:
    """Do what the program gzip would."""
    while True:
        try:
            folder.empty(b"newstate")
            folder.empty(b"processed")
            _gzip(folder, level)
            attempts.succeeded(process)
            return
        except OSError as error:
            if make_room(error):
                continue
            _insist_on_previous(attempts, folder)
            attempts.complain(b"processor failed in %s", process, error)
        yield PAUSE


def _insist_on_previous(attempts: Attempts, folder: Folder) -> None:
    """Raise ``FileNotFoundError`` if there is nothing to process any more."""
    try:
        links = folder.links(b"previous")
    except OSError:
        return  # nobody can tell
    if not links:
        attempts.succeeded(process)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _gzip(folder: Folder, level: int) -> None:
    import zlib

    compressor = zlib.compressobj(level, zlib.DEFLATED, GZIP_FORMAT)
    source = folder.read_from(b"previous")
    try:
        target = folder.append_to(b"processed")
        try:
            while block := os.read(source, BLOCK):
                write_all(target, compressor.compress(block))
            write_all(target, compressor.flush())
        finally:
            os.close(target)
    finally:
        os.close(source)


def _start(where: int, argv: list[bytes], entries: list[bytes], silently: bool = False) -> int:
    """Start the processor; return its pid. If it can't be run, the child says so and fails."""

    def complain_of(error: OSError) -> None:
        if not silently:
            what = argv[-1] if argv[0] == SHELL else argv[0]
            complain(message("multilog", b"fatal", b"unable to run " + what, error))

    return fork(where, argv, entries, (b"previous", b"processed"), complain_of)


def inherited() -> list[bytes]:
    """Return the environment of a processor."""
    return environment.inherited()


def fork(
    where: int,
    argv: list[bytes],
    entries: list[bytes],
    names: tuple[bytes, bytes],
    complain_of: Callable[[OSError], None],
) -> int:
    """Start a processor from and to the files ``names``, in the directory ``where``.

    Return its pid. If it can't be run, the child complains of that, and fails.
    """
    pid = os.fork()
    if pid == 0:
        try:
            _become(where, argv, entries, *names)
        except OSError as error:
            complain_of(error)
        finally:
            os._exit(TROUBLE)
    return pid


def _start_silently(where: int, argv: list[bytes], entries: list[bytes]) -> int:
    """Start the processor again: why it can't be run was said the first time."""
    return _start(where, argv, entries, True)


def _become(
    where: int, argv: list[bytes], entries: list[bytes], source: bytes, result: bytes
) -> None:
    """In the child: become the processor. Returns only by raising ``OSError``."""
    signals.set_wakeup_fd(-1)
    for number in (signal_numbers.SIGTERM, signal_numbers.SIGALRM):
        signals.signal(number, signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_UNBLOCK, (signal_numbers.SIGTERM, signal_numbers.SIGALRM))
    os.fchdir(where)
    files = [
        (source, READ),
        (result, WRITE),
        (b"state", READ | os.O_CREAT),
        (b"newstate", WRITE),
    ]
    # All go high up at first: a low number may still be that of a file we have just opened.
    fds = [
        fcntl(os.open(name, flags, 0o644), F_DUPFD_CLOEXEC, OUT_OF_THE_WAY) for name, flags in files
    ]
    for fd, target in zip(fds, (0, 1, 4, 5), strict=True):
        os.dup2(fd, target)
    if argv[0] == SHELL:
        pathexec.execute(argv[0], [b"sh", *argv[1:]], entries)
    pathexec.run(argv, entries)
