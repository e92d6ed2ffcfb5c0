"""chpst's command line."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from slashservice.supervise import messages, platform, version
from slashservice.supervise.commands import chpst
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


def test_no_new_privileges_without_ctypes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slashservice.supervise.platform.clib", None)
    monkeypatch.delattr(platform, "clib", raising=False)
    with pytest.raises(messages.Quit) as caught:
        chpst.forbid_privileges(request("-N prog"))
    assert caught.value.status == 111
    assert caught.value.line.startswith(b"chpst: fatal: unable to set no-new-privs: ")
