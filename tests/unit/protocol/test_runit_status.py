"""When a command of sv has taken effect, by what the status file says."""

from __future__ import annotations

import time

import pytest

from slashservice.supervise import tai
from slashservice.supervise.protocol import runit_status
from slashservice.supervise.protocol.runit_status import Seen, has_effect

FIRST, SECOND = (tai.pack(second * 10**9) for second in (1, 2))


def seen(text: str, stamp: bytes = FIRST) -> Seen:
    """Read a status in words: ``up`` or ``finish``, ``paused``, ``termed``, what is wanted.

    ``0`` is for no pid: runsv has not started the finish script yet.
    """
    words = text.split()
    state = 2 if "finish" in words else 1 if "up" in words else 0
    want = b"d" if "d" in words else b"\0" if "once" in words else b"u"
    pid = (7 if stamp == FIRST else 8) if state and "0" not in words else 0
    rest = bytes(["paused" in words]) + want + bytes(["termed" in words, state])
    return Seen(stamp + pid.to_bytes(4, "little") + rest)


BEFORE = seen("up")

CASES = {
    "u": (["up"], ["down", "up d", "up once", "finish", "down d"]),
    "d": (["down d", "down once"], ["up d", "down", "finish d"]),
    "o": (["up d", "up once"], ["up"]),
    "t": (["down d", "down once"], ["up", "up d", "finish", "finish 0 d", "down"]),
    "k": (["down d", "down once"], ["up", "up d", "finish", "finish 0 once", "down"]),
    "p": (["up paused", "down"], ["up"]),
    "c": (["up", "down", "down paused"], ["up paused"]),
    "h": (["up", "down"], []),
    "x": ([], ["up", "down", "down d"]),
}
"""For each letter what says that it has taken effect, and what does not."""


@pytest.mark.parametrize("letter", CASES)
def test_of_the_same_run(letter: str) -> None:
    yes, no = CASES[letter]
    assert [text for text in yes + no if has_effect(letter, seen(text), BEFORE)] == yes


@pytest.mark.parametrize(
    ("letter", "text", "expected"),
    [
        ("t", "up", True),
        ("t", "up termed", False),
        ("t", "finish", False),
        ("t", "up d", True),
        ("o", "down once", True),
        ("o", "down d", True),
        ("u", "up", True),
    ],
)
def test_of_another_run(letter: str, text: str, expected: bool) -> None:
    assert has_effect(letter, seen(text, SECOND), BEFORE) is expected


def test_a_one_shot_that_was_down() -> None:
    before = seen("down d")
    assert not has_effect("o", seen("down once"), before)
    assert has_effect("o", seen("down once", SECOND), before)


@pytest.mark.parametrize("size", range(25))
def test_sizes(size: int) -> None:
    assert (runit_status.parse(bytes(size)) is not None) == (size in (18, 20))


def test_that_of_daemontools() -> None:
    """The state is told by the pid."""
    for pid, state in ((0, runit_status.DOWN), (9, runit_status.RUN)):
        found = runit_status.parse(FIRST + pid.to_bytes(4, "little") + b"\0u")
        assert found
        assert (found.pid, found.state, found.termed, found.old) == (pid, state, False, True)


@pytest.mark.parametrize(
    ("text", "normally_up", "expected"),
    [
        ("up", True, b"run: s: (pid 7) Ns"),
        ("up", False, b"run: s: (pid 7) Ns, normally down"),
        ("up d termed paused", True, b"run: s: (pid 7) Ns, paused, want down, got TERM"),
        ("finish d", True, b"finish: s: (pid 7) Ns, want down"),
        ("down", True, b"down: s: Ns, normally up, want up"),
        ("down d", False, b"down: s: Ns"),
        ("up once", True, b"run: s: (pid 7) Ns"),
    ],
)
def test_words(
    text: str, normally_up: bool, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 4.9)
    said = runit_status.words(seen(text), b"s", normally_up)
    assert said == expected.replace(b"N", b"3")
