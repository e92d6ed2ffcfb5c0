"""chpst's command line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from importlib import metadata

import pytest

from slashservice.supervise import messages, version
from slashservice.supervise.chain.pending import Pending
from slashservice.supervise.commands import chpst
from slashservice.supervise.platform import clib
from slashservice.supervise.program import GoOn


@pytest.fixture(autouse=True)
def called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/command/chpst"])


def request(line: str) -> chpst.Request:
    return chpst.Request(line.encode().split())


def test_everything_at_once() -> None:
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
def test_misuse(line: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(messages.Quit) as caught:
        request(line)
    assert caught.value.status == 100
    assert caught.value.line.startswith(b"usage: chpst [-vVP")
    assert caught.value.line.endswith(b" prog\n\n")


def test_every_letter_has_a_step() -> None:
    done = "".join(letters for letters, _ in chpst.ORDER)
    assert set(chpst.SPEC) - {":"} - set(done) == set("bvVG")


def test_called_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/command/setuidgid"])
    with pytest.raises(GoOn) as caught:
        chpst.main([b"x"])
    assert (caught.value.name, caught.value.argv) == ("setuidgid", [b"x"])


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(messages.Quit):
        request("-V")
    assert capfd.readouterr().err == f"chpst, slashservice {version.VERSION}\n"
    assert metadata.version("slashservice") == version.VERSION


def test_no_new_privileges_without_ctypes(no_ctypes: None) -> None:
    with pytest.raises(messages.Quit) as caught:
        chpst.forbid_privileges(request("-N prog"))
    assert caught.value.status == 111
    assert caught.value.line.startswith(b"chpst: fatal: unable to set no-new-privs: ")


def test_no_new_privileges_from_a_kernel_that_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(option: int, value: int) -> None:
        assert (option, value) == (clib.PR_SET_NO_NEW_PRIVS, 1)
        raise OSError(errno.EINVAL, "")

    monkeypatch.setattr(clib, "prctl", refuse)
    with pytest.raises(messages.Quit) as caught:
        chpst.forbid_privileges(request("-N prog"))
    assert caught.value.status == 111
    assert caught.value.line == b"chpst: fatal: unable to set no-new-privs: invalid argument\n"


def test_code_is_fetched_without_ctypes(no_ctypes: None, pending: Pending) -> None:
    chpst.fetch_code()
    assert pending.environment is not None


def test_an_account_that_could_not_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may exist, so it is not called unknown."""
    monkeypatch.setattr(clib, "trouble", lambda function, name: errno.EMFILE)
    for step in (chpst.name_user, chpst.become_user):
        with pytest.raises(messages.Quit) as caught:
            step(request("-u no_such -U no_such prog"))
        assert caught.value.status == 111
        assert caught.value.line == (
            b"chpst: fatal: unable to get password/group file entry: "
            b"process cannot open more files\n"
        )


@pytest.mark.parametrize(
    ("call", "words"),
    [("system_limit", b"unable to getrlimit()"), ("set_system_limit", b"unable to setrlimit()")],
)
def test_limits_in_the_words_of_runit(
    call: str, words: bytes, refuse: Callable[[str], None], pending: Pending
) -> None:
    refuse(call)
    with pytest.raises(messages.Quit) as caught:
        chpst.lower_limits(request("-c 100 prog"))
    assert caught.value.status == 111
    assert caught.value.line == b"chpst: fatal: " + words + b": permission denied\n"
