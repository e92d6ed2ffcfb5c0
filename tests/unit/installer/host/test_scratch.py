"""Where short-lived files go, and what the commands that are run are given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.installer.errors import Trouble
from slashservice.installer.host import scratch
from slashservice.installer.host.host import Host


@pytest.mark.root
def test_root_does_not_ask_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    assert scratch.place() in ("/run", "/var/run", "/tmp", "/var/tmp")
    assert not scratch.closed_place().startswith(str(tmp_path))


@pytest.mark.root
@pytest.mark.parametrize("how", ["another's", "everybody's", "closed", "a file", "missing"])
def test_a_place_that_is_not_safe_is_passed_over(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    good.mkdir(mode=0o755)
    if how == "a file":
        bad.touch()
    elif how != "missing":
        bad.mkdir(mode=0o755)
    if how == "another's":
        os.chown(bad, 61234, 0)
    if how == "everybody's":
        bad.chmod(0o777)
    if how == "closed":
        monkeypatch.setattr(os, "access", lambda path, mode: path != str(bad))
    monkeypatch.setattr(scratch, "CLOSED", (str(bad), str(good)))
    assert scratch.closed_place() == str(good)
    monkeypatch.setattr(scratch, "CLOSED", (str(bad), str(bad)))
    monkeypatch.setattr(scratch, "OPEN", ())
    with pytest.raises(Trouble, match="no place for short-lived files"):
        scratch.place()


def test_a_folder_is_closed_to_others() -> None:
    with scratch.folder() as path:
        assert os.stat(path).st_mode & 0o777 == 0o700


def test_commands_get_no_secrets_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what has a meaning to them that is not ours."""
    names = (
        "SECRET",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
        "LD_PRELOAD",
        "IFS",
        "CDPATH",
        "GREP_OPTIONS",
    )
    for name in names:
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.chdir(tmp_path)
    told = Host().run(["sh", "-c", "env; pwd"]).output.splitlines()
    assert "XDG_RUNTIME_DIR=/run/user/7" in told
    assert not [line for line in told if str(tmp_path) in line]
    assert told[-1] == "/"
