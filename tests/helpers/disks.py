"""Small disks that fill up."""

from __future__ import annotations

import subprocess
from pathlib import Path

SMALL = "32k"

MOUNTED = """
mount --make-rprivate / && mount -t tmpfs -o size=$0,mode=755 none "$1" && shift && exec "$@"
"""
"""A shell's words that put a small file system somewhere, for one command and its children."""


def on_small_disk(path: Path) -> list[str]:
    """Return words to put before a command for which ``path`` is to be a small disk."""
    return ["unshare", "-m", "sh", "-c", MOUNTED, SMALL, str(path)]


def enlarge(pid: int, path: Path) -> None:
    """Make much room on the small disk of a process."""
    words = ["mount", "-o", "remount,size=10M", str(path)]
    subprocess.run(["nsenter", f"--mount=/proc/{pid}/ns/mnt", *words], check=True)
