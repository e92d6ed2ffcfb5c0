"""What a service directory says about how its service ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.platform.posix import signal_called
from slashservice.supervise.services import manners
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.manners import Manners, Remembered


class Subject:
    """A directory, and what was complained of."""

    def __init__(self, path: Path, said: list[bytes]) -> None:
        self.path = path
        self.said = said
        directory = SimpleNamespace(path=os.fsencode(path), name=b"web")
        self.manners = Manners(cast("ServiceDirectory", directory))

    def everything(self, about: Manners | Remembered) -> tuple[object, ...]:
        return (
            about.has_finish(),
            about.controls(),
            about.seconds_to_finish(),
            about.seconds_to_kill(),
            about.kills_group(),
            about.deaths_kept(),
            about.down_signal(),
        )


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    said: list[bytes] = []
    monkeypatch.setattr(manners, "complain", said.append)
    return Subject(tmp_path, said)


def test_nothing_is_said(subject: Subject) -> None:
    expected = (False, b"", 5.0, 0.0, False, 100, signal.SIGTERM)
    assert subject.everything(subject.manners) == expected
    assert subject.said == []


def test_all_is_said(subject: Subject) -> None:
    texts = {"timeout-finish": "0", "timeout-kill": " 1500 \nmore", "down-signal": "hup\n"}
    texts |= {"max-death-tally": "7\n", "flag-timeout-killpg": ""}
    for name, text in texts.items():
        (subject.path / name).write_text(text)
    (subject.path / "control").mkdir()
    for name in ("finish", "control/t", "control/d", "control/long", "control/y", "control/2"):
        (subject.path / name).touch(0o755)
    (subject.path / "control/u").touch(0o644)
    expected = (True, b"2dt", 0.0, 1.5, True, 7, signal.SIGHUP)
    assert subject.everything(subject.manners) == expected
    assert subject.said == []


@pytest.mark.parametrize(
    "name", ["timeout-finish", "timeout-kill", "max-death-tally", "down-signal"]
)
@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.5", "5s", "99999999999", "\0", "TERMINATE", "4097x"]
)
def test_what_makes_no_sense_is_said_and_not_there(subject: Subject, name: str, text: str) -> None:
    (subject.path / name).write_text(text)
    expected = (False, b"", 5.0, 0.0, False, 100, signal.SIGTERM)
    assert subject.everything(subject.manners) == expected
    (line,) = subject.said
    assert line.startswith(b"supervise: warning: web/" + name.encode())
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("name", ["timeout-kill", "down-signal"])
def test_what_can_not_be_read_is_said(subject: Subject, name: str) -> None:
    (subject.path / name).mkdir()
    subject.everything(subject.manners)
    assert subject.said == [
        b"supervise: warning: unable to read web/" + name.encode() + b": is a directory\n"
    ]


@given(st.sampled_from(sorted(signal.valid_signals())), st.booleans(), st.booleans())
def test_signals_are_known_by_name_and_number(number: int, short: bool, small: bool) -> None:
    assert signal_called(b"%d" % number) == number
    if isinstance(number, signal.Signals):
        name = number.name[3:] if short else number.name
        assert signal_called((name.lower() if small else name).encode()) == number


@given(st.binary(max_size=12))
def test_no_word_is_a_signal_that_is_none(word: bytes) -> None:
    number = signal_called(word)
    assert number == 0 or number in signal.valid_signals()


def test_what_is_remembered_changes_when_looked_at(subject: Subject) -> None:
    remembered = Remembered(subject.manners)
    before = subject.everything(remembered)
    (subject.path / "finish").touch(0o755)
    (subject.path / "timeout-kill").write_text("3000")
    assert subject.everything(remembered) == before
    remembered.look()
    assert subject.everything(remembered) == subject.everything(subject.manners) != before
