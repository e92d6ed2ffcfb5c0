"""What a shell runs is what is seen in its script: the shells are asked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from helpers.spellings import ALIKE, SCRIPTS, Wrap
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.installer.detection.rivals import Search
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS

SHELLS = (["dash"], ["bash"], ["busybox", "sh"])
DEFAULTS = {"svscan": "/service", "svscanboot": "/service"}


def runs(shell: list[str], script: str) -> bool:
    """Run a script with a svscan that only leaves a mark; tell whether it did."""
    with tempfile.TemporaryDirectory() as folder:
        for name in DEFAULTS:
            program = Path(folder, name)
            program.write_text(
                "#!/bin/sh\nfor word; do case $word in --help|--version) exit ;; esac; done\n"
                f"echo $0 >{folder}/ran\n"
            )
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
