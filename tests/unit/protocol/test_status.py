"""The status file, its time stamps, and what svstat makes of them when the clock jumps."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slashservice.supervise import tai
from slashservice.supervise.protocol import status

stamps = st.binary(min_size=12, max_size=12)
wants = st.sampled_from([b"u", b"d", b"\0"])


@given(stamps, st.integers(0, 2**32 - 1), st.booleans(), wants, st.booleans())
def test_what_is_packed_is_unpacked(
    stamp: bytes, pid: int, paused: bool, want: bytes, termed: bool
) -> None:
    data = status.Status(stamp, pid, paused, want, termed).pack()
    assert len(data) == status.SIZE
    found = status.unpack(data)
    assert found
    assert (found.stamp, found.pid, found.paused, found.want, found.termed) == (
        stamp,
        pid,
        paused,
        want,
        termed,
    )


def test_the_bytes_of_a_status_file() -> None:
    up = status.Status(bytes(range(12)), 0x01020304, True, b"d", True).pack()
    assert up == bytes(range(12)) + b"\4\3\2\1" + b"\1d\1\1"
    assert status.Status(bytes(12), 0, False, b"\0").pack() == bytes(20)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_status_or_none(data: bytes) -> None:
    found = status.unpack(data)
    assert (found is None) == (len(data) < 18)
    if found:
        assert found.pid == int.from_bytes(data[12:16], "little")


def test_daemontools_own_eighteen_bytes() -> None:
    found = status.unpack(status.Status(bytes(12), 7, False, b"u", True).pack()[:18])
    assert found
    assert (found.pid, found.termed) == (7, False)


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(bytes(5000))
    assert status.read(str(tmp_path / "status")) == bytes(20)
    with pytest.raises(FileNotFoundError):
        status.read(str(tmp_path / "nothing"))
    with pytest.raises(IsADirectoryError):
        status.read(str(tmp_path))


@given(st.integers(-(2**62) * 10**9, 2**62 * 10**9))
@example(0)
@example(-1)
def test_stamps_there_and_back(nanoseconds: int) -> None:
    stamp = tai.pack(nanoseconds)
    assert len(stamp) == 12
    assert tai.unpack(stamp) == nanoseconds


def test_stamps_of_known_times() -> None:
    assert tai.label(tai.pack(0)) == b"@400000000000000a00000000"
    assert tai.label(tai.pack(999_999_999)) == b"@400000000000000a3b9ac9ff"
    assert tai.label(tai.pack(1_000_000_000_000_000_001)) == b"@400000003b9aca0a00000001"
    assert tai.label(tai.pack(-10_000_000_000)) == b"@400000000000000000000000"
    assert tai.pack(1) < tai.pack(2) < tai.pack(10**9)
    assert abs(tai.unpack(tai.now()) - time.time_ns()) < 60 * 10**9


@pytest.mark.parametrize(
    ("began", "now", "seconds"),
    [(1000, 1000, 0), (1000, 1061, 61), (1000, 400, 0), (1000, 0, 0), (0, 2**33, 2**33)],
    ids=["at once", "a minute", "clock set back", "to 1970", "far forward"],
)
def test_svstat_with_any_clock(
    monkeypatch: pytest.MonkeyPatch, began: int, now: int, seconds: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: now + 0.5)
    found = status.Status(tai.pack(began * 10**9), 7, False, b"u")
    assert status.words(found, True) == b"up (pid 7) %d seconds" % seconds


@given(st.binary(min_size=18, max_size=20))
def test_svstat_says_something_of_any_status(data: bytes) -> None:
    found = status.unpack(data)
    assert found
    said = status.words(found, True)
    assert said.startswith(b"up (pid " if found.pid else b"down ")
    assert b" -" not in said
