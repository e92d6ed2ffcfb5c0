"""First lines of scripts: what we say of each is what the kernel makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.shapes import load
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.host.host import Host
from slashservice.installer.plan import scripts

MARK = "was here"
LINES = sorted({shape.text.split(b"\n", 1)[0] for shape in load("rc.local.txt").values()})
LANGUAGES = ("perl", "python", "csh", "fish", "awk")


def runs(folder: Path, first: bytes) -> bool:
    """Have the kernel run a script with that first line; tell whether a shell came to the next."""
    script = folder / "script"
    script.write_bytes(first + f"\necho {MARK}\n".encode())
    script.chmod(0o755)
    try:
        done = subprocess.run(
            [str(script)], stdin=subprocess.DEVNULL, capture_output=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.decode("latin-1").splitlines() == [MARK]


def agrees(folder: Path, first: bytes) -> None:
    """Check that a script runs where we say so, and does not where we say that."""
    host, path = Host(), str(folder / "script")
    ran = runs(folder, first)
    fault = scripts.fault(host, path, first + b"\necho\n", "exec", ("sh",))
    if fault is None:
        assert ran
    elif "never runs" in fault.what:
        assert not ran


@pytest.mark.parametrize("first", LINES, ids=repr)
def test_those_of_the_corpus(first: bytes, tmp_path: Path) -> None:
    if not any(word.encode() in first for word in LANGUAGES):
        agrees(tmp_path, first)


@given(
    st.sampled_from(["#!", "#! ", "#!\t", "# !", "!#", " #!", "#!\r", "#", ""]),
    st.sampled_from(
        [
            *("/bin/sh", "/bin/bash", "/bin/dash", "/usr/bin/mksh", "/usr/bin/zsh", "bin/sh", "sh"),
            *("/usr/bin/env", "/bin/busybox", "/nowhere/sh", "/bin/rbash", "/bin/sh\r", "/bin"),
        ]
    ),
    st.lists(
        st.sampled_from(
            [
                "-e",
                "-u",
                "-",
                "--",
                "-n",
                "-x",
                "-C",
                "sh",
                "bash",
                "-S",
                "-eu",
                "ash",
                "#",
                "-o",
                "-a",
            ]
        ),
        max_size=3,
    ),
    st.sampled_from([" ", "\t", "  "]),
    st.sampled_from(["", " ", "\t ", "\r"]),
)
def test_any(
    tmp_path_factory: pytest.TempPathFactory,
    start: str,
    program: str,
    words: list[str],
    gap: str,
    end: str,
) -> None:
    agrees(tmp_path_factory.mktemp("first"), (start + gap.join([program, *words]) + end).encode())
