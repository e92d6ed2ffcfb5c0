"""What keeps a svscan from taking a service: foreseen, and seen by one that tries."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from helpers.installer import Running

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Outcome
from slashservice.installer.plan import heirs
from slashservice.supervise.protocol import record
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.refusal import Refused

PARTS = ("supervise", "supervise/lock", "supervise/control", "supervise/ok", "down", "run")


def is_taken(service: Path) -> bool:
    """Tell whether a supervisor can have the service; it is let go at once."""
    directory = ServiceDirectory(bytes(service), b"service")
    try:
        directory.acquire(record.life(), 1000)
    except Refused:
        return False
    directory.release()
    return True


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service that was supervised."""
    made = tmp_path / "service"
    made.mkdir()
    (made / "run").touch(0o755)
    assert is_taken(made)
    return made


def removed(path: Path) -> None:
    """Nothing is there."""


def folder(path: Path) -> None:
    """A folder is there."""
    path.mkdir()


def file(path: Path) -> None:
    """A file is there."""
    path.write_text("")


def fifo(path: Path) -> None:
    """A FIFO is there."""
    os.mkfifo(path)


def dangling(path: Path) -> None:
    """A link is there that leads nowhere."""
    path.symlink_to("nowhere")


def far_dangling(path: Path) -> None:
    """A link is there that leads to where not even the folder is."""
    path.symlink_to("no/where")


def loop(path: Path) -> None:
    """A link is there that leads to itself."""
    path.symlink_to(path.name)


def elsewhere(path: Path) -> None:
    """What was there is reached by a link."""
    path.with_name(path.name + ".was").rename(path.parent.parent / f"{path.name}.away")
    path.symlink_to(path.parent.parent / f"{path.name}.away")


SHAPES = (removed, folder, file, fifo, dangling, far_dangling, loop, elsewhere)


@pytest.mark.parametrize(("part", "shape"), list(product(PARTS, SHAPES)))
def test_it_is_foreseen_whether_a_service_can_be_taken(
    part: str, shape: Callable[[Path], None], service: Path
) -> None:
    path = service / part
    if path.exists():
        path.rename(path.with_name(path.name + ".was"))
    elif shape is elsewhere:
        path.with_name(path.name + ".was").touch()
    shape(path)
    what, remedy = heirs.obstacle(str(service))
    before = sorted(service.rglob("*"))
    foreseen = not what
    assert sorted(service.rglob("*")) == before, "only looked at"
    assert foreseen == is_taken(service), what
    if foreseen:
        assert not remedy
        heirs.refuse([str(service)])
        return
    with pytest.raises(Refusal, match="could not take over") as refusal:
        heirs.refuse([str(service), str(service)])
    assert what in str(refusal.value)
    assert "Mend that first" in refusal.value.advice[0]


def test_a_service_that_is_gone(tmp_path: Path) -> None:
    assert "can't be opened: No such file" in heirs.obstacle(str(tmp_path / "gone"))[0]


@pytest.mark.parametrize(
    ("outcome", "starts"),
    [
        (Outcome(100, "svscan: usage"), True),
        (Outcome(0, ""), False),
        (Outcome(126, "Permission denied"), False),
        (Outcome(127, "not found"), False),
        (Outcome(-4, ""), False),
    ],
)
def test_a_svscan_that_does_not_start_is_no_heir(
    outcome: Outcome, starts: bool, tmp_path: Path
) -> None:
    host = Running(tmp_path, {"/new/svscan": outcome})
    if starts:
        heirs.rehearse(host, "/new/svscan")
    else:
        with pytest.raises(Refusal, match=r"does not start: ."):
            heirs.rehearse(host, "/new/svscan")
