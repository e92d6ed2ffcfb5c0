"""Where a service is that is named by a word alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.supervise.protocol import client, places


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with our code, and no ``SVDIR``; the current directory is empty."""
    monkeypatch.delenv("SVDIR", raising=False)
    monkeypatch.setattr(places, "HOME", str(tmp_path / "home"))
    for name in ("home", "here", "services/web/log"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, b"/service"),
        (b"/srv/sv\n", b"/srv/sv"),
        (b"/a \xff b\n", b"/a \xff b"),
        (b"", b"/service"),
        (b"/half", b"/service"),
        (b"relative\n", b"/service"),
        (b"\n", b"/service"),
    ],
)
def test_what_the_installer_wrote_down(home: Path, written: bytes | None, expected: bytes) -> None:
    if written is not None:
        (home / "home" / places.RECORD).write_bytes(written)
    assert places.scan_directory() == places.services() == expected


def test_a_record_that_is_no_file(home: Path) -> None:
    (home / "home" / places.RECORD).mkdir()
    assert places.scan_directory() == b"/service"


@pytest.mark.parametrize(("given", "of_sv"), [("/elsewhere", b"/elsewhere"), ("", b"")])
def test_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch, given: str, of_sv: bytes
) -> None:
    monkeypatch.setenv("SVDIR", given)
    assert places.scan_directory() == (of_sv or b"/service")
    assert places.services() == of_sv


@pytest.mark.parametrize("word", [b"web", b"web/log", b"-web", b"we.b", b"\xff"])
def test_a_name(word: bytes) -> None:
    assert places.is_name(word)


@pytest.mark.parametrize("word", [b"", b".", b"./web", b"..", b".web", b"/web", b"web/", b"/"])
def test_no_name(word: bytes) -> None:
    assert not places.is_name(word)
    assert places.named(word) == b""


def test_what_is_here_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVDIR", str(home / "services"))
    services = os.fsencode(home / "services")
    here = os.fsencode(home / "here")
    assert places.path(b"web") == services + b"/web"
    assert places.path(b"web/log") == services + b"/web/log"
    assert places.path(b"nowhere") == b"nowhere"
    assert places.path(b"web/") == b"web/"
    (home / "here/web").write_text("no directory")
    assert places.path(b"web") == services + b"/web"
    client.enter(b"web")
    assert os.getcwdb() == services + b"/web"
    os.chdir(here)
    (home / "here/web").unlink()
    (home / "here/web").mkdir()
    assert places.path(b"web") == b"web"
    client.enter(b"web")
    assert os.getcwdb() == here + b"/web"


@pytest.mark.parametrize(
    ("word", "trouble"),
    [(b"nowhere", FileNotFoundError), (b"file", NotADirectoryError), (b"web/", FileNotFoundError)],
)
def test_the_trouble_is_that_of_what_is_here(
    home: Path, monkeypatch: pytest.MonkeyPatch, word: bytes, trouble: type[OSError]
) -> None:
    monkeypatch.setenv("SVDIR", str(home / "services"))
    (home / "here/file").write_text("")
    with pytest.raises(trouble) as caught:
        client.enter(word)
    assert caught.value.filename == word
