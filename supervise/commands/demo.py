"""``slashservice demo [DIR]``: svscan at work on a few small services, shown as it happens.

The demo makes a scan directory and runs svscan on it. DIR must be new or empty; without it
the directory is a temporary one. The demo prints what changes until ^C. Then it brings
everything down in order, and removes it. It needs no root, and nothing but Python.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import launchers
from slashservice.supervise.messages import MISUSE, Quit, fatal
from slashservice.supervise.protocol import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


SECONDS_BETWEEN_LOOKS = 0.2

SERVICES = {
    "clock": (
        "says the time every second, into a log of its own",
        "while :; do date; sleep 1; done",
    ),
    "clock/log": ("", "exec multilog t ./main"),
    "crasher": (
        "dies after three seconds, again and again",
        "echo 'crasher: here I am' >&2; sleep 3; exit 1",
    ),
    "sleeper": ("normally down: nothing runs until it is told to", "exec sleep 1000000"),
}
"""Path of each service, with what it shows, and its run script."""

NORMALLY_DOWN = "sleeper"

_unsaid: list[OSError] = []
"""Why something could not be printed."""

WELCOME = """\
A scan directory, {services}, and svscan (pid {pid}) keeping alive what is in it:

{list}
In another terminal:
  export PATH={commands}:$PATH; cd {services}
  svstat *            how they are
  svc -u sleeper      up with it; -d down again
  svc -t clock        TERM: it dies, and is started again
  kill -9 {pid}       even this: start svscan again and nothing was lost
  svlog -f clock      what it says, as it comes
Here ^C brings everything down and removes it.
"""


def main(argv: Sequence[bytes]) -> int:
    """Show svscan at work until interrupted."""
    if len(argv) > 1:
        raise Quit(MISUSE, b"demo: usage: demo [dir]\n")
    try:
        root = _empty_directory(os.fsdecode(argv[0]) if argv else None)
        services, commands = os.path.join(root, "service"), os.path.join(root, "command")
        launchers.write(commands)
        _make_services(services)
    except OSError as error:
        what = os.fsencode(error.filename or (argv[0] if argv else "."))
        raise fatal("demo", b"unable to make " + what, error) from None
    listing = "".join(f"  {n:9} {what}\n" for n, (what, _) in SERVICES.items() if what)
    pid = _start_svscan(services, commands)
    _say(WELCOME.format(services=services, commands=commands, pid=pid, list=listing))
    show = Show(services)
    stopping = False

    def interrupted(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal_numbers.SIGINT, signal_numbers.SIGTERM, signal_numbers.SIGHUP):
        signals.signal(number, interrupted)
    while not stopping and not _unsaid:
        show.changes()
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if os.waitpid(pid, os.WNOHANG)[0]:
            pid = _start_svscan(services, commands)
            _say(f"svscan is gone; started again (pid {pid}), it adopts what still runs\n")
    _say("\nDown with them: services first, then their logs, then svscan.\n")
    os.kill(pid, signal_numbers.SIGTERM)
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        show.changes()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    show.changes()
    shutil.rmtree(root)
    _say("All down, and nothing left behind.\n")
    if _unsaid:
        raise fatal("demo", b"unable to write to standard output", _unsaid[0])
    return 0


class Show:
    """Prints what changes: the state of each service, and the lines in the clock's log."""

    def __init__(self, services: str) -> None:
        self._services = services
        self._said: dict[str, bytes] = {}
        self._log = os.path.join(services, "clock/log/main/current")
        self._read = 0

    def changes(self) -> None:
        """Print what changed since the last time."""
        for name in SERVICES:
            words = client.describe(os.fsencode(os.path.join(self._services, name)))
            state, seconds, more = words.partition(b" seconds")
            if seconds:
                state = state.rpartition(b" ")[0] + more
            if self._said.get(name, words) != state and b"unable" not in words:
                _say(f"{time.strftime('%H:%M:%S')} {name:9} is {os.fsdecode(words)}\n")
            self._said[name] = state
        self._tail()

    def _tail(self) -> None:
        try:
            with open(self._log, "rb") as log:
                log.seek(self._read)
                lines = log.read().splitlines(keepends=True)
        except OSError:
            return
        for line in lines:
            if line.endswith(b"\n"):
                self._read += len(line)
                _say(f"{time.strftime('%H:%M:%S')} clock/log got {os.fsdecode(line)}")


def _empty_directory(path: str | None) -> str:
    if path is None:
        return tempfile.mkdtemp(prefix="slashservice-demo-")
    os.makedirs(path, exist_ok=True)
    if os.listdir(path):
        raise FileExistsError(errno.EEXIST, "", path)
    return os.path.abspath(path)


def _make_services(services: str) -> None:
    for name, (_, script) in SERVICES.items():
        directory = os.path.join(services, name)
        os.makedirs(directory, exist_ok=True)
        run = os.path.join(directory, "run")
        with open(run, "w") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(run, 0o755)
    with open(os.path.join(services, NORMALLY_DOWN, "down"), "w"):
        pass


def _start_svscan(services: str, commands: str) -> int:
    """Start svscan and return its pid. It has its own session: ^C at the terminal ends only us."""
    environment = {**os.environ, "PATH": f"{commands}:{os.environ.get('PATH', os.defpath)}"}
    program = os.path.join(commands, "svscan")
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.execve(program, [program, services], environment)
        finally:
            os._exit(111)
    return pid


def _say(text: str) -> None:
    """Print; after the first time that this fails the demo ends."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "")
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _unsaid.append(error)
