"""A service is meant by its name, or by any path to it that people type."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Running

from slashservice.installer import naming, removal, supervision
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

HOMES, SCANNED = "/etc/slashservice", "/service"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """A service of ours, one that was linked by hand, and one under another name."""
    made = Image(tmp_path / "root").folders("/run/scan", "/srv/other/web")
    made.link(SCANNED, "run/scan")
    for name, home in (("web", f"{HOMES}/web"), ("db", "/srv/db"), ("alias", f"{HOMES}/real")):
        made.program(f"{home}/run").link(f"{SCANNED}/{name}", home)
    made.link(f"{SCANNED}/aa-circle", "aa-circle").link("/srv/circle", "circle")
    return made.file(f"{HOMES}/unlinked/run")


@pytest.fixture
def host(image: Image) -> Host:
    """The host of the image."""
    return Host(str(image.root))


FOLDERS = {"web": (SCANNED, "/run/scan", HOMES), "db": (SCANNED, "/srv"), "unlinked": (HOMES,)}
SPELLINGS = ("{}", "{}/", "{}//", "{}/.", "{}/../{name}", "{root}{}", "{root}{}/")
PATHS = [
    (name, folder, spelling)
    for name, folders in FOLDERS.items()
    for folder, spelling in product(folders, SPELLINGS)
]


@pytest.mark.parametrize(("name", "folder", "spelling"), PATHS)
def test_a_path(name: str, folder: str, spelling: str, host: Host) -> None:
    word = spelling.format(f"{folder}/{name}", name=name, root=host.root)
    assert naming.known(host, word, HOMES, SCANNED) == name


@pytest.mark.parametrize(
    ("where", "word", "name"),
    [
        ("/service", "./web", "web"),
        ("/service", "web/", "web"),
        ("/srv", "../service/web", "web"),
        ("/srv", "db/", "db"),
        ("/srv", "./db", "db"),
        ("/srv/db", ".", "db"),
        ("/srv/db/log", "..", "db"),
        ("/srv", "web", "web"),
        ("/", "service/web", "web"),
    ],
)
def test_a_path_from_where_one_is(
    where: str, word: str, name: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: where)
    assert naming.known(host, word, HOMES, SCANNED) == name


def test_one_that_is_linked_under_another_name(host: Host) -> None:
    assert naming.known(host, f"{HOMES}/real", HOMES, SCANNED) == "alias"


@pytest.mark.parametrize(
    "word",
    [
        "/srv/other/web",
        "/",
        "/service",
        "..",
        "/etc/x/",
        "/service/web/log",
        "/web",
        "a/b",
        "/srv/circle/x",
    ],
)
def test_a_path_that_leads_elsewhere(word: str, host: Host, image: Image) -> None:
    before = image.snapshot()
    with pytest.raises(Refusal, match="is no service in /service") as refusal:
        naming.known(host, word, HOMES, SCANNED)
    assert word in refusal.value.what
    with pytest.raises(Refusal, match="is neither in /service nor in /etc/slashservice"):
        naming.new(host, word, HOMES, SCANNED)
    assert image.snapshot() == before


@pytest.mark.parametrize("folder", [SCANNED, "/run/scan", HOMES])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_that_is_to_be_made(folder: str, spelling: str, host: Host) -> None:
    word = spelling.format(f"{folder}/new", name="new", root=host.root)
    assert naming.new(host, word, HOMES, SCANNED) == "new"
    assert naming.new(host, "new", HOMES, SCANNED) == "new"


def test_one_that_runs_without_a_link(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an interrupted call leaves one that was linked by hand."""
    host = Running(image.root)
    monkeypatch.setattr(supervision, "running", lambda directory: 7)
    monkeypatch.setattr(supervision, "unlinked", lambda directory, pid: ["/srv/other/web"])
    assert naming.known(host, "/srv/other/web/", HOMES, SCANNED) == "web"


def test_it_is_removed_by_its_path(host: Host, image: Image) -> None:
    removal.remove(host, naming.known(host, "/service/db/", HOMES, SCANNED), SCANNED, print)
    assert not image.path("/run/scan/db").is_symlink()
    assert image.path("/srv/db/run").exists()


def test_what_to_type_names_the_places_that_are_not_the_usual(host: Host) -> None:
    assert naming.remove(Host(), "web", HOMES, SCANNED) == "slashservice remove web"
    words = naming.remove(host, "web", "/srv/my homes", "/srv/scan", "--kill-after SECONDS")
    assert words == (
        f"slashservice remove web --kill-after SECONDS --root {host.root} "
        "--in '/srv/my homes' --service-dir /srv/scan"
    )
