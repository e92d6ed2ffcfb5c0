"""Images that are built and containers that are run, by the real buildah, podman and runc.

No registry is reached, and a build has no network. So the image that all others are built on is a
Debian tree with Python in it, built once and kept (``helpers/boots/trees.py``). All that an engine
writes is in one folder, and mounts of its own hide from it what the machine has in these places.
Control groups alone are the kernel's: they are taken away at the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.boots import trees
from helpers.checkout import CHECKOUT
from helpers.containers import groups_taken_away
from helpers.waiting import GENEROUS, until

BASE = "localhost/base"
OURS = "localhost/slashservice"
EXAMPLE = "localhost/example"

PACKAGES = ("python3", "python3-distro", "python3-plumbum")
LEFT_OUT = ("var/cache", "var/lib/apt", "var/log")

LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
"""What can be had on a machine that allows its processes no more."""

SECONDS_TO_BUILD = 300.0

HIDDEN = """
set -e
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=1777 none /dev/shm
mkdir -p "$1/containers" "$1/tmp" /var/lib/containers
mount --bind "$1/containers" /var/lib/containers
cd "$1/tmp"
mkdir lower upper work root
if mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none root 2>/dev/null; then
    umount root
    echo overlay
else
    echo vfs
fi
exec cat
"""
"""Hides from an engine what the machine has, until its input ends.

Says how images are to be stored: there is no overlay on an overlay. vfs copies each image whole.
"""

SETTINGS = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
"""
STORAGE = """
[storage]
driver = "DRIVER"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
"""


class Container:
    """A container that was started, by its ``name``."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.pid = int(engine.podman("inspect", "--format={{.State.Pid}}", name))
        """Its process 1, as the machine sees it."""
        self.conmon = int(engine.podman("inspect", "--format={{.State.ConmonPid}}", name))
        """What reads its output."""

    def run(self, *words: str, status: int | None = 0) -> str:
        """Run a command in it; return what it prints."""
        return self.engine.podman("exec", self.name, *words, status=status)

    def shell(self, text: str) -> str:
        """Run a line of shell in it."""
        return self.run("sh", "-c", text)

    def output(self) -> str:
        """Return what it has printed."""
        return self.engine.podman("logs", self.name)

    def stop(self) -> int:
        """Stop it as people do, with 10 seconds until KILL; return its exit status."""
        self.engine.podman("stop", "-t", "10", self.name)
        return self.status()

    def status(self) -> int:
        """Return its exit status, once it has ended."""
        return int(self.engine.podman("wait", self.name))

    def is_up(self) -> bool:
        """Tell whether all its services run, and their logs."""
        said = self.run("slashservice", "list", status=None)
        others = {"starting", "failing", "supervised"}
        return said.startswith("NAME") and not others & {*said.split()}

    def pid_of(self, name: str) -> int:
        """Return the pid of a service, as the container sees it."""
        return int(self.shell(f"cat $SVDIR/{name}/supervise/pid") or 0)

    def environment(self, pid: int) -> set[str]:
        """Return the environment of a process, as others of its account see it."""
        text = self.run("cat", f"/proc/{pid}/environ")
        return {*filter(None, text.split("\0"))}


class Engine:
    """What builds images and runs containers, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        (folder / "containers.conf").write_text(SETTINGS)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "sh", "-c", HIDDEN, "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        driver = self._holder.stdout.readline().strip()
        assert driver in ("overlay", "vfs")
        (folder / "storage.conf").write_text(STORAGE.replace("DRIVER", driver))

    def end(self) -> None:
        """End all that was started."""
        with suppress(AssertionError):
            self.podman("rm", "--all", "--force", "--time=0")
        self._holder.communicate(timeout=GENEROUS)

    def call(self, *words: str, status: int | None = 0, seconds: float = SECONDS_TO_BUILD) -> str:
        """Run a program where the engine's mounts are; return what it prints.

        Its exit status is to be ``status``, None for any; what it complains of is printed, too.
        """
        made = subprocess.run(
            ["nsenter", "--mount", f"--target={self._holder.pid}", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"],
                "CONTAINERS_CONF": str(self.folder / "containers.conf"),
                "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
                "TMPDIR": str(self.folder / "tmp"),
                "HOME": str(self.folder),
            },
            timeout=seconds,
            check=False,
        )
        said = made.stdout.decode(errors="replace")
        assert status in (None, made.returncode), f"{words}: {made.returncode}: {said}"
        return said

    def podman(self, *words: str, status: int | None = 0) -> str:
        """Run podman."""
        return self.call("podman", "--log-level=error", *words, status=status)

    def build(self, image: str, recipe: Path, context: Path, base: str) -> None:
        """Build an image as its recipe says."""
        self.call(
            *("buildah", "--log-level=error", "bud", "--quiet", "--isolation=chroot", LIMITS[0]),
            *(f"--build-arg=BASE={base}", f"--file={recipe}", f"--tag={image}", str(context)),
        )

    def build_ours(self) -> None:
        """Build what all tests need: the base, slashservice on it, and the example on that."""
        self.podman("import", "--quiet", str(base() / "base.tar"), BASE)
        self.build(OURS, CHECKOUT / "container/Containerfile", CHECKOUT, BASE)
        example = CHECKOUT / "container/example"
        self.build(EXAMPLE, example / "Containerfile", example, OURS)

    def words(self, name: str, options: Sequence[str], image: str) -> list[str]:
        """Return the command line that runs an image."""
        return ["run", f"--name={name}", "--network=none", *LIMITS, *options, image]

    def run(self, image: str, *options: str, status: int | None = 0) -> str:
        """Run an image until it ends by itself; return what it prints."""
        return self.podman(*self.words(self.name(), ("--rm", *options), image), status=status)

    def name(self) -> str:
        """Return a name for a container."""
        self._number += 1
        return f"test{self._number}"

    @contextmanager
    def started(self, image: str, *options: str) -> Iterator[Container]:
        """A container of an image; it is removed behind this."""
        name = self.name()
        try:
            self.podman(*self.words(name, ("--detach", *options), image))
            yield Container(self, name)
        finally:
            self.podman("rm", "--force", "--time=0", name)

    @contextmanager
    def up(self, image: str, *options: str) -> Iterator[Container]:
        """A container whose services run."""
        with self.started(image, *options) as container:
            until(container.is_up, "all services of the container run")
            yield container


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine with a folder of its own, and nothing of it left behind."""
    trees.need("buildah", "podman", "runc", "conmon", "nsenter", "mmdebstrap")
    folder = Path(tempfile.mkdtemp(prefix="engine.", dir=trees.cache()))
    try:
        with groups_taken_away():
            made = Engine(folder)
            try:
                yield made
            finally:
                made.end()
    finally:
        trees.remove(folder)


def base() -> Path:
    """Return the folder with ``base.tar``, the tree of a Debian with Python."""
    key = trees.key("container", trees.SUITE, trees.UNUSED, PACKAGES, LEFT_OUT)
    return trees.kept("container", key, _build)


def _build(new: Path) -> None:
    new.mkdir()
    tree = new / "tree"
    trees.unpack("minbase", PACKAGES, tree)
    for name in LEFT_OUT:
        for path in (tree / name).iterdir():
            trees.remove(path)
    subprocess.run(["tar", "-C", tree, "-cf", new / "base.tar", "."], check=True)
    trees.remove(tree)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process of ours that does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
