"""The lock of the installer: who can hold it, and how long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import lock, scratch
from slashservice.installer.host.host import Host

OTHER = 61234


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands for /run."""
    path = tmp_path / "run"
    path.mkdir(mode=0o755)
    monkeypatch.setattr(scratch, "CLOSED", (str(path),))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


@contextlib.contextmanager
def as_other() -> Iterator[None]:
    """Be an ordinary account for a while."""
    os.seteuid(OTHER)
    try:
        yield
    finally:
        os.seteuid(0)


def test_it_is_there_only_while_it_is_held(place: Path) -> None:
    with lock.held(Host()):
        (path,) = place.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(Refusal, match="another slashservice installer"), lock.held(Host()):
            pass
        assert path.exists()
    assert not list(place.iterdir())


def test_an_image_has_one_of_its_own(place: Path, tmp_path: Path) -> None:
    """Under any name that it has; and it is not in the image."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("one")
    with lock.held(Host()), lock.held(Host(str(tmp_path / "one"))):
        with lock.held(Host(str(tmp_path / "two"))):
            assert len(list(place.iterdir())) == 3
        again = Host(str(tmp_path / "link"))
        with pytest.raises(Refusal, match="another slashservice"), lock.held(again):
            pass
    assert not list((tmp_path / "one").iterdir())


@pytest.mark.root
def test_nobody_else_can_hold_it(place: Path) -> None:
    for path in (place, *place.parents):
        path.chmod(path.stat().st_mode | 0o055)
    with lock.held(Host()), as_other():
        (path,) = place.iterdir()
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            with pytest.raises(PermissionError):
                os.open(path, flags)
        fd = os.open(place, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # this once kept root's installer out
    with lock.held(Host()):
        pass
    os.close(fd)


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_no_place_is_taken_where_others_can_make_one(place: Path, mode: int) -> None:
    place.chmod(mode)
    with pytest.raises(Trouble, match="no place"), lock.held(Host()):
        pass


def test_what_is_there_already_is_not_followed(place: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (place / lock._name(Host())).symlink_to(target)
    with pytest.raises(OSError), lock.held(Host()):
        pass
    assert not target.exists()


@pytest.mark.root
def test_somebody_else_s_file_is_not_locked(place: Path) -> None:
    path = place / lock._name(Host())
    path.touch()
    os.chown(path, OTHER, OTHER)
    with pytest.raises(Trouble, match="it is somebody else's file"), lock.held(Host()):
        pass


HOLD = """\
import sys, time
from slashservice.installer.host import lock, scratch
from slashservice.installer.host.host import Host
scratch.CLOSED = (sys.argv[1],)
with lock.held(Host()):
    print("held", flush=True)
    time.sleep(1000)
"""


def test_it_is_never_stale(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Refusal), lock.held(Host()):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert list(place.iterdir())
    with lock.held(Host()):
        pass
    assert not list(place.iterdir())


def test_children_don_t_have_it(place: Path) -> None:
    with lock.held(Host()), subprocess.Popen(["sleep", "1000"], close_fds=False) as child:
        files = [
            os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")
        ]
        child.kill()
    assert not [file for file in files if file.startswith(str(place))]


def test_many_take_turns(place: Path) -> None:
    """The file that one removes may be locked by the next, which then must begin again."""
    path = place / lock._name(Host())
    real = fcntl.flock
    removed: list[bool] = []

    def flock(fd: int, how: int) -> None:
        real(fd, how)
        if not removed:
            removed.append(True)
            path.unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with lock.held(Host()):
            assert path.exists()
            with pytest.raises(Refusal), lock.held(Host()):
                pass
