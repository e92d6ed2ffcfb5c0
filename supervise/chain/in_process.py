"""Going on as another of our commands, in the same process.

An exec of a launcher would close the descriptors that are to be closed on exec, put the
signals into the state of a fresh interpreter, name the process after the file, hand over the
environment, and start with the limits in force. This module does each of these by hand.

Two differences remain, and are documented. ``ps -f`` shows the command line of the whole
chain. A memory limit that our interpreter could not live under is not imposed on a command
of ours, but on its children.

**Secrets.** A process keeps in its memory, and shows in ``/proc/PID/environ``, what the chain
has taken out of the environment. The account that it has become must not find it there. So a
command that stays is a real exec once anything was taken out. Only an exec surely leaves
nothing behind. Where limits wait that a new interpreter could not live under, the process
goes on, but stays hidden from its account.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.chain import environment, launchers
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.program import LAUNCHER_SIZE, GoOn, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

OWNER = b"/proc/self/environ"
MAPS = b"/proc/self/maps"
DESCRIPTORS = "/proc/self/fd"
NAME = b"/proc/self/comm"

DESCRIPTORS_NEEDED = 10
"""With fewer than these a new interpreter might not find its code."""

HIDDEN = ("loghost",)
"""Commands that no account may look into, its own neither."""


def command_at(path: bytes) -> str | None:
    """Return which command of ours the file at ``path`` launches, or None.

    The file has to be, to the byte, the launcher that we would write for this interpreter and
    this code, and we must be allowed to execute it. Then running it can't mean anything else.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        data = os.read(fd, LAUNCHER_SIZE + 1)
    except OSError:
        return None
    finally:
        os.close(fd)
    name = launchers.parse(data)
    return name if name and os.access(path, os.X_OK, effective_ids=True) else None


def go_on(path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> None:
    """Raise ``GoOn`` if ``path`` is a launcher of ours; return if a real exec is needed."""
    name = command_at(path)
    stays = name not in launchers.CHAIN or name == "fghack"
    if name is None or (stays and PENDING.taken_out and could_start()):
        return
    try:
        load(name)
    except (ImportError, OSError):
        return
    close_on_exec()
    signals.ignore_as_python_does()
    environment.hand_over(entries)
    if name not in launchers.CHAIN:
        if PENDING.waiting:
            PENDING.waiting.settle()
        if PENDING.taken_out or name in HIDDEN:
            hide()
        else:
            become_visible()
    set_name(os.path.basename(path))
    raise GoOn(name, argv[1:], path)


def could_start() -> bool:
    """Tell whether an interpreter could start under the limits that wait; put them in force then.

    They are settled, as for a command that stays in this process.
    """
    if not PENDING.waiting:
        return True
    descriptors = PENDING.waiting.descriptors
    if descriptors is not None and descriptors < DESCRIPTORS_NEEDED:
        return False
    PENDING.waiting.settle()
    return not PENDING.waiting


def close_on_exec() -> None:
    """Close every descriptor that an exec would close: a name service may have left some open."""
    try:
        names = os.listdir(DESCRIPTORS)
    except OSError:
        return
    for name in names:
        fd = int(name)
        try:
            if not os.get_inheritable(fd):
                os.close(fd)
        except OSError:
            pass  # the listing itself used this one


def set_name(name: bytes) -> None:
    """Name this process ``name`` (its first 15 bytes), as ``ps`` and ``/proc`` show it.

    Once a process has changed its account, the file belongs to root; then the C library sets
    the name. A name that can't be set is no trouble.
    """
    name = name[:15]
    try:
        fd = os.open(NAME, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, name)
        finally:
            os.close(fd)
    except OSError:
        try:
            from slashservice.supervise.platform import clib

            clib.prctl(clib.PR_SET_NAME, name)
        except (ImportError, AttributeError, OSError):
            pass


def become_visible() -> None:
    """Let the account we changed to look at this process again, as after an exec.

    When a process changes its account, the kernel hides it from the new one: its files in
    ``/proc`` belong to root, and no debugger or core dump gets at its memory, which may hold
    secrets of root's. Ours holds none, unless a module of the name service has left some. So
    we stay hidden if such a module was loaded. The owner of the files tells if we are hidden.
    """
    try:
        if os.stat(OWNER).st_uid == os.geteuid():
            return
        with open(MAPS, "rb", buffering=0) as file:
            maps = file.read()
        if maps.count(b"/libnss_") > maps.count(b"/libnss_files"):
            return
        from slashservice.supervise.platform import clib

        clib.prctl(clib.PR_SET_DUMPABLE, 1)
    except (ImportError, AttributeError, OSError):
        pass


def hide() -> None:
    """Let no account trace this process or take its descriptors; root may.

    Its files in ``/proc`` belong to root from now on. Changing the account does the same.
    """
    try:
        from slashservice.supervise.platform import clib

        clib.prctl(clib.PR_SET_DUMPABLE, 0)
    except (ImportError, AttributeError, OSError):
        pass
