"""Users and their groups, in the words that chpst takes."""

from __future__ import annotations

import errno
import grp
import os
import pwd

import pytest

from slashservice.supervise.chain import accounts
from slashservice.supervise.platform import clib


def test_users_by_name() -> None:
    root = pwd.getpwnam("root")
    group = grp.getgrgid(1)
    assert accounts.parse(b"root") == (0, [root.pw_gid])
    words = b"root:" + os.fsencode(group.gr_name)
    assert accounts.parse(words) == (0, [group.gr_gid])
    assert accounts.parse(words + b":root") == (0, [group.gr_gid, 0])


def test_users_by_number() -> None:
    assert accounts.parse(b":4:5") == (4, [5])
    assert accounts.parse(b":4:5:6:5") == (4, [5, 6, 5])
    assert accounts.parse(b":0004:4294967294") == (4, [4294967294])


@pytest.mark.parametrize(
    "words",
    [b":", b"::", b":4", b":4:", b"::4", b":4:5:", b":4::5", b":-4:5", b":4:+5", b":a:5", b":4:5x",
     b":4294967295:5", b":4:4294967295", b":4294967296:5", b":18446744073709551616:5"],
)  # fmt: skip
def test_numbers_that_are_none(words: bytes) -> None:
    """None of them is taken for 0, which is root."""
    with pytest.raises(accounts.Malformed):
        accounts.parse(words)


@pytest.mark.parametrize("words", [b"", b"no such user", b"root:", b"root:no such group", b"0"])
def test_unknown(words: bytes) -> None:
    with pytest.raises(accounts.Unknown):
        accounts.parse(words)


def test_why_an_account_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, errno.EMFILE):
        monkeypatch.setattr(clib, "trouble", lambda function, name: number)  # noqa: B023
        with pytest.raises(accounts.Unknown) as caught:
            accounts.parse(b"no such user")
        assert (caught.value.error and caught.value.error.errno) == (number or None)


def test_without_ctypes_nobody_knows_why(no_ctypes: None) -> None:
    for words in (b"no such user", b"root:no such group"):
        with pytest.raises(accounts.Unknown) as caught:
            accounts.parse(words)
        assert caught.value.error is None


def test_own_groups() -> None:
    groups = accounts.own_groups(b"root:whatever", 12345)
    assert sorted(groups) == sorted(os.getgrouplist("root", 12345))
