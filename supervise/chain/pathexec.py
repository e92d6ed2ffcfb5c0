"""Becoming another program: PATH search, exec, and going on in this process.

The search is daemontools' own. A name with a slash is taken as it is. Otherwise exec itself
tries the file in each directory of PATH; without PATH these are ``/bin`` and ``/usr/bin``, and
an empty one is the current directory. After a file that is missing, may not be executed or is
a directory, the search goes on with the next one. Any other error ends it. The search reports
the last error that was no missing file.

**Chains.** ``setuidgid joe envdir ./env softlimit -o64 daemon`` would start three
interpreters one after the other. So when the search finds the launcher of another command of
ours, over this same code, this process goes on as that command instead
(:class:`~slashservice.supervise.program.GoOn`). Only the time it takes tells the difference,
because :mod:`~slashservice.supervise.chain.in_process` does by hand all that an exec would
do. Some things have to wait for the real exec; they are in
:data:`~slashservice.supervise.chain.pending.PENDING`.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.chain import environment
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.messages import fatal
from slashservice.supervise.program import LAUNCHER_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn


DEFAULT_PATH = b"/bin:/usr/bin"

TRY_NEXT = (FileNotFoundError, PermissionError, IsADirectoryError)
"""After these errors with one candidate the search tries the next."""

NOT_THERE = 2
FILE_TYPE = 0o170000
REGULAR = 0o100000
"""Numbers of ``errno`` and of ``stat``. They are the same everywhere, and save two imports."""

ROOM = 100_000
"""Every kernel lets an exec pass so many bytes of arguments and environment."""


def candidates(file: bytes, path: bytes | None) -> Iterator[bytes]:
    """Yield the paths at which ``file`` may be, given the value of PATH."""
    if b"/" in file:
        yield file
        return
    for directory in (DEFAULT_PATH if path is None else path).split(b":"):
        yield (directory or b".") + b"/" + file


def run(
    argv: Sequence[bytes], entries: Sequence[bytes] | None = None, file: bytes | None = None
) -> NoReturn:
    """Become the program ``file`` with ``argv`` and the environment ``entries``.

    The search uses the PATH of the present environment, as C does, even where ``entries``
    has another one. Without ``entries`` the environment stays as it is. Without ``file`` the
    program is ``argv[0]``. Raises ``OSError`` if there is no such program, and ``GoOn`` if it
    is one of ours.
    """
    present = environment.inherited()
    if entries is None:
        entries = present
    trouble: OSError = FileNotFoundError(NOT_THERE, os.strerror(NOT_THERE))
    for path in candidates(argv[0] if file is None else file, environment.get(b"PATH", present)):
        try:
            about = os.stat(path)
        except FileNotFoundError:
            continue
        except OSError:
            pass  # let the exec say what is wrong
        else:
            if about.st_size <= LAUNCHER_SIZE and about.st_mode & FILE_TYPE == REGULAR:
                go_on_if_ours(path, argv, entries)
        try:
            execute(path, argv, entries)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                trouble = error
            if not isinstance(error, TRY_NEXT):
                break
    signals.restore_defaults()  # C has them when it complains
    raise trouble


def run_or_fail(
    program: str, argv: Sequence[bytes], entries: Sequence[bytes] | None = None
) -> NoReturn:
    """Do :func:`run` for command ``program``; end it by "unable to run" where that fails."""
    try:
        run(argv, entries)
    except OSError as error:
        raise fatal(program, b"unable to run " + argv[0], error) from None


def go_on_if_ours(path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> None:
    """Raise ``GoOn`` if ``path`` is another of our commands; return if a real exec is needed.

    With very many words, only a real exec can tell if the kernel accepts them. Another root
    directory has other code in it.
    """
    words = len(argv) + len(entries)
    if sum(map(len, argv)) + sum(map(len, entries)) + 9 * words > ROOM or PENDING.other_root:
        return
    from slashservice.supervise.chain import in_process

    in_process.go_on(path, argv, entries)


def execute(path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> NoReturn:
    """Exec ``path`` and nothing else, with exactly these words and entries.

    Signals that the interpreter ignores are put back at their defaults, and stay there. The
    limits that wait are set, and put back when the exec fails. Raises the ``OSError`` of the
    exec.
    """
    signals.restore_defaults()
    limits = PENDING.waiting
    ready = None
    if not argv[0] or not passable(entries) or (limits and limits.tight):
        try:
            from slashservice.supervise.platform import clib
        except ImportError:
            pass  # without _ctypes we pass on all that Python can pass
        else:
            ready = clib.Exec(path, argv, entries)
    if limits:
        limits.apply()
    try:
        if ready is None:
            os.execve(path, argv, Entries(entries))  # type: ignore[arg-type]
        number = ready.attempt()
    finally:
        if limits:
            limits.lift()
    raise OSError(number, os.strerror(number))


def is_plain(entries: Sequence[bytes]) -> bool:
    """Tell whether Python's own functions could start a program with this environment now."""
    return PENDING.waiting is None and passable(entries)


def passable(entries: Sequence[bytes]) -> bool:
    """Tell whether Python can pass these entries on: each with a name and ``=``."""
    return all(entry.find(b"=") > 0 for entry in entries)


class Entries:
    """Entries in the shape that ``os.execve`` wants: a mapping, but names may repeat.

    It leaves out the entries that Python can't pass on.
    """

    def __init__(self, entries: Sequence[bytes]) -> None:
        parts = [entry.partition(b"=") for entry in entries if passable([entry])]
        self._names = [name for name, _, _ in parts]
        self._values = [value for _, _, value in parts]

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: bytes) -> bytes:
        return self._values[self._names.index(name)]

    def keys(self) -> list[bytes]:
        """Return the names, in order, repeated ones repeated."""
        return self._names

    def values(self) -> list[bytes]:
        """Return the values in the order of the names."""
        return self._values
