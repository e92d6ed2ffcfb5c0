"""tai64n and tai64nlocal beside C, and tai64nfrac beside arithmetic."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from helpers import logs
from helpers.waiting import GENEROUS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.supervise.commands.tai64n import Stamper
from slashservice.supervise.commands.tai64nfrac import unix_time
from slashservice.supervise.commands.tai64nlocal import local_time
from slashservice.supervise.logs.labels import LabelFilter

EPOCH = (1 << 62) + 10

MANY = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

texts = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"\n", b"\n", b"@", b"x" * 3000, b"x" * 500 + b"\n"]),
    ),
    max_size=20,
).map(b"".join)

# C shows no years before 0 as such, and crashes at those that localtime has no room for.
moments = st.one_of(st.integers(-62_000_000_000, 10**11), st.integers(0, 2**32))
labels = st.builds(
    lambda zeros, second, nanosecond, capital: (
        "@" + zeros + f"{second + EPOCH:016x}{nanosecond:08x}" + capital
    ).encode(),
    st.sampled_from(["", "", "", "0", "f" * 40, "0" * 2000]),
    moments,
    st.one_of(st.integers(0, 999_999_999), st.integers(0, 2**32 - 1)),
    st.sampled_from(["", " x", "F", "g", "@", " @400000006b01179c073803cc"]),
)
labelled = st.lists(
    st.one_of(labels, st.binary(max_size=8).filter(lambda b: not b.startswith(b"@"))), max_size=12
).map(lambda lines: b"".join(line + b"\n" for line in lines))


def run(program: Path, given: bytes, **environment: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run([program], input=given, capture_output=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


def in_pieces(text: bytes, sizes: list[int]) -> list[bytes]:
    pieces: list[bytes] = []
    while text:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[:size])
        text = text[size:]
    return pieces


sizes = st.lists(st.integers(1, 50), min_size=1, max_size=5)


@MANY
@given(text=texts, cuts=sizes)
def test_tai64n(text: bytes, cuts: list[int], oracle: Path) -> None:
    theirs = run(oracle / "tai64n", text)[1]
    stamper = Stamper()
    mine = b"".join(map(stamper.convert, in_pieces(text, cuts)))
    assert logs.plain(mine) == logs.plain(theirs)


@MANY
@given(text=labelled, cuts=sizes, zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_tai64nlocal(text: bytes, cuts: list[int], zone: str, oracle: Path) -> None:
    theirs = run(oracle / "tai64nlocal", text, TZ=zone)
    assert theirs[0] == 0
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        local = LabelFilter(local_time)
        assert b"".join(map(local.convert, in_pieces(text, cuts))) + local.rest() == theirs[1]
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


@pytest.mark.parametrize(
    "line", [b"@40 x\n", b"@\n", b"@7fffffffffffffff00000000 x\n", b"@400000006b01179c"]
)
def test_tai64nlocal_leaves_what_is_no_time(line: bytes, ours: Path) -> None:
    """C crashes there, and forgets a label that the input ends in."""
    assert run(ours / "tai64nlocal", line, TZ="UTC") == (0, line, b"")


@given(second=st.integers(-(10**6), 2**40), nanosecond=st.integers(0, 999_999_999))
def test_tai64nfrac(second: int, nanosecond: int) -> None:
    line = f"@{second + EPOCH:016x}{nanosecond:08x}\n".encode()
    shown = LabelFilter(unix_time).convert(line).rstrip(b"\n")
    whole, _, fraction = shown.lstrip(b"-").partition(b".")
    sign = -1 if shown.startswith(b"-") else 1
    assert len(fraction) == 9
    assert sign * (int(whole) * 10**9 + int(fraction)) == second * 10**9 + nanosecond


def test_tai64nfrac_as_a_program(ours: Path) -> None:
    given = b"@400000006b01179c00000005 x\nno label\n@400000006b01179c3b9ac9ff"
    assert run(ours / "tai64nfrac", given) == (
        0,
        b"1795233682.000000005 x\nno label\n@400000006b01179c3b9ac9ff",
        b"",
    )


@pytest.fixture(params=["theirs tai64n", "ours tai64n", "theirs tai64nlocal", "ours tai64nlocal"])
def program(request: pytest.FixtureRequest, oracle: Path, ours: Path) -> Path:
    who, _, name = str(request.param).partition(" ")
    return (oracle if who == "theirs" else ours) / name


def test_output_is_not_held_back(program: Path) -> None:
    here, there = socket.socketpair()
    with here, subprocess.Popen([program], stdin=there.fileno(), stdout=subprocess.PIPE) as process:
        there.close()
        assert process.stdout
        for text in (b"one\n", b"two", b" and more", b"\n"):
            here.sendall(text)
            seen = b""
            while not seen.endswith(text):
                seen += os.read(process.stdout.fileno(), 1000)
        here.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


def test_trouble_is_told_by_the_status(program: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program], input=b"x\n", stdout=full, stderr=-1, check=False)
    assert (done.returncode, done.stderr) == (111, b"")
    done = subprocess.run(["sh", "-c", 'exec "$0" <&-', program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (111, b"")


def test_a_reader_that_goes_away_ends_it(program: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", 'yes | "$0" | head -n 1 >/dev/null; echo "${PIPESTATUS[1]}"', program],
        capture_output=True,
        check=False,
        timeout=GENEROUS,
    )
    assert done.stdout == b"141\n"
