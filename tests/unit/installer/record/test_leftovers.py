"""What others have put into our code folder stays when slashservice goes, and nothing else does."""

from __future__ import annotations

import os
import random

import pytest
from helpers.images import KINDS, Image, MakeImage, snapshot
from helpers.installer import plan_for

from slashservice.installer.host.host import Host
from slashservice.installer.plan.source import Source
from slashservice.installer.record import foresight, transaction
from slashservice.installer.record import receipt as receipts

FOLDERS = ("", "supervise", "installer", "command", "supervise/__pycache__", "theirs/deep", "more")
NAMES = ("notes", "svscan.py", "__init__.py.orig", "notes.cpython-311.pyc", ".hidden", "a b")


def quiet(line: str) -> None:
    """Take no notice of progress."""


def byte_code(image: Image, tree: str, names: list[str]) -> None:
    """Make the byte code that interpreters leave beside each module, half made some of it."""
    for name in names:
        folder, base = os.path.split(name)
        if base.endswith(".py"):
            cache = f"{tree}/{folder}/__pycache__/{base.removesuffix('.py')}"
            for ending in (".cpython-311.pyc", ".cpython-313.opt-1.pyc", ".cpython-311.pyc.1234"):
                image.file(cache + ending)


def strangers(image: Image, tree: str, chance: random.Random) -> list[str]:
    """Put files, links and folders of others into the code folder; return their names."""
    made = []
    for folder in chance.sample(FOLDERS, chance.randint(1, 4)):
        name = f"{folder}/{chance.choice(NAMES)}".lstrip("/")
        what = chance.choice(("file", "link", "link to a folder"))
        if what == "file":
            image.file(f"{tree}/{name}", "mine")
        else:
            image.link(f"{tree}/{name}", "/etc" if what.endswith("folder") else "nowhere")
        made.append(name)
    return made


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("which", ["systemd", "systemd-fhs", "freebsd"])
def test_only_what_is_theirs_is_left(
    seed: int, which: str, make_image: MakeImage, small_source: Source
) -> None:
    image = make_image(which)
    host = Host(str(image.root))
    before = image.snapshot()
    plan = plan_for(host, **KINDS[which].options)
    transaction.install(host, plan, quiet)
    tree = plan.layout.tree
    byte_code(image, tree, list(small_source.files))
    theirs = strangers(image, tree, random.Random(seed))
    receipt = receipts.load(host)
    assert receipt is not None
    foreseen = foresight.undoing(host, receipt)
    said: list[str] = []
    notes = transaction.uninstall(host, said.append)
    assert said == [line for line in foreseen.lines if line]
    assert notes == list(foreseen.notes)
    expected = {f"{tree}/{name}".lstrip("/") for name in theirs}
    above = {path[:at] for path in expected for at, char in enumerate(path) if char == "/"}
    assert set(image.snapshot()) - set(before) == (expected | above) - set(before)
    (note,) = notes
    assert note.startswith(f"{tree} is left: ")
    assert all(name in note for name in theirs)
    for path in sorted(f"/{one}" for one in above):
        assert f"remove {path}" not in said
    assert said.count(f"remove slashservice's files from {tree}") == 1


def test_a_folder_is_named_for_what_no_other_note_names(
    make_image: MakeImage, small_source: Source
) -> None:
    """What was put beside the code, or into two folders of ours, one in the other."""
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    image.file("/package/admin/slashservice-0.1.0/notes").file("/package/admin/beside")
    image.file("/package/other/one").link("/service/web", "/srv/web")
    assert transaction.uninstall(host, quiet) == [
        "/package/admin/slashservice-0.1.0 is left: notes in it is not slashservice's",
        "/service is left: there is something in it (web)",
        "/package/admin is left: there is something in it (beside, slashservice-0.1.0)",
        "/package is left: there is something in it (admin, other)",
    ]


def test_older_code_with_something_of_others_in_it(
    make_image: MakeImage, small_source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is retired by an upgrade: that says once what is left of it, and does not name it gone."""
    image = make_image("systemd")
    host = Host(str(image.root))
    for name in ("1", "2", "3"):
        monkeypatch.setattr(
            "slashservice.installer.plan.source.version",
            lambda name=name: name,
        )
        plan = plan_for(host)
        foreseen = transaction.going(host, plan, receipts.load(host))
        said: list[str] = []
        transaction.install(host, plan, said.append)
        if name == "1":
            image.file("/package/admin/slashservice-1/notes")
        words = ("remove", " is left")
        about = [one for one in said if "slashservice-1" in one and any(map(one.count, words))]
        if name == "3":
            assert about == [line for line in foreseen if line in about]
            assert "remove slashservice's files from /package/admin/slashservice-1" in about
            assert "remove /package/admin/slashservice-1" not in about
            assert len([line for line in about if "is left" in line]) == 1
    left = snapshot(image.path("/package/admin/slashservice-1"))
    assert list(left) == ["notes"]
