"""inittab as init(8) reads it: what is run at boot, by the manual, and by the programs themselves.

An init runs as PID 1 of namespaces, over a root directory that is this machine's with all changes
kept apart. What inittab names leaves marks.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers.waiting import until

AT_BOOT = ("sysinit", "boot", "bootwait")
IN_A_LEVEL = ("once", "wait", "respawn")
SVSCAN = "svscan"

SETUP = """\
set -e
cd "$1"
mount -t tmpfs -o mode=755 none .
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work none root
mount -t proc none root/proc
mount -t tmpfs -o mode=755 none root/run
mount -t tmpfs -o mode=755 none root/dev
: >root/dev/null
mount --bind /dev/null root/dev/null
ln -s null root/dev/console
mkdir -p root/command root/marks
mount --bind "$2" root/marks
cp root/marks/inittab root/etc/inittab
cp root/marks/m root/m; cp root/marks/stay root/stay; rm -f root/command/svscanboot
cp root/marks/svscanboot root/command/svscanboot
rm -f root/sbin/init; cp "$3" root/sbin/init
exec chroot root env -i /sbin/init
"""

PROGRAMS = {
    "m": 'echo "$@" >>/marks/marks',
    "stay": 'echo "$@" >>/marks/marks\nexec sleep 1000',
    "svscanboot": f"echo {SVSCAN} >>/marks/marks\nexec sleep 1000",
}


@dataclass(frozen=True)
class Entry:
    """One entry: what is run, and when."""

    id: str
    levels: str
    action: str
    command: str


def entries(text: bytes) -> list[Entry]:
    """Take an inittab apart; what is broken in it counts for nothing."""
    found = []
    for line in text.decode("latin-1").split("\n"):
        fields = line.strip(" \t").split(":", 3)
        if len(fields) == 4 and not line.lstrip(" \t").startswith("#"):
            found.append(Entry(*fields))
    return found


def run_at_boot(text: bytes, init: str) -> list[Entry]:
    """Return what ``init`` runs by itself as it boots into the level by default."""
    table = entries(text)
    if init == "busybox":
        return [one for one in table if one.action in (*AT_BOOT[:1], *IN_A_LEVEL)]
    level = next(one.levels for one in table if one.action == "initdefault")
    return [
        one
        for one in table
        if one.action in AT_BOOT or (one.action in IN_A_LEVEL and level in (one.levels or level))
    ]


def marks_of(found: list[Entry]) -> list[str]:
    """Return what commands leave as marks, in alphabetical order.

    Both inits take ``#`` for the beginning of a comment. Where a shell is needed they have it run
    ``exec COMMAND``: of several commands only the first is run.
    """
    said = []
    for one in found:
        command = re.sub(r"#.*", "", one.command).lstrip("+")
        inner = re.fullmatch(r"/bin/sh -c '(.*)'", command)
        for part in re.split(r";|&&", inner[1]) if inner else [command.split(";")[0]]:
            words = shlex.split(part) if re.search("['\">]", part) else part.split()
            name = words[0].rsplit("/", 1)[-1]
            plain = " ".join(word for word in words[1:] if not word.startswith(">"))
            said.append(SVSCAN if name == "svscanboot" else plain)
    return sorted(said)


def boot(program: Path, text: bytes, wanted: int) -> list[str]:
    """Boot an inittab by an init until ``wanted`` marks are there; return the marks, sorted."""
    folder = Path(tempfile.mkdtemp(prefix="slashservice-inittab-"))
    for name, script in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    (folder / "inittab").write_bytes(text)
    marks, below = folder / "marks", folder / "below"
    marks.touch()
    below.mkdir()
    options = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net"]
    process = subprocess.Popen(
        ["unshare", *options, "sh", "-c", SETUP, "sh", str(below), str(folder), str(program)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: len(said(marks)) >= wanted, f"{wanted} marks, not {said(marks)}")
        return said(marks)
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(folder)


def said(marks: Path) -> list[str]:
    """Return the marks so far, in alphabetical order, without blanks at their ends."""
    return sorted(line.strip() for line in marks.read_text("latin-1").split("\n")[:-1])
