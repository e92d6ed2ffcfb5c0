"""A launcher's text: written by one function, read by another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slashservice.supervise.chain import launchers


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_what_is_written_can_be_read(name: str) -> None:
    text = launchers.text(name, sys.executable, launchers.home())
    assert launchers.parse(text.encode()) == name


def test_a_launcher_of_another_interpreter_or_other_code_is_none_of_ours() -> None:
    for python, code in (("/usr/bin/other", launchers.home()), (sys.executable, "/elsewhere")):
        assert launchers.parse(launchers.text("svc", python, code).encode()) is None


def test_each_command_is_named_once() -> None:
    assert len(set(launchers.COMMANDS)) == len(launchers.COMMANDS)
    assert list(launchers.COMMANDS) == sorted(launchers.COMMANDS)


@pytest.mark.parametrize("beside", ["nothing", "a launcher", "another's", "no program", "a folder"])
def test_the_words_that_start_a_command(
    beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the launcher beside us if it is ours and can be run; else they do without."""
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "svscan")])
    path = tmp_path / "svok"
    if beside == "a folder":
        path.mkdir()
    elif beside != "nothing":
        code = "/elsewhere" if beside == "another's" else launchers.home()
        path.write_text(launchers.text("svok", sys.executable, code))
        path.chmod(0o644 if beside == "no program" else 0o755)
    words = launchers.command("svok")
    if beside == "a launcher":
        assert words == [bytes(path)]
    else:
        assert words[:2] == [os.fsencode(sys.executable), launchers.FLAGS.encode()]
    done = subprocess.run(words, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (100, b"svok: usage: svok dir\n")


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_under_the_name_written_to_is_not_written_to(kind: str, tmp_path: Path) -> None:
    """It may be a link to anything, in a directory that somebody else can write to."""
    target, made = tmp_path / "target", tmp_path / "made"
    target.write_text("theirs")
    made.mkdir()
    new = made / "svc{new}"
    new.symlink_to(target) if kind == "link" else os.link(target, new)
    launchers.write(str(made))
    assert target.read_text() == "theirs"
    assert not (made / "svc").is_symlink()
    assert not new.exists()
