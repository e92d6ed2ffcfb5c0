"""Telling the init system, by a datagram to where NOTIFY_SOCKET says."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from slashservice.supervise.services import notify


def listening(address: bytes) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(address)
    made.settimeout(30)
    return made


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_it_is_told(kind: str, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "socket")
    with listening(path if kind == "file" else b"\0" + path) as listener:
        named = path if kind == "file" else b"@" + path
        notify.notifier([b"A=1", b"NOTIFY_SOCKET=" + named])(b"READY=1")
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("entries", [[], [b"NOTIFY_SOCKET="], [b"NOTIFY_SOCKET=/nowhere/socket"]])
def test_that_nobody_listens_is_no_error(entries: list[bytes]) -> None:
    notify.notifier(entries)(b"READY=1")


def test_daemons_do_not_see_what_systemd_tells_us() -> None:
    entries = [b"A=1", b"NOTIFY_SOCKET=/s", b"INVOCATION_ID=x", b"LISTEN_FDS=1"]
    assert notify.without(entries) == [b"A=1"]
    assert notify.without(entries[2:]) == entries[2:]


def test_without_a_descriptor_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    notify_ = notify.notifier([b"NOTIFY_SOCKET=/nowhere"])
    monkeypatch.setattr(socket, "socket", fail)
    notify_(b"STOPPING=1")
