"""A disk that is full, or of which a part can't be changed: slashservice can go all the same."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.images import KINDS, Image, Kind, MakeImage
from helpers.installer import plan_for

from slashservice.installer.cli.main import Slashservice
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.plan.source import Source
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import room, transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


class Full(Host):
    """A host whose disk has room for so many files more; each that is removed makes room for one.

    The real thing counts blocks: see the small disk below.
    """

    def __init__(self, root: str, room: int) -> None:
        super().__init__(root)
        self.room = room

    def put(self, path: str, state: FileState, **how: object) -> None:
        if state.kind == "file" and not self.room:
            raise OSError(28, "No space left on device", path)
        self.room += {"absent": 1, "file": -1}.get(state.kind, 0)
        super().put(path, state, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("room", [0, 1, 2])
def test_uninstalling(room: int, kind: Kind, image: Image, small_source: Source) -> None:
    """Whatever was restored until the disk was full."""
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **kind.options), quiet)
    tree = receipts.tree(receipts.load(host) or pytest.fail("no receipt"))
    for name in small_source.files:
        folder, base = os.path.split(f"{tree}/{name}")
        if base.endswith(".py"):
            image.file(f"{folder}/__pycache__/{base.removesuffix('.py')}.cpython-313.pyc")
    assert transaction.uninstall(Full(str(image.root), room), quiet) == []
    assert image.snapshot() == before


def test_what_is_no_byte_code_of_ours_makes_no_room(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    receipt = receipts.load(host)
    assert receipt is not None
    cache = f"{receipts.tree(receipt)}/supervise/__pycache__"
    image.file(f"{cache}/__init__.cpython-39.pyc").file(f"{cache}/theirs.cpython-39.pyc")
    image.file(f"{cache}/notes")
    assert room.make(host, receipt)
    assert {"notes", "theirs.cpython-39.pyc"} == set(host.list(cache))
    assert not room.make(host, receipt)
    tree = next(one.action for one in receipt.entries if isinstance(one.action, InstallTree))
    assert tree.done(host)


SMALL = """
mount -t tmpfs -o size=12m,mode=755 none "$1"
cp -a "$2/." "$1"
"$3" "$4" install --root "$1" >&2 || exit 3
dd if=/dev/zero of="$1/usr/fill" bs=4k 2>/dev/null
dd if=/dev/zero of="$1/usr/fill2" bs=1 2>/dev/null
echo x >"$1/usr/fill3" && [ -s "$1/usr/fill3" ] && exit 4
"$3" "$4" uninstall --root "$1" >&2 || exit 5
rm -f "$1"/usr/fill*
cp -a "$1/." "$5"
"""
PROGRAM = """
import sys
package = type(sys)("slashservice")
package.__path__ = [sys.argv.pop(1)]
sys.modules["slashservice"] = package
from slashservice.installer.cli.main import main
main()
"""


@pytest.mark.root
@pytest.mark.parametrize("which", ["sysvinit-debian", "systemd", "openbsd", "runit-void"])
def test_a_small_disk(which: str, make_image: MakeImage, tmp_path: Path) -> None:
    """One that holds the whole code, and then is filled up to the last byte."""
    image, after = make_image(which), Image(tmp_path / "after")
    (tmp_path / "disk").mkdir()
    program = tmp_path / "slashservice"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    words = [tmp_path / "disk", image.root, program, CHECKOUT, after.root]
    after.root.mkdir(exist_ok=True)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", SMALL, "sh", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert after.snapshot() == image.snapshot()


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_limit_on_the_size_of_files(
    verb: str, make_image: MakeImage, small_source: Source
) -> None:
    """As a shell may have set it; it is in force again afterwards."""
    image = make_image("systemd")
    host = Host(str(image.root))
    if verb == "uninstall":
        transaction.install(host, plan_for(host), quiet)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    small = (1024, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, small)
    try:
        Slashservice.run(["x", verb, "--root", str(image.root)], exit=False)
        assert resource.getrlimit(resource.RLIMIT_FSIZE) == small
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert (receipts.load(host) is None) == (verb == "uninstall")


@pytest.fixture
def flagged() -> Iterator[Callable[[Path], None]]:
    """Return what makes a file or directory immutable, which it is no more after the test."""
    done: list[Path] = []

    def chattr(path: Path) -> None:
        subprocess.run(["chattr", "+i", path], check=True)
        done.append(path)

    yield chattr
    for path in done:
        subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.root
@pytest.mark.parametrize("layout", ["slashpackage", "fhs"])
@pytest.mark.parametrize(
    "name", ["", "supervise", "supervise/__init__.py", "command", "command/svscan", "installer"]
)
def test_a_part_of_the_code_that_is_immutable(
    name: str,
    layout: str,
    make_image: MakeImage,
    small_source: Source,
    flagged: Callable[[Path], None],
) -> None:
    """That is said before anything is done, while there is still a command to type."""
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, layout=layout), quiet)
    receipt = receipts.load(host)
    assert receipt is not None
    path = f"{receipts.tree(receipt)}/{name}".rstrip("/")
    flagged(image.path(path))
    before = image.snapshot()
    for words in ([], ["-n"]):
        with pytest.raises(Refusal, match=f"{path} can't be changed: it is immutable"):
            Slashservice.run(["x", "uninstall", "--root", str(image.root), *words], exit=False)
    assert image.snapshot() == before


@pytest.mark.root
def test_what_is_left_there_may_be_immutable(
    make_image: MakeImage, small_source: Source, flagged: Callable[[Path], None]
) -> None:
    """It is somebody else's, and in a folder of his."""
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    receipt = receipts.load(host)
    assert receipt is not None
    tree = receipts.tree(receipt)
    flagged(image.file(f"{tree}/theirs/notes").path(f"{tree}/theirs/notes"))
    flagged(image.path(f"{tree}/theirs"))
    assert f"{tree} is left: theirs/notes in it is not slashservice's" in transaction.uninstall(
        host, quiet
    )


@pytest.mark.parametrize("kind_of_host", ["systemd", "freebsd", "runit-void"])
def test_a_receipt_that_can_not_be_written(
    kind_of_host: str,
    make_image: MakeImage,
    small_source: Source,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As /var is mounted read-only: the preview refuses as the uninstall does, with a remedy."""
    image = make_image(kind_of_host)
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **KINDS[kind_of_host].options), quiet)
    before = image.snapshot()
    folder = os.path.dirname(receipts.path(host))
    real = os.statvfs

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda at: ReadOnly() if folder in str(at) else real(at))
    for words in ([], ["-n"]):
        with pytest.raises(Refusal, match=f"{folder}.* can't be changed: it is on a file") as why:
            Slashservice.run(["x", "uninstall", "--root", str(image.root), *words], exit=False)
        (remedy,) = why.value.advice
        assert remedy.startswith("If it may be: mount -o remount,rw ")
    assert image.snapshot() == before
