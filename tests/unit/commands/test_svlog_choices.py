"""svlog beside a model of it: sort, filter, take the last, for logs in any shape."""

from __future__ import annotations

import gzip
import json
import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from slashservice.supervise import signals, tai
from slashservice.supervise.commands import svlog
from slashservice.supervise.logs import log_file, seeking
from slashservice.supervise.logs import shower as showing

NOON = 1_795_262_400 * 10**9
"""2026-11-21 12:00:00 UTC, in nanoseconds."""

STEP = 10**7
"""Nanoseconds that all stamps are multiples of, as svlogd writes no more of them."""

WORDS = ("error", "Error in b", "warn", "a b c", "", "x" * 70, "5", "tail 7", "GET /a", "40000")

PATTERNS = (
    *("error", "err|warn", "^a", "a$", "[^q]*b", r"\s", r"\W", "", "^$", r"\bb\b", "4000", "x{60}"),
    *(
        r"(?i)ERROR",
        "(?<=a )b",
        r"[\s\S]b",
        "e(r)\\1",
        r"\d+$",
        "[]a]",
        "[^]a]b",
        r"\Aerror\Z",
        "$",
    ),
)

CUT = b"@4000000069"
"""The beginning of a stamp, of which the rest is lost."""


@dataclass(frozen=True)
class Log:
    """A log that was made: what is in each file, the last of which is ``current``.

    ``lines`` has each line: the time that it is of, its stamp, and the rest.
    """

    files: Sequence[tuple[str, bytes]]
    lines: Sequence[tuple[int, bytes, bytes]]


def label(when: int) -> bytes:
    return tai.label(tai.pack(when))


def readable(when: int) -> bytes:
    second, rest = divmod(when, 10**9)
    return b"%s.%05d" % (
        time.strftime("%Y-%m-%d_%H:%M:%S", time.gmtime(second)).encode(),
        rest // 10**4,
    )


def fractional(when: int) -> bytes:
    return b"%d.%06d" % (when // 10**9, when % 10**9 // 1000)


STAMPS = (label, label, label, readable, fractional, None, None)


def make_log(chance: Random) -> Log:
    """Make a log of a few files, compressed or not, with and without stamps."""
    lines: list[tuple[int, bytes, bytes]] = []
    files: list[tuple[str, bytes]] = []
    stamps = chance.choice((STAMPS, STAMPS, (label,), (None,)))
    now, last_label, when = NOON, NOON, 0
    for number in reversed(range(chance.randint(1, 5))):
        text = b""
        for _ in range(chance.randint(0, 8)):
            now += chance.choice((0, 0, 1, 1, 3)) * STEP
            make = chance.choice(stamps)
            rest = chance.choice(WORDS).encode()
            if make is None:
                stamp = b""
                rest = chance.choice((b"", b"", CUT)) + rest
            else:
                stamp, when = make(now), now
            lines.append((when, stamp, rest))
            text += (stamp + b" " if stamp else b"") + rest + b"\n"
        if not number:
            text += chance.choice((b"", b"", b"error unfinished"))
            files.append(("current", text))
            continue
        last_label = max(now + chance.randint(0, 2) * STEP, last_label + 1)
        kind = chance.choice(("plain", "plain", "gzip", "two parts"))
        if kind == "gzip":
            text = gzip.compress(text)
        elif kind == "two parts":
            half = len(text) // 2
            text = gzip.compress(text[:half]) + gzip.compress(text[half:])
        files.append((label(last_label).decode() + chance.choice((".s", ".u")), text))
    return Log(files, lines)


@dataclass(frozen=True)
class Asked:
    """What svlog is asked for."""

    number: int | None
    since: int | None
    until: int | None
    pattern: str | None
    invert: bool
    ignore_case: bool
    all: bool

    def words(self) -> list[bytes]:
        words: list[bytes] = []
        for letter, value in ((b"-n", self.number), (b"-g", self.pattern)):
            words += [letter, str(value).encode()] if value is not None else []
        for letter, when in ((b"-s", self.since), (b"-U", self.until)):
            words += [letter, label(when)] if when is not None else []
        flags = ((b"-v", self.invert), (b"-i", self.ignore_case), (b"-a", self.all))
        return words + [flag for flag, is_given in flags if is_given]

    def chosen(self, logs: Sequence[Log]) -> list[tuple[int, int, bytes, bytes]]:
        """Return what the model shows: the number of the log, time, stamp and rest."""
        found = [(at, *line) for at, log in enumerate(logs) for line in log.lines]
        found.sort(key=lambda line: line[1])
        if self.since is not None:
            found = [line for line in found if line[1] >= self.since]
        if self.until is not None:
            found = [line for line in found if line[1] <= self.until]
        if self.pattern is not None:
            search = re.compile(self.pattern.encode(), re.I if self.ignore_case else 0).search
            found = [line for line in found if bool(search(line[3])) != self.invert]
        number = self.number
        if number is None and not self.all and self.since is None:
            number = 10
        return found if number is None else found[len(found) - min(number, len(found)) :]


def make_wishes(chance: Random) -> Asked:
    """Make up what is asked for."""
    steps = sorted(chance.choices(range(-1, 50), k=2))
    since, until = (NOON + step * STEP if chance.random() < 0.4 else None for step in steps)
    return Asked(
        number=chance.choice((None, 0, 1, 2, 3, 5, 8, 13, 100)),
        since=since,
        until=until,
        pattern=chance.choice(PATTERNS) if chance.random() < 0.5 else None,
        invert=chance.random() < 0.3,
        ignore_case=chance.random() < 0.3,
        all=chance.random() < 0.3,
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What svlog writes, in this process, with all that is read in blocks cut short."""
    out: list[bytes] = []
    monkeypatch.setattr(showing, "write_all", lambda fd, data: out.append(data))
    monkeypatch.setattr(signals, "restore_defaults", lambda: None)
    monkeypatch.setattr(log_file, "BLOCK", 100)
    monkeypatch.setattr(seeking, "NEAR", 60)
    monkeypatch.setattr(seeking, "BLOCK", 40)
    return out


@given(some.integers(0, 1 << 32))
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_chosen(written: list[bytes], seed: int) -> None:
    chance = Random(seed)
    made = [make_log(chance) for _ in range(chance.randint(1, 3))]
    asked = make_wishes(chance)
    with tempfile.TemporaryDirectory() as place:
        for at, log in enumerate(made):
            main = Path(place) / str(at) / "log/main"
            main.mkdir(parents=True)
            for name, data in log.files:
                (main / name).write_bytes(data)
        expected = asked.chosen(made)
        written.clear()
        assert svlog.main([*asked.words(), b"-r", os.fsencode(place)]) == 0
        name = "%d " if len(made) > 1 else ""
        assert b"".join(written) == b"".join(
            (stamp + b" " if stamp else b"") + (name and name % at).encode() + rest + b"\n"
            for at, _, stamp, rest in expected
        )
        written.clear()
        assert svlog.main([*asked.words(), b"-j", os.fsencode(place)]) == 0
        objects = [json.loads(line) for line in b"".join(written).splitlines()]
        assert [(one["service"], one["nanoseconds"], one["message"]) for one in objects] == [
            (str(at), when if stamp else None, rest.decode()) for at, when, stamp, rest in expected
        ]
