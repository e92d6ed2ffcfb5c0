"""What a log service is to run, if a log host can do that here.

:mod:`~slashservice.supervise.scripts.run_script` reads the script alone. Here it is found out what
depends on the machine: whether the programs are ours, and whether anything is left to prepare.
"""

from __future__ import annotations

import os

from slashservice.supervise.chain import environment, in_process, pathexec
from slashservice.supervise.logs.svlogd_arguments import hosted_directories
from slashservice.supervise.platform import posix
from slashservice.supervise.scripts import run_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.scripts.plain import Plain
    from slashservice.supervise.services.directory import ServiceDirectory

HOST_UMASK = 0o022
"""That of a log host, and of multilog."""

CHANGES_SHELLS = (b"BASH_ENV=", b"BASH_FUNC_", b"SHELLOPTS=", b"BASHOPTS=", b"CDPATH=")
"""Beginnings of variables by which a shell would do more than its script says."""


class Wanted:
    """A logger ``program`` with ``actions``, as ``account``.

    It complains to our descriptor ``complaints``.

    If there is ``before``, that is done first, by ``interpreter``, and tells the actions; but if it
    is not ``is_needed``, only where one of the directories ``made`` is missing.
    """

    __slots__ = (
        "account",
        "actions",
        "before",
        "complaints",
        "interpreter",
        "is_needed",
        "made",
        "moves",
        "program",
    )

    def __init__(self, plain: Plain, before: bytes | None, complaints: int) -> None:
        self.program = plain.program.encode()
        self.account = plain.account
        self.actions = plain.actions or []
        self.moves = plain.moves
        self.interpreter = plain.interpreter
        self.before = before
        self.is_needed = plain.is_needed
        self.made = plain.made
        self.complaints = complaints


def read(directory: ServiceDirectory, entries: Sequence[bytes]) -> Wanted | None:
    """Read what the log service runs; None unless it is plain, and ours to run.

    ``entries`` is the environment of the script. Raises ``OSError`` if it can't be read now.
    """
    run = directory.path + b"/run"
    try:
        fd = os.open(run, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            text = os.read(fd, run_script.LONGEST + 1)
        finally:
            os.close(fd)
    except OSError as error:
        # What it runs by itself would know nothing of what is in its journal.
        if posix.may_pass(error):
            raise
        return None
    plain = run_script.parse(text)
    if plain is None or not os.access(run, os.X_OK) or not _is_clear(plain, entries):
        return None
    path = environment.get(b"PATH", entries) if plain.path is None else plain.path
    for name, word in plain.programs.items():
        if not _is_ours(name, word, directory.path, path):
            return None
    before = plain.before
    if before is None and not _are_there(plain.made, directory.path):
        return None  # what would have to be done is not for us to do
    if plain.merged and not os.get_inheritable(1):
        return None  # it is closed, and exec would fail
    complaints = 1 if plain.merged and not complaints_go_where_output_goes() else 2
    return Wanted(plain, before, complaints)


def _is_clear(plain: Plain, entries: Sequence[bytes]) -> bool:
    """Tell whether the script does here what it says, and a host can do the same.

    What a logger starts would have the variables of the script, where they are exported.
    """
    if any(entry.startswith(CHANGES_SHELLS) for entry in entries):
        return False
    if not os.access(plain.interpreter[0], os.X_OK):
        return False
    if plain.program == "svlogd" and not _is_hosted_svlogd(plain):
        return False
    inherited = [environment.get(name, entries) is not None for name in plain.assigned]
    changes = bool(plain.exported) or any(inherited)
    starts = (
        plain.program == "svlogd"
        or plain.actions is None
        or any(word[:1] == b"!" for word in plain.actions)
    )
    return not (changes and starts)


def _is_hosted_svlogd(plain: Plain) -> bool:
    """Tell whether a host can be this svlogd, which has the umask of its script."""
    umask = plain.umask
    if umask is None:
        umask = os.umask(HOST_UMASK)
        os.umask(umask)
    if umask != HOST_UMASK:
        return False
    return plain.actions is None or hosted_directories(plain.actions) is not None


def _are_there(made: Sequence[bytes], directory: bytes) -> bool:
    return all(os.path.isdir(os.path.join(directory, path)) for path in made)


def _is_ours(name: str, word: bytes, directory: bytes, path: bytes | None) -> bool:
    """Tell whether the program named ``word`` in a run script is our command ``name``."""
    for candidate in pathexec.candidates(word, path):
        program = os.path.join(directory, candidate)
        if os.access(program, os.X_OK) and not os.path.isdir(program):
            return in_process.command_at(program) == name
    return False


def complaints_go_where_output_goes() -> bool:
    """Tell whether our standard output and error, which a host has from us, are the same file.

    Then ``exec 2>&1`` in a run script changes nothing. So it is under svscanboot, in a terminal,
    and under systemd. A descriptor that was closed at our start is not handed on.
    """
    try:
        same = os.path.sameopenfile(1, 2)
        return same and os.get_inheritable(1) and os.get_inheritable(2)
    except OSError:
        return False
