"""Talk to the svscan that runs on a scan directory: is it there, drain it, wait for it.

Used by the installer, and by init systems at shutdown through ``slashservice drain`` and
``slashservice running``: so it needs the standard library only, and starts fast. svscan
keeps ``.svscan/lock`` locked while it runs, and its pid in ``.svscan/pid``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

OWN_FOLDER = ".svscan"
LIMIT = 120
"""Seconds a drain may take before it counts as failed."""

PAUSE = 0.05
NOBODY = (errno.ENXIO, errno.ENOENT, errno.ENOTDIR)
"""What opening a supervisor's FIFO fails with where there is no supervisor."""

DEFAULT_DIRECTORY = "/service"
SEARCH_PATH = "/command:/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/X11R6/bin"
"""The PATH of ``svscanboot``, which services inherit."""

USAGE = """\
slashservice: usage: slashservice drain [-s] [-t SECONDS] [DIR]
slashservice: usage: slashservice running [DIR]
"""


def running(directory: str) -> int:
    """Return the pid of the svscan that runs on ``directory``, 0 if none does.

    The pid is looked at first and the lock only then, so that looking does not take the
    lock away from a svscan that just starts.
    """
    try:
        with open(f"{directory}/{OWN_FOLDER}/pid", "rb") as file:
            pid = int(file.read(20) or b"0")
    except (OSError, ValueError):
        return 0
    return pid if pid > 0 and _alive(pid) and _locked(directory) else 0


def _alive(pid: int) -> bool:
    """Tell whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _locked(directory: str) -> bool:
    """Tell whether someone holds svscan's lock."""
    return held(f"{directory}/{OWN_FOLDER}/lock")


def held(lock: str) -> bool:
    """Tell whether someone has the file ``lock`` locked, as all supervisors do theirs."""
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # we may not look: assume the worst
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(fd)
    return False


def wait_for(condition: Callable[[], object], limit: float) -> bool:
    """Wait until ``condition()`` holds, ``limit`` seconds at most; tell whether it does."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def service_directories(directory: str) -> list[str]:
    """Return the services in a scan directory, as svscan sees them, without their logs."""
    try:
        names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except OSError:
        return []
    paths = [os.path.join(directory, name) for name in names]
    return [path for path in paths if os.path.isdir(path)]


def daemon_pid(service: str) -> int:
    """Return the pid in a service's status file if that process is there, 0 otherwise.

    The file: 12 bytes of time stamp, then the pid in 4, little-endian.
    """
    try:
        with open(f"{service}/supervise/status", "rb") as file:
            status = file.read(18)
    except OSError:
        return 0
    pid = int.from_bytes(status[12:16], "little") if len(status) == 18 else 0
    return pid if pid and _alive(pid) else 0


def daemons(directory: str) -> list[int]:
    """Return the pids of all daemons of a scan directory, log services among them."""
    services = service_directories(directory)
    found = [daemon_pid(path) for service in services for path in (service, f"{service}/log")]
    return [pid for pid in found if pid]


def tell(service: str, commands: bytes) -> bool:
    """Write control characters to the supervisor of ``service``; tell whether it has one."""
    try:
        fd = os.open(f"{service}/supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in NOBODY:
            return False
        raise
    try:
        os.write(fd, commands)
    except BrokenPipeError:
        return False  # it ended just now
    finally:
        os.close(fd)
    return True


def supervised(service: str) -> bool:
    """Tell whether ``service`` has a supervisor, as svok(8) does."""
    try:
        os.close(os.open(f"{service}/supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno in NOBODY:
            return False
        raise
    return True


def busy(pid: int, directory: str) -> bool:
    """Tell whether the svscan with ``pid`` still supervises anything, linked or not.

    It has the FIFO of each service open; where that can't be seen, status files must do.
    """
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return bool(daemons(directory))
    for name in names:
        try:
            if os.readlink(f"/proc/{pid}/fd/{name}").endswith("/supervise/control"):
                return True
        except OSError:
            continue
    return False


def drain(directory: str, stay: bool = False, limit: float = LIMIT, program: str = "") -> bool:
    """Have svscan take all services down, then their logs; tell whether that came to pass.

    With ``stay`` svscan lives on, idle, for an init that would start it again; it is told
    the final TERM later. Where svscan is dead already and has left daemons behind, as when
    an init killed it halfway, another is started just for this, from ``program``: it adopts
    and drains them.
    """
    end = time.monotonic() + limit
    pid = running(directory)
    if pid:
        send(pid, signal.SIGUSR1 if stay else signal.SIGTERM)
        if stay:
            return wait_for(lambda: not busy(pid, directory) or not running(directory), limit)
        _wait_gone(pid, limit)
        wait_for(lambda: not running(directory), max(0.0, end - time.monotonic()))
        if running(directory):
            return False
    if daemons(directory):
        _drain_orphans(directory, program or _svscan(), max(1.0, end - time.monotonic()))
        if running(directory) and time.monotonic() < end:
            # It was just starting when we looked, and kept ours from doing so.
            return drain(directory, stay, end - time.monotonic(), program)
    return not daemons(directory)


def quit_(directory: str, limit: float = 30) -> bool:
    """Have svscan exit at once and leave its daemons to the next one; tell whether it did."""
    pid = running(directory)
    if pid:
        send(pid, signal.SIGQUIT)
        wait_for(lambda: running(directory) != pid, limit)
    return running(directory) != pid


def send(pid: int, number: int) -> None:
    """Send a signal; that the process is gone is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _wait_gone(pid: int, limit: float) -> None:
    """Wait for the end of a process that is no child of ours."""
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        wait_for(lambda: not _alive(pid), limit)
        return
    try:
        select.select([fd], [], [], limit)
    finally:
        os.close(fd)


def _svscan() -> str:
    """Return the svscan that was installed beside the command that runs."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "svscan")


def _drain_orphans(directory: str, program: str, limit: float) -> None:
    """Run a svscan that adopts what was left behind, and have it drain as soon as it has.

    It says so over a socket, as it would to systemd: a TERM before that would only kill it.
    """
    if not os.access(program, os.X_OK):
        return
    end = time.monotonic() + limit
    with tempfile.TemporaryDirectory(prefix="slashservice-") as folder:
        address = os.path.join(folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(address)
            ready.settimeout(PAUSE)
            with open(os.devnull, "r+b", buffering=0) as nothing:
                svscan = subprocess.Popen(
                    [program, directory],
                    env={"PATH": SEARCH_PATH, "NOTIFY_SOCKET": address},
                    stdin=nothing,
                    stdout=nothing,
                    start_new_session=True,
                )
            is_ready = False
            while not is_ready and svscan.poll() is None and time.monotonic() < end:
                is_ready = _says_ready(ready)
            try:
                svscan.send_signal(signal.SIGTERM if is_ready else signal.SIGQUIT)
                svscan.wait(max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                svscan.send_signal(signal.SIGQUIT)
                svscan.wait()


def _says_ready(ready: socket.socket) -> bool:
    """Tell whether svscan said within a moment that it has started everything."""
    try:
        return b"READY=1" in ready.recv(4096).split(b"\n")
    except TimeoutError:
        return False


def main(argv: Sequence[str]) -> int:
    """Be ``slashservice drain`` or ``slashservice running``.

    Exit 0 when drained or running; 100 when nothing runs, or for wrong usage; 111 when the
    services did not go down in time.
    """
    verb, words = argv[0], list(argv[1:])
    stay, limit = False, float(LIMIT)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "-s" and verb == "drain":
            stay = True
        elif word == "-t" and verb == "drain" and words and words[0].isdigit():
            limit = float(words.pop(0))
        else:
            sys.stderr.write(USAGE)
            return 100
    if len(words) > 1:
        sys.stderr.write(USAGE)
        return 100
    directory = words[0] if words else DEFAULT_DIRECTORY
    if verb == "running":
        pid = running(directory)
        if pid:
            print(pid)
        return 0 if pid else 100
    if drain(directory, stay, limit):
        return 0
    sys.stderr.write(f"slashservice: fatal: services in {directory} did not go down in time\n")
    return 111
