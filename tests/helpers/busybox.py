"""BusyBox's own supervisors, which Debian leaves out of its ``busybox``.

They are compiled from Debian's source package, once, and kept.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path

from helpers.boots.trees import kept, key, remove

APPLETS = ("chpst", "runsv", "runsvdir", "setuidgid", "softlimit", "sv", "svc", "svlogd", "svok")
WANTED = (*(name.upper() for name in APPLETS), "BUSYBOX", "LFS", "LONG_OPTS", "SHOW_USAGE")
SERVICES = "/var/service"
"""Where its clients look for a service's name."""

LIMIT = 900.0
"""Seconds for each step."""


class Unavailable(Exception):  # noqa: N818 - it is no fault of the tests
    """This machine can't get Debian's source package."""


def supervisors() -> Path:
    """Return a folder that has each of ``APPLETS``. Raises ``Unavailable``."""
    return kept("busybox-runit", key("busybox-runit", WANTED, SERVICES), _build)


def _build(folder: Path) -> None:
    folder.mkdir()
    work = folder / "work"
    tree = _source(work)
    _run(["make", "allnoconfig"], tree)
    config = tree / ".config"
    text = config.read_text()
    for name in WANTED:
        text = text.replace(f"# CONFIG_{name} is not set\n", f"CONFIG_{name}=y\n")
    text = re.sub("(CONFIG_SV_DEFAULT_SERVICE_DIR)=.*", rf'\1="{SERVICES}"', text)
    config.write_text(text)
    _run(["make", "oldconfig"], tree, "\n" * 1000)
    _run(["make", f"-j{os.cpu_count()}", "busybox"], tree)
    (tree / "busybox").rename(folder / "busybox")
    for name in APPLETS:
        (folder / name).symlink_to("busybox")
    remove(work)


def _source(work: Path) -> Path:
    """Have apt's client get the source package, by indexes of its own; return the tree in it."""
    for name in ("lists/partial", "cache/archives/partial", "sources"):
        (work / name).mkdir(parents=True)
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if path.is_file():
            text = re.sub("^Types:.*", "Types: deb-src", path.read_text(), flags=re.M)
            text = re.sub("^deb(-src)? ", "deb-src ", text, flags=re.M)
            (work / "sources" / path.name).write_text(text)
    options = {
        "Dir::Etc::sourcelist": work / "sources/sources.list",
        "Dir::Etc::sourceparts": work / "sources",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*apt, "update"], work, check=False)  # other repositories may have no sources
    got = _run([*apt, "source", "--download-only", "busybox"], work, check=False)
    if got.returncode:
        raise Unavailable(got.stderr[-500:])
    with tarfile.open(next(work.glob("busybox_*.orig.tar.*"))) as packed:
        packed.extractall(work)
    return next(work.glob("busybox-*/"))


def _run(
    words: list[str], where: Path, data: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        words, cwd=where, input=data, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0 or not check, f"{words}:\n{done.stderr[-2000:]}"
    return done
