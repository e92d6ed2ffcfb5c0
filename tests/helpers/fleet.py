"""Eight hosts and one that steers them: real sshds and a real Ansible, in networks of their own.

Each host is a machine as :mod:`~helpers.booted` has them, with its own ``/etc``, ``/service`` and
processes. A bridge joins them; it is in the network of the machine that steers. Ansible and its
linter are in an environment of their own, ``.venv/ansible``, made when it is missing.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.booted import booted
from helpers.checkout import CHECKOUT, PYTHON
from helpers.keeping import ended
from helpers.sandbox import Sandbox
from helpers.waiting import until

from slashservice.installer.plan import source
from slashservice.supervise.version import VERSION

FLEET = CHECKOUT / "fleet"
COLLECTION = FLEET / "ansible_collections/slashservice/slashservice"
ENVIRONMENT = CHECKOUT / ".venv/ansible"
HOSTS = 8
NETWORK = "10.98.0"

SSHD_CONFIG = """\
HostKey /etc/ssh/test_key
PidFile none
PermitRootLogin prohibit-password
AuthorizedKeysFile /etc/ssh/authorized
StrictModes no
UsePAM no
MaxStartups 100
Subsystem sftp internal-sftp
"""
PREPARE = """
mkdir -p root/run/sshd
echo '::respawn:/usr/sbin/sshd -D -f /etc/ssh/test_config' >>root/etc/inittab
cp "$SETUP"/test_key "$SETUP"/authorized "$SETUP"/test_config root/etc/ssh/
chmod 600 root/etc/ssh/test_key
"""
SSH = (
    "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    " -o ConnectTimeout=30 -o ControlMaster=auto -o ControlPersist=120s"
)


def environment() -> Path:
    """Return the folder of Ansible's commands, after installing it if nobody has."""
    wanted = FLEET / "requirements.txt"
    mark = ENVIRONMENT / "installed"
    with (CHECKOUT / ".venv" / "ansible.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted.read_text():
            subprocess.run([PYTHON, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
            pip = [str(ENVIRONMENT / "bin/pip"), "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", str(wanted)], check=True, timeout=600)
            mark.write_text(wanted.read_text())
    return ENVIRONMENT / "bin"


def archive(path: Path, version: str = VERSION) -> Path:
    """Make a release archive, with the packages that the installer needs; return its path."""
    files = {
        name: (data, mode)
        for name, (data, mode) in source.collect(PYTHON, "/nowhere").files.items()
        if not name.startswith("command/")
    }
    text, mode = files["supervise/version.py"]
    files["supervise/version.py"] = (text.replace(VERSION.encode(), version.encode()), mode)
    files["install"] = ((CHECKOUT / "install").read_bytes(), 0o755)
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        for name, (data, mode) in files.items():
            member = tarfile.TarInfo(f"slashservice-{version}/{name}")
            member.size, member.mode = len(data), mode
            packed.addfile(member, io.BytesIO(data))
    return path


@dataclass
class Told:
    """What a run of a playbook told: its status, its words, and each host's result of each task."""

    status: int
    said: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def of(self, task: str) -> dict[str, dict[str, Any]]:
        """Return the results of a task by host."""
        return {one["host"]: one["result"] for one in self.results if one["task"] == task}

    @property
    def failed(self) -> set[str]:
        """The hosts on which something failed, or that could not be reached."""
        return {one["host"] for one in self.results if one["how"] in ("failed", "unreachable")}

    @property
    def changed(self) -> list[tuple[str, str]]:
        """Host and task of all that was changed."""
        return [(one["host"], one["task"]) for one in self.results if one["result"].get("changed")]


class Fleet:
    """The hosts by name, and the machine that steers them."""

    def __init__(self, steers: Sandbox, hosts: Mapping[str, Sandbox], folder: Path) -> None:
        self.steers, self.hosts, self.folder = steers, hosts, folder
        self.bin = environment()
        lines = [f"{name} ansible_host={NETWORK}.{at}" for at, name in enumerate(hosts, 1)]
        self.put("hosts", "\n".join(lines) + "\n")

    def put(self, name: str, text: str) -> Path:
        """Write a file of the machine that steers; return its path, which is the same there."""
        path = self.folder / name
        path.write_text(text)
        return path

    def play(
        self, tasks: Sequence[Mapping[str, Any]], *words: str, hosts: str = "all", **more: Any
    ) -> Told:
        """Run a play of these tasks, and return what came of it."""
        return self.finish(self.begin(tasks, *words, hosts=hosts, **more))

    def begin(
        self, tasks: Sequence[Mapping[str, Any]], *words: str, hosts: str = "all", **more: Any
    ) -> Playing:
        """Begin to run a play of these tasks."""
        play = [{"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **more}]
        at = tempfile.mkdtemp(dir=self.folder)
        book, results = Path(at) / "play.json", Path(at) / "results"
        book.write_text(json.dumps(play))
        results.touch()
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests/helpers/ansible_callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "RESULTS": str(results),
            "ANSIBLE_FORKS": str(HOSTS),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_NOCOLOR": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_PYTHON_INTERPRETER": PYTHON,
            "ANSIBLE_PRIVATE_KEY_FILE": "/run/key",
            "ANSIBLE_SSH_ARGS": SSH,
            "ANSIBLE_TIMEOUT": "60",
            "LC_ALL": "C.UTF-8",
        }
        command = [str(self.bin / "ansible-playbook"), "-i", str(self.folder / "hosts"), *words]
        line = ["env", *(f"{key}={value}" for key, value in settings.items()), *command, str(book)]
        with (Path(at) / "said").open("wb") as said:
            process = subprocess.Popen(
                self.steers.argv(*line),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        return Playing(process, Path(at))

    def finish(self, playing: Playing, seconds: float = 300) -> Told:
        """Wait for the end of a play."""
        try:
            status = playing.process.wait(seconds)
        finally:
            playing.process.kill()
            playing.process.wait()
        return Told(status, playing.said(), playing.results())


@dataclass
class Playing:
    """A playbook that runs."""

    process: subprocess.Popen[bytes]
    folder: Path

    def said(self) -> str:
        """Return what it has said."""
        return (self.folder / "said").read_text(errors="replace")

    def results(self) -> list[dict[str, Any]]:
        """Return the results that there are."""
        lines = (self.folder / "results").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


@contextmanager
def fleet(start: Callable[..., Sandbox], hosts: int = HOSTS) -> Iterator[Fleet]:
    """Have hosts, and what steers them, with nothing of slashservice on any of them."""
    folder = Path(tempfile.mkdtemp(prefix="slashservice-fleet-"))
    with ended(lambda: shutil.rmtree(folder)):
        for name in ("test_key", "user_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        (folder / "authorized").write_text((folder / "user_key.pub").read_text())
        (folder / "test_config").write_text(SSHD_CONFIG)
        steers = start(["sleep", "100000"], network=True, seen=[folder])
        steers.run("ip", "link", "set", "lo", "up")
        steers.run("ip", "link", "add", "bridge", "type", "bridge")
        steers.run("ip", "address", "add", f"{NETWORK}.100/24", "dev", "bridge")
        steers.run("ip", "link", "set", "bridge", "up")
        key = steers.path("/run/key")
        key.write_text((folder / "user_key").read_text())
        key.chmod(0o600)
        made = {}
        for at in range(1, hosts + 1):
            prepare = PREPARE.replace('"$SETUP"', str(folder))
            host = made[f"host{at}"] = booted(start, prepare, network=True, checkout=False)
            _join(steers, host, at)
        one = Fleet(steers, made, folder)
        _install_collection(one)
        until(lambda: all(_answers(one, at) for at in range(1, hosts + 1)), "the sshds")
        yield one


def _join(steers: Sandbox, host: Sandbox, at: int) -> None:
    """Lay a wire from a host to the bridge."""
    wire = ["ip", "link", "add", f"to{at}", "netns", str(steers.pid), "type", "veth"]
    subprocess.run([*wire, "peer", "name", "wire", "netns", str(host.pid)], check=True)
    steers.run("ip", "link", "set", f"to{at}", "master", "bridge", "up")
    host.run("ip", "link", "set", "lo", "up")
    host.run("ip", "address", "add", f"{NETWORK}.{at}/24", "dev", "wire")
    host.run("ip", "link", "set", "wire", "up")


def _answers(one: Fleet, at: int) -> bool:
    """Tell whether the sshd of a host answers."""
    code = f"import socket; socket.create_connection(('{NETWORK}.{at}', 22), 5).recv(4)"
    return "Error" not in one.steers.run(PYTHON, "-c", code, status=None)


def _install_collection(one: Fleet) -> None:
    """Build the collection and install what was built, as people get it."""
    galaxy = [str(one.bin / "ansible-galaxy"), "collection"]
    env = {**os.environ, "HOME": str(one.folder), "ANSIBLE_NOCOLOR": "True"}
    for words in (
        ["build", "--output-path", str(one.folder), str(COLLECTION)],
        ["install", "--offline", "-p", str(one.folder / "collections")],
    ):
        if words[0] == "install":
            words.append(str(next(one.folder.glob("slashservice-slashservice-*.tar.gz"))))
        subprocess.run([*galaxy, *words], check=True, env=env, capture_output=True)
