"""A host whose /tmp can't be written to: the installer finds another place, or says so."""

from __future__ import annotations

import subprocess

import pytest
from helpers.checkout import CHECKOUT

READ_ONLY = (
    f"mount --make-rprivate / && mount --bind {CHECKOUT} /mnt && "  # it may be in /tmp itself
    "for f; do mount -t tmpfs -o ro none $f; done && "
)


def install(*read_only: str) -> subprocess.CompletedProcess[str]:
    """Ask ``./install`` for its version, with these folders read-only."""
    script = f"{READ_ONLY} exec /mnt/install --version"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *read_only],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.root
def test_another_place_is_found() -> None:
    done = install("/tmp")
    assert (done.returncode, done.stderr) == (0, "")
    assert "slashservice" in done.stdout


@pytest.mark.root
def test_it_is_said_where_none_is() -> None:
    done = install("/tmp", "/var/tmp", "/run", "/dev/shm")
    assert done.returncode == 111
    assert done.stderr.startswith("install: fatal: temporary files can't be made in /tmp")
