"""Whom the way to what root runs belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.images import Image, base
from helpers.installer import Running

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.trust import distrust, interpreter

PASSWD = "root:x:0:0:::\nrelay:x:0:50:::\n"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image with accounts, groups, and an interpreter."""
    made = base(Image(tmp_path / "root"))
    return made.file("/etc/passwd", PASSWD).file("/etc/group", "staff:x:50:\n")


@pytest.mark.root
def test_a_link_of_somebody_else_s_is_not_trusted(image: Image) -> None:
    image.link("/usr/bin/python", "python3.11")
    host = Host(str(image.root))
    assert distrust(host, "/usr/bin/python") == ""
    os.lchown(image.path("/usr/bin/python"), 1234, 0)
    assert distrust(host, "/usr/bin/python") == "/usr/bin/python belongs to user 1234"


@pytest.mark.root
@pytest.mark.parametrize(
    ("group", "passwd", "trusted"),
    [
        (0, "me:x:1000:0:::\n", True),  # root's
        (50, "", True),  # no member but another name of root
        (50, "me:x:1000:50:::\n", False),  # the first group of an account
        (51, "", False),  # unheard of
    ],
)
def test_a_folder_that_a_group_may_write_to(
    group: int, passwd: str, trusted: bool, image: Image
) -> None:
    image.file("/etc/passwd", PASSWD + passwd).path("/usr/local").chmod(0o775)
    os.chown(image.path("/usr/local"), 0, group)
    why = "" if trusted else f"/usr/local can be written by group {group}"
    assert distrust(Host(str(image.root)), "/usr/local/bin") == why


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("python3", "python3: it is no absolute path"),
        ("/etc/passwd", "/etc/passwd: it is no program"),
        ("/usr/bin/nothing", "/usr/bin/nothing: it is no program"),
    ],
)
def test_what_is_no_interpreter_is_refused(asked: str, why: str, image: Image) -> None:
    with pytest.raises(Refusal) as refusal:
        interpreter(Host(str(image.root)), asked)
    assert refusal.value.advice[0] == why


def test_one_that_does_not_say_its_version_is_refused(image: Image) -> None:
    host = Running(image.root)
    with pytest.raises(Refusal, match="no Python that root may safely run"):
        interpreter(host, "/usr/bin/python3")
    assert host.asked[0].startswith("/usr/bin/python3 -I -S -c")
