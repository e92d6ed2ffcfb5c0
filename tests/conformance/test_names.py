"""A service that is named by a word alone: nothing changes for what C's clients accept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clients import make_fifo, pack, read_all, write_status
from helpers.services import Outcome, run

from slashservice.supervise import tai

CLIENTS = (("svc", "-d"), ("svok",), ("svstat",))


@pytest.fixture
def held() -> Iterator[list[int]]:
    """Descriptors to close in the end."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.fixture
def services(tmp_path: Path, held: list[int]) -> Path:
    """Services that seem to be supervised, beside the current directory."""
    for name in ("web", "web/log", "file", "here"):
        for fifo in ("control", "ok"):
            make_fifo(tmp_path / "services" / name / "supervise" / fifo, held)
        write_status(tmp_path / "services" / name, pack(tai.now(), 1, 0, b"u"))
    (tmp_path / "cwd/here").mkdir(parents=True)
    (tmp_path / "cwd/file").write_text("")
    (tmp_path / "cwd/dangling").symlink_to("nothing")
    return tmp_path / "services"


WORDS = ["nowhere", "./web", "web/", "", ".", "/", "/web", "here", "here/", "dangling", "file/x"]


@pytest.mark.parametrize("word", WORDS)
def test_what_c_says_is_said(oracle: Path, ours: Path, services: Path, word: str) -> None:
    env = {b"SVDIR": os.fsencode(services)}
    for name, *options in CLIENTS:
        theirs, mine = (
            run(where / name, *options, word, cwd=services.parent / "cwd", env=env)
            for where in (oracle, ours)
        )
        assert mine == theirs, name


@pytest.mark.parametrize("word", ["web", "web/log", "file"])
def test_a_name(ours: Path, services: Path, held: list[int], word: str) -> None:
    cwd = services.parent / "cwd"
    env = {b"SVDIR": os.fsencode(services)}
    assert run(ours / "svok", word, cwd=cwd, env=env) == Outcome(0, b"", b"")
    said = run(ours / "svstat", "nowhere", word, "./here", cwd=cwd, env=env).out.splitlines()
    assert said[1].startswith(b"%s: up (pid 1) " % word.encode())
    assert said[0] == b"nowhere: unable to chdir: file does not exist"
    assert said[2].startswith(b"./here: unable to open supervise/ok")
    assert run(ours / "svc", "-dk", word, "./here", cwd=cwd, env=env).status == 0
    control = os.open(services / word / "supervise/control", os.O_RDONLY | os.O_NONBLOCK)
    assert read_all(control) == b"dk"
    os.close(control)


def test_a_name_for_svlog(ours: Path, services: Path) -> None:
    main = services / "web/log/main"
    main.mkdir()
    (main / "current").write_bytes(b"a line\n")
    cwd = services.parent / "cwd"
    env = {b"SVDIR": os.fsencode(services)}
    assert run(ours / "svlog", "web", cwd=cwd, env=env) == Outcome(0, b"a line\n", b"")
    outcome = run(ours / "svlog", "nowhere", cwd=cwd, env=env)
    assert outcome.err.startswith(b"svlog: warning: no log in nowhere\n")


def test_without_svdir(ours: Path, services: Path) -> None:
    """It is what the installer wrote down beside the code, or /service."""
    record = ours.parent / "code/scan-directory"
    cwd = services.parent / "cwd"
    assert run(ours / "svok", "web", cwd=cwd, env={}).status == 111
    assert run(ours / "sv", "status", "web", cwd=cwd, env={}).status == 1
    record.write_bytes(os.fsencode(services) + b"\n")
    try:
        assert run(ours / "svok", "web", cwd=cwd, env={}).status == 0
        outcome = run(ours / "sv", "check", "web", cwd=cwd, env={})
        assert outcome.out.startswith(b"ok: run: web: (pid 1) ")
    finally:
        record.unlink()
