"""The machine that is installed on: its files, and its commands.

The installer changes a host's files, and runs its commands, through here alone. So the same
code serves a running machine (root ``/``) and an image below some directory. Questions about
running processes are in :mod:`~slashservice.installer.host.processes` and
``slashservice.installer.supervision``: an image has no processes.

For a host over SSH the installer itself is sent there and is local again
(``slashservice.installer.remote``). A connection that breaks then leaves a journal on that
host, not half a change steered from afar.
"""

from __future__ import annotations

import copy
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from slashservice.installer.host import labels, scratch
from slashservice.installer.host.files import Files, Observer, ignore, make_directories
from slashservice.installer.host.places import NEW

STATE_FOLDERS = ("/var/lib/slashservice", "/var/db/slashservice")
"""Folders for the receipt: that of Linux, and that of the BSDs and macOS."""

LASTING = "/usr/lib/slashservice"
"""The folder for it where ``/var`` is in memory, as on OpenWrt."""

RECEIPT = "receipt.json"
TIMED_OUT = 124
COMMAND_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

KEPT = ("DBUS_SESSION_BUS_ADDRESS", "HOME", "LOGNAME", "TERM", "TZ", "USER", "XDG_RUNTIME_DIR")
"""Variables that commands are given as we have them. Others may be secrets, or mean something."""

__all__ = ["NEW", "Host", "Outcome", "make_directories", "state_folder"]


@dataclass(frozen=True)
class Outcome:
    """The end of a command: its status, and all it wrote to standard output and error."""

    status: int
    output: str

    @property
    def good(self) -> bool:
        """Whether the command succeeded."""
        return self.status == 0


class Host(Files):
    """A machine below ``root``; ``live`` when it is the running one.

    ``home`` is empty but for that part of it which is an ordinary account's
    (:class:`~slashservice.installer.host.home.Home`); its receipt is in ``receipts`` then, and its
    commands in ``commands``.
    """

    home = ""
    receipts = ""
    commands = ""

    def __init__(
        self,
        root: str = "/",
        *,
        live: bool = True,
        in_place: bool = False,
        before_change: Observer = ignore,
    ) -> None:
        super().__init__(root, in_place=in_place, before_change=before_change)
        self._live = live and self.root == "/"

    @property
    def live(self) -> bool:
        """Whether this is the running machine, and its processes may be touched."""
        return self._live

    def seen_as(self, *, live: bool) -> Host:
        """Return the host, not live any more unless ``live``."""
        if live or not self._live:
            return self
        other = copy.copy(self)
        other._live = False
        return other

    def which(self, name: str) -> str | None:
        """Return the path of command ``name`` on the host, ``None`` when it has none."""
        if name.startswith("/"):
            return name if self.is_executable(name) else None
        for folder in COMMAND_PATH:
            if self.is_executable(f"{folder}/{name}"):
                return f"{folder}/{name}"
        return None

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        """Run a command of the live host to its end and return how that was.

        Its output goes through a file, not a pipe: a daemon it starts may hold on to it.
        A command that isn't there ends as the shell has it, with 127; one that takes longer
        than ``timeout`` seconds is killed, with ``TIMED_OUT``, as timeout(1) has it.
        """
        program = self.which(argv[0])
        if not self.live or program is None:
            return Outcome(127, f"{argv[0]}: not found")
        with (
            tempfile.TemporaryFile(dir=scratch.place()) as output,
            open(os.devnull, "rb") as nothing,
        ):
            try:
                status = subprocess.run(
                    [program, *argv[1:]],
                    check=False,
                    timeout=timeout,
                    cwd="/",
                    env=self.environment(),
                    stdin=nothing,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # a ^C is for us, who put back what is half done
                ).returncode
            except subprocess.TimeoutExpired:
                status = TIMED_OUT
            output.seek(0)
            return Outcome(status, output.read().decode(errors="replace").strip())

    def converse(self, argv: Sequence[str], given: bytes = b"") -> tuple[int, bytes, bytes]:
        """Run a command of the live host; return its status, output, and standard error.

        It gets ``given`` as its input, and may leave no process behind.
        """
        program = self.which(argv[0])
        if not self.live or program is None:
            return 127, b"", os.fsencode(f"{argv[0]}: not found")
        done = subprocess.run(
            [program, *argv[1:]],
            input=given,
            capture_output=True,
            cwd="/",
            env=self.environment(),
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def environment(self) -> dict[str, str]:
        """Return the variables that commands are given: of ours, but a few that do no harm."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "PATH": ":".join(COMMAND_PATH), "LC_ALL": "C"}

    def has_selinux(self) -> bool:
        """Tell whether the running machine labels its files for SELinux."""
        return self.live and self.is_directory("/sys/fs/selinux/booleans")

    def relabel(self, path: str, recursively: bool = False) -> None:
        """Give new files the SELinux labels that their places ask for, or that ours must have."""
        if self.has_selinux():
            self.run(["restorecon", *(["-R"] if recursively else []), "-F", path])
            labels.give(self.real(path), recursively)


def state_folder(host: Host) -> str:
    """Return where slashservice keeps its receipt on a host, or shall keep it."""
    if host.home:
        return host.receipts
    for folder in (*STATE_FOLDERS, LASTING):
        if host.lstat(f"{folder}/{RECEIPT}"):
            return folder
    if host.resolve("/var").startswith("/tmp"):
        return LASTING
    for folder in STATE_FOLDERS:
        if host.is_directory(folder) or host.is_directory(os.path.dirname(folder)):
            return folder
    return STATE_FOLDERS[0]
