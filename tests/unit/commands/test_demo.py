"""The demonstration: how it is called, and where it takes place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from slashservice.supervise.commands import demo
from slashservice.supervise.messages import Quit


def test_misuse(tmp_path: Path) -> None:
    with pytest.raises(Quit) as caught:
        demo.main([bytes(tmp_path / "one"), bytes(tmp_path / "two")])
    assert (caught.value.status, caught.value.line) == (100, b"demo: usage: demo [dir]\n")
    assert os.listdir(tmp_path) == []


def test_without_a_directory_it_makes_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Path(demo._empty_directory(None))
    assert made.parent == tmp_path
    assert made.name.startswith("slashservice-demo-")
    assert list(made.iterdir()) == []


def test_a_svscan_that_can_not_be_run(tmp_path: Path) -> None:
    """The child ends there: it does not go on as a second demonstration."""
    pid = demo._start_svscan(str(tmp_path / "service"), str(tmp_path / "command"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 111
