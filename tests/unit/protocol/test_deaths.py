"""The file of deaths: what is written is read, whatever else is in it, and it does not grow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise import tai
from slashservice.supervise.protocol import deaths
from slashservice.supervise.protocol.deaths import Death

STATUSES = st.one_of(
    st.just(deaths.UNKNOWN),
    st.integers(0, 255).map(lambda code: code << 8),
    st.integers(1, 64),
    st.integers(1, 64).map(lambda number: number | 128),
)

DEATHS = st.builds(
    Death,
    st.integers(0, 1 << 61).map(tai.pack),
    st.integers(0, 1 << 22),
    STATUSES,
    st.one_of(st.none(), st.floats(-1e6, 1e15)),
)


@given(DEATHS)
def test_a_line_says_all(death: Death) -> None:
    line = death.line()
    assert len(line) == deaths.LENGTH
    assert line.count(b"\n") == 1
    again = deaths.parse(line)
    assert again
    assert (again.stamp, again.pid, again.code) == (death.stamp, death.pid, death.code)
    assert (again.signal, again.low_byte) == (death.signal, death.low_byte)
    assert again.line() == line
    if death.seconds is not None and 0 <= death.seconds <= 1e12:
        assert again.seconds == pytest.approx(death.seconds, abs=0.001)


@given(st.binary(max_size=2 * deaths.LENGTH))
def test_anything_else_is_no_death(line: bytes) -> None:
    found = deaths.parse(line)
    assert found is None or len(line) == deaths.LENGTH


@given(st.lists(DEATHS, max_size=30), st.integers(1, 8), st.integers(0, deaths.LENGTH - 1))
def test_the_last_are_kept(
    tmp_path_factory: pytest.TempPathFactory, ends: list[Death], number: int, cut: int
) -> None:
    """Also behind half a line, as a full disk may leave it."""
    folder = tmp_path_factory.mktemp("deaths")
    path, new = os.fsencode(folder / "deaths"), os.fsencode(folder / "new")
    for death in ends:
        deaths.add(path, new, death, number)
        if cut:
            with open(path, "ab") as file:
                file.write(b"@" * cut)
    found = [death.line() for death in deaths.read(path, number)]
    assert found == [death.line() for death in ends[-number:]]
    assert deaths.tally(path)[0] == len(ends)
    assert not ends or os.path.getsize(path) < (2 * number + 2) * deaths.LENGTH


@given(st.binary(max_size=3 * deaths.LENGTH), DEATHS)
def test_whatever_is_in_the_file_it_counts_on(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, death: Death
) -> None:
    folder = tmp_path_factory.mktemp("deaths")
    path, new = os.fsencode(folder / "deaths"), os.fsencode(folder / "new")
    (folder / "deaths").write_bytes(data)
    before = deaths.tally(path)[0]
    for more in range(1, 6):
        deaths.add(path, new, death, 2)
        assert deaths.tally(path)[0] == before + more
        assert os.path.getsize(path) % deaths.LENGTH == 0 or more == 1


@given(st.integers(0, 10**70))
def test_a_number_of_those_before(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    folder = tmp_path_factory.mktemp("deaths")
    path, new = os.fsencode(folder / "deaths"), os.fsencode(folder / "new")
    line = (b"before %d" % number)[: deaths.LENGTH - 1].ljust(deaths.LENGTH - 1) + b"\n"
    (folder / "deaths").write_bytes(line)
    assert deaths.tally(path)[0] == min(number, deaths.ENDLESS) or number >= deaths.ENDLESS
    for _ in range(4):
        deaths.add(path, new, Death(tai.now(), 1, 0, 1.0), 1)
    assert os.path.getsize(path) % deaths.LENGTH == 0
    assert len(deaths.read(path)) in (1, 2)


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "deaths")
    deaths.add(path, path + b".new", Death(tai.now(), 1, 0, 1.0), 0)
    assert deaths.read(path) == []
    assert not os.listdir(tmp_path)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "deaths").symlink_to("other")
    path = os.fsencode(tmp_path / "deaths")
    with pytest.raises(OSError, match="symbolic"):
        deaths.add(path, path + b".new", Death(tai.now(), 1, 0, 1.0))
    assert os.listdir(tmp_path) == ["deaths"]
