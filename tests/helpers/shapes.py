"""The shapes of files that others write, of ``tests/shapes``, and what runs them.

A script is run twice, as it is and with our block, each time in a folder of its own. What the
block starts is stood in for by a program that leaves a mark and then stays, as svscan does.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.checkout import CHECKOUT
from helpers.images import KINDS, Image
from helpers.installer import plan_for
from helpers.waiting import GENEROUS, until

from slashservice.installer.host.host import Host
from slashservice.installer.plan.files import EditFile

SHAPES = CHECKOUT / "tests" / "shapes"

SWITCHES = ("escapes", "open end", "traced")
"""Words that a shape has or has not."""

COMMAND = "/command/pgrphack /command/svscanboot"
"""What the block starts."""

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "ash": ["busybox", "ash"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
}
"""The shells that are ``/bin/sh`` somewhere."""

OTHER_SHELLS = {"bash": ["bash"], "zsh": ["zsh"], "ksh": ["ksh93"], "busybox": ["busybox", "ash"]}
"""Those that a first line may ask for by name."""

STAND_INS = (
    *("docker", "hostname", "ip", "iptables", "iptables-restore", "logger", "modprobe"),
    *("mount", "su", "nohup"),
)
"""Commands that rc.local often runs, and tests had better not."""

INTERPRETERS = (
    *("sh", "bash", "dash", "ksh", "zsh", "busybox", "rbash", "csh", "tcsh", "perl"),
    *("fish", "execlineb", "env"),
)


@dataclass(frozen=True)
class Shape:
    """One shape of a file. ``refused`` are words of the refusal; empty where it is accepted."""

    name: str
    text: bytes
    refused: str = ""
    how: str = "exec"
    mode: int = 0o755
    traced: bool = False
    init: str = "sysvinit"

    @property
    def interpreter(self) -> list[str]:
        """The words of the first line, none where it is none."""
        first = self.text.split(b"\n", 1)[0].decode("latin-1")
        return first[2:].split() if first.startswith("#!") else []

    def shells(self) -> dict[str, list[str]]:
        """Return the command lines that it is run by; a script for sh is run by each of them."""
        words = self.interpreter
        while words and os.path.basename(words[0]) in ("env", "-S", "busybox"):
            words = words[1:]
        name = os.path.basename(words[0]) if words and self.how != "read" else "sh"
        if name == "sh":
            return {one: [*argv, *words[1:]] for one, argv in SHELLS.items()}
        return {name: [*OTHER_SHELLS.get(name, [name]), *words[1:]]}


def load(name: str) -> dict[str, Shape]:
    """Read the shapes of one file: its head says how they are written."""
    found = {}
    text = (SHAPES / name).read_text()
    for part in re.split(r"^=== ", text, flags=re.M)[1:]:
        title, _, rest = part.partition("\n")
        said = {}
        while rest.startswith("--- "):
            line, _, rest = rest.removeprefix("--- ").partition("\n")
            key, _, value = line.partition(": ")
            said[key] = value
        assert said.keys() <= {"refused", "how", "mode", "init", *SWITCHES}, title
        assert title not in found, title
        data = rest.encode()
        if "escapes" in said:
            data = rest.encode("latin-1").decode("unicode_escape").encode("latin-1")
        found[title] = Shape(
            title,
            data.removesuffix(b"\n") if "open end" in said else data,
            refused=said.get("refused", ""),
            how=said.get("how", "exec"),
            mode=int(said.get("mode", "755"), 8),
            traced="traced" in said,
            init=said.get("init", "sysvinit"),
        )
    return found


def on_a_host(shape: Shape, image: Image) -> Host:
    """Put an rc.local on a host that runs it in that shape's way."""
    kind = {"exec": "rclocal-systemd", "shell": "initd", "read": "openbsd-old"}[shape.how]
    KINDS[kind].make(image)
    for name in INTERPRETERS:
        image.program(f"/bin/{name}")
    image.file("/etc/rc.local", shape.text, shape.mode)
    return Host(str(image.root))


def edit_of(host: Host) -> EditFile:
    """Return how rc.local is edited on a host. Errors are the installer's refusals."""
    asked = {} if host.is_file("/bsd") else {"init": "rclocal"}
    actions = plan_for(host, **asked).actions
    (found,) = (one for one in actions if getattr(one, "path", "") == "/etc/rc.local")
    assert isinstance(found, EditFile)
    return found


@dataclass(frozen=True)
class Ran:
    """How a script ended: its status, what it said, the files it made, and marks of our block."""

    status: int
    output: str
    errors: str
    files: dict[str, bytes]
    marks: int


def run(argv: Sequence[str], script: bytes, folder: Path, traced: bool = False) -> Ran:
    """Run a script in a new folder, and see what it leaves there once our block was reached.

    A block that is never reached is one without a mark.
    """
    work, programs = folder / "work", folder / "programs"
    for path in (work, programs):
        path.mkdir(parents=True)
    marks = folder / "marks"
    marks.touch()
    stand_in = folder / "stand-in"
    stand_in.write_text('#!/bin/sh\necho "${0##*/}" "$@"\n')
    svscan = folder / "svscan"
    svscan.write_text(f"#!/bin/sh\necho $$ >>{marks}\nexec sleep {GENEROUS}\n")
    for path in (stand_in, svscan):
        path.chmod(0o755)
    for name in STAND_INS:
        (programs / name).symlink_to(stand_in)
    path = folder / "rc.local"
    path.write_bytes(script.replace(COMMAND.encode(), str(svscan).encode()))
    try:
        done = subprocess.run(
            [*argv, str(path), "start"],
            cwd=work,
            env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(work), "LC_ALL": "C"},
            input=b"a line of input\n",
            capture_output=True,
            timeout=GENEROUS / 3,
            check=False,
            start_new_session=True,
        )
        if COMMAND.encode() in script:
            with contextlib.suppress(AssertionError):
                until(lambda: b"\n" in marks.read_bytes(), "the mark", 1)
    finally:
        pids = [int(pid) for pid in marks.read_text().split()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    files = {one.name: one.read_bytes() for one in sorted(work.iterdir()) if one.is_file()}
    output, errors = (
        _neutral(text.decode("latin-1"), folder) for text in (done.stdout, done.stderr)
    )
    if traced:
        errors = _without_the_block(errors)
    shutil.rmtree(folder)
    return Ran(done.returncode, output, errors, files, len(pids))


def _neutral(text: str, folder: Path) -> str:
    """Take out what differs from run to run: the folder, and numbers of lines."""
    text = re.sub(r"line \d+: ", "", text.replace(str(folder), "FOLDER"))
    return re.sub(r"(at line |: |\[)\d+(?=\b)", r"\1N", text)


def _without_the_block(text: str) -> str:
    """Take out what a shell shows of our block as it reads or runs it."""
    return re.sub(r"^.*(FOLDER/svscan|# (begin|end) slashservice).*\n", "", text, flags=re.M)
