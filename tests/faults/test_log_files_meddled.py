"""What others do to the files of a log while a logger is at work, in real processes.

Whatever it is: only that log waits, nothing that comes later is lost, it is said once, and the
log goes on by itself. C's multilog is run beside where it does the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.logs import content
from helpers.services import await_pid, write_script
from helpers.waiting import until

pytestmark = pytest.mark.root

NOBODY = 65534

KINDS = {
    "hosted": "exec {ours}/setuidgid nobody {ours}/multilog {actions}\n",
    "own process": "umask 022\nexec {ours}/setuidgid nobody {ours}/multilog {actions}\n",
}


class Log:
    """A log of the account nobody, beside one of the same account that nobody meddles with."""

    def __init__(self, hosted: Hosted, kind: str, actions: str = "./main") -> None:
        self.hosted = hosted
        self.tree = hosted.tree
        self.kind = kind
        for name, words in (("web", actions), ("beside", "./main")):
            log = hosted.add(name, words)
            text = KINDS[kind].format(ours=self.tree.commands, actions=words)
            write_script(log / "run", "#!/bin/sh\n" + text)
            (log / "main").mkdir(mode=0o755)
            for path in (log, log / "main"):
                os.chown(path, NOBODY, NOBODY)
            log.parent.chmod(0o755)
        self.log = hosted.directories["web"]
        self.main = self.log / "main"
        self.svscan = self.tree.svscan()
        for name in ("web", "beside"):
            pid = await_pid(hosted.directories[name])
            if kind == "hosted":
                hosted.ends_with_us(pid)
        self.write(b"before\n")
        until(lambda: b"before\n" in content(self.main), "at work")

    def write(self, data: bytes) -> None:
        self.hosted.write("web", data)

    def rotate(self) -> None:
        self.tree.svc("-a", self.log)

    def beside_works(self, data: bytes) -> None:
        self.hosted.write("beside", data)
        self.hosted.arrives("beside", data)

    def says_once(self, words: str) -> None:
        until(lambda: self.tree.lines(words), words)
        self.beside_works(b"meanwhile\n")
        assert len(self.tree.lines(words)) == 1, self.tree.says()

    def ends(self, *parts: bytes) -> None:
        """Check that all of it is in the log, and that svscan drains."""
        wanted = b"".join(parts)
        until(lambda: wanted in everything(self.main), f"{wanted!r} in the log")
        assert everything(self.main).count(parts[-1]) == 1
        for fd in self.hosted.pipes.values():
            os.close(fd)
        self.hosted.pipes.clear()
        self.tree.drain(self.svscan)


def everything(directory: Path) -> bytes:
    """All that is in a log, if there is one."""
    try:
        return content(directory)
    except (FileNotFoundError, NotADirectoryError):
        return b""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def away(path: Path) -> None:
    path.rename(path.with_name("away"))


def files_removed(main: Path) -> None:
    for path in list(main.iterdir()):
        path.unlink()


GONE: dict[str, Callable[[Path], None]] = {
    "current removed": lambda main: (main / "current").unlink(),
    "current renamed": lambda main: away(main / "current"),
    "all files removed": files_removed,
    "directory removed": shutil.rmtree,
}


@pytest.mark.parametrize("deed", GONE.values(), ids=GONE)
def test_what_is_removed_is_made_again(
    deed: Callable[[Path], None], kind: str, hosted: Hosted
) -> None:
    log = Log(hosted, kind)
    deed(log.main)
    log.write(b"one\n")
    if deed is not GONE["current renamed"]:
        until(lambda: everything(log.main) == b"one\n", "one")
    log.says_once("were removed or replaced")
    log.write(b"two\n")
    log.ends(b"two\n")


INTRUDERS: dict[str, Callable[[Path], None]] = {
    "directory": Path.mkdir,
    "FIFO": os.mkfifo,
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "link to nothing": lambda path: path.symlink_to("nothing"),
}


def removed(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize("intruder", INTRUDERS.values(), ids=INTRUDERS)
@pytest.mark.parametrize("name", ["current", "."])
def test_what_is_put_in_its_place_is_waited_out(
    name: str, intruder: Callable[[Path], None], kind: str, hosted: Hosted
) -> None:
    log = Log(hosted, kind)
    path = log.main if name == "." else log.main / name
    if name == "." and intruder is Path.mkdir:
        shutil.rmtree(path)
        path.mkdir(mode=0o500)  # root's
    else:
        removed(path)
        intruder(path)
    log.write(b"one\n")
    log.says_once(", pausing: ")
    removed(path)
    log.write(b"two\n")
    log.ends(b"one\n", b"two\n")


def test_a_directory_that_is_closed_for_a_while(kind: str, hosted: Hosted) -> None:
    log = Log(hosted, kind)
    os.chown(log.main, 0, 0)
    log.rotate()
    log.write(b"one\n")
    log.says_once("unable to rename current to previous in directory ./main, pausing: ")
    os.chown(log.main, NOBODY, NOBODY)
    log.write(b"two\n")
    log.ends(b"before\none\ntwo\n")


PROCESSORS = {"false": "failed", "kill -9 $$": "crashed", "/nowhere/x": "failed"}


@pytest.mark.parametrize("command", PROCESSORS)
def test_a_processor_that_does_not_work(command: str, kind: str, hosted: Hosted) -> None:
    """It is said once; and it is over, without more words, once there is nothing to process."""
    log = Log(hosted, kind, f"'!{command}' ./main")
    log.rotate()
    until((log.main / "previous").exists, "a file to be processed")
    log.write(b"one\n")
    log.says_once(f"processor {PROCESSORS[command]} in ./main")
    (log.main / "previous").unlink()
    log.ends(b"one\n")
    assert len(log.tree.lines("processor ")) == 1


def test_a_processor_that_hangs(kind: str, hosted: Hosted) -> None:
    log = Log(hosted, kind, "'!while ! test -e go; do sleep 0.1; done; cat' ./main")
    log.rotate()
    until((log.main / "previous").exists, "a file to be processed")
    log.write(b"one\n")
    log.beside_works(b"meanwhile\n")
    assert everything(log.main).count(b"one\n") == 0
    (log.main / "go").touch()
    log.ends(b"before\none\n")


def test_a_lock_that_is_removed(kind: str, hosted: Hosted, oracle: Path) -> None:
    """From the next file on no other logger comes in."""
    log = Log(hosted, kind)
    (log.main / "lock").unlink()
    log.rotate()
    until(lambda: (log.main / "lock").exists(), "made again")
    done = subprocess.run(
        [oracle / "multilog", log.main], input=b"x\n", capture_output=True, check=False
    )
    assert done.returncode == 111 and b"unable to lock directory" in done.stderr
    log.write(b"one\n")
    log.ends(b"before\none\n")


@pytest.mark.parametrize("deed", ["removed", "FIFO", "closed"])
def test_a_status_file(deed: str, kind: str, hosted: Hosted) -> None:
    """No log waits for it; it is there again when it can be."""
    log = Log(hosted, kind, "=status ./main")
    path = log.log / "status"
    until(lambda: path.read_bytes().startswith(b"before\n"), "status")
    if deed == "closed":
        path.chmod(0)
        os.chown(path, 0, 0)
    else:
        path.unlink()
    if deed == "FIFO":
        os.mkfifo(path)
    log.write(b"one\n")
    if deed == "FIFO":
        log.says_once("unable to open status again, going on: ")
        path.unlink()
        log.write(b"one\n")
    until(lambda: path.exists() and path.read_bytes().startswith(b"one\n"), "status")
    log.ends(b"before\none\n")
