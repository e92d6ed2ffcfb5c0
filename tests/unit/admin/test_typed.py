"""What is advised is the same word to a shell, and harmless to a terminal."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from slashservice.supervise.admin import typed

NAMES = some.binary(min_size=1, max_size=12).filter(lambda raw: not {0, 47} & set(raw))


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_any_name_is_one_word(raw: bytes) -> None:
    text = typed.word(os.fsdecode(raw))
    assert text.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {text}"], capture_output=True, check=True)
    assert done.stdout == raw


def test_where_it_was_and_what_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "where", ["--service-dir", "/my own"])
    said = typed.command("kill", "-stub")
    assert said == "slashservice kill --service-dir '/my own' -- -stub"
    monkeypatch.setattr(typed, "where", [])
    assert typed.command("edit", "web", "log/run") == "slashservice edit web log/run"
