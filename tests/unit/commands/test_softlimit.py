"""Limits that the system does not tell or does not take."""

from __future__ import annotations

import errno

import pytest

from slashservice.supervise.chain import limits
from slashservice.supervise.chain.pending import Pending
from slashservice.supervise.commands import softlimit
from slashservice.supervise.messages import Quit


@pytest.mark.parametrize(
    ("call", "words"),
    [("system_limit", b"getrlimit failed"), ("set_system_limit", b"setrlimit failed")],
)
def test_words_of_c(
    call: str, words: bytes, monkeypatch: pytest.MonkeyPatch, pending: Pending
) -> None:
    def refuse(*arguments: int) -> None:
        raise OSError(errno.EPERM, "")

    monkeypatch.setattr(limits, "system_limit", lambda number: (5, 5))
    monkeypatch.setattr(limits, call, refuse)
    with pytest.raises(Quit) as caught:
        softlimit.main([b"-c100", b"true"])
    assert caught.value.status == 111
    assert caught.value.line == b"softlimit: fatal: " + words + b": permission denied\n"
