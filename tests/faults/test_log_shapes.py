"""Hosted logs do what their scripts would: the shapes that people use, beside a shell."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import subprocess
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.log_shapes import AS_WRITTEN, SHAPES
from helpers.services import pid_of, write_script
from helpers.waiting import until

USER = "nobody"

SAYS = "#!/bin/sh\nprintf 'hello\\nsecond line\\nthird\\n'\nexec sleep 1000\n"

STAMP = re.compile(rb"^(?:@[0-9a-f]{24}|[-0-9_:.T]{25,26}) ", re.MULTILINE)

ARRIVED = re.compile(rb"(?i)hello|second")

PIDS = re.compile(rb"pid \d+")

PATH = "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Seen = dict[str, tuple[str, str, str, bytes]]


class Place:
    """Where one of the two does its work: a directory for each log service, and its logs."""

    def __init__(self, root: Path, commands: Path) -> None:
        self.root = root
        self.commands = commands
        self.logs = root / "logs"
        self.logs.mkdir(parents=True)

    def prepare(self, name: str, log: Path) -> None:
        """Write the run script, and make the directories that it relies on."""
        group = grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name
        words = {
            "BIN": str(self.commands),
            "USER": USER,
            "GROUP": group,
            "LOG": str(self.logs / f"{self._key(name)}.log"),
            "NEW": str(self._new(name)),
        }
        text = re.sub("@([A-Z]+)@", lambda found: words[found[1]], SHAPES[name])
        for made in (log / "main", Path(words["LOG"])):
            made.mkdir(parents=True)
            os.chown(made, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)
        (log / "conf").touch()
        write_script(log / "run", text)

    def _key(self, name: str) -> str:
        return name.replace(" ", "-")

    def _new(self, name: str) -> Path:
        return self.logs / f"{self._key(name)}.new"

    def seen(self, name: str, log: Path) -> Seen:
        """Return all files of a log, with mode, owner, group and content."""
        found = {}
        tops = [log, self.logs / f"{self._key(name)}.log", self._new(name)]
        for number, top in enumerate(tops):
            for path in [top, *top.rglob("*")]:
                if "supervise" in path.parts or not path.exists():
                    continue
                about = path.stat()
                data = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
                if path.name in ("run", "config") or b"@4" in path.name.encode():
                    data = b""
                key = f"{number}/{path.relative_to(top)}"
                owner = f"{about.st_uid}:{about.st_gid}"
                found[key] = (oct(about.st_mode), owner, str(path.is_dir()), STAMP.sub(b"", data))
        return found

    def said(self, text: bytes) -> list[bytes]:
        """Return the lines that were said, in no order, without what differs in any case."""
        text = text.replace(os.fsencode(self.root), b"ROOT")
        return sorted(PIDS.sub(b"pid", text).splitlines())


@pytest.mark.root
def test_scripts_that_people_use(hosted: Hosted) -> None:
    tree = hosted.tree
    assert len(SHAPES) == 40
    ours, theirs = Place(tree.root / "ours", tree.commands), Place(tree.root / "sh", tree.commands)
    environment = {"PATH": PATH.format(tree.commands)}
    logs = {}
    for name in SHAPES:
        log = tree.make(name.replace(" ", "-"), SAYS, "#!/bin/sh\n") / "log"
        ours.prepare(name, log)
        logs[name] = log
        (tree.scan / log.parent.name).symlink_to(log.parent)
    out, err = tree.root / "out", tree.root / "err"
    with out.open("ab") as stdout, err.open("ab") as stderr:
        svscan = subprocess.Popen(
            [tree.commands / "svscan", tree.scan],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
        )
    tree.started.append(svscan)
    for name, log in logs.items():
        until(lambda: ARRIVED.search(everything(ours.seen(name, log))), f"{name} arrives")  # noqa: B023
    is_hosted = {name for name, log in logs.items() if runs_in_host(hosted, pid_of(log))}
    tree.drain(svscan)
    expected_out = expected_err = b""
    for name in SHAPES:
        log = theirs.root / name.replace(" ", "-") / "log"
        theirs.prepare(name, log)
        done = subprocess.run(
            ["./run"],
            cwd=log,
            env=environment,
            input=b"hello\nsecond line\nthird\n",
            capture_output=True,
            check=False,
            timeout=60,
        )
        expected_out += done.stdout
        expected_err += done.stderr
        assert ours.seen(name, logs[name]) == theirs.seen(name, log), name
    assert ours.said(out.read_bytes()) == theirs.said(expected_out)
    assert ours.said(err.read_bytes()) == theirs.said(expected_err)
    assert SHAPES.keys() - is_hosted == AS_WRITTEN
    assert len(is_hosted) >= 36


def everything(seen: Seen) -> bytes:
    return b"".join(data for *_, data in seen.values())


def runs_in_host(hosted: Hosted, pid: int) -> bool:
    """Tell whether the process of a log service is a log host."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    found = any(os.path.basename(word) == b"loghost" for word in words)
    if found:
        hosted.ends_with_us(pid)
    return found
