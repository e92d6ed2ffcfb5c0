"""The numbers of accounts, and that a change of them is seen."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.services import account_numbers
from slashservice.supervise.services.account_numbers import AccountNumbers


@pytest.fixture
def passwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "passwd"
    monkeypatch.setattr(account_numbers, "ACCOUNTS", os.fsencode(path))
    return path


def test_they_are_those_of_the_system() -> None:
    entry = pwd.getpwnam("nobody")
    assert AccountNumbers().of(b"nobody") == (b"%d" % entry.pw_uid, b"%d" % entry.pw_gid)


def test_a_change_is_seen(passwd: Path) -> None:
    numbers = AccountNumbers()
    passwd.write_text("a:x:1:2::/:\n")
    assert numbers.of(b"a") == (b"1", b"2")
    new = passwd.with_name("new")
    new.write_text("a:x:3:4::/:\n")
    new.rename(passwd)
    assert numbers.of(b"a") == (b"3", b"4")
    assert numbers.of(b"b") is None
    assert numbers.of(None) is None


def test_without_the_file_what_was_known_counts(passwd: Path) -> None:
    numbers = AccountNumbers()
    assert numbers.of(b"a") is None
    passwd.write_text("a:x:1:2::/:\na:x:5:5::/:\nbroken\n")
    assert numbers.of(b"a") == (b"1", b"2")
    passwd.unlink()
    assert numbers.of(b"a") == (b"1", b"2")


@given(st.binary())
def test_any_file_can_be_read(text: bytes) -> None:
    account_numbers.parse(text)
