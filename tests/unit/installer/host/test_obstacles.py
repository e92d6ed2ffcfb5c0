"""What can't be changed is seen before anything is done."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import plan_for

from slashservice.installer.cli.main import Slashservice
from slashservice.installer.errors import Refusal, reason
from slashservice.installer.host import obstacles
from slashservice.installer.host.host import Host
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture
def flagged() -> Iterator[Callable[[str, Path], None]]:
    """Return what gives a file a flag of chattr, which it loses after the test."""
    done: list[tuple[str, Path]] = []

    def chattr(flag: str, path: Path) -> None:
        subprocess.run(["chattr", f"+{flag}", path], check=True)
        done.append((flag, path))

    yield chattr
    for flag, path in done:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


@pytest.mark.root
@pytest.mark.parametrize(
    ("flag", "word", "name"),
    [
        ("i", "immutable", "/etc/inittab"),
        ("a", "append-only", "/etc/inittab"),
        ("i", "immutable", "/etc/rc6.d"),
        ("i", "immutable", "/var/lib"),
    ],
)
def test_chattr_is_told_of(
    flag: str,
    word: str,
    name: str,
    make_image: MakeImage,
    small_source: object,
    flagged: Callable[[str, Path], None],
) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    before = image.snapshot()
    flagged(flag, image.path(name))
    with pytest.raises(Refusal, match=f"{name} can't be changed: it is {word}, as lsattr") as why:
        transaction.install(host, plan_for(host), quiet)
    assert f"If it may be: chattr -i -a {image.path(name)}" in why.value.advice
    assert host.changes == 0
    assert image.snapshot() == before


@pytest.mark.root
def test_undoing_is_refused_before_services_are_stopped(
    make_image: MakeImage, small_source: object, flagged: Callable[[str, Path], None]
) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    before = image.snapshot()
    flagged("i", image.path("/etc/inittab"))
    for words in ([], ["-n"]):
        with pytest.raises(Refusal, match="/etc/inittab can't be changed: it is immutable"):
            Slashservice.run(["x", "uninstall", "--root", str(image.root), *words], exit=False)
    assert image.snapshot() == before


@pytest.mark.root
def test_what_need_not_be_changed_may_be_so(
    make_image: MakeImage, small_source: object, flagged: Callable[[str, Path], None]
) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    flagged("i", image.path("/etc/inittab"))
    assert not transaction.install(host, plan_for(host), quiet)


def test_a_file_system_that_is_read_only(
    make_image: MakeImage, small_source: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image("systemd")
    real = os.statvfs

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(
        os, "statvfs", lambda path: ReadOnly() if str(path).endswith("/etc") else real(path)
    )
    with pytest.raises(Refusal, match="/etc can't be changed: it is on a file system"):
        obstacles.refuse(Host(str(image.root)), ["/etc/new/folder/x"])


def test_bsd_has_flags_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(tmp_path).file("/etc/rc.conf.local")

    class Status:
        st_mode = os.stat(image.path("/etc/rc.conf.local")).st_mode
        st_flags = obstacles.BSD_APPEND_ONLY

    monkeypatch.setattr(os, "stat_result", Status)
    monkeypatch.setattr(os, "lstat", lambda path: Status())
    assert obstacles.flags("/x") == "append-only"
    Status.st_flags = obstacles.BSD_IMMUTABLE
    assert obstacles.flags("/x") == "immutable"


def test_a_fifo_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    obstacles.refuse(Host(str(tmp_path)), ["/fifo"])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(1, "not so", "/etc/.inittab{new}"), "'/etc/inittab': not so"),
        (OSError(1, "not so", "/etc/.inittab"), "'/etc/.inittab': not so"),
        (OSError(2, "none", "/where/it/leads", None, "/a/.link{new}"), "'/a/link': none"),
        (OSError(2, "none", b"/etc/.x{new}"), "'/etc/x': none"),
        (OSError(2, "none", 7), "7: none"),
    ],
)
def test_messages_name_the_file_that_people_know(error: OSError, said: str) -> None:
    assert reason(error) == said


MOUNTS = """\
set -e
cd "$1"
mkdir lower upper
mount -t tmpfs none upper
mkdir lower/etc upper/data upper/work merged
echo >lower/etc/file
mount -t overlay -o lowerdir=lower,upperdir=upper/data,workdir=upper/work none merged
touch upper/data/made
exec "$2" -c "$3" "$1"
"""
ASK = """\
import sys
from slashservice.installer.host.obstacles import mount_point
for name in ("etc/file", "etc", "made", "missing", ""):
    print(mount_point(f"{sys.argv[1]}/merged/{name}"))
print(mount_point(f"{sys.argv[1]}/upper/data/made"))
"""


@pytest.mark.root
def test_a_mount_point_is_found_on_an_overlay_too(tmp_path: Path) -> None:
    """There a file of the lower layer has another device than its folder."""
    words = ["unshare", "--mount", "sh", "-c", MOUNTS, "sh", str(tmp_path), sys.executable, ASK]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{tmp_path}/merged"] * 5 + [f"{tmp_path}/upper"]
