"""Fake hosts for the installer's tests, and a small tree of code to put on them."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from helpers import images

from slashservice.installer.detection.look import Look, look
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.plan import source
from slashservice.installer.plan.files import EditFile, WriteFile
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import Plan, make_plan
from slashservice.installer.plan.source import Source


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a ``kind`` on every kind of host."""
    if "kind_name" in metafunc.fixturenames:
        metafunc.parametrize("kind_name", list(images.KINDS))


class Breaking(Host):
    """A host on which one step fails."""

    def __init__(self, root: str, failing: int) -> None:
        super().__init__(root)
        self.failing = failing

    def step(self, name: str, path: str) -> None:
        super().step(name, path)
        if self.changes == self.failing:
            raise OSError(28, "No space left on device", path)


class Deadly(Host):
    """A host on which the process dies ahead of one step."""

    def __init__(self, root: str, deadly: int) -> None:
        super().__init__(root)
        self.deadly = deadly

    def step(self, name: str, path: str) -> None:
        super().step(name, path)
        if self.changes == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def dies(work: Callable[[], object]) -> bool:
    """Do ``work`` in a child and tell whether that was killed; an error in it is an error."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert status == 0
    return False


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such: the installer syncs much, and disks are slow."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="slashservice-test-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def make_image(in_memory: Path) -> images.MakeImage:
    """Return what makes an image of a kind of host, in a folder of its own."""

    def make(kind_name: str, folder: str = "root") -> images.Image:
        image = images.Image(in_memory / folder)
        images.KINDS[kind_name].make(image)
        return image

    return make


@pytest.fixture
def image(kind_name: str, make_image: images.MakeImage) -> images.Image:
    """An image of the kind of host the test runs for."""
    return make_image(kind_name)


@pytest.fixture
def plain_image(tmp_path: Path) -> images.Image:
    """An image of no kind, with a scan directory and an account; for modules that call it image."""
    made = images.Image(tmp_path / "root").folders("/service", "/etc", "/var/log")
    return made.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\nodd:x\n")


@pytest.fixture
def its_host(image: images.Image) -> Host:
    """The host of the image."""
    return Host(str(image.root))


@pytest.fixture
def kind(kind_name: str) -> images.Kind:
    """The kind of host the test runs for."""
    return images.KINDS[kind_name]


@pytest.fixture
def small_source(monkeypatch: pytest.MonkeyPatch) -> Source:
    """Have little code installed: two packages of a file each, and three commands."""
    commands = ("slashservice", "svscan", "svscanboot")
    files = {"supervise/__init__.py": (b"", 0o644), "installer/cli.py": (b"# code\n", 0o644)}
    files |= {f"command/{name}": (b"#!/bin/sh\n", 0o755) for name in commands}
    small = Source(files, commands)
    monkeypatch.setattr(source, "collect", lambda python, tree: small)
    return small


Artefacts = Callable[[str], dict[str, str]]
"""Returns the texts that are installed on a kind of host, by path."""


class Running(Host):
    """An image that is taken for a host that runs.

    A command ends as ``answers`` has it for the words that it begins with, else as one that
    isn't there; ``asked`` are the command lines.
    """

    def __init__(self, root: Path, answers: Mapping[str, Outcome] | None = None) -> None:
        super().__init__(str(root))
        self._live = True
        self.answers = answers or {}
        self.asked: list[str] = []

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        """Look the command up."""
        line = " ".join(argv)
        self.asked.append(line)
        found = (end for words, end in self.answers.items() if line.startswith(words))
        return next(found, Outcome(127, f"{argv[0]}: not found"))


def look_at(host: Host, asked: str = "") -> Look:
    """Look at a host, with all init systems there are."""
    return look(host, INIT_SYSTEMS, asked=by_name(asked).name if asked else "")


def plan_for(host: Host, **options: object) -> Plan:
    """Look at a host and make the plan for it."""
    chosen = Options(**options)  # type: ignore[arg-type]
    return make_plan(look_at(host, chosen.init), INIT_SYSTEMS, chosen)


@pytest.fixture
def artefacts(make_image: images.MakeImage, small_source: Source) -> Artefacts:
    """Return what makes the texts that are installed on a kind of host, by path."""

    def make(kind_name: str) -> dict[str, str]:
        image = make_image(kind_name, kind_name)
        host = Host(str(image.root))
        found = {}
        for action in plan_for(host, **images.KINDS[kind_name].options).actions:
            if isinstance(action, (WriteFile, EditFile)):
                state = action.wanted(host, host.state(action.path))
                found[action.path] = state.data.decode("latin-1")
        return found

    return make
