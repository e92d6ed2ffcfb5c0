"""A directory that is full of other things is none that svscan should scan."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import plan_for

from slashservice.installer.errors import Refusal
from slashservice.installer.host import crowd
from slashservice.installer.host.host import Host

GOOD = ("service", "link", "link to nowhere")
BAD = ("file", "folder", "link to a file", "link to a folder", "run is a folder")
NEITHER = ("hidden", "hidden folder", "lost+found")


def put(image: Image, kind: str, name: str) -> None:
    """Put a thing of some kind into the directory."""
    path = f"/scan/{name}"
    if kind == "service":
        image.program(f"{path}/run")
    elif kind == "link":
        image.program(f"/srv/{name}/run").link(path, f"/srv/{name}")
    elif kind == "link to nowhere":
        image.link(path, "/nowhere")
    elif kind == "file":
        image.file(path)
    elif kind == "folder":
        image.folders(f"{path}/inner")
    elif kind == "link to a file":
        image.file(f"/srv/{name}").link(path, f"../srv/{name}")
    elif kind == "link to a folder":
        image.folders(f"/srv/{name}").link(path, f"/srv/{name}")
    elif kind == "run is a folder":
        image.folders(f"{path}/run")
    elif kind == "hidden":
        image.file(f"/scan/.{name}")
    elif kind == "hidden folder":
        image.folders(f"/scan/.{name}")
    else:
        image.folders("/scan/lost+found")


@pytest.mark.parametrize("seed", range(60))
def test_what_it_looks_like(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    image = Image(tmp_path / "root").folders("/scan")
    good = [chance.choice(GOOD) for _ in range(chance.randrange(6))]
    bad = [chance.choice(BAD) for _ in range(chance.randrange(6))]
    neither = [chance.choice(NEITHER) for _ in range(chance.randrange(3))]
    for number, kind in enumerate([*good, *bad, *neither]):
        put(image, kind, f"n{number}")
    found = crowd.strangeness(Host(str(image.root)), "/scan")
    assert bool(found) == (len(bad) > len(good)), (good, bad, neither)


@pytest.mark.parametrize("kind", BAD)
def test_one_that_is_full(kind: str, make_image: MakeImage, small_source: object) -> None:
    image = make_image("systemd")
    for number in range(300):
        put(image, kind, f"n{number:03}")
    host = Host(str(image.root))
    before = image.snapshot()
    for path in ("/scan", "/scan/.", "/etc", "/usr/bin"):
        with pytest.raises(Refusal, match="is no scan directory: it is full of other things"):
            plan_for(host, service_dir=path)
    with pytest.raises(Refusal, match=r"other things: n000, n001, n002, \.\.\.$"):
        plan_for(host, service_dir="/scan")
    assert image.snapshot() == before
    assert plan_for(host, service_dir="/scan", force=True).layout.service_dir == "/scan"
    assert plan_for(host, service_dir="/scan", scanned="/scan").layout.service_dir == "/scan"


def test_one_that_is_scanned_already(make_image: MakeImage, small_source: object) -> None:
    """Whatever is in it: another svscan is found there, and can be replaced."""
    image = make_image("sysvinit-debian").file("/service/a").file("/service/b")
    with pytest.raises(Refusal, match="/service is no scan directory"):
        plan_for(Host(str(image.root)))
    with image.path("/etc/inittab").open("a") as inittab:
        inittab.write("SV:12345:respawn:/usr/bin/svscan /service\n")
    image.program("/usr/bin/svscan")
    with pytest.raises(Refusal, match="another svscan supervises /service already"):
        plan_for(Host(str(image.root)))
    assert plan_for(Host(str(image.root)), replace=True)


def test_a_service_is_no_scan_directory(tmp_path: Path) -> None:
    image = Image(tmp_path / "root").program("/etc/sv/web/run").program("/etc/sv/web/log/run")
    host = Host(str(image.root))
    assert crowd.strangeness(host, "/etc/sv/web") == "it is itself a service directory"
    assert crowd.strangeness(host, "/etc/sv") == ""
    assert crowd.strangeness(host, "/etc/sv/new") == ""


@pytest.mark.parametrize("path", ["/file", "/file/x", "/nowhere", "/nowhere/x"])
def test_something_is_in_the_way(path: str, tmp_path: Path) -> None:
    image = Image(tmp_path / "root").file("/file").link("/nowhere", "/gone")
    with pytest.raises(Refusal, match=r"can't be the scan directory: /(file|nowhere) is no dir"):
        crowd.refuse(Host(str(image.root)), path)
