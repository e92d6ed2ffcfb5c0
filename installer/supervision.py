"""The installer's side of supervision: is svscan there, drain it, have it end.

Init systems call ``slashservice drain`` and ``slashservice running`` at boot and at shutdown. So
this module uses the standard library only, and starts fast: what a drain needs in rare cases is
imported then. What is on disk, and how it is read, :mod:`slashservice.supervise.protocol` knows.
"""

from __future__ import annotations

import errno
import os
import time

from slashservice.installer.waiting import FIRST_WORD, listed, say, wait_telling
from slashservice.supervise.protocol import client, names, record, scan_directory
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.scan_directory import is_alive
from slashservice.supervise.signal_numbers import SIGQUIT, SIGTERM, SIGUSR1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = scan_directory.SECONDS_TO_DRAIN
SEARCH_PATH = os.fsdecode(scan_directory.PATH)


def running(directory: str) -> int:
    """Return the pid of the svscan that runs on ``directory``, 0 if none does."""
    return scan_directory.running(os.fsencode(directory))


def is_drained(directory: str, pid: int) -> bool:
    """Tell whether svscan ``pid`` is drained and stays: it starts nothing any more."""
    return scan_directory.is_drained(os.fsencode(directory), pid)


def waiting(directory: str) -> list[int]:
    """Return the pids of the svscans that wait until the one on ``directory`` has ended."""
    return scan_directory.waiting(os.fsencode(directory))


def code(directory: str, pid: int) -> tuple[str, str]:
    """Return version and folder of the code that the svscan ``pid`` runs, empty if unknown."""
    return scan_directory.code(os.fsencode(directory), pid)


def held(lock: str) -> bool:
    """Tell whether a supervisor has the file ``lock`` locked; true if that can't be told."""
    return scan_directory.is_held(os.fsencode(lock))


def service_directories(directory: str) -> list[str]:
    """Return the paths of the services in a scan directory, without their logs."""
    paths = [os.fsdecode(path) for path in scan_directory.services(os.fsencode(directory))]
    return [path for path in paths if os.path.isdir(path)]


def supervised(service: str) -> bool:
    """Tell whether ``service`` has a supervisor; where there is no such directory, it has not."""
    try:
        return client.is_supervised(os.fsencode(service))
    except NotADirectoryError:
        return False


def without_receipt(root: str) -> str:
    """Return the scan directory of the host at ``root``, where no receipt may be read.

    On this host the installed code tells.
    """
    from slashservice.supervise.protocol import places

    return os.fsdecode(places.scan_directory()) if root == "/" else names.SCAN_DIRECTORY


def is_attended(service: str, default: bool = False) -> bool:
    """Tell whether ``service`` has a supervisor; ``default`` where only root may know."""
    try:
        return supervised(service)
    except PermissionError:
        return default


def tell(service: str, letters: bytes) -> bool:
    """Write control characters to the supervisor of ``service``; tell whether it has one."""
    try:
        client.tell(os.fsencode(service), letters, patient=False)
    except (FileNotFoundError, NotADirectoryError, BrokenPipeError):
        return False
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    return True


def daemon_pid(service: str) -> int:
    """Return the pid in a service's status file if that process is there, 0 otherwise."""
    try:
        status = client.read_status(os.fsencode(service))
    except OSError:
        return 0
    if not status or not status.pid or not is_alive(status.pid):
        return 0
    return status.pid if _is_of_this_life(service) else 0


def _is_of_this_life(service: str) -> bool:
    """Tell whether what is written of a service may be of this life of the machine.

    A status outlives a reboot, and its pid soon is somebody else's. C's supervise, runsv and an
    old record don't tell of which life they are; nor does one that our svscan has left behind as it
    ended in order, where another supervisor has the service since.
    """
    try:
        with open(os.path.join(os.fsencode(service), names.LOCK), "rb") as file:
            found = record.parse(file.read(record.LENGTH))
        if found is None or found.life == record.NAMELESS:
            return True
        return record.same_life(found.life, record.life())
    except OSError:
        return True


def daemons(directory: str) -> list[int]:
    """Return the pids of all daemons of a scan directory, log services among them."""
    services = service_directories(directory)
    found = [daemon_pid(path) for service in services for path in (service, f"{service}/log")]
    return [pid for pid in found if pid]


def is_orphaned(service: str) -> bool:
    """Tell whether the daemon of ``service`` runs without a supervisor."""
    return bool(daemon_pid(service)) and not supervised(service)


def search_path(directory: str, commands: str = "") -> str:
    """Return the PATH of services in ``directory``, the usual one if no svscan runs there.

    An ordinary account has ``commands`` in a folder of its own. A container's first process has
    moved its environment into files.
    """
    usual = f"{commands}:{SEARCH_PATH}" if commands else SEARCH_PATH
    pid = running(directory) if directory else 0
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read()
        if b"svcontainer" in words:
            with open(names.KEPT_ENVIRONMENT + b"/PATH", "rb") as file:
                return os.fsdecode(file.read().rstrip())
        fixed = b"svscanboot" in words
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read().split(b"\0")
    except OSError:
        return usual
    found = [word[5:] for word in environment if word.startswith(b"PATH=")]
    return os.fsdecode(found[0]) if found and not fixed else usual


def busy(pid: int, directory: str) -> bool:
    """Tell whether the svscan with ``pid`` still supervises a service, linked or not.

    Where that can't be seen, the status files are read.
    """
    held = supervised_by(pid)
    return bool(daemons(directory)) if held is None else bool(held)


def supervised_by(pid: int) -> list[str] | None:
    """Return the directories of the services that a svscan has; None where that can't be seen."""
    found = scan_directory.supervised_by(pid)
    return None if found is None else [os.fsdecode(path) for path in found]


def unlinked(directory: str, pid: int) -> list[str]:
    """Return the services of svscan ``pid`` that have no link in its scan directory any more.

    Of some it may have only the log still.
    """
    linked = {os.path.realpath(path) for path in service_directories(directory)}
    held = supervised_by(pid) or []
    found = dict.fromkeys(scan_directory.main_of(one) for one in held)
    return [one for one in found if one not in linked]


def up(directory: str) -> list[str]:
    """Return what still runs below the svscan of ``directory``, as ``name (pid N)``."""
    pid = running(directory)
    services = service_directories(directory)
    services += unlinked(directory, pid) if pid else []
    found = []
    for service in services:
        name = os.path.basename(service)
        for path, called in ((service, name), (f"{service}/log", f"{name}/log")):
            daemon = daemon_pid(path)
            if daemon:
                found.append(f"{called} (pid {daemon})")
    return found


def _waiting(directory: str) -> str:
    """Say what a drain waits for: services, or once they are down their logs."""
    found = up(directory)
    services = [one for one in found if "/log (pid " not in one]
    what = services or found
    return f"waiting for {listed(what)} to go down" if what else "waiting for svscan to end"


class Told:
    """While the block runs, as a command that stops svscan: says what that waits for."""

    def __init__(self, directory: str) -> None:
        import threading

        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, args=[directory], daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _tell(self, directory: str) -> None:
        pause = FIRST_WORD
        while not self._ended.wait(pause):
            say(_waiting(directory))
            pause *= 2


def still_up(directory: str) -> str:
    """Return words on what has not gone down, to be put behind a message; empty if all has."""
    left = listed(up(directory))
    return f": {left}" if left else ""


def drain(directory: str, stay: bool = False, limit: float = LIMIT, program: str = "") -> bool:
    """Have svscan take all services down, then their logs; tell whether all are.

    With ``stay`` svscan lives on, idle, for an init that would start it again; it gets the
    final TERM later. A svscan that was killed, as by an init at shutdown, has left daemons
    behind: then another is started, from ``program``, which adopts and drains them.
    """
    end = time.monotonic() + limit
    pid = running(directory)
    if pid:
        send(pid, SIGUSR1 if stay else SIGTERM)

        def words() -> str:
            return _waiting(directory)

        if stay:
            return wait_telling(
                lambda: not busy(pid, directory) or not running(directory), limit, words
            )
        _wait_gone(pid, limit, words)
        wait_telling(lambda: not running(directory), max(0.0, end - time.monotonic()), words)
        if running(directory):
            return False
    if daemons(directory):
        from slashservice.installer import orphans

        orphans.drain(directory, program, max(1.0, end - time.monotonic()))
        if running(directory) and time.monotonic() < end:
            # It was just starting when we looked, and kept ours from doing so.
            return drain(directory, stay, end - time.monotonic(), program)
    return not daemons(directory)


def quit_(directory: str, limit: float = 30) -> bool:
    """Have svscan exit at once and leave its daemons to the next one; tell whether it did."""
    pid = running(directory)
    if pid:
        send(pid, SIGQUIT)
        wait_for(lambda: running(directory) != pid, limit)
    return not pid or running(directory) != pid


def is_told_to_end(pid: int) -> bool:
    """Tell whether a process has a TERM that it has not seen yet, as it is stopped."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            words = file.read().split()
    except OSError:
        return False
    waiting = [words[words.index(name) + 1] for name in (b"SigPnd:", b"ShdPnd:") if name in words]
    return any(int(one, 16) & 1 << SIGTERM - 1 for one in waiting)


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone is no error."""
    assert pid > 0, "kill(2) takes 0 and less for groups of processes"
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _wait_gone(pid: int, limit: float, words: Callable[[], str]) -> None:
    """Wait for the end of a process that is no child of ours, ``limit`` seconds at most.

    What ``words`` says is said as it takes longer.
    """
    import select

    from slashservice.supervise.platform.current import system

    try:
        fd = system.open_process(pid)
    except OSError:
        wait_telling(lambda: not is_alive(pid), limit, words)
        return
    end = time.monotonic() + limit
    pause = FIRST_WORD
    try:
        while True:
            left = max(0.0, end - time.monotonic())
            if select.select([fd], [], [], min(pause, left))[0] or left <= pause:
                return
            say(words())
            pause *= 2
    finally:
        os.close(fd)
