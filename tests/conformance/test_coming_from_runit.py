"""What ``docs/coming-from-runit.md`` says to type works as it says, each line of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.images import Image, runit_debian
from helpers.services import supervising
from helpers.waiting import until

DOCUMENT = (CHECKOUT / "docs" / "coming-from-runit.md").read_text()
SLASHSERVICE = str(Path(sys.executable).parent / "slashservice")
START = 'svscan "$PWD/service" &'

EXPECTED = {
    "sv status clock": r"run: clock: \(pid \d+\) \d+s; run: log: \(pid \d+\) \d+s\n",
    "sv restart clock": r"ok: run: clock: \(pid \d+\) \d+s\n",
    "sv stop clock": r"ok: down: clock: \d+s, normally up(, want up)?\n",
    "sv start clock": r"ok: run: clock: \(pid \d+\) \d+s\n",
    "svstat service/clock service/clock/log": r"(service/clock(/log)?: up \(pid \d+\) .*\n){2}",
    "svc -t service/clock": "",
    "tail -n 1 sv/clock/log/main/current": r"\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{5} .*\n",
}
"""What each of those commands says that are for trying it out."""

ON_A_HOST = {
    "sudo slashservice install --replace --dry-run": 2,
    "sudo slashservice install --replace": 0,
    "sudo slashservice install --replace --no-start": 0,
    "slashservice doctor": 0,
    "sudo slashservice uninstall": 0,
}
"""What each of those ends with that are for a host: they are run on an image of one."""


def blocks() -> list[list[str]]:
    """Return the commands of the document, block by block."""
    found = re.findall(r"(?:^    .*\n)+", DOCUMENT, re.MULTILINE)
    return [[line.strip() for line in one.splitlines()] for one in found]


def test_every_command_is_run_by_a_test() -> None:
    made, steered, *others = blocks()
    assert made[-1] == START
    assert [line for line in steered if not line.startswith("export ")] == list(EXPECTED)
    assert [line for one in others for line in one] == list(ON_A_HOST)


def shell(command: str, folder: Path, ours: Path) -> str:
    """Run a command of the document, which must succeed; return what it says."""
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env={"PATH": f"{ours}:{os.environ['PATH']}", "SVDIR": f"{folder}/service"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def tried(tmp_path: Path, ours: Path) -> Iterator[Path]:
    """The folder in which somebody tries it out, as the document says, with svscan running."""
    made, *_ = blocks()
    for line in made[:-1]:
        shell(line, tmp_path, ours)
    clock = tmp_path / "sv/clock"
    with supervising(ours / "svscan", tmp_path / "service", services=[clock, clock / "log"]):
        current = clock / "log/main/current"
        until(lambda: current.exists() and current.read_text(), "the first line")
        yield tmp_path


def test_trying_it(tried: Path, ours: Path) -> None:
    for command, expected in EXPECTED.items():
        said = shell(command, tried, ours)
        assert re.fullmatch(expected, said), f"{command}: {said}"


@pytest.mark.root
def test_moving_and_going_back(tmp_path: Path) -> None:
    """The same words work on an image of such a host; the boots have the real one."""
    image = Image(tmp_path / "root")
    runit_debian(image)
    image.program("/etc/runit/2", "#!/bin/sh\nexec env - runsvdir -P /etc/service 'log: ....'\n")
    image.program("/etc/runit/3", "#!/bin/sh\nsv force-stop /etc/service/*\n")
    before = image.snapshot()
    for command, status in ON_A_HOST.items():
        words = command.removeprefix("sudo ").split()
        done = subprocess.run(
            [SLASHSERVICE, *words[1:], "--root", str(image.root)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
    assert image.snapshot() == before
