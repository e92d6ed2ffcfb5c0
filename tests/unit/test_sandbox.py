"""The sandbox of the tests: what is done to its ``/dev`` is not done to this machine's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox

pytestmark = pytest.mark.root

NODES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
"""Memory devices, with their minor numbers."""


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with sandboxes(request) as start:
        yield start(["sleep", "1000"], checkout=False)


def is_node(path: Path, minor: int) -> bool:
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, minor)


@pytest.mark.parametrize(
    "harm", ["rm -f {0}", "rm -f {0}; : >{0}", "chmod 0 {0}", "mv {0} {0}.old"]
)
def test_what_harms_a_node_harms_it_there_alone(machine: Sandbox, harm: str) -> None:
    for name, minor in NODES.items():
        node = Path("/dev") / name
        before = node.lstat().st_mode
        assert is_node(machine.path(str(node)), minor)
        assert stat.S_IMODE(machine.path(str(node)).lstat().st_mode) == 0o666
        machine.run("sh", "-c", harm.format(node))
        assert is_node(node, minor)
        assert node.lstat().st_mode == before


def test_what_is_there_works(machine: Sandbox) -> None:
    assert machine.run("sh", "-c", "echo gone >/dev/null; head -c3 /dev/zero | od -An -tx1") == (
        " 00 00 00\n"
    )
    machine.run("sh", "-c", "echo more >/dev/full", status=1)
    assert machine.run("head", "-c0", "/dev/urandom", "/dev/fd/0").count("==>") == 2
    assert "/dev/pts/" in machine.run("script", "-qec", "tty", "/dev/null")
    machine.run("sh", "-c", ": >/dev/shm/here")
    assert not Path("/dev/shm/here").exists()


def test_no_disk_is_there(machine: Sandbox) -> None:
    """What writes to one would write to this machine's; loop devices are made by tests."""
    said = machine.run("find", "/dev", "-type", "b").split()
    assert [path for path in said if not path.startswith("/dev/loop")] == []
