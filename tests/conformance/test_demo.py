"""The README's first command: the demonstration, as a user sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.processes import kill
from helpers.services import is_supervised
from helpers.waiting import GENEROUS, until

from slashservice.supervise.protocol import scan_directory


class Demo:
    """A running demonstration; ``shown`` is the file with all it has said."""

    def __init__(self, root: Path, shown: Path) -> None:
        self.root = root
        self.shown = shown
        with shown.open("wb") as output:
            self.process = subprocess.Popen(
                [CHECKOUT / "demo", root],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
            )

    def says(self, words: str) -> bool:
        return words in self.shown.read_text()

    def processes(self) -> list[int]:
        """Return what works in the demonstration's directory."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                place = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue
            if place.startswith(str(self.root)):
                found.append(int(name))
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "demo", tmp_path / "shown")
    yield made
    if made.process.poll() is None:
        made.process.send_signal(signal.SIGINT)
        made.process.wait(GENEROUS)


def test_it_shows_services_and_leaves_nothing_behind(demo: Demo) -> None:
    for words in (
        "clock     is up (pid",
        "clock/log is up (pid",
        "crasher   is up (pid",
        "sleeper   is down",
        "clock/log got @4",
    ):
        until(lambda: demo.says(words), words)  # noqa: B023
    svscan = scan_directory.running(bytes(demo.root / "service"))
    kill(svscan, signal.SIGKILL)
    until(lambda: demo.says("svscan is gone; started again"), "svscan started again")
    until(lambda: is_supervised(demo.root / "service/sleeper"), "it has taken over")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(GENEROUS) == 0
    assert demo.says("All down, and nothing left behind.")
    assert not demo.root.exists()
    # The shell of the clock is gone; the second it slept may not be over yet.
    until(lambda: not demo.processes(), "no process is left")


def test_it_does_not_take_a_directory_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = subprocess.run(
        [CHECKOUT / "demo", tmp_path], capture_output=True, text=True, timeout=GENEROUS, check=False
    )
    assert done.returncode == 111
    assert done.stderr == f"demo: fatal: unable to make {tmp_path}: file already exists\n"
    assert (tmp_path / "mine").exists()
