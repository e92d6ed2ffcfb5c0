"""sv's command line."""

from __future__ import annotations

import sys

import pytest

from slashservice.supervise.commands import sv
from slashservice.supervise.messages import Quit


@pytest.fixture(autouse=True)
def called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/command/sv"])
    monkeypatch.delenv("SVWAIT", raising=False)


def order(line: str) -> sv.Order:
    return sv.Order(line.encode().split())


@pytest.mark.parametrize(
    ("line", "letters", "waits", "kills"),
    [
        ("up s", "u", False, False),
        ("upwards s", "u", False, False),
        ("-v up s", "u", True, False),
        ("-w 3 x s", "x", True, False),
        ("exit s", "x", False, False),
        ("start s", "u", True, False),
        ("restart s", "tcu", True, False),
        ("try-restart s", "tc", True, False),
        ("try s", "t", False, False),
        ("check s", "C", True, False),
        ("checks s", "c", False, False),
        ("force-restart s", "tcu", True, True),
        ("force-stop s", "d", True, True),
        ("D s", "d", True, True),
        ("Exit s", "x", True, True),
        ("1 s", "1", False, False),
    ],
)
def test_commands(line: str, letters: str, waits: bool, kills: bool) -> None:
    found = order(line)
    assert (found.letters, found.waits, found.kills, found.asks) == (letters, waits, kills, False)
    assert found.services == [b"s"]


@pytest.mark.parametrize("line", ["status a b", "s a b", "st a b", "startle a b"])
def test_status(line: str) -> None:
    found = order(line)
    assert found.asks
    assert found.services == [b"a", b"b"]


@pytest.mark.parametrize(
    ("line", "patience", "seconds"),
    [
        ("up s", None, 7),
        ("up s", "9", 9),
        ("up s", "x", 0),
        ("-w 3 up s", "9", 3),
        ("-w3x up s", None, 3),
        ("-w x up s", None, 0),
        ("-w 18446744073709551617 up s", None, 1),
    ],
)
def test_patience(
    line: str, patience: str | None, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if patience is not None:
        monkeypatch.setenv("SVWAIT", patience)
    assert order(line).seconds == seconds


@pytest.mark.parametrize("line", ["", "up", "z s", "reboot s", "force-x s", "-z up s", "-w", "-V"])
def test_misuse(line: str) -> None:
    with pytest.raises(Quit) as caught:
        order(line)
    assert caught.value.status == 100
    assert caught.value.line == b"usage: sv [-v] [-w sec] command service ...\n\n"


@pytest.mark.parametrize("line", ["", "z", "startle", "s", "-z status"])
def test_misuse_of_an_init_script(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/etc/init.d/web"])
    with pytest.raises(Quit) as caught:
        order(line)
    assert (caught.value.status, caught.value.line) == (2, b"usage: web [-w sec] command\n\n")


def test_an_init_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/etc/init.d/web"])
    found = order("stop nowhere")
    assert (found.services, found.letters, found.is_script) == ([b"web"], "d", True)
