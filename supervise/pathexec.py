"""Becoming another program: PATH search, exec, and going on in this process.

The search is daemontools' own: a name with a slash is taken as it is; otherwise each
directory of PATH (``/bin:/usr/bin`` when there is no PATH, an empty one being the current
directory) is tried by exec itself. A file that is missing, may not be executed or is a
directory makes it try the next one; any other trouble ends it. What is reported is the last
trouble other than a missing file.

**Chains.** ``setuidgid joe envdir ./env softlimit -o64 daemon`` would start three
interpreters one after the other. When what the search finds is the launcher of another of
our commands, over this same code, this process goes on as that command instead
(:class:`~slashservice.supervise.program.GoOn`). Nobody can tell but by the time it takes,
because everything an exec would do is done by hand in :mod:`slashservice.supervise.chain`.
Resource limits that our own interpreter could not live with wait in :data:`deferred` until
the real exec.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn, Protocol

    class Deferred(Protocol):
        """Something to be done to this process only when it really becomes another program."""

        def apply(self) -> None:
            """Do it, just before an exec."""

        def lift(self) -> None:
            """Undo it, after an exec that failed."""


from errno import EACCES, EISDIR, ENOENT, EPERM

from slashservice.supervise import environment, signals

DEFAULT_PATH = b"/bin:/usr/bin"

TRY_NEXT = (ENOENT, EACCES, EPERM, EISDIR)
"""The troubles with one candidate after which the search tries the next."""

SMALL = 1024
"""No launcher is larger, in bytes; most programs are."""

ROOM = 100_000
"""Bytes of arguments and environment that every kernel lets an exec pass, in any case."""

deferred: list[Deferred] = []
"""What waits for the real exec; :mod:`slashservice.supervise.limits` is the one user."""


def candidates(file: bytes, path: bytes | None) -> Iterator[bytes]:
    """Yield the paths at which ``file`` may be, given the value of PATH."""
    if b"/" in file:
        yield file
        return
    for directory in (DEFAULT_PATH if path is None else path).split(b":"):
        yield (directory or b".") + b"/" + file


def run(argv: Sequence[bytes], entries: Sequence[bytes] | None = None) -> NoReturn:
    """Become the program ``argv[0]`` with ``argv`` and the environment ``entries``.

    It is looked for on the PATH of the present environment, as C does, even where
    ``entries`` has another. Without ``entries`` the environment stays as it is. Raises
    ``OSError`` when there is no such program, and ``GoOn`` when it is one of ours.
    """
    present = environment.inherited()
    if entries is None:
        entries = present
    trouble = ENOENT
    for path in candidates(argv[0], environment.get(b"PATH", present)):
        if not exists(path):
            continue
        go_on_if_ours(path, argv, entries)
        try:
            execute(path, argv, entries)
        except OSError as error:
            if error.errno != ENOENT:
                trouble = error.errno or 0
            if error.errno not in TRY_NEXT:
                break
    raise OSError(trouble, os.strerror(trouble))


def exists(path: bytes) -> bool:
    """Tell whether an exec of ``path`` could say anything but that it isn't there."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def go_on_if_ours(path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> None:
    """Raise ``GoOn`` if ``path`` is another of our commands; return if an exec is called for.

    With more words than every kernel allows an exec to pass, only a real one can tell
    whether it may.
    """
    try:
        about = os.stat(path)
        if about.st_size > SMALL or about.st_mode & 0o170000 != 0o100000:
            return
    except OSError:
        return
    if sum(map(len, argv)) + sum(map(len, entries)) + 9 * (len(argv) + len(entries)) > ROOM:
        return
    from slashservice.supervise import chain

    chain.go_on(path, argv, entries)


def execute(path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> NoReturn:
    """Exec ``path`` and nothing else, with exactly these words and entries.

    Signals that the interpreter ignores are back at their defaults, and what waits in
    :data:`deferred` is applied. Raises the ``OSError`` of the exec, all of that undone.
    """
    before = [(number, signals.getsignal(number)) for number in signals.IGNORED_BY_PYTHON]
    signals.restore_defaults()
    for one in deferred:
        one.apply()
    try:
        if argv[0] and all(b"=" in entry for entry in entries):
            os.execve(path, argv, Entries(entries))  # type: ignore[arg-type]
        from slashservice.supervise.rawexec import rawexec

        rawexec(path, argv, entries)
    finally:
        for one in reversed(deferred):
            one.lift()
        for number, handler in before:
            signals.signal(number, handler)


class Entries:
    """Entries in the shape that ``os.execve`` wants: a mapping, which may repeat a name."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.parts = [entry.partition(b"=") for entry in entries]

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, name: bytes) -> bytes:
        return self.values()[self.keys().index(name)]

    def keys(self) -> list[bytes]:
        """Return the names, in order, repeated ones repeated."""
        return [name for name, _, _ in self.parts]

    def values(self) -> list[bytes]:
        """Return the values in the order of the names."""
        return [value for _, _, value in self.parts]
