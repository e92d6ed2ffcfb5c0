"""What the command line of svscan asks for, and where its pid is noted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.supervise.messages import Quit
from slashservice.supervise.protocol import scan_directory, scanner_pid
from slashservice.supervise.services import session


@pytest.mark.parametrize(
    ("words", "directory", "grace", "wait"),
    [
        ([], None, 60, True),
        ([b"dir"], b"dir", 60, True),
        ([b"dir", b"ignored"], b"dir", 60, True),
        ([b"-n"], None, 60, False),
        ([b"-g", b"0", b"dir"], b"dir", 0, True),
        ([b"-ng7", b"dir"], b"dir", 7, False),
        ([b"--", b"-n"], b"-n", 60, True),
        ([b"-g", b"999999999"], None, 999999999, True),
    ],
)
def test_orders(words: list[bytes], directory: bytes | None, grace: int, wait: bool) -> None:
    orders = session.Orders("svscan", words)
    assert (orders.directory, orders.grace, orders.wait) == (directory, grace, wait)
    assert not orders.down


@pytest.mark.parametrize(("word", "wait"), [(b"-d", True), (b"-nd", False), (b"-dn", False)])
def test_an_order_to_start_nothing(word: bytes, wait: bool) -> None:
    orders = session.Orders("svscan", [word, b"dir"])
    assert (orders.directory, orders.wait, orders.down) == (b"dir", wait, True)


@pytest.mark.parametrize("word", [b"-x", b"-g", b"-g-1", b"-g1.5", b"-g1e3", b"-g" + b"9" * 10])
@pytest.mark.parametrize("program", ["svcontainer", "svscan", "svscanboot"])
def test_wrong_orders(program: str, word: bytes) -> None:
    with pytest.raises(Quit) as end:
        session.Orders(program, [word])
    assert end.value.status == 100
    line = f"{program}: usage: {program} [-denr] [-g seconds] [dir]\n"
    assert end.value.line == line.encode()


def test_an_init_gives_a_drain_more_time_than_svscan_takes() -> None:
    assert scan_directory.SECONDS_OF_DRAIN + 15 < scan_directory.SECONDS_TO_DRAIN


def test_where_the_pid_can_not_be_noted_we_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner_pid, "_folders", lambda: [(b"/dev/null/x", os.geteuid())])
    session.note(bytes(tmp_path))
    assert scan_directory.running(bytes(tmp_path)) == 0
