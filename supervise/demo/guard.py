"""A process that keeps svscan running for the demonstration, and ends everything after it.

It has a session of its own. The demonstration has the only writing end of a pipe that the guard
reads, the *leash*. However the demonstration ends, by SIGKILL too, the pipe ends then: the guard
has svscan bring everything down, and removes the folder.

On a second pipe it tells in lines what it does: ``runs PID``, ``died PID STATUS``. That pipe ends
when the guard does; its exit status is 0 if nothing is left.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.platform import posix, processes
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import client, scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.demo.place import Place

SECONDS_WITHOUT = 2.0
"""How long there is no svscan after a death, so that one sees that its services go on."""

SECONDS_OF_DRAIN = 5
"""After so long svscan kills what does not end by itself."""

PAUSE = 0.05
"""Seconds between two looks at the end."""

PATIENCE = 20.0
"""Seconds after which the guard gives up to end everything."""


class Started:
    """A guard that was started: its pid, the leash, and what it tells."""

    def __init__(self, pid: int, leash: int, told: int) -> None:
        self.pid = pid
        self.told = told
        self._leash = leash
        self._status: int | None = None

    def let_go(self) -> None:
        """Have it end everything."""
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1

    def ended(self, status: int) -> None:
        """Take note of its end, which somebody else was told of."""
        self._status = status

    def wait(self) -> bool:
        """Wait for its end; tell whether it has left nothing."""
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        return self._status == 0


def start(place: Place, mask: Iterable[int]) -> Started:
    """Start a guard over a place; svscan gets the signal mask. Raises ``OSError``."""
    kept, leash = posix.pipe()
    told, tell = posix.pipe()
    pid = os.fork()
    if pid:
        os.close(kept)
        os.close(tell)
        return Started(pid, leash, told)
    status = 1
    try:
        os.close(leash)
        os.close(told)
        _leave_the_terminal(place)
        status = Guard(place, kept, tell, mask).run()
    finally:
        os._exit(status)


def _leave_the_terminal(place: Place) -> None:
    """Take a session of our own, and have what is said in a file."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    said = os.open(place.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for fd, number in ((null, 0), (said, 1), (said, 2)):
        os.dup2(fd, number)


class Guard:
    """Keeps svscan running in a place until the leash ends."""

    def __init__(self, place: Place, leash: int, tell: int, mask: Iterable[int]) -> None:
        self._place = place
        self._leash = leash
        self._tell = tell
        self._scan = os.fsencode(place.services)
        self._pid = 0
        """The svscan that is our child."""
        self._told = 0
        """The svscan that was told to end."""
        self._ending: float | None = None
        """Until when everything is to have ended."""
        self._daemons: set[int] = set()
        self._loop = Loop()
        for number in (signal_numbers.SIGINT, signal_numbers.SIGHUP):
            self._loop.on_signal(number, lambda: None)
        self._loop.on_signal(signal_numbers.SIGTERM, self._end)
        signals.pthread_sigmask(signals.SIG_SETMASK, mask)
        self._loop.add(leash, self._end)

    def run(self) -> int:
        """Guard it; return 0 if nothing is left in the end."""
        if not posix.is_readable(self._leash, 0):
            self._start()
        self._loop.run()
        deadline = time.monotonic() + PATIENCE
        while _end_children(self._daemons) or not self._place.remove():
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE)
        return int(self._is_running() or os.path.lexists(self._place.root))

    def _start(self) -> None:
        """Start svscan, unless one runs."""
        if self._pid or self._is_running():
            return
        place = self._place
        path = f"{place.commands}:{os.environ.get('PATH', os.defpath)}"
        program = os.path.join(place.commands, "svscan")
        words = [program, "-g", str(SECONDS_OF_DRAIN), place.services]
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.setsid()
                signals.restore_defaults()
                os.execve(program, words, {**os.environ, "PATH": path})
            finally:
                os._exit(111)
        self._loop.on_exit(self._pid, self._died)
        self._say(f"runs {self._pid}")

    def _died(self, status: int) -> None:
        pid, self._pid = self._pid, 0
        self._say(f"died {pid} {status}")
        if self._ending is None:
            self._loop.after(SECONDS_WITHOUT, self._start)

    def _say(self, line: str) -> None:
        try:
            os.write(self._tell, f"{line}\n".encode())
        except OSError:
            pass  # nobody looks any more

    def _end(self) -> None:
        """Begin to end everything."""
        if self._ending is None:
            self._loop.remove(self._leash)
            self._ending = time.monotonic() + PATIENCE
            self._bring_down()

    def _bring_down(self) -> None:
        """Tell the svscan that runs to bring all down, until none runs and nothing is up.

        It says that it runs when it can hear. One that was killed has left daemons: the next one
        adopts them, and brings them down.
        """
        assert self._ending is not None
        running = self._is_running()
        up = self._up()
        if running:
            self._daemons |= up  # else what is on record may be long over
        _end_children(self._daemons - up)
        if time.monotonic() > self._ending or not (running or self._pid or up):
            self._loop.stop()
            return
        if running and running != self._told:
            try:
                os.kill(running, signal_numbers.SIGTERM)
                self._told = running
            except OSError:
                pass  # it has just ended
        elif not running and up:
            self._start()
        self._loop.after(PAUSE, self._bring_down)

    def _is_running(self) -> int:
        """Return the pid of the svscan that runs here, 0 if there is none."""
        return scan_directory.running(self._scan)

    def _up(self) -> set[int]:
        """Return the pids of the daemons, by what is on record."""
        found = set()
        for service in scan_directory.services(self._scan):
            for path in (service, os.path.join(service, b"log")):
                try:
                    status = client.read_status(path)
                    if status and status.pid:
                        os.kill(status.pid, 0)
                        found.add(status.pid)
                except OSError:
                    continue
        return found


def _end_children(daemons: set[int]) -> bool:
    """End what daemons that are gone have left, as the sleep of a shell; tell if there was any.

    A log only ends when nobody can write to it any more.
    """
    left = [pid for one in daemons for pid, _ in processes.of_session(one)]
    for pid in left:
        try:
            os.kill(pid, signal_numbers.SIGTERM)
        except OSError:
            continue
    return bool(left)
