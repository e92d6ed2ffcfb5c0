"""The title where there is no ``/proc``: setproctitle(3) shows it, or nothing does."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from slashservice.supervise.platform import title


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The C library of a system without ``/proc``."""

    def refuse(path: str, *more: object, **options: object) -> None:
        raise FileNotFoundError(path)

    made = SimpleNamespace()
    monkeypatch.setattr(title, "open", refuse, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: made)
    return made


def test_the_c_library_shows_it(library: SimpleNamespace) -> None:
    shown: list[bytes] = []
    library.setproctitle = lambda form, *words: shown.append(form % words)
    title.shower(5)(b"...%s")
    assert shown == [b"-readproctitle ...%s"], "with - it is all that is shown"


def test_nothing_shows_it(library: SimpleNamespace, capfd: pytest.CaptureFixture[str]) -> None:
    title.shower(5)(b".....")
    assert capfd.readouterr() == ("", "")
