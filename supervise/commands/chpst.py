"""chpst: run a program with a changed process state.

It is runit's command of that name, letter for letter, with four more options that people
miss there: ``-G``, ``-M``, ``-N`` and ``-O``. The order of the steps is runit's; see
:data:`ORDER`.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise import numbers, program
from slashservice.supervise.chain import environment, pathexec
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import MISUSE, Quit, complain, fatal
from slashservice.supervise.program import GoOn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


NAME = "chpst"

SPEC = "u:U:b:e:/:C:n:l:L:m:d:o:p:f:c:r:t:vVP012GM:NO:"
LIMITS = "mdopfcrt"

UNTOUCHED = (1 << 63) - 1
"""runit takes larger numbers for negative ones, and sets nothing then."""

USAGE = (
    "[-vVPGN012] [-u user[:group]] [-U user[:group]] [-b argv0] [-e dir] [-/ root] [-C pwd] "
    "[-n nice] [-l|-L lock] [-m n] [-d n] [-o n] [-p n] [-f n] [-c n] [-t n] "
    "[-M mask] [-O score] prog"
)


class Request:
    """A command line, read and checked."""

    def __init__(self, argv: Sequence[bytes]) -> None:
        self.given: dict[str, bytes] = {}
        self.limits: dict[str, int] = {}
        """By letter; ``s``, ``l`` and ``a`` are only ever set along with ``m``."""
        self.nice = 0
        self.umask = 0
        self.score = 0
        self.called = program.called()
        options = Options(self.called, argv, SPEC)
        for letter, value in options:
            self._take(letter, value)
        self.rest = options.rest
        if not self.rest or ("G" in self.given and self.given.get("u", b":")[:1] == b":"):
            raise self.misuse()

    def misuse(self) -> Quit:
        """Make the end by a wrong call, in runit's words."""
        return Quit(MISUSE, os.fsencode(f"usage: {self.called} {USAGE}\n\n"))

    def _take(self, letter: str, value: bytes) -> None:
        if letter == BAD:
            raise self.misuse()
        if letter == "V":
            complain(version())
            raise self.misuse()
        if letter in "lL" and not {"l", "L"}.isdisjoint(self.given):
            raise self.misuse()
        if letter in LIMITS:
            for one in "dsla" if letter == "m" else letter:
                self.limits[one] = self._checked(numbers.unsigned(value))
        elif letter == "n":
            self.nice = self._checked(numbers.signed(value))
        elif letter == "O":
            self.score = self._checked(numbers.signed(value))
        elif letter == "M":
            self.umask = self._checked(numbers.octal(value))
        self.given[letter] = value

    def _checked(self, number: int | None) -> int:
        if number is None:
            raise self.misuse()
        return number


def main(argv: Sequence[bytes]) -> int:
    """Be ``chpst [OPTIONS] PROG``."""
    go_on_as_called(argv)
    request = Request(argv)
    if not {"u", "/"}.isdisjoint(request.given):
        fetch_code()
    settings: list[bytes] = []
    for letters, step in ORDER:
        if any(letter in request.given for letter in letters):
            settings += step(request) or []
    entries = environment.changed(environment.inherited(), settings)
    words = [request.given.get("b", request.rest[0]), *request.rest[1:]]
    try:
        pathexec.run(words, entries, request.rest[0])
    except OSError as error:
        raise failed(b"unable to run: " + request.rest[0], error) from None


def go_on_as_called(argv: Sequence[bytes]) -> None:
    """Raise ``GoOn`` if the file that was run is a link named as a command that we emulate."""
    called = program.called()
    if called == NAME:
        return  # without the import
    from slashservice.supervise.chain.launchers import EMULATED

    if called in EMULATED:
        raise GoOn(called, argv, os.fsencode(sys.argv[0]))


def fetch_code() -> None:
    """Import all that may be needed once our code is out of reach."""
    import grp  # noqa: F401

    from slashservice.supervise import error_words  # noqa: F401
    from slashservice.supervise.chain import accounts, limits, lockfile  # noqa: F401

    environment.inherited()
    try:
        from slashservice.supervise.platform import clib  # noqa: F401
    except ImportError:
        pass


def version() -> bytes:
    """Say which program this is."""
    from slashservice.supervise.version import VERSION

    return b"chpst, slashservice %s\n" % VERSION.encode()


def failed(what: bytes, error: OSError) -> Quit:
    """Make the end by trouble."""
    return fatal(NAME, what, error)


def new_session(_request: Request) -> None:
    """``-P``."""
    try:
        os.setsid()
    except OSError:
        pass


def set_score(request: Request) -> None:
    """``-O``: how soon the kernel kills us when memory runs out."""
    from slashservice.supervise.platform.current import system

    try:
        system.set_oom_score(request.score)
    except OSError as error:
        raise failed(b"unable to set OOM score", error) from None


def read_variables(request: Request) -> list[bytes]:
    """``-e``."""
    from slashservice.supervise.chain import variables

    words = {
        variables.CURRENT: b"unable to open current working directory",
        variables.ENTER: b"unable to switch to directory: ",
        variables.OPEN: b"unable to open directory: ",
        variables.LIST: b"unable to read directory: ",
        variables.FILE: b"unable to read ",
        variables.RETURN: b"unable to switch to starting directory",
    }
    try:
        return variables.read(request.given["e"], skip_directories=True)
    except variables.Failed as trouble:
        what = words[trouble.step]
        if what.endswith(b" "):
            what += trouble.path
        raise failed(what, trouble.error) from None


def change_root(request: Request) -> None:
    """``-/``."""
    change_directory(request.given["/"])
    try:
        os.chroot(b".")
    except OSError as error:
        raise failed(b"unable to change root directory", error) from None
    PENDING.other_root = True


def change_directory(path: bytes) -> None:
    """Go to ``path`` or end."""
    try:
        os.chdir(path)
    except OSError as error:
        raise failed(b"unable to change directory: " + path, error) from None


def enter(request: Request) -> None:
    """``-C``."""
    change_directory(request.given["C"])


def change_nice(request: Request) -> None:
    """``-n``."""
    try:
        os.nice(max(-40, min(request.nice, 40)))
    except OSError as error:
        raise failed(b"unable to set nice level", error) from None


def parse_user(words: bytes) -> tuple[int, list[int]]:
    """Look up what ``-u`` or ``-U`` name, or end."""
    from slashservice.supervise.chain import accounts

    try:
        return accounts.parse(words)
    except accounts.Unknown as unknown:
        if unknown.error:
            raise failed(b"unable to get password/group file entry", unknown.error) from None
        raise fatal(NAME, b"unknown user/group: " + words) from None
    except accounts.Malformed:
        raise fatal(NAME, b"invalid uid/gids: " + words[1:]) from None


def name_user(request: Request) -> list[bytes]:
    """``-U``."""
    from slashservice.supervise.chain import accounts

    user, groups = parse_user(request.given["U"])
    return accounts.settings(user, groups[0])


def become_user(request: Request) -> None:
    """``-u``, with ``-G`` if given."""
    from slashservice.supervise.chain import accounts

    words = request.given["u"]
    user, groups = parse_user(words)
    supplementary = groups
    if "G" in request.given:
        supplementary = list(dict.fromkeys(groups + accounts.own_groups(words, groups[0])))
    what = b"setgroups"
    try:
        os.setgroups(supplementary)
        what = b"setgid"
        os.setgid(groups[0])
        what = b"setuid"
        os.setuid(user)
    except OSError as error:
        raise failed(b"unable to " + what, error) from None


def acquire(request: Request) -> None:
    """``-l`` or ``-L``."""
    from slashservice.supervise.chain import lockfile

    file = request.given.get("l", request.given.get("L", b""))
    try:
        fd = lockfile.open_for(file)
    except OSError as error:
        raise failed(b"unable to open lock: " + file, error) from None
    try:
        lockfile.lock(fd, "l" in request.given)
    except OSError as error:
        raise failed(b"unable to lock: " + file, error) from None


def close_standard(request: Request) -> None:
    """``-0``, ``-1`` and ``-2``."""
    for fd, name in enumerate((b"stdin", b"stdout", b"stderr")):
        if str(fd) in request.given:
            try:
                os.close(fd)
            except OSError as error:
                raise failed(b"unable to close " + name, error) from None


def lower_limits(request: Request) -> None:
    """``-m`` and the other limits, in runit's order."""
    from slashservice.supervise.chain.limits import RESOURCES

    limits = PENDING.soft_limits()
    for letter in "dslaopfcrt":
        if letter not in request.limits:
            continue
        (number,) = RESOURCES[letter]
        try:
            _, hard = limits.get(number)
        except OSError as error:
            raise failed(b"unable to getrlimit()", error) from None
        soft = request.limits[letter]
        if soft > UNTOUCHED and soft != numbers.LARGEST:
            continue
        try:
            limits.set(number, min(soft, hard))
        except OSError as error:
            raise failed(b"unable to setrlimit()", error) from None


def set_umask(request: Request) -> None:
    """``-M``."""
    os.umask(request.umask)


def forbid_privileges(_request: Request) -> None:
    """``-N``: from now on no set-id program gives us or our children more rights."""
    try:
        from slashservice.supervise.platform import clib

        clib.prctl(clib.PR_SET_NO_NEW_PRIVS, 1)
    except ImportError:
        raise fatal(NAME, b"unable to set no-new-privs: this Python has no _ctypes") from None
    except OSError as error:
        raise failed(b"unable to set no-new-privs", error) from None


ORDER: tuple[tuple[str, Callable[[Request], list[bytes] | None]], ...] = (
    ("P", new_session),
    ("O", set_score),
    ("e", read_variables),
    ("/", change_root),
    ("C", enter),
    ("n", change_nice),
    ("U", name_user),
    ("u", become_user),
    ("lL", acquire),
    ("012", close_standard),
    (LIMITS, lower_limits),
    ("M", set_umask),
    ("N", forbid_privileges),
)
"""The step of each letter, in the order in which the steps are done."""
