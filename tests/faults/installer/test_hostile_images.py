"""Images that somebody else has made: nothing outside of them is touched, or even looked at."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import images
from helpers.images import KINDS, Image
from helpers.installer import look_at, plan_for
from helpers.watched import Canary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer import removal, services, status
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction
from slashservice.installer.services import Service

PLACES = (
    *("/bin", "/command", "/command/svc", "/etc", "/etc/dinit.d", "/etc/group", "/etc/init.d"),
    *("/etc/init.d/svscan", "/etc/inittab", "/etc/os-release", "/etc/passwd", "/etc/rc.conf.local"),
    *(
        "/etc/rc.d",
        "/etc/rc.local",
        "/etc/rc6.d",
        "/etc/runit",
        "/etc/service",
        "/etc/slashservice",
    ),
    *(
        "/etc/slashservice/web",
        "/etc/slashservice/.web{new}",
        "/etc/systemd",
        "/etc/systemd/system",
    ),
    *(
        "/package",
        "/package/admin",
        "/package/admin/slashservice",
        "/proc",
        "/proc/1",
        "/run",
        "/sbin",
    ),
    *("/package/admin/slashservice-0.1.0", "/package/admin/slashservice-0.1.0{new}", "/service"),
    *("/service/.svscan", "/service/other", "/service/web", "/sys", "/tmp", "/usr", "/usr/bin"),
    *(
        "/usr/bin/python3",
        "/usr/bin/python3.11",
        "/usr/local",
        "/usr/local/bin",
        "/usr/local/share",
    ),
    *("/usr/local/bin/svc", "/usr/local/share/man", "/usr/local/share/man/man8", "/usr/sbin/init"),
    *(
        "/usr/local/share/man/man8/svc.8",
        "/usr/share/bash-completion/completions",
        "/var",
        "/var/lib",
    ),
    *("/var/lib/slashservice", "/var/lib/slashservice/receipt.json", "/var/lib/slashservice/kept"),
    *("/var/lib/slashservice/.receipt.json{new}", "/var/log", "/var/log/slashservice"),
    *("/var/log/slashservice/web", "/etc/.inittab{new}", "/command/.svc{new}"),
)
"""What the installer reads, makes, or goes through."""

NASTY = (
    *("absolute", "upwards", "dangling", "dangling above", "to a file", "loop", "long"),
    *("fifo", "socket", "device", "huge", "directory", "file", "proc", "closed"),
)
"""What is there instead."""

VERBS = ("detect", "install", "status", "doctor", "add", "remove", "uninstall")

HUGE = 1 << 40


def spoil(image: Image, name: str, how: str, canary: Path) -> None:
    """Put something nasty at a place of an image; nothing where that can't be done any more."""
    path = image.path(name)
    here = os.path.realpath(path.parent)
    if not here.startswith(f"{image.root}"):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
        put(path, how, canary)
    except (NotADirectoryError, FileExistsError, FileNotFoundError):
        return


def put(path: Path, how: str, canary: Path) -> None:
    targets = {
        "absolute": str(canary),
        "upwards": f"{'../' * 20}{canary}".replace("//", "/"),
        "dangling": f"{canary}/new",
        "dangling above": f"{canary}/new/folder",
        "to a file": f"{canary}/secret",
        "loop": path.name,
        "long": "x/" * 2000,
        "proc": "/proc/self/root",
    }
    if how in targets:
        path.symlink_to(targets[how])
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "socket":
        os.mknod(path, 0o600 | stat.S_IFSOCK)
    elif how == "device":
        os.mknod(path, 0o20666, os.makedev(1, 7))  # /dev/full
    elif how == "huge":
        with path.open("wb") as file:
            file.truncate(HUGE)
    elif how in ("directory", "closed"):
        path.mkdir()
        (path / "inner").mkdir()
        path.chmod(0 if how == "closed" else 0o777)
    else:
        path.write_text("\0\xff\n[{" * 5)


def do(verb: str, host: Host) -> None:
    """Have a verb done, as the command line does."""
    if verb == "detect":
        look_at(host).verdict.to_json()
    elif verb == "install":
        transaction.install(host, plan_for(host), lambda line: None)
    elif verb == "status":
        status.lines(status.look(host))
    elif verb == "doctor":
        examine(look_at(host), INIT_SYSTEMS)
    elif verb == "add":
        service = Service("web", ["httpd"], log="/var/log/slashservice/web", log_user="www")
        services.add(host, service, "/etc/slashservice", "/service", lambda line: None)
    elif verb == "remove":
        removal.remove(host, "web", "/service", lambda line: None)
    else:
        transaction.uninstall(host, lambda line: None)


def attack(root: Path, canary: Path, kind: str, before: int, spoilt: list[tuple[str, str]]) -> None:
    """Do all verbs on an image that is spoilt after some of them have been done."""
    image = Image(root)
    KINDS[kind].make(image)
    image.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\n")
    for number, verb in enumerate(VERBS):
        if number == before:
            for name, how in spoilt:
                spoil(image, name, how, canary)
        try:
            do(verb, Host(str(image.root)))
        except (Refusal, Trouble, OSError):
            continue


@pytest.mark.root
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(KINDS)),
    before=st.integers(0, len(VERBS) - 1),
    spoilt=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(NASTY)), min_size=1, max_size=6
    ),
)
def test_nothing_outside_an_image_is_touched(
    kind: str,
    before: int,
    spoilt: list[tuple[str, str]],
    small_source: Source,
    in_memory: Path,
    canary: Canary,
) -> None:
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        attack(Path(folder) / "root", canary.path, kind, before, spoilt)
    canary.check()


@pytest.mark.root
@pytest.mark.parametrize("how", ["absolute", "dangling", "fifo"])
@pytest.mark.parametrize("before", [0, 2], ids=["before it is installed", "after that"])
@pytest.mark.parametrize("place", PLACES)
def test_one_place(
    place: str,
    before: int,
    how: str,
    small_source: Source,
    in_memory: Path,
    canary: Canary,
) -> None:
    kind = "systemd" if "systemd" in place else "sysvinit-debian"
    attack(in_memory / "root", canary.path, kind, before, [(place, how)])


MakeImage = Callable[..., images.Image]


@pytest.mark.root
def test_a_folder_that_leads_out_is_not_given_away(
    make_image: MakeImage, small_source: Source, canary: Canary
) -> None:
    """It was root's afterwards, and everybody could look into it."""
    image = make_image("systemd").link("/var/lib/slashservice", str(canary.path))
    os.chown(canary.path, 1234, 1234)
    canary.before = canary.facts()
    canary.watcher.events()
    host = Host(str(image.root))
    before = image.snapshot()
    with pytest.raises((Refusal, Trouble, OSError), match="/var/lib/slashservice"):
        transaction.install(host, plan_for(host), lambda line: None)
    assert image.snapshot() == before


@pytest.mark.root
def test_what_an_image_is_does_not_change(make_image: MakeImage, canary: Canary) -> None:
    """Its own name is somebody else's to lead elsewhere, too."""
    image = make_image("systemd")
    host = Host(str(image.root))
    image.root.rename(image.root.parent / "moved")
    image.root.symlink_to(canary.path)
    host.put("/etc/new", host.state("/etc/os-release"))
    assert (image.root.parent / "moved/etc/new").exists()
    assert not host.lstat("/secret")
    assert host.read("/secret") is None


@pytest.mark.root
def test_what_services_lead_to_outside_is_not_counted(
    make_image: MakeImage, small_source: Source, canary: Canary
) -> None:
    image = make_image("systemd")
    transaction.install(Host(str(image.root)), plan_for(Host(str(image.root))), lambda line: None)
    image.folders("/service/one", "/srv/two").link("/service/two", "/srv/two")
    image.link("/service/out", str(canary.path)).link("/service/.hidden", "/srv/two")
    assert status.look(Host(str(image.root))).services == 2
