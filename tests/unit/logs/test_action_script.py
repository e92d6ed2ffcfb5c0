"""The words of a script."""

from __future__ import annotations

import pytest

from slashservice.supervise.logs.action_script import ActionScript, Directory


def directory(*words: bytes) -> Directory:
    found = ActionScript(words).actions[-1]
    assert isinstance(found, Directory)
    return found


AGES = {b"a90": 90, b"a15m": 900, b"a2h": 7200, b"a1d": 86400, b"a1w": 604800}
NO_AGES = dict.fromkeys([b"a", b"ax", b"a1y", b"a-1", b"a1mm"], 0)


@pytest.mark.parametrize(("word", "seconds"), [*AGES.items(), *NO_AGES.items()])
def test_ages(word: bytes, seconds: int) -> None:
    assert directory(word, b"./d").settings.age == seconds
