"""loghost's only word: the socket that svscan gives it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.supervise.commands import loghost
from slashservice.supervise.messages import Quit

NOTHING_OPEN = 1 << 19


@pytest.mark.parametrize("words", ["", "x", "-1", "3 4 5", "9" * 30, f"{NOTHING_OPEN}", "FILE"])
def test_misuse(words: str, tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        words = words.replace("FILE", str(file.fileno()))
        with pytest.raises(Quit) as caught:
            loghost.main([os.fsencode(word) for word in words.split()])
        os.fstat(file.fileno())  # it is not ours to close
    assert (caught.value.status, caught.value.line) == (
        100,
        b"loghost: usage: loghost fd [ account ]\n",
    )
