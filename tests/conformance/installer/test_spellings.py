"""What a shell runs is what is seen in its script: the shells are asked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Running
from helpers.spellings import ALIKE, SCRIPTS, Wrap
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.installer.detection.rivals import Search
from slashservice.installer.detection.wirings import find_wirings
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import EditFile

SHELLS = (["dash"], ["bash"], ["busybox", "sh"])
DEFAULTS = {"svscan": "/service", "svscanboot": "/service"}


def runs(shell: list[str], script: str) -> bool:
    """Run a script with a svscan that only leaves a mark; tell whether it did."""
    with tempfile.TemporaryDirectory() as folder:
        for name in DEFAULTS:
            program = Path(folder, name)
            program.write_text(f"#!/bin/sh\necho $0 >{folder}/ran\n")
            program.chmod(0o755)
        subprocess.run(
            [*shell, "-c", script.replace("/BIN", folder)],
            env={"PATH": f"{folder}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            timeout=60,
            check=False,
        )
        return Path(folder, "ran").exists()


def is_seen(script: str) -> bool:
    """Tell whether the installer sees it."""
    host = Host("/proc/self/fdinfo", live=False)
    search = Search(host, INIT_SYSTEMS, DEFAULTS)
    return any(one.sure for one in search.find("/etc/rc.local", "shell", script))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@settings(max_examples=40, deadline=None)
@given(st.one_of(SCRIPTS, ALIKE), st.sampled_from(("svscan", "/BIN/svscan", "svscanboot")))
def test_what_runs_is_what_is_seen(shell: list[str], wrap: Wrap, scanner: str) -> None:
    script = wrap(f"{scanner} /service") + "\n"
    assert is_seen(script) == runs(shell, script), script


class Shelled(Running):
    """An image that is taken for a host that runs, with the shells of this one."""

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
        return Outcome(done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("text", "out_of_force"),
    [
        ("svscan /service &\n", "#slashservice# svscan /service &\n"),
        (
            "if true; then\n  svscan /service &\nfi\n",
            "if true; then\n: #slashservice#   svscan /service &\nfi\n",
        ),
        ("start() {\nsvscan\n}\nstart\n", "start() {\n: #slashservice# svscan\n}\nstart\n"),
    ],
)
def test_a_script_stays_one(text: str, out_of_force: str, tmp_path: Path) -> None:
    image = Image(tmp_path).program("/bin/sh").program("/etc/rc.local", f"#!/bin/sh\n{text}")
    (edit,) = unwiring(Shelled(image.root))
    assert isinstance(edit, EditFile)
    assert (
        edit.editor.insert(f"#!/bin/sh\n{text}".encode()) == f"#!/bin/sh\n{out_of_force}".encode()
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("if true\nthen svscan /service; fi\n", "line 3 can't be put out of force by itself"),
        ("nohup \\\n  svscan /service &\n", "the command of line 2 is on several lines"),
        ("(cd /service\nsvscan) &\n", "line 3 can't be put out of force by itself"),
    ],
)
def test_a_line_that_holds_more_is_left_to_the_administrator(
    text: str, why: str, tmp_path: Path
) -> None:
    image = Image(tmp_path).program("/bin/sh").program("/etc/rc.local", f"#!/bin/sh\n{text}")
    with pytest.raises(Refusal, match=why):
        unwiring(Shelled(image.root))


def unwiring(host: Host) -> list[Action]:
    """Return what puts the one scanner of an rc.local out of force."""
    (wiring,) = find_wirings(host, INIT_SYSTEMS)
    return INIT_SYSTEMS["rclocal"].unwire(host, wiring)
