"""What is shipped of the code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.installer.plan import source
from slashservice.supervise.chain import launchers


def test_no_fifo_that_a_supervisor_left_in_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in source.PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").touch()
    os.mkfifo(tmp_path / "supervise/control")
    monkeypatch.setattr(launchers, "home", lambda: str(tmp_path))
    files = source.collect("/usr/bin/python3", "/tree").files
    ours = {name for name in files if name.startswith(source.PACKAGES)}
    assert ours == {f"{name}/module.py" for name in source.PACKAGES}


def test_which_directory_is_scanned_is_written_down_if_it_is_not_the_usual_one() -> None:
    made = source.Source({"a": (b"", 0o644)}, ("svc",))
    assert made.scanning("/service") is made
    other = made.scanning("/srv/s")
    assert other.files == {"a": (b"", 0o644), "scan-directory": (b"/srv/s\n", 0o644)}
    assert other.commands == made.commands
