"""What the demonstration says has happened."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise import tai
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.demo.news import News, ordinal
from slashservice.supervise.protocol.deaths import UNKNOWN, Death
from slashservice.supervise.protocol.status import Status

TERM, KILL = 15, 9


@dataclass(frozen=True)
class Service:
    """A service that was seen so; of ``deaths`` each has its time and its wait status."""

    pid: int = 7
    want: bytes = b"u"
    deaths: tuple[tuple[int, int], ...] = ()
    paused: bool = False
    is_supervised: bool = True
    is_normally_down: bool = False

    def seen(self, name: str = "web") -> Seen:
        found = Seen(name, "/nowhere")
        found.error = None
        found.is_supervised = self.is_supervised
        found.is_normally_down = self.is_normally_down
        if self.is_supervised:
            found.now = Status(tai.pack(0), self.pid, self.paused, self.want)
        found.last = [Death(tai.pack(at), 5, status, 3.0) for at, status in self.deaths[-3:]]
        return found


FIRST = Service()
DOWN = Service(pid=0, want=b"d", is_normally_down=True)
ALONE = Service(is_supervised=False)
EXIT_7 = 7 << 8


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (FIRST, FIRST, []),
        (
            FIRST,
            Service(8, deaths=((1, EXIT_7),)),
            ["died: exit 7 after 3 s; started again (pid 8)"],
        ),
        (FIRST, Service(8, deaths=((1, KILL),)), ["died: KILL after 3 s; started again (pid 8)"]),
        (FIRST, Service(8, deaths=((1, TERM),)), ["ended: TERM after 3 s; started again (pid 8)"]),
        (FIRST, Service(0, deaths=((1, EXIT_7),)), ["died: exit 7 after 3 s"]),
        (FIRST, Service(0, b"d", ((1, TERM),)), ["ended: TERM after 3 s; stays down"]),
        (FIRST, Service(0, b"d", ((1, 0),)), ["ended: exit 0 after 3 s; stays down"]),
        (
            FIRST,
            Service(8, deaths=((1, 256), (2, 512))),
            ["died: exit 2 after 3 s, 2nd time; started again (pid 8)"],
        ),
        (FIRST, Service(paused=True), ["is paused"]),
        (Service(paused=True), FIRST, ["goes on"]),
        (DOWN, FIRST, ["started (pid 7)"]),
        (FIRST, ALONE, []),
        (FIRST, replace(ALONE, deaths=((1, TERM),)), ["ended: TERM after 3 s"]),
    ],
)
def test_what_is_new(before: Service, after: Service, said: list[str]) -> None:
    news = News()
    news.of([before.seen()])
    assert news.of([after.seen()]) == [f"web {words}" for words in said]
    assert news.of([after.seen()]) == [], "it is told once"


def test_what_is_new_at_first() -> None:
    assert News().of([FIRST.seen()]) == ["web started (pid 7)"]
    assert News().of([DOWN.seen()]) == ["web is normally down, and does not run"]
    assert News().of([ALONE.seen()]) == [], "svscan has not got there"
    news = News()
    news.of([FIRST.seen("a\x1b[31m")])
    assert news.of([]) == ["a\\x1b[31m is gone"]


def test_what_nobody_supervised() -> None:
    """That it was adopted is only said of the same process."""
    news = News()
    news.of([FIRST.seen("one"), FIRST.seen("two"), DOWN.seen("three")])
    assert news.runs() == [("one", 7), ("two", 7)]
    news.of([ALONE.seen(name) for name in ("one", "two", "three")])
    dead = Service(9, deaths=((1, UNKNOWN),))
    assert news.of([FIRST.seen("one"), dead.seen("two"), DOWN.seen("three")]) == [
        "two died while nobody supervised it; started again (pid 9)",
        "the new svscan has adopted one 7",
    ]


SERVICES = some.builds(
    Service,
    some.sampled_from([0, 7, 8]),
    some.sampled_from([b"u", b"d", b"\0"]),
    some.just(()),
    some.booleans(),
    some.booleans(),
    some.booleans(),
)


@given(some.lists(some.tuples(SERVICES, some.integers(0, 3)), max_size=12))
def test_each_death_is_told_once(seen: list[tuple[Service, int]]) -> None:
    """Whatever else is seen: as often as it has died by the last count."""
    news, deaths, said = News(), 0, []
    for service, more in seen:
        deaths += more
        died = tuple((at, 256) for at in range(1, deaths + 1))
        said += news.of([replace(service, deaths=died).seen()])
    told = [line for line in said if "exit 1" in line]
    counted = [int(line.split(", ")[1].split()[0][:-2]) if ", " in line else 1 for line in told]
    assert counted == sorted(set(counted))
    if seen and seen[0][0].is_supervised and counted:
        assert counted[-1] == deaths


def test_ordinals() -> None:
    words = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th"
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111)
    assert " ".join(map(ordinal, numbers)) == words
