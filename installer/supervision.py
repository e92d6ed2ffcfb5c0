"""The installer's side of supervision: is svscan there, drain it, have it end.

Init systems call ``slashservice drain`` and ``slashservice running`` at boot and at shutdown.
So this module uses the standard library only, and starts fast: what a drain needs in rare
cases is imported then. What is on disk, and how it is read,
:mod:`slashservice.supervise.protocol` knows.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from slashservice.supervise.protocol import client, names, record, scan_directory
from slashservice.supervise.protocol.client import wait_for
from slashservice.supervise.protocol.scan_directory import is_alive
from slashservice.supervise.signal_numbers import SIGQUIT, SIGTERM, SIGUSR1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = scan_directory.SECONDS_TO_DRAIN
SEARCH_PATH = os.fsdecode(scan_directory.PATH)

USAGE = """\
slashservice: usage: slashservice drain [-s] [-t SECONDS] [DIR]
slashservice: usage: slashservice running [-a] [DIR]
"""


def running(directory: str) -> int:
    """Return the pid of the svscan that runs on ``directory``, 0 if none does."""
    return scan_directory.running(os.fsencode(directory))


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

    A status outlives a reboot, and its pid soon is somebody else's. C's supervise, and an old
    record, don't tell of which life they are.
    """
    try:
        with open(os.path.join(os.fsencode(service), names.LOCK), "rb") as file:
            found = record.parse(file.read(record.LENGTH))
        return found is None or record.same_life(found.life, record.life())
    except OSError:
        return True


def daemons(directory: str) -> list[int]:
    """Return the pids of all daemons of a scan directory, log services among them."""
    services = service_directories(directory)
    found = [daemon_pid(path) for service in services for path in (service, f"{service}/log")]
    return [pid for pid in found if pid]


def busy(pid: int, directory: str) -> bool:
    """Tell whether the svscan with ``pid`` still supervises a service, linked or not.

    It has the control FIFO of each service open. Where that can't be seen, the status files
    are read.
    """
    control = "/" + os.fsdecode(names.CONTROL)
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return bool(daemons(directory))
    for fd in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}").endswith(control):
                return True
        except OSError:
            continue
    return False


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
        if stay:
            return wait_for(lambda: not busy(pid, directory) or not running(directory), limit)
        _wait_gone(pid, limit)
        wait_for(lambda: not running(directory), max(0.0, end - time.monotonic()))
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
    return running(directory) != pid


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone is no error."""
    assert pid > 0, "kill(2) takes 0 and less for groups of processes"
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _wait_gone(pid: int, limit: float) -> None:
    """Wait for the end of a process that is no child of ours, ``limit`` seconds at most."""
    import select

    from slashservice.supervise.platform.current import system

    try:
        fd = system.open_process(pid)
    except OSError:
        wait_for(lambda: not is_alive(pid), limit)
        return
    try:
        select.select([fd], [], [], limit)
    finally:
        os.close(fd)


def main(argv: Sequence[str]) -> int:
    """Be ``slashservice drain`` or ``slashservice running``.

    ``running`` prints the pid of svscan; with ``-a`` the pids of daemons that a dead one has
    left also count. Exit 0 when drained or running; 100 when nothing runs, or for wrong usage;
    111 when the services did not go down in time.
    """
    verb, words = argv[0], list(argv[1:])
    stay, left, limit = False, False, float(LIMIT)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "-s" and verb == "drain":
            stay = True
        elif word == "-a" and verb == "running":
            left = True
        elif word == "-t" and verb == "drain" and words and words[0].isdigit():
            limit = float(words.pop(0))
        else:
            sys.stderr.write(USAGE)
            return 100
    if len(words) > 1:
        sys.stderr.write(USAGE)
        return 100
    directory = words[0] if words else names.SCAN_DIRECTORY
    if verb == "running":
        pids = [running(directory)]
        if left and not pids[0]:
            pids = daemons(directory) or pids
        if pids[0]:
            print(*pids)
        return 0 if pids[0] else 100
    if drain(directory, stay, limit):
        return 0
    sys.stderr.write(f"slashservice: fatal: services in {directory} did not go down in time\n")
    return 111
