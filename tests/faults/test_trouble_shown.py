"""Trouble of hosted logs, from the kernel to what the administrator is shown."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.disks import enlarge, on_small_disk
from helpers.hosted import Hosted
from helpers.images import MakeImage
from helpers.installer import plan_for
from helpers.processes import kill
from helpers.services import await_down, contents, is_supervised
from helpers.tree import tree
from helpers.waiting import until

from slashservice.installer.host.host import Host
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction

pytestmark = pytest.mark.root


class Shown:
    """Services with hosted logs, below the scan directory of an installation."""

    def __init__(self, root: Path, hosted: Hosted) -> None:
        self.root = root
        self.hosted = hosted
        self.file = Path()

    def add(self, actions: str) -> Path:
        """Add the service ``web``; return the directory of its log service."""
        log = self.hosted.add("web", actions)
        link = self.hosted.tree.scan / "web"
        link.unlink()
        link.symlink_to("../real/web")
        self.file = log / "supervise/trouble"
        return log

    def told(self, *words: str) -> str:
        """Return what a verb of slashservice says of the installation."""
        command = Path(sys.executable).parent / "slashservice"
        line = [str(command), *words, "--root", str(self.root)]
        return subprocess.run(line, stdout=subprocess.PIPE, text=True, check=False).stdout

    def expect(self, words: str) -> None:
        """Wait until the trouble is there and shown everywhere; or nowhere, without words."""
        until(lambda: bool(words) == self.file.exists(), f"trouble {words!r}")
        found = contents(self.file).decode()
        assert words in found
        assert found.count("\n") == (1 if words else 0)
        line = "the log of web has been in trouble since"
        for verb in ("status", "doctor"):
            said = self.told(verb)
            assert (line in said and words in said) if words else line not in said
        (*troubles,) = json.loads(self.told("status", "--json"))["log_troubles"]
        assert [one["text"] for one in troubles] == found.splitlines()


@pytest.fixture
def shown(make_image: MakeImage, small_source: Source, ours: Path) -> Iterator[Shown]:
    image = make_image("sysvinit-debian")
    with tree(image.root, ours) as made:
        host = Host(str(image.root))
        options = plan_for(host, service_dir="/services")
        transaction.install(host, options, lambda line: None)
        hosted = Hosted(made)
        try:
            yield Shown(image.root, hosted)
        finally:
            for process in made.started:
                process.kill()
                process.wait()
            hosted.end()


def svstat(log: Path) -> str:
    """Return what C's svstat says, without times and pids."""
    said = subprocess.run(["/usr/bin/svstat", log], capture_output=True, text=True, check=True)
    return re.sub(r"\d+", "N", said.stdout.removeprefix(str(log)))


def test_a_full_disk(shown: Shown) -> None:
    """Its trouble ends with the disk's, or with its logger."""
    log = shown.add("./main")
    (log / "main").mkdir()
    svscan = shown.hosted.tree.svscan(on_small_disk(log / "main"))
    host = shown.hosted.host("web")
    shown.expect("")
    before = svstat(log)
    shown.hosted.write("web", b"line\n" * 10000)
    shown.expect("unable to write to ./main/current: ")
    assert svstat(log) == before
    shown.hosted.tree.svc("-k", log)
    until(lambda: not shown.file.exists(), "forgotten with its logger")
    shown.expect("unable to write to ./main/current: ")
    enlarge(host, log / "main")
    shown.expect("")
    shown.hosted.tree.drain(svscan)


def test_after_svscan_was_killed(shown: Shown) -> None:
    """The next one knows of the trouble what its own loggers say."""
    log = shown.add("s4096 ./main")
    tree = shown.hosted.tree
    svscan = tree.svscan()
    shown.hosted.write("web", b"begin\n")
    shown.hosted.host("web")
    shown.hosted.arrives("web", b"begin\n")
    (log / "main/current").unlink()
    (log / "main/current").mkdir()
    shown.hosted.write("web", b"line\n")
    shown.expect("unable to create ./main/current: ")
    kill(svscan.pid, signal.SIGKILL)
    svscan.wait()
    assert shown.file.exists()
    svscan = tree.svscan()
    until(lambda: is_supervised(log), "supervised")
    shown.hosted.host("web")
    until(lambda: "append" in contents(shown.file).decode(), "what the new logger says")
    shown.expect("unable to append to ./main/current: ")
    (log / "main/current").rmdir()
    shown.expect("")
    shown.hosted.arrives("web", b"line\n")
    tree.drain(svscan)


CAUSES = {
    "failing processor": ("!false ./main", "processor failed in ./main"),
    "processor that is missing": ("!/nowhere/x ./main", "processor failed in ./main"),
    "two, the second failing": ("./other !false ./main", "processor failed in ./main"),
}


@pytest.mark.parametrize(("actions", "words"), CAUSES.values(), ids=CAUSES)
@pytest.mark.parametrize("end", ["-d", "-dx"])
def test_a_failing_processor(end: str, actions: str, words: str, shown: Shown) -> None:
    log = shown.add(actions)
    svscan = shown.hosted.tree.svscan()
    shown.hosted.host("web")
    shown.hosted.write("web", b"line\n")
    shown.hosted.arrives("web", b"line\n")
    shown.hosted.tree.svc("-a", log)
    shown.expect(words)
    shown.hosted.tree.svc(end.replace("-d", "-dk"), log)
    await_down(log)
    shown.expect("")
    kill(svscan.pid, signal.SIGQUIT)
    svscan.wait()


REFUSED = {
    "directory below none": ("./none/main", "unable to open directory ./none/main: "),
    "file": ("./file", "unable to open directory ./file: "),
    "status file below none": ("=none/status ./main", "unable to create none/status: "),
    "closed lock": ("./locked", "unable to lock directory ./locked: "),
}


@pytest.mark.parametrize(("actions", "words"), REFUSED.values(), ids=REFUSED)
def test_a_logger_that_can_not_begin(actions: str, words: str, shown: Shown) -> None:
    """It is started each second; what it said last is shown until it could."""
    log = shown.add(actions)
    (log / "file").touch()
    (log / "locked/lock").mkdir(parents=True)
    svscan = shown.hosted.tree.svscan()
    shown.expect(words)
    until(lambda: len(shown.hosted.tree.lines(words)) > 2, "again")
    shown.expect(words)
    (log / "file").unlink()
    (log / "none").mkdir()
    (log / "locked/lock").rmdir()
    shown.expect("")
    shown.hosted.host("web")
    shown.hosted.write("web", b"line\n")
    last = actions.rpartition("./")[2]
    until(lambda: shown.hosted.current("web", last) == b"line\n", "arrived")
    shown.hosted.tree.drain(svscan)


def test_a_logger_that_could_not_begin_and_shall_not(shown: Shown) -> None:
    log = shown.add("./file")
    (log / "file").touch()
    svscan = shown.hosted.tree.svscan()
    shown.expect("unable to open directory ./file: ")
    shown.hosted.tree.svc("-d", log)
    await_down(log)
    until(lambda: "trouble" not in shown.told("status"), "it is not wanted")
    kill(svscan.pid, signal.SIGQUIT)
    svscan.wait()
    assert os.path.exists(log)
