"""A host that has Python, a shell and an init system, and nothing else: no pip, no package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from helpers.checkout import PYTHON

LEFT_OUT = ("test", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo")
"""Parts of Python's library that nobody here loads."""

APPLETS = (
    *("sh", "env", "init", "mount", "umount", "ls", "cat", "sleep", "ps", "kill", "id", "echo"),
    *("true", "false", "mkdir", "rm", "ln", "chmod", "test", "date", "mv", "stat", "uname"),
)
INITTAB = "::sysinit:/bin/true\n"
FILES = {
    "etc/inittab": INITTAB,
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nme:x:1234:1234::/home/me:/bin/sh\n",
    "etc/group": "root:x:0:\nme:x:1234:\n",
}
FOLDERS = ("proc", "dev", "run", "tmp", "root", "var/log", "var/lib", "usr/local/bin", "srv")

MOUNTS = """
mount --bind TREE root
mount -t proc none root/proc
mount -t tmpfs -o mode=755 none root/run
mount -t tmpfs -o mode=1777 none root/tmp
mount -t tmpfs -o mode=755 none root/dev
for name in null zero urandom; do : >root/dev/$name; mount --bind /dev/$name root/dev/$name; done
"""
"""Has a sandbox be such a tree. What changes is seen there, but below these mounts."""


def build(tree: Path) -> None:
    """Make one, about 60 MB: a copy of what this machine has of that."""
    tree.mkdir(mode=0o755)
    for name in FOLDERS:
        (tree / name).mkdir(parents=True)
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    for name in ("bin", "sbin"):
        (tree / name).mkdir()
    (tree / "home/me").mkdir(parents=True)
    os.chown(tree / "home/me", 1234, 1234)
    python = Path(PYTHON).resolve()
    busybox = Path(shutil.which("busybox") or "/bin/busybox").resolve()
    code = "import os; print(os.path.dirname(os.__file__))"
    words = [PYTHON, "-I", "-S", "-c", code]
    library = Path(subprocess.run(words, check=True, capture_output=True, text=True).stdout[:-1])
    (tree / python.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(python, tree / python.relative_to("/"))
    if not (tree / PYTHON[1:]).exists():
        (tree / PYTHON[1:]).symlink_to(python)
    shutil.copytree(
        library,
        tree / library.relative_to("/"),
        symlinks=True,
        ignore=shutil.ignore_patterns(*LEFT_OUT, "config-*", "site-packages", "dist-packages"),
    )
    shutil.copy2(busybox, tree / "bin/busybox")
    for name in APPLETS:
        (tree / "bin" / name).symlink_to("busybox")
    (tree / "sbin/init").symlink_to("/bin/busybox")
    _copy_libraries([python, busybox, *library.glob("lib-dynload/*.so")], tree)


def _copy_libraries(programs: list[Path], tree: Path) -> None:
    """Copy the shared libraries of programs, under the names by which they have them loaded."""
    words = ["ldd", *map(str, programs)]
    told = subprocess.run(words, check=False, capture_output=True, text=True).stdout
    for path in set(re.findall(r"(/\S+) \(0x", told)):
        to = tree / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)
