"""What is said of a service, in the words of runsv: ``runsv NAME: kind: what: why``."""

from __future__ import annotations

from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


FILES = (b"/run", b"/finish", b"/" + names.DOWN)
FOLDERS = (b"/" + names.SUPERVISE + b"/", b"/control/")
"""What follows the name of a service in our own words."""

LOG = b"/log"
CHDIR = b"unable to chdir to "
LOCK = b"unable to acquire "
START = b"unable to start "
RENAME = b"unable to rename "


def phrase(what: bytes, busy: bool) -> tuple[bytes, bytes]:
    """Return the name of the service that ``what`` is about, and what runsv would say of it.

    ``busy`` tells that another process holds a lock. The name is empty if there is none.
    """
    if what.startswith(CHDIR):
        return what[len(CHDIR) :], b"unable to change to directory"
    beginning = b" ".join(what.split(b" ", 3)[:3]) + b" "
    rest = what[len(beginning) :]
    at = end_of_name(rest)
    if at < 0:
        return b"", what
    name, file = rest[:at], rest[at + 1 :]
    part = b""
    if name.endswith(LOG):
        name, part = name[: -len(LOG)], b"log/"
    if beginning == LOCK:
        beginning = b"unable to lock " if busy else b"unable to open "
    elif beginning == START:
        part += b"./"
    elif beginning == RENAME:
        file, _, target = file.rpartition(b" to ")
        file = file.rpartition(b"/")[2]
        return name, beginning + file + b" to " + part + names.SUPERVISE + b"/" + target
    return name, beginning + part + file


def end_of_name(rest: bytes) -> int:
    """Return where the name of a service ends that ``rest`` begins with; less than 0 if nowhere.

    The name may be a path, with such words in it.
    """
    for file in FILES:
        if rest.endswith(file):
            return len(rest) - len(file)
    return max(map(rest.rfind, FOLDERS))


def of_runsv(directory: bytes) -> Callable[[str, bytes, OSError | None], tuple[bytes, bytes]]:
    """Return what has messages be as those of the runsv on ``directory``."""

    def words(program: str, what: bytes, error: OSError | None) -> tuple[bytes, bytes]:
        name, said = phrase(what, isinstance(error, BlockingIOError))
        return b"runsv " + (name or directory), said

    return words


def of_runsvdir(directory: bytes) -> Callable[[str, bytes, OSError | None], tuple[bytes, bytes]]:
    """Return what has messages be as those of the runsvdir on ``directory``, and of its runsvs."""

    def words(program: str, what: bytes, error: OSError | None) -> tuple[bytes, bytes]:
        if program == "supervise":
            name, said = phrase(what, isinstance(error, BlockingIOError))
            return b"runsv " + name if name else b"runsv", said
        return b"runsvdir " + directory, what

    return words
