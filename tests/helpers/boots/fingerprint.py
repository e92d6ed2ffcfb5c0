"""What every file of a system is: type, mode, owner, and content. Also a script, run inside.

python3 fingerprint.py ROOT    prints it as JSON
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys

CHANGING = (
    "dev",
    "proc",
    "run",
    "sys",
    "tmp",
    "var/backups",  # dpkg's, made by a timer at midnight
    "var/cache",  # ldconfig's and fontconfig's, made anew by some boots
    "var/lib/dhcp",  # leases
    "var/lib/redis",  # what redis keeps, which outlives it on purpose
    "var/lib/sudo",
    "var/lib/systemd",  # random seed, time stamps of timers
    "var/lib/urandom",
    "var/lib/initscripts",
    "var/log",  # and our logs, which uninstalling keeps on purpose
    "var/tmp",
)
"""Directories whose content a boot changes by itself. They themselves are looked at."""

CHANGING_FILES = (
    "etc/.pwd.lock",
    "etc/adjtime",
    "etc/mtab",
    "etc/motd",
    "etc/network/run",
    "etc/resolv.conf",
    "var/lib/dbus/machine-id",
    "var/lib/misc/random-seed",
    "lib/rc/cache",
)
"""Files that a boot itself makes or changes."""


def fingerprint(root: str) -> dict[str, str]:
    """Return a line for each file below ``root``, by its path."""
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(root):
        at = os.path.relpath(folder, root)
        at = "" if at == "." else at + "/"
        for name in sorted(names + folders):
            if at + name not in CHANGING_FILES:
                found[at + name] = describe(os.path.join(folder, name))
        folders[:] = [
            name
            for name in sorted(folders)
            if not changes(at + name) and not os.path.islink(os.path.join(folder, name))
        ]
    return found


def changes(path: str) -> bool:
    """Tell whether a boot itself changes what is in a directory: runit keeps state in its own."""
    return path in CHANGING or (path.startswith("etc/") and path.endswith("/supervise"))


def describe(path: str) -> str:
    """Say in a line what a file is."""
    info = os.lstat(path)
    line = f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid}"
    if stat.S_ISLNK(info.st_mode):
        return f"{line} -> {os.readlink(path)}"
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            return f"{line} {hashlib.sha256(file.read()).hexdigest()}"
    return line


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Say what is not as it was."""
    return [
        f"{path}: {before.get(path, 'nothing')} became {after.get(path, 'nothing')}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


if __name__ == "__main__":
    json.dump(fingerprint(sys.argv[1]), sys.stdout)
