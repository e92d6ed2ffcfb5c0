"""A launcher's text: written by one function, read by another."""

from __future__ import annotations

import sys

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
