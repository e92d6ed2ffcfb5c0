"""Becoming another program: PATH search, exec, and going on in this process.

The search is daemontools' own: a name with a slash is taken as it is; otherwise each
directory of PATH (``/bin:/usr/bin`` when there is no PATH, an empty one being the current
directory) is tried by exec itself. A file that is missing, may not be executed or is a
directory makes it try the next one; any other trouble ends it. What is reported is the last
trouble other than a missing file.

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
"""The troubles with one candidate after which the search tries the next."""

NOT_THERE = 2
FILE_TYPE = 0o170000
REGULAR = 0o100000
"""Of ``errno``, and of a file's mode: the same everywhere, and two imports less."""

ROOM = 100_000
"""Bytes of arguments and environment that every kernel lets an exec pass, in any case."""


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

    It is looked for on the PATH of the present environment, as C does, even where
    ``entries`` has another. Without ``entries`` the environment stays as it is; without
    ``file`` it is ``argv[0]``. Raises ``OSError`` when there is no such program, and ``GoOn``
    when it is one of ours.
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
    """Raise ``GoOn`` if ``path`` is another of our commands; return if an exec is called for.

    With more words than every kernel allows an exec to pass, only a real one can tell
    whether it may. Another root directory has other code in it.
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
            pass  # a Python without it: pass on all that can be
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
    """Entries in the shape that ``os.execve`` wants: a mapping, which may repeat a name.

    Those that Python can't pass on are left out.
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
