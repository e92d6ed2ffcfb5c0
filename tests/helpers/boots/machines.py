"""Boot a tree in a whole machine, emulated in software by QEMU: its own kernel, a real disk.

The kernel is Debian's for clouds, with an initrd that loads the few drivers, gives the
network card its address, and hands over to the disk's ``/sbin/init``. Commands go in by SSH.
A reboot is one inside; QEMU ends with it and a new one goes on, as one that goes on by
itself gets many times slower.
"""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from helpers.boots import trees
from helpers.boots.fingerprint import fingerprint
from helpers.boots.trees import BOOTED, Recipe, copied, need, put_checkout
from helpers.keeping import ended
from helpers.services import contents
from helpers.waiting import GENEROUS
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

BOOT_LIMIT = 600.0
STOP_LIMIT = 600.0
COMMAND_LIMIT = 600
PAUSE = 0.5
PORT_TAKEN = b"Could not set up host forwarding rule"
DISK = "1500M"
MEMORY = "512"
DRIVERS = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("virtio_blk", "failover", "net_failover", "virtio_net"),
)
KERNEL_PACKAGES = ("linux-image-cloud-amd64", "busybox-static")
INITRD = f"""\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for driver in {" ".join(DRIVERS)}; do
    [ ! -f /$driver.ko ] || insmod /$driver.ko
done
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
until [ -b /dev/vda ]; do usleep 100000; done
mount -t ext4 /dev/vda /new
mount --move /dev /new/dev
umount /sys /proc
exec switch_root /new /sbin/init
"""
TOOLS = ("sh", "mount", "umount", "insmod", "ifconfig", "usleep", "switch_root")


def kernel() -> Path:
    """Return a folder with ``vmlinuz`` and ``initrd``."""
    parts = (trees.SUITE, KERNEL_PACKAGES, INITRD, TOOLS, DRIVERS)
    return trees.kept("kernel", trees.key("kernel", *parts), _build_kernel)


def _build_kernel(folder: Path) -> None:
    folder.mkdir()
    packages, initrd = folder / "packages", folder / "tree"
    trees.unpack("extract", KERNEL_PACKAGES, packages)
    shutil.copy(next(packages.glob("boot/vmlinuz-*")), folder / "vmlinuz")
    for name in ("bin", "proc", "sys", "dev", "new"):
        (initrd / name).mkdir(parents=True)
    shutil.copy(packages / "bin/busybox", initrd / "bin/busybox")
    for name in TOOLS:
        (initrd / "bin" / name).symlink_to("busybox")
    for name in DRIVERS:
        for driver in packages.glob(f"lib/modules/*/kernel/**/{name}.ko"):
            shutil.copy(driver, initrd)
    trees.write(initrd, {"/init": (INITRD, 0o755)})
    archive = subprocess.run(
        "find . | cpio --quiet -o -H newc", shell=True, cwd=initrd, capture_output=True, check=True
    )
    (folder / "initrd").write_bytes(gzip.compress(archive.stdout, 1))
    trees.remove(packages)
    trees.remove(initrd)


class SSHBackend(LocalBackend):
    """testinfra's way into a machine: one SSH connection, that all commands share."""

    NAME = "ssh-shared"

    def __init__(self, ssh: str) -> None:
        self.ssh = ssh
        super().__init__()

    def run(self, command: str, *args: str, **kwargs: Any) -> Any:
        """Run a shell command in the machine."""
        path = f"export PATH=/command:/usr/local/sbin:/usr/local/bin:$PATH; {command}"
        return self.run_local(
            f"timeout {COMMAND_LIMIT} {self.ssh} %s", self.get_command(path, *args)
        )


class Emulated:
    """A machine with the disk ``disk``, and a folder for all else that it needs."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        self.folder = folder
        self.disk = folder / "disk"
        self.console = folder / "console"
        self.said = folder / "qemu"
        self._boots = count(1)
        self._qemu: subprocess.Popen[bytes] | None = None
        self._connection: subprocess.Popen[bytes] | None = None
        self._ssh = ""

    def __str__(self) -> str:
        return f"{self.recipe.name} in QEMU"

    @property
    def host(self) -> Host:
        """The running machine, for testinfra."""
        assert self._qemu is not None, f"{self} is not up"
        return Host(SSHBackend(f"{self._ssh} root@127.0.0.1"))

    def way_in(self) -> str:
        """Return the command that gets one into it."""
        if self._qemu is None:
            return f"it is off; its disk is {self.disk}"
        return f"{self._ssh} root@127.0.0.1"

    def way_out(self) -> str:
        """Return the command that is rid of it."""
        running = [one.pid for one in (self._connection, self._qemu) if one is not None]
        kill = f"kill -9 {' '.join(map(str, running))}; " if running else ""
        return f"{kill}rm -rf {self.folder}"

    def boot(self) -> None:
        """Switch it on, and wait for the last job of the boot."""
        assert self._qemu is None, f"{self} is up already"
        qemu = self._switch_on()
        deadline = time.monotonic() + BOOT_LIMIT
        while not self._is_booted():
            ended = qemu.poll() is not None
            if ended and PORT_TAKEN in contents(self.said):
                self.kill()
                qemu = self._switch_on()
                ended = False
            assert not ended and time.monotonic() < deadline, (
                f"{self} did not boot\n{self.last_words()}"
            )
            time.sleep(PAUSE)

    def _switch_on(self) -> subprocess.Popen[bytes]:
        """Start QEMU, with another port each time: someone may have been faster to have it."""
        number = next(self._boots)
        self.console.write_bytes(b"")
        boot = kernel()
        port = free_port()
        with self.said.open("wb") as said:
            self._qemu = subprocess.Popen(
                [
                    *("qemu-system-x86_64", "-machine", "q35", "-nodefaults", "-no-user-config"),
                    *("-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-smp", "1"),
                    *("-m", MEMORY, "-display", "none", "-no-reboot"),
                    *("-kernel", str(boot / "vmlinuz"), "-initrd", str(boot / "initrd")),
                    *("-append", "console=ttyS0 root=/dev/vda rw quiet panic=-1 mitigations=off"),
                    *("-serial", f"file:{self.console}"),
                    *("-drive", f"file={self.disk},format=raw,if=virtio,cache=unsafe"),
                    *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
                    *("-device", "virtio-net-pci,netdev=net,romfile="),
                ],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._ssh = (
            f"ssh -q -p {port} -i {self.folder}/key -o ControlPath={self.folder}/{number}"
            " -o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=no"
            " -o UserKnownHostsFile=/dev/null -F none"
        )
        return self._qemu

    def _is_booted(self) -> bool:
        """Tell whether the last job of the boot is done; connect first, if need be."""
        if self._connection is None or self._connection.poll() is not None:
            self._connection = subprocess.Popen(
                [*self._ssh.split(), "-M", "-N", "root@127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        check = subprocess.run(
            [*self._ssh.split(), "-O", "check", "root@127.0.0.1"], capture_output=True, check=False
        )
        return check.returncode == 0 and self.host.run("test -e %s", BOOTED).rc == 0

    def reboot(self) -> None:
        """Have it reboot as an administrator would, and wait until it is up again."""
        self._end(self.recipe.reboot, b"reboot: Restarting system")
        self.boot()

    def power_off(self) -> None:
        """Have it power off as an administrator would."""
        self._end(self.recipe.power_off, b"reboot: Power down")

    def _end(self, command: str, sign: bytes) -> None:
        assert self._qemu is not None
        self.host.run(command)
        try:
            self._qemu.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{command}: {self} runs on\n{self.last_words()}") from None
        self.kill()
        shown = contents(self.console)
        assert sign in shown, f"{command}: not in order\n{self.last_words()}"

    def kill(self) -> None:
        """Switch it off whatever it does."""
        for process in (self._connection, self._qemu):
            if process is not None:
                process.kill()
                process.wait(GENEROUS)
        self._connection = self._qemu = None

    def file(self, path: str) -> bytes:
        """Return the content of a file on the disk of a machine that is off."""
        assert self._qemu is None
        read = ["debugfs", "-R", f"cat {path}", str(self.disk)]
        return subprocess.run(read, capture_output=True, check=True).stdout

    def fingerprint(self) -> dict[str, str]:
        """Return what each file is, on the disk of a machine that is off."""
        assert self._qemu is None
        with TemporaryDirectory(dir=self.folder) as copy:
            dump = ["debugfs", "-R", f"rdump / {copy}", str(self.disk)]
            subprocess.run(dump, capture_output=True, check=True)
            return fingerprint(copy)

    def last_words(self) -> str:
        """Return the end of what the console showed."""
        shown = contents(self.console) + contents(self.said)
        return "\n".join(shown.decode(errors="replace").splitlines()[-40:])


def free_port() -> int:
    """Return the number of a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def emulated(recipe: Recipe) -> Iterator[Emulated]:
    """Have a machine with a disk of its own, and the checkout on it; gone in the end."""
    need("qemu-system-x86_64", "mke2fs", "debugfs", "ssh", "ssh-keygen", "cpio", "mmdebstrap")
    with copied(recipe) as root:
        folder = root.parent
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")]
        subprocess.run(keygen, check=True, stdin=subprocess.DEVNULL)
        trees.write(root, {"/root/.ssh/authorized_keys": ((folder / "key.pub").read_text(), 0o600)})
        put_checkout(root)
        machine = Emulated(recipe, folder)
        disk = ["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(machine.disk), DISK]
        subprocess.run(disk, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        trees.remove(root)
        with ended(machine.kill, machine):
            yield machine
