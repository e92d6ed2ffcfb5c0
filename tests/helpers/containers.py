"""A machine with podman, the real one, and an image of its own: none is ever fetched.

Everything of it is in the machine: the storage, the network's bridge, mounts and processes, which
all go with it. Control groups are the kernel's, of which there is one tree: they are taken away.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.sandbox import Sandbox

IMAGE = "localhost/tiny"
TAR = "/srv/tiny.tar"
"""Where the file system of the image is in the machine."""

GROUPS = """
mount --rbind /sys root/sys
mount --make-rprivate root/sys
"""
PREPARE = """
rm -f root/sbin/init root/usr/sbin/policy-rc.d root/usr/bin/svstat
ln -s /usr/bin/busybox root/usr/sbin/init
echo '::sysinit:/bin/true' > root/etc/inittab
"""
PREPARE += GROUPS
"""What a machine needs: an init system that reaps, and the control groups."""

SETTINGS = {
    "/etc/containers/storage.conf": """
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
""",
    "/etc/containers/containers.conf": """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
log_driver = "none"
[network]
network_backend = "netavark"
""",
}
"""What works in a machine of the tests: no overlay on an overlay, no limits above its own.

crun can't do with version 1 and 2 of control groups mounted beside each other.
"""

ACCOUNTS = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:1234:4321::/data:/bin/sh\n",
    "etc/group": "root:x:0:\napp:x:4321:\n",
}
TREES = Path("/sys/fs/cgroup")


def image() -> bytes:
    """Return the file system of an image: busybox of this machine, and what it is linked with."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing: install tests/packages"
    told = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False)
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", dereference=True) as tar:
        for library in re.findall(r"(/\S+) \(0x", told.stdout):
            tar.add(library)
        tar.add(busybox, "bin/busybox")
        for name in applets.stdout.split():
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        for name, text in ACCOUNTS.items():
            file = tarfile.TarInfo(name)
            file.size = len(text)
            tar.addfile(file, io.BytesIO(text.encode()))
        for name in ("tmp", "data"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
    return made.getvalue()


def prepare(machine: Sandbox) -> None:
    """Have podman in a machine, and the image; skip, saying why, where it can run none."""
    for name in ("podman", "runc", "catatonit"):
        if not machine.run("which", name, status=None):
            pytest.skip(f"{name} is not here: install tests/packages")
    for path, text in SETTINGS.items():
        machine.put(path, text)
    machine.run("ip", "link", "set", "lo", "up")
    machine.path(TAR).write_bytes(image())
    machine.run("podman", "import", "-q", TAR, IMAGE)
    runs_one(machine)


def runs_one(machine: Sandbox, network: str = "none") -> None:
    """Run a container; skip, saying why, where that can't be done."""
    words = ("podman", "run", "--rm", f"--network={network}", IMAGE, "echo", "it", "runs")
    said = machine.run(*words, status=None)
    if "it runs\n" not in said:
        pytest.skip(f"podman can run no container here, network {network}: {said.strip()}")


@contextlib.contextmanager
def groups_taken_away() -> Iterator[None]:
    """Take away the control groups that containers have had, which are empty behind this."""
    before = set(_groups())
    try:
        yield
    finally:
        for folder in sorted(set(_groups()) - before, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def _groups() -> list[str]:
    """Return the control groups that podman makes, in all trees that there are."""
    tops = [*TREES.glob("libpod_parent*"), *TREES.glob("*/libpod_parent*")]
    return [folder for top in tops for folder, _, _ in os.walk(top)]
