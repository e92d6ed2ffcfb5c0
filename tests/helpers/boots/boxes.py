"""Boot a box of ``vagrant/boxes.json`` by Vagrant: libvirt, emulated, on a box built here."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock

from helpers.boots import trees
from helpers.boots.trees import INSIDE, need
from helpers.checkout import CHECKOUT
from helpers.keeping import ended, keeping
from helpers.processes import kill, state_of
from helpers.services import contents
from helpers.waiting import until
from testinfra import get_host
from testinfra.host import Host

FOLDER = CHECKOUT / "vagrant"
URI = "qemu:///system"
POOL = "default"
BUILT = ("debian", "debian-sysvinit")
"""What build-box can make."""

LIMIT = 1800
CONNECT_LIMIT = 120
END_LIMIT = 60.0
SHARED = "/run/slashservice-libvirt.lock"
STARTED = ("/run/slashservice-libvirtd.pid", "/run/slashservice-virtlogd.pid")


def known() -> dict[str, dict[str, object]]:
    """Return what there is, by name."""
    found = json.loads((FOLDER / "boxes.json").read_text())
    assert isinstance(found, dict)
    return found


def catalogue(name: str) -> Path:
    """Return a catalogue with a box, after building it if nobody has."""
    recipe = (FOLDER / "build-box").read_text()

    def build(folder: Path) -> None:
        folder.mkdir()
        run([str(FOLDER / "build-box"), name], {"SLASHSERVICE_CATALOGUE": str(folder)})
        entry = folder / f"{name}.json"
        entry.write_text(entry.read_text().replace(str(folder), str(folder.with_suffix(""))))

    return trees.kept(f"box-{name}", trees.key(f"box-{name}", recipe), build)


def run(command: list[str], env: dict[str, str]) -> str:
    """Run a command that must succeed, with more in its environment; return what it said."""
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


class Box:
    """A machine that Vagrant knows by ``name``; its state is in ``folder``."""

    def __init__(self, name: str, folder: Path, env: dict[str, str] | None = None) -> None:
        self.name = name
        self.folder = folder
        self.env = {
            "VAGRANT_HOME": str(folder / "home"),
            "VAGRANT_DOTFILE_PATH": str(folder / "state"),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_NO_COLOR": "1",
            **(env or {}),
        }

    def __str__(self) -> str:
        return f"{self.name} by Vagrant"

    def vagrant(self, *words: str) -> str:
        """Run a vagrant command."""
        return run(["vagrant", *words], self.env)

    def way_in(self) -> str:
        """Return the command that gets one into it."""
        return self._by_hand("ssh")

    def way_out(self) -> str:
        """Return the command that is rid of it."""
        return f"{self._by_hand('destroy --force')}; rm -rf {self.folder}"

    def _by_hand(self, verb: str) -> str:
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.env.items())
        return f"cd {FOLDER} && {variables} vagrant {verb} {self.name}"

    def up(self) -> None:
        """Make the machine, and boot it."""
        self.vagrant("up", self.name, "--provider=libvirt")

    def reload(self) -> None:
        """Shut the machine down, and boot it again."""
        self.vagrant("reload", self.name)

    def destroy(self) -> None:
        """Have it no more."""
        self.vagrant("destroy", "--force", self.name)

    @property
    def host(self) -> Host:
        """The machine, for testinfra, as root."""
        config = self.folder / "ssh-config"
        config.write_text(self.vagrant("ssh-config", self.name))
        address = f"ssh://{self.name}"
        return get_host(address, ssh_config=str(config), sudo=True, timeout=CONNECT_LIMIT)

    def last_words(self) -> str:
        """Return what Vagrant knows of the machine."""
        return self.vagrant("status", self.name)

    def fingerprint(self) -> dict[str, str]:
        """Return what each file is, of the running machine, but for our checkout in it."""
        script = f"{INSIDE}/tests/helpers/boots/fingerprint.py"
        outcome = self.host.run("python3 -B %s /", script)
        assert outcome.rc == 0, outcome.stderr
        found: dict[str, str] = json.loads(outcome.stdout)
        ours = INSIDE.lstrip("/")
        return {path: is_ for path, is_ in found.items() if not path.startswith(ours)}


class Libvirt:
    """libvirt, which runs as long as somebody needs it, and on if it ran before.

    Somebody may be another run of the tests: each has a lock shared with the others.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._before: dict[str, int] = {}
        self._shared = -1

    def __enter__(self) -> None:
        need("vagrant", "virsh", "libvirtd", "virtlogd", "qemu-img", "rsync", "dnsmasq", "iptables")
        with self._lock:
            if self._users == 0:
                self._shared = os.open(SHARED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._shared, fcntl.LOCK_SH)
                self._before = {path: daemon(path) for path in STARTED}
                run([str(FOLDER / "start-libvirt")], {})
                remove_leftovers()
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and not any(isinstance(one, Box) for _, one in keeping.kept):
                try:
                    fcntl.flock(self._shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._end()
                except BlockingIOError:
                    pass  # others go on with it
                finally:
                    os.close(self._shared)

    def _end(self) -> None:
        for volume in virsh("vol-list", POOL).split():
            if volume.startswith("slashservice-VAGRANTSLASH-"):
                virsh("vol-delete", volume, POOL)
        if not any(self._before.values()):
            virsh("net-destroy", "default")
        pids = {path: daemon(path) for path in STARTED}
        ours = [pid for path, pid in pids.items() if pid not in (0, self._before[path])]
        for pid in ours:
            kill(pid, signal.SIGTERM)
        until(lambda: all(map(has_ended, ours)), "libvirt has ended", END_LIMIT)


libvirt = Libvirt()


def remove_leftovers() -> None:
    """Remove the machines of runs that were killed, and their disks."""
    for name in virsh("list", "--all", "--name").split():
        of = re.match(r"slashservice-(\d+)-", name)
        if of and not os.path.exists(f"/proc/{of[1]}"):
            virsh("destroy", name)
            virsh("undefine", name)
            virsh("vol-delete", f"{name}.img", POOL)


def daemon(path: str) -> int:
    """Return the pid in a file if it is that of a process; 0 otherwise."""
    pid = int(contents(Path(path)) or 0)
    return 0 if not pid or has_ended(pid) else pid


def has_ended(pid: int) -> bool:
    """Tell whether a process is no more, or waits for nothing but to be reaped."""
    return state_of(pid) == "Z"


def virsh(*words: str) -> str:
    """Ask libvirt; what is not there is nothing."""
    done = subprocess.run(
        ["virsh", "-q", "-c", URI, *words], capture_output=True, text=True, check=False
    )
    return done.stdout


@contextmanager
def box(name: str) -> Iterator[Box]:
    """Have a box, built here if we can, or else the public one; destroyed in the end."""
    folder = mkdtemp(prefix="slashservice-vagrant-")
    with libvirt, ended(lambda: trees.remove(Path(folder))):
        env = {
            "SLASHSERVICE_DRIVER": os.environ.get("SLASHSERVICE_DRIVER", "qemu"),
            "SLASHSERVICE_PREFIX": f"slashservice-{os.getpid()}-",
        }
        if name in BUILT:
            env["SLASHSERVICE_CATALOGUE"] = str(catalogue(name))
        made = Box(name, Path(folder), env)
        with ended(made.destroy, made):
            yield made
