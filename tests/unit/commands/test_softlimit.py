"""Limits that the system does not tell or does not take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slashservice.supervise.chain.pending import Pending
from slashservice.supervise.commands import softlimit
from slashservice.supervise.messages import Quit


@pytest.mark.parametrize(
    ("call", "words"),
    [("system_limit", b"getrlimit failed"), ("set_system_limit", b"setrlimit failed")],
)
def test_words_of_c(
    call: str, words: bytes, refuse: Callable[[str], None], pending: Pending
) -> None:
    refuse(call)
    with pytest.raises(Quit) as caught:
        softlimit.main([b"-c100", b"true"])
    assert caught.value.status == 111
    assert caught.value.line == b"softlimit: fatal: " + words + b": permission denied\n"
