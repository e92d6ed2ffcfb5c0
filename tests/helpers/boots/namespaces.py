"""Boot a tree in namespaces: its ``/sbin/init`` is PID 1 of a systemd-nspawn container.

The machine that runs the tests needs no systemd itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from helpers.boots.fingerprint import fingerprint
from helpers.boots.trees import BOOTED, Files, Recipe, copied, need, put_checkout
from helpers.keeping import ended
from helpers.processes import kill
from helpers.services import contents
from helpers.waiting import GENEROUS, until
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

BOOT_LIMIT = 120.0
STOP_LIMIT = 240.0
COMMAND_LIMIT = 300
REBOOTED = 133
"""What systemd-nspawn ends with when its guest asked for a reboot."""

PATH = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WRITABLE = ("etc", "home", "root", "usr/local", "var")
"""What can be written to on a host made of an image."""

HIERARCHIES = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
JOIN_AND_RUN = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'

_numbers = count(1)


class NamespaceBackend(LocalBackend):
    """testinfra's way into a guest: all namespaces of its PID 1."""

    NAME = "namespaces"

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__()

    def run(self, command: str, *args: str, **kwargs: Any) -> Any:
        """Run a shell command in the guest."""
        return self.run_local(
            f"timeout {COMMAND_LIMIT} {shell(self.pid)} -c %s", self.get_command(command, *args)
        )


def shell(pid: int) -> str:
    """Return the command that is a shell in the guest with that PID 1."""
    return (
        f"nsenter --target {pid} --all --root --wd "
        f"env -i PATH={PATH} HOME=/root LC_ALL=C.UTF-8 /bin/sh"
    )


class Guest:
    """A machine in namespaces, that runs the tree ``root``.

    ``program`` is what is PID 1: the tree's
    ``/sbin/init`` if nothing is given.
    """

    def __init__(
        self,
        recipe: Recipe,
        root: Path,
        program: tuple[str, ...] = (),
        title: str = "",
    ) -> None:
        self.recipe = recipe
        self.root = root
        self.options: tuple[str, ...] = ()
        self.program = program
        self.title = title or recipe.name
        self.console = root.with_name("console")
        self.name = f"guest-{os.getpid()}-{next(_numbers)}"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._cgroups: list[Path] = []
        self.pid = 0
        """The guest's PID 1, as seen from here; 0 while it is off."""

    def __str__(self) -> str:
        return f"{self.title} in namespaces"

    @property
    def host(self) -> Host:
        """The running guest, for testinfra."""
        assert self.pid, f"{self} is not up"
        return Host(NamespaceBackend(self.pid))

    def way_in(self) -> str:
        """Return the command that gets one into it."""
        return shell(self.pid) if self.pid else f"it is off; its files are in {self.root}"

    def way_out(self) -> str:
        """Return the command that is rid of it."""
        files = f"rm -rf --one-file-system {self.root.parent}"
        if not self.pid:
            return files
        cgroups = " ".join(map(str, self._cgroups))
        emptied = f"find {cgroups} -depth -type d -exec rmdir {{}} +"
        return f"kill -9 {self.pid}; sleep 1; {emptied}; {files}"

    def boot(self) -> None:
        """Start it, and wait for the last job of the boot."""
        self.start()
        self._await(lambda: self._seen(BOOTED), BOOT_LIMIT, "boot")

    def reboot(self) -> None:
        """Have it reboot as an administrator would, and wait until it is up again."""
        self._end(self.recipe.reboot, REBOOTED, "reboot")
        self.boot()

    def power_off(self) -> None:
        """Have it power off as an administrator would."""
        self._end(self.recipe.power_off, 0, "power off")

    def wait(self, what: str = "end") -> int:
        """Wait until it is off; return what it ended with."""
        assert self._nspawn is not None
        try:
            ended = self._nspawn.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not {what}\n{self.last_words()}") from None
        self._gone()
        return ended

    def file(self, path: str) -> bytes:
        """Return the content of a file of a guest that is off; nothing if it isn't there."""
        return contents(self.root / path.lstrip("/"))

    def fingerprint(self) -> dict[str, str]:
        """Return what each file is, of a guest that is off."""
        assert not self.pid
        return fingerprint(str(self.root))

    def kill(self) -> None:
        """End it whatever it does."""
        nspawn = self._nspawn
        if nspawn is not None:
            for pid in (self.pid, nspawn.pid):
                if pid and nspawn.poll() is None:
                    try:
                        kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            nspawn.wait(GENEROUS)
        self._gone()

    def start(self) -> None:
        """Start it, and wait until it has a PID 1."""
        assert self._nspawn is None, f"{self} is up already"
        self._make_cgroups()
        with self.console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                [
                    *("sh", "-c", JOIN_AND_RUN, "sh", *map(str, self._cgroups), "--"),
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit"),
                    *("--private-network", f"--machine={self.name}", "--console=read-only"),
                    *(f"--directory={self.root}", *self.options),
                    *(self.program or ("--boot",)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._await(self._find_pid, BOOT_LIMIT, "get a PID 1")

    def _make_cgroups(self) -> None:
        """Make it a cgroup in each hierarchy: guests that share one disturb each other."""
        for hierarchy in map(Path, HIERARCHIES):
            if os.access(hierarchy / "cgroup.procs", os.W_OK):
                path = hierarchy / self.name
                path.mkdir(exist_ok=True)
                self._cgroups.append(path)
        assert self._cgroups, "missing: a cgroup hierarchy that may be written to"

    def _find_pid(self) -> bool:
        """Look for PID 1 among the descendants of nspawn; it is one once it runs its program."""
        assert self._nspawn is not None
        queue = [self._nspawn.pid]
        while queue:
            pid = queue.pop()
            status = contents(Path(f"/proc/{pid}/status"))
            numbers = [one for one in status.splitlines() if one.startswith(b"NSpid:")]
            if numbers and numbers[0].split()[2:] and numbers[0].split()[-1] == b"1":
                if not is_same_program(pid, self._nspawn.pid):
                    self.pid = pid
                return bool(self.pid)
            queue += map(int, contents(Path(f"/proc/{pid}/task/{pid}/children")).split())
        return False

    def _seen(self, path: str) -> bool:
        """Tell whether the running guest sees a file."""
        try:
            return os.path.lexists(f"/proc/{self.pid}/root{path}")
        except PermissionError:
            return False

    def _await(self, condition: Any, limit: float, what: str) -> None:
        """Wait for something a guest should do, unless it ends."""
        assert self._nspawn is not None
        deadline = time.monotonic() + limit
        while not condition():
            ended = self._nspawn.poll() is not None
            assert not ended and time.monotonic() < deadline, (
                f"{self} did not {what}: {'it ended' if ended else f'{limit:.0f} s passed'}\n"
                + self.last_words()
            )
            time.sleep(0.02)

    def _end(self, command: str, status: int, what: str) -> None:
        self.host.run(command)
        ended = self.wait(what)
        assert ended == status, f"{self} did not {what}: status {ended}\n{self.last_words()}"

    def _gone(self) -> None:
        """Clean up behind a guest that is off."""
        self._nspawn = None
        self.pid = 0
        for path in self._cgroups:
            for folder, _, _ in os.walk(path, topdown=False):
                self._remove_cgroup(folder)
        self._cgroups.clear()

    def _remove_cgroup(self, folder: str) -> None:
        """Remove a cgroup; the kernel takes a moment to notice that its last process is gone."""
        until(lambda: is_removed(folder), f"{folder} is no longer in use", pause=0.02)

    def last_words(self) -> str:
        """Return the end of what the console showed."""
        shown = contents(self.console).decode(errors="replace").splitlines()
        return "\n".join(shown[-40:])


def is_removed(folder: str) -> bool:
    """Remove a folder, if that can be done now; tell whether it is gone."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def is_same_program(pid: int, other: int) -> bool:
    """Tell whether two processes run the same program, or it can't be told yet."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/exe"), os.stat(f"/proc/{other}/exe"))
    except OSError:
        return True


class ImageGuest(Guest):
    """A guest whose root can't be written to, but what is below a few directories can."""

    def __init__(
        self, recipe: Recipe, root: Path, program: tuple[str, ...] = (), title: str = ""
    ) -> None:
        super().__init__(recipe, root, program, title)
        self.state = root.with_name("state")
        for path in WRITABLE:
            (self.state / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).rename(self.state / path)
            (root / path).mkdir()
        binds = tuple(f"--bind={self.state / path}:/{path}" for path in WRITABLE)
        self.options = ("--read-only", *binds)

    def file(self, path: str) -> bytes:
        """Return the content of a file, from where it really is."""
        return contents(self.state / path.lstrip("/"))

    def fingerprint(self) -> dict[str, str]:
        """Return what each file is, of the image and of what can be written to."""
        return super().fingerprint() | fingerprint(str(self.state))


@contextmanager
def guest(
    recipe: Recipe,
    *,
    files: Files | None = None,
    read_only: bool = False,
    program: tuple[str, ...] = (),
    title: str = "",
) -> Iterator[Guest]:
    """Have a guest with a tree of its own, and the checkout in it; all of it gone in the end.

    ``files`` are more to put into its tree. ``read_only`` has it as hosts made of images
    are: its root can't be written to, other than a few directories.
    """
    need("systemd-nspawn", "nsenter", "mmdebstrap")
    with copied(recipe, files) as root:
        put_checkout(root)
        made = (ImageGuest if read_only else Guest)(recipe, root, program, title)
        with ended(made.kill, made):
            yield made
