"""The demonstration: how it is called, and where it takes place."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from slashservice.supervise.demo import guard, main, place
from slashservice.supervise.messages import Quit


def test_misuse(tmp_path: Path) -> None:
    with pytest.raises(Quit) as caught:
        main.main([bytes(tmp_path / "one"), bytes(tmp_path / "two")])
    assert (caught.value.status, caught.value.line) == (100, b"demo: usage: demo [dir]\n")
    assert os.listdir(tmp_path) == []


def test_without_a_directory_it_makes_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = place.make(None)
    assert Path(made.root).parent == tmp_path
    assert Path(made.root).name.startswith("slashservice-demo-")
    assert {*os.listdir(made.services)} == {"clock", "crasher", "sleeper"}
    assert place.left_behind() == [], "it is locked"
    os.close(made.lock)
    (left,) = place.left_behind()
    assert left.root == made.root
    assert place.left_behind() == [], "now that one has it"
    os.close(left.lock)
    assert made.remove() and not list(tmp_path.iterdir())


def test_a_svscan_that_can_not_be_run(tmp_path: Path) -> None:
    """The guard says so, and ends all the same."""
    made = place.make(str(tmp_path / "demo"))
    (tmp_path / "demo/command/svscan").unlink()
    started = guard.start(made, [])
    told = b""
    while b"died" not in told:
        try:
            told += os.read(started.told, 100)
        except BlockingIOError:
            continue
    runs, died = told.split(b"\n")[:2]
    assert died == b"died %s %d" % (runs.split()[1], 111 << 8)
    started.let_go()
    assert started.wait()
    os.close(started.told)
    os.close(made.lock)
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_descriptors_are_given_to_nothing_else(closed: tuple[int, ...]) -> None:
    code = (
        "import os\nfrom slashservice.supervise.demo.main import _have_standard_descriptors as have"
        f"\nfor fd in {closed}: os.close(fd)\nhave()\n"
        "have()\nassert os.open('/', os.O_RDONLY) == 3\n"
        f"for fd in {closed}:\n try: os.write(fd, b'x')\n except OSError: continue\n"
        " else: os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
