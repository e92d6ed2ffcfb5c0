"""Our messages in the words of runsv and runsvdir."""

from __future__ import annotations

import pytest

from slashservice.supervise import messages
from slashservice.supervise.services import runit_words

MISSING = FileNotFoundError(2, "")
BUSY = BlockingIOError(11, "")


@pytest.mark.parametrize(
    "name", [b"web", b"two words", b"/etc/sv/runner", b"a/log/b", b"/run/supervise/run/b"]
)
@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        (b"unable to chdir to NAME", MISSING, b"unable to change to directory"),
        (b"unable to start NAME/run", MISSING, b"unable to start ./run"),
        (b"unable to start NAME/log/run", MISSING, b"unable to start log/./run"),
        (b"unable to start NAME/finish", MISSING, b"unable to start ./finish"),
        (b"unable to acquire NAME/supervise/lock", BUSY, b"unable to lock supervise/lock"),
        (b"unable to acquire NAME/supervise/lock", MISSING, b"unable to open supervise/lock"),
        (b"unable to acquire NAME/log/supervise/lock", BUSY, b"unable to lock log/supervise/lock"),
        (
            b"unable to rename NAME/supervise/status.new to status",
            MISSING,
            b"unable to rename status.new to supervise/status",
        ),
        (b"unable to stat NAME/down", MISSING, b"unable to stat down"),
    ],
)
def test_words_of_a_service(name: bytes, what: bytes, error: OSError, said: bytes) -> None:
    for of in (runit_words.of_runsv(name), runit_words.of_runsvdir(b"dir")):
        assert of("supervise", what.replace(b"NAME", name), error) == (b"runsv " + name, said)


def test_words_of_runsvdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "phrase", runit_words.of_runsvdir(b"dir"))
    line = messages.message("svscan", b"warning", b"unable to stat a", MISSING)
    assert line == b"runsvdir dir: warning: unable to stat a: file does not exist\n"
