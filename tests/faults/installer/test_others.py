"""Root makes, owns, writes and removes below a directory of somebody else's, who meddles."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.images import Image, snapshot
from helpers.waiting import GENEROUS
from helpers.watched import Canary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer import service_log, services
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.files import make_directories
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.removal import remove
from slashservice.installer.services import Service, add

pytestmark = pytest.mark.root

MALLORY, BOB = 61234, 61235
TRIES = 300


@pytest.fixture
def image(in_memory: Path) -> Image:
    """An image that everybody can get into, with the home of an account."""
    made = Image(in_memory / "root").folders(
        "/home/mallory", "/service", "/etc", "/var/log", "/tmp"
    )
    accounts = f"mallory:x:{MALLORY}:{MALLORY}:::\nbob:x:{BOB}:{BOB}:::\n"
    made.file("/etc/passwd", f"root:x:0:0\n{accounts}")
    made.path("/tmp").chmod(0o1777)
    os.chown(made.path("/home/mallory"), MALLORY, MALLORY)
    in_memory.chmod(0o755)
    return made


@pytest.fixture
def host(image: Image) -> Host:
    """The host of the image."""
    return Host(str(image.root))


@contextlib.contextmanager
def meddling(step: Callable[[], None]) -> Iterator[None]:
    """Have mallory do something again and again, as fast as it goes."""
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setgid(MALLORY)
            os.setuid(MALLORY)
            while True:
                with contextlib.suppress(OSError):
                    step()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def swap(place: Path, target: Path) -> Callable[[], None]:
    """Put a link in the place of what is there as soon as there is something; or take it away."""
    aside = place.with_name("aside")
    made = place.with_name("link")

    def step() -> None:
        if not os.path.lexists(made):
            os.symlink(target, made)
        if stat.S_ISLNK(os.lstat(place).st_mode):
            os.unlink(place)
        else:
            os.rename(place, aside)
            os.rename(made, place)
            with contextlib.suppress(OSError):
                os.rmdir(aside)

    return step


def clear(folder: Path) -> None:
    """Take away what is in a directory, whoever owns it."""
    for path in folder.iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("owner", [MALLORY, BOB, 0], ids=["hers", "another's", "root's"])
@pytest.mark.parametrize("parent", ["/home/mallory", "/open", "/group"])
def test_a_directory_is_swapped_while_it_is_made(
    parent: str, owner: int, image: Image, host: Host, canary: Canary
) -> None:
    """By the owner of the directory it is made in, or by one of many who may write there."""
    folder = image.folders(parent).path(parent)
    if parent == "/open":
        folder.chmod(0o777)
    if parent == "/group":
        os.chown(folder, 0, MALLORY)
        folder.chmod(0o770)
    state = FileState("directory", 0o700 if owner else 0o750, owner, owner)
    made = 0
    with meddling(swap(folder / "log", canary.path)):
        for _ in range(TRIES):
            with contextlib.suppress(OSError, Refusal):
                host.put(f"{parent}/log", state)
                made += 1
            with contextlib.suppress(OSError):
                (folder / "log").rmdir()
    canary.check()
    assert made or owner == BOB
    clear(folder)


def test_a_directory_on_the_way_is_swapped(image: Image, host: Host, canary: Canary) -> None:
    way = image.path("/home/mallory/a")
    way.mkdir()
    os.chown(way, MALLORY, MALLORY)
    state = FileState("directory", 0o700, MALLORY, MALLORY)
    text = FileState("file", 0o644, 0, 0, b"text")
    with meddling(swap(way, canary.path)):
        for number in range(TRIES):
            for path, wanted in (("log", state), ("file", text), ("file", ABSENT), ("log", ABSENT)):
                with contextlib.suppress(OSError, Refusal):
                    host.put(f"/home/mallory/a/{path}", wanted)
            with contextlib.suppress(OSError, Refusal):
                make_directories(host, f"/home/mallory/a/{number}/b", owner=(MALLORY, MALLORY))
            with contextlib.suppress(OSError, Refusal):
                host.remove_tree("/home/mallory/a/inner")
    canary.check()


def test_a_tree_is_swapped_while_it_is_removed(image: Image, host: Host, canary: Canary) -> None:
    """Anything of root's was removed, where a link came in the place of the tree."""
    home = image.path("/home/mallory/svc")
    swapped = swap(home, canary.path)

    def step() -> None:
        with contextlib.suppress(OSError):
            home.mkdir()
            (home / "run").write_text("")
        swapped()

    removed = 0
    with meddling(step):
        tries = 0
        deadline = time.monotonic() + GENEROUS  # on a busy machine the other side may win for long
        while tries < TRIES or (not removed and time.monotonic() < deadline):
            tries += 1
            with contextlib.suppress(OSError, Refusal):
                host.remove_tree("/home/mallory/svc")
                removed += 1
    assert removed
    canary.check()


def test_an_account_gets_only_a_new_directory_where_a_group_may_write(
    image: Image, host: Host
) -> None:
    """As in /var/log, on some distributions: what is there already stays root's."""
    folder = image.folders("/var/log/private").path("/var/log")
    os.chown(folder, 0, MALLORY)
    folder.chmod(0o775)
    private = folder / "private"
    private.chmod(0o700)

    def step() -> None:
        os.rename(folder / "web", folder / "aside")
        os.rename(private, folder / "web")
        os.rename(folder / "web", private)
        os.rename(folder / "aside", folder / "gone")

    fd = os.open(private, os.O_RDONLY)
    with meddling(step):
        for _ in range(TRIES):
            with contextlib.suppress(OSError, Refusal):
                host.put("/var/log/web", FileState("directory", 0o755, BOB, BOB))
            with contextlib.suppress(OSError):
                (folder / "gone").rmdir()
    about = os.fstat(fd)
    os.close(fd)
    assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (0, 0o700)


COMPONENTS = ("home", "mallory", "a", "b", "log")
OPERATIONS = ("give", "make", "file", "link", "remove", "remove tree", "rename", "directories")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(1, len(COMPONENTS) - 1),
    inside=st.sampled_from(["", "inner", "empty", "secret", "inner/run", "new"]),
    upwards=st.booleans(),
    mine=st.booleans(),
    sticky=st.booleans(),
    operation=st.sampled_from(OPERATIONS),
)
def test_a_link_of_hers_is_not_followed(
    at: int, inside: str, upwards: bool, mine: bool, sticky: bool, operation: str, in_memory: Path
) -> None:
    """Wherever it is on the way, and whatever is about to be done at the end of it."""
    root = in_memory / f"root{len(os.listdir(in_memory))}"
    image = Image(root).folders("/home", "/victim/inner", "/victim/empty")
    image.file("/victim/secret").file("/victim/inner/run")
    before = snapshot(image.path("/victim"))
    place = image.path("/".join(COMPONENTS[: at + 1]))
    for depth in range(1, at):
        folder = image.path("/".join(COMPONENTS[: depth + 1]))
        folder.mkdir()
        owner = MALLORY if depth == 1 or not mine else 0
        os.chown(folder, owner, owner)
        folder.chmod(0o1777 if sticky else 0o755)
    target = f"/victim/{inside}".rstrip("/")
    place.symlink_to(f"{'../' * (at + 2)}{target[1:]}" if upwards else target)
    os.lchown(place, MALLORY, MALLORY)
    path = "/" + "/".join(COMPONENTS)
    host = Host(str(root))
    owner_of_link = {
        "give": lambda: host.put(path, FileState("directory", 0o700, MALLORY, MALLORY)),
        "make": lambda: host.put(path, FileState("directory", 0o755, 0, 0)),
        "file": lambda: host.put(path, FileState("file", 0o644, 0, 0, b"x")),
        "link": lambda: host.put(path, FileState("link", target="x")),
        "remove": lambda: host.put(path, ABSENT),
        "remove tree": lambda: host.remove_tree(path),
        "rename": lambda: host.rename(path, "/home/stolen"),
        "directories": lambda: make_directories(host, f"{path}/x/y", owner=(MALLORY, MALLORY)),
    }
    with contextlib.suppress(OSError, Refusal):
        owner_of_link[operation]()
    assert snapshot(image.path("/victim")) == before


def quiet(line: str) -> None:
    """Take no notice of what is said."""


def adding(host: Host, homes: str = "/etc/x", log: str = "", log_user: str = "") -> None:
    """Add a service."""
    service = Service("web", ["x"], log=log, log_user=log_user, checked=False)
    add(host, service, homes, "/service", quiet)


class TestAdding:
    """A service whose log, or whose directory, is below somebody else's directory."""

    @pytest.mark.parametrize("account", ["mallory", "bob"])
    @pytest.mark.parametrize("log", ["a/b/log", "log", "logs/evil"])
    def test_a_log_below_hers_is_made_as_the_account(
        self, account: str, log: str, image: Image, host: Host
    ) -> None:
        """Its script makes it, wherever she leads that: root makes nothing there."""
        image.folders("/roots").link("/home/mallory/logs", "/roots")
        os.lchown(image.path("/home/mallory/logs"), MALLORY, MALLORY)
        adding(host, log=f"/home/mallory/{log}", log_user=account)
        script = image.path("/etc/x/web/log/run").read_text()
        assert f"setuidgid {account} mkdir -p -m 700 /home/mallory/{log}\n" in script
        assert "install" not in script
        assert os.listdir(image.path("/service")) == ["web"]
        assert os.listdir(image.path("/home/mallory")) == ["logs"]
        assert os.listdir(image.path("/roots")) == []

    def test_root_does_not_log_there(self, image: Image, host: Host) -> None:
        """It would open what she puts there."""
        why = f"no safe place for a log that root writes: /home/mallory belongs to user {MALLORY}"
        with pytest.raises(Refusal, match=why):
            adding(host, log="/home/mallory/log")
        assert not os.listdir(image.path("/home/mallory"))

    @pytest.mark.parametrize("homes", ["/home/mallory", "/home/mallory/new", "/home/link"])
    def test_root_runs_nothing_of_hers(self, homes: str, image: Image, host: Host) -> None:
        image.link("/home/link", "mallory")
        before = image.snapshot()
        with pytest.raises(Refusal, match="root would run what somebody else can change"):
            adding(host, homes)
        assert image.snapshot() == before

    def test_nor_where_she_makes_the_links(self, image: Image, host: Host) -> None:
        os.chown(image.path("/service"), MALLORY, 0)
        with pytest.raises(Refusal, match="somebody else can change: /service"):
            adding(host)

    def test_a_log_directory_of_the_distribution_s_log_group(
        self, image: Image, host: Host
    ) -> None:
        """Where /var/log can be written by a group."""
        os.chown(image.path("/var/log"), 0, MALLORY)
        image.path("/var/log").chmod(0o2775)
        log = f"{service_log.LOG_FOLDERS[0]}/web"
        service_log.make(host, log, "bob", (BOB, BOB), "/bin")
        assert image.path(log).stat().st_uid == BOB
        assert image.path(service_log.LOG_FOLDERS[0]).stat().st_uid == 0
        service_log.make(host, f"{service_log.LOG_FOLDERS[0]}/two", "", None, "/bin")


@pytest.mark.parametrize("account", ["bob", "mallory"])
def test_one_of_a_group_swaps_what_is_on_the_way_to_a_log(
    account: str, image: Image, host: Host, canary: Canary
) -> None:
    """Of a directory that her group may write to, while ``add`` makes a log below it."""
    folder = image.folders("/srv/logs").path("/srv/logs")
    os.chown(folder, 0, MALLORY)
    folder.chmod(0o775)
    numbers = {"bob": (BOB, BOB), "mallory": (MALLORY, MALLORY)}[account]
    made = 0
    with meddling(swap(folder / "a", canary.path)):
        for _ in range(TRIES):
            with contextlib.suppress(OSError, Refusal, Trouble):
                made += bool(service_log.make(host, "/srv/logs/a/web", account, numbers, "/bin"))
            for path in ("a/web", "aside/web", "aside"):
                with contextlib.suppress(OSError):
                    (folder / path).rmdir()
    canary.check()
    assert made


def test_removing_a_service_of_hers_removes_nothing_else(
    image: Image, host: Host, canary: Canary
) -> None:
    """The link in the scan directory leads to her directory, and hers has links."""
    image.file("/home/mallory/svc/run", f"#!/bin/sh\n{services.MADE_BY_US}\n")
    image.link("/home/mallory/svc/log", str(canary.path))
    image.link("/service/svc", "/home/mallory/svc")
    remove(host, "svc", "/service", quiet)
    assert os.listdir(image.path("/home/mallory")) == []


def test_what_is_mounted_in_a_service_directory_is_not_removed(image: Image, host: Host) -> None:
    """As /dev in that of a service which has its own root directory."""
    place = image.folders("/etc/x/web/a", "/etc/x/web/root/dev").path("/etc/x/web")
    subprocess.run(["mount", "-t", "tmpfs", "none", place / "root/dev"], check=True)
    try:
        (place / "root/dev/null").touch()
        with pytest.raises(OSError, match="another file system is mounted in it") as error:
            host.remove_tree("/etc/x/web")
        assert error.value.filename == "/etc/x/web"
        assert (place / "a").exists()
        assert (place / "root/dev/null").exists()
    finally:
        subprocess.run(["umount", place / "root/dev"], check=True)
    host.remove_tree("/etc/x/web")
    assert not place.exists()


def test_a_tree_without_end_is_told_of(image: Image, host: Host) -> None:
    folder = image.path("/home/mallory")
    deep = folder / ("x/" * 300)
    deep.mkdir(parents=True)
    with pytest.raises(OSError, match="levels of symbolic links"):
        host.remove_tree("/home/mallory/x")
    assert deep.exists()


def test_a_directory_of_somebody_else_s_does_not_become_root_s(image: Image, host: Host) -> None:
    path = image.path("/tmp/x")
    path.mkdir(mode=0o777)
    os.chown(path, MALLORY, MALLORY)
    with pytest.raises(Refusal, match="the owner and mode of /tmp/x are left as they are"):
        host.put("/tmp/x", FileState("directory", 0o755, 0, 0))
    assert path.stat().st_uid == MALLORY


@pytest.mark.parametrize("kind", ["content", "mode", "gone", "link"])
def test_a_file_that_was_changed_just_now_is_not_overwritten(
    kind: str, image: Image, host: Host
) -> None:
    """Somebody saves /etc/inittab while our line is put into it."""
    path = image.file("/etc/inittab", "id:2:initdefault:\n").path("/etc/inittab")
    now = host.state("/etc/inittab")

    def meddle(step: str, changed: str) -> None:
        if step == "replace":
            path.unlink()
            if kind == "link":
                path.symlink_to("elsewhere")
            elif kind != "gone":
                path.write_text("theirs" if kind == "content" else "id:2:initdefault:\n")
                path.chmod(0o600)

    host.before_change = meddle
    with pytest.raises(Refusal, match="/etc/inittab was changed by someone else just now"):
        host.put("/etc/inittab", FileState("file", 0o644, 0, 0, b"ours"), expected=now)
    assert [one for one in os.listdir(image.path("/etc")) if "new" in one] == []
    assert not path.exists() or path.read_text() != "ours"
