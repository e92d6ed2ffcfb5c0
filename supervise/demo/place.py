"""Where the demonstration happens: a folder with a scan directory and small services in it.

The folder has a file that is locked while the demonstration lives. So the next one can tell whose
folder is in use, and whose was left behind by one that was killed together with its guard.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile

from slashservice.supervise.chain import launchers

PREFIX = "slashservice-demo-"

LOCK = "lock"

TO_SOURCE = "try"
"""A file for the shell of another terminal: it has the commands, and goes to the services."""

SERVICES = {
    "clock": (
        "says the time every second",
        "while :; do date '+it is %H:%M:%S'; sleep 1; done",
    ),
    "crasher": (
        "dies after three seconds, again and again",
        "echo 'asking for the database'; sleep 3; echo 'no answer, giving up'; exit 7",
    ),
    "sleeper": (
        "normally down: does not run until it is told to",
        "echo 'woken up'; exec sleep 1000000",
    ),
}
"""Each service, with what it shows, and its run script."""

CLOCK, SLEEPER = "clock", "sleeper"

RUN = "#!/bin/sh\nexec 2>&1\n{}\n"
LOG_RUN = "#!/bin/sh\nexec multilog t ./main\n"

TRY = """\
PATH={commands}:$PATH
cd {services}
"""


class Place:
    """A folder with the services in it; ``lock`` is a descriptor that has it locked."""

    def __init__(self, root: str, lock: int) -> None:
        self.root = root
        self.lock = lock
        self.services = os.path.join(root, "service")
        self.commands = os.path.join(root, "command")
        self.said = os.path.join(root, "said")
        """The file that svscan's own messages go to."""

    def fill(self) -> None:
        """Make the commands and the services. Raises ``OSError``."""
        launchers.write(self.commands)
        for name, (_, script) in SERVICES.items():
            folder = os.path.join(self.services, name)
            os.makedirs(os.path.join(folder, "log"))
            _write(os.path.join(folder, "run"), RUN.format(script), 0o755)
            _write(os.path.join(folder, "log/run"), LOG_RUN, 0o755)
        _write(os.path.join(self.services, SLEEPER, "down"), "", 0o644)
        text = TRY.format(commands=_quoted(self.commands), services=_quoted(self.services))
        _write(os.path.join(self.root, TO_SOURCE), text, 0o644)

    def remove(self) -> bool:
        """Remove it; tell whether nothing is left.

        The file for the other terminal goes first: that tells that the rest is not whole any more.
        """
        try:
            os.unlink(os.path.join(self.root, TO_SOURCE))
        except OSError:
            pass
        shutil.rmtree(self.root, ignore_errors=True)
        return not os.path.lexists(self.root)


def _write(path: str, text: str, mode: int) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, mode)


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


def make(path: str | None) -> Place:
    """Make the folder, which must be new or empty, or a temporary one. Raises ``OSError``."""
    if path is None:
        root = tempfile.mkdtemp(prefix=PREFIX)
    else:
        os.makedirs(path, exist_ok=True)
        if os.listdir(path):
            raise FileExistsError(errno.EEXIST, "", path)
        root = os.path.abspath(path)
    name = os.path.join(root, LOCK)
    fd = os.open(f"{name}.new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.rename(f"{name}.new", name)
    place = Place(root, fd)
    try:
        place.fill()
    except OSError:
        place.remove()
        raise
    return place


def left_behind() -> list[Place]:
    """Return the temporary folders of our account whose demonstration is no more."""
    folder = tempfile.gettempdir()
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith(PREFIX))
    except OSError:
        return []
    found = [abandoned(os.path.join(folder, name)) for name in names]
    return [place for place in found if place]


def abandoned(root: str) -> Place | None:
    """Return a folder as a place, with its lock, if it is ours and nobody has that."""
    try:
        fd = os.open(os.path.join(root, LOCK), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        seen = (os.lstat(root), os.fstat(fd))
        kinds = stat.S_ISDIR(seen[0].st_mode) and stat.S_ISREG(seen[1].st_mode)
        if kinds and all(one.st_uid == os.geteuid() for one in seen):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Place(root, fd)
    except OSError:
        pass
    os.close(fd)
    return None
