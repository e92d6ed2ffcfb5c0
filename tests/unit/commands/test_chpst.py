"""chpst's command line, and the users it is told of."""

from __future__ import annotations

import grp
import os
import pwd
import sys

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise import messages, platform, version
from slashservice.supervise.chain import accounts
from slashservice.supervise.commands import chpst
from slashservice.supervise.program import GoOn


@pytest.fixture(autouse=True)
def called(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/command/chpst"])


def request(line: str) -> chpst.Request:
    return chpst.Request(line.encode().split())


def test_everything_at_once():
    asked = request("-u a -U b -n -3 -M 027 -O -500 -m 5 -d 6 -012 -G prog -x")
    assert asked.given["u"] == b"a"
    assert (asked.nice, asked.umask, asked.score) == (-3, 0o27, -500)
    assert asked.limits == {"d": 6, "s": 5, "l": 5, "a": 5}
    assert asked.rest == [b"prog", b"-x"]


@pytest.mark.parametrize(
    "line",
    ["", "-v", "-x prog", "-n x prog", "-M 8 prog", "-O x prog", "-o -1 prog", "-l a -L b prog",
     "-l a -l b prog", "-G prog", "-G -u :5:6 prog", "-u", "-V prog"],
)  # fmt: skip
def test_misuse(line, capfd):
    with pytest.raises(messages.Quit) as caught:
        request(line)
    assert caught.value.status == 100
    assert caught.value.line.startswith(b"usage: chpst [-vVP")
    assert caught.value.line.endswith(b" prog\n\n")


def test_every_letter_has_a_step():
    done = "".join(letters for letters, _ in chpst.ORDER)
    assert set(chpst.SPEC) - {":"} - set(done) == set("bvVG")


def test_called_by_another_name(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/command/setuidgid"])
    with pytest.raises(GoOn) as caught:
        chpst.main([b"x"])
    assert (caught.value.name, caught.value.argv) == ("setuidgid", [b"x"])


def test_version(capfd):
    with pytest.raises(messages.Quit):
        request("-V")
    assert capfd.readouterr().err == f"chpst, slashservice {version.VERSION}\n"
    project = (CHECKOUT / "pyproject.toml").read_text()
    assert f'\nversion = "{version.VERSION}"\n' in project


def test_users_by_name():
    root = pwd.getpwnam("root")
    group = grp.getgrgid(1)
    assert accounts.parse(b"root") == (0, [root.pw_gid])
    words = b"root:" + os.fsencode(group.gr_name)
    assert accounts.parse(words) == (0, [group.gr_gid])
    assert accounts.parse(words + b":root") == (0, [group.gr_gid, 0])


def test_users_by_number():
    assert accounts.parse(b":4:5") == (4, [5])
    assert accounts.parse(b":4:5:6:5") == (4, [5, 6, 5])
    assert accounts.parse(b":0004:4294967294") == (4, [4294967294])


@pytest.mark.parametrize(
    "words",
    [b":", b"::", b":4", b":4:", b"::4", b":4:5:", b":4::5", b":-4:5", b":4:+5", b":a:5", b":4:5x",
     b":4294967295:5", b":4:4294967295", b":4294967296:5", b":18446744073709551616:5"],
)  # fmt: skip
def test_numbers_that_are_none(words):
    """None of them is taken for 0, which is root."""
    with pytest.raises(accounts.Malformed):
        accounts.parse(words)


@pytest.mark.parametrize("words", [b"", b"no such user", b"root:", b"root:no such group", b"0"])
def test_unknown(words):
    with pytest.raises(accounts.Unknown):
        accounts.parse(words)


def test_own_groups():
    groups = accounts.own_groups(b"root:whatever", 12345)
    assert sorted(groups) == sorted(os.getgrouplist("root", 12345))


def test_no_new_privileges_without_ctypes(monkeypatch):
    monkeypatch.setitem(sys.modules, "slashservice.supervise.platform.clib", None)
    monkeypatch.delattr(platform, "clib", raising=False)
    with pytest.raises(messages.Quit) as caught:
        chpst.forbid_privileges(request("-N prog"))
    assert caught.value.status == 111
    assert caught.value.line.startswith(b"chpst: fatal: unable to set no-new-privs: ")
