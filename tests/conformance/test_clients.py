"""svc, svok and svstat beside the C ones, on the same directories and arguments."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clients import (
    make_fifo,
    pack,
    random_status,
    read_all,
    readable,
    same_second,
    write_status,
)
from helpers.services import Outcome, run

from slashservice.supervise import tai

OURS_TOO = b", 1 usr1, 2 usr2, q quit"
"""What our svc says and knows beyond the C one."""


@pytest.fixture
def held() -> Iterator[list[int]]:
    """Descriptors to close in the end."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def odd_directories(top: Path, held: list[int]) -> list[bytes]:
    """Make directories in which one thing after another is not as it should be."""
    (top / "file").write_text("")
    (top / "empty").mkdir()
    (top / "to-nothing").symlink_to("nowhere")
    (top / "to-itself").symlink_to("to-itself")
    (top / "linked").symlink_to("good")
    (top / "supervise-is-a-file").mkdir()
    (top / "supervise-is-a-file/supervise").write_text("")
    (top / "supervise-loops").mkdir()
    (top / "supervise-loops/supervise").symlink_to("supervise")
    for name in ("control", "ok"):
        make_fifo(top / f"unread-{name}/supervise" / name)
        (top / f"plain-{name}/supervise").mkdir(parents=True)
        (top / f"plain-{name}/supervise" / name).write_text("")
        (top / f"directory-{name}/supervise" / name).mkdir(parents=True)
        (top / f"loop-{name}/supervise").mkdir(parents=True)
        (top / f"loop-{name}/supervise" / name).symlink_to(name)
        listener = socket.socket(socket.AF_UNIX)
        (top / f"socket-{name}/supervise").mkdir(parents=True)
        here = os.getcwd()
        os.chdir(top / f"socket-{name}/supervise")  # a socket's path has little room
        listener.bind(name)
        os.chdir(here)
        listener.close()
    for name in ("good", "no-status", "short-status", "status-is-a-directory", "down-loops"):
        make_fifo(top / name / "supervise/ok", held)
        make_fifo(top / name / "supervise/control", held)
    write_status(top / "good", pack(tai.now(), 1, 0, b"u"))
    write_status(top / "short-status", b"\x40" * 17)
    (top / "status-is-a-directory/supervise/status").mkdir()
    write_status(top / "down-loops", pack(tai.now(), 1, 0, b"u"))
    (top / "down-loops/down").symlink_to("down")
    os.mkdir(os.fsencode(top) + b"/not \xff\xfe text")
    names = sorted(os.listdir(os.fsencode(top)))
    return [*names, b"", b".", b"/", b"missing", b"good/", b"a" * 300, b"file/x", b"-good"]


def test_svok_on_odd_directories(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    statuses = set()
    for name in odd_directories(tmp_path, held):
        theirs = run(oracle / "svok", name, cwd=tmp_path)
        assert run(ours / "svok", name, cwd=tmp_path) == theirs, name
        statuses.add(theirs.status)
    assert statuses == {0, 100, 111}


def test_svstat_on_odd_directories(
    oracle: Path, ours: Path, tmp_path: Path, held: list[int]
) -> None:
    names = odd_directories(tmp_path, held)
    names.remove(b"status-is-a-directory")
    theirs, mine = same_second(oracle, ours, "svstat", *names, cwd=tmp_path)
    assert mine.out.splitlines() == theirs.out.splitlines()
    assert mine == theirs
    assert len(theirs.out.splitlines()) == len(names)


def test_svstat_where_the_status_cannot_be_read(
    ours: Path, tmp_path: Path, held: list[int]
) -> None:
    # The C one does not notice, and shows the status of the directory before, or zeros.
    odd_directories(tmp_path, held)
    outcome = run(ours / "svstat", "good", "status-is-a-directory", cwd=tmp_path)
    line = b"status-is-a-directory: unable to read supervise/status: is a directory"
    assert outcome.out.splitlines()[1] == line


def test_svc_on_odd_directories(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    names = odd_directories(tmp_path, held)
    theirs = run(oracle / "svc", b"-u", *names, cwd=tmp_path)
    arrived = [os.read(fd, 100) for fd in held if readable(fd)]
    assert (tmp_path / "plain-control/supervise/control").read_bytes() == b"u"
    mine = run(ours / "svc", b"-u", *names, cwd=tmp_path)
    assert mine == theirs
    assert [os.read(fd, 100) for fd in held if readable(fd)] == arrived
    assert b"".join(arrived) == b"u" * 7  # five good FIFOs, one of them by two more names
    assert (tmp_path / "plain-control/supervise/control").read_bytes() == b"u"


def test_svstat_on_any_status(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    names = []
    for number in range(400):
        service = tmp_path / str(number)
        make_fifo(service / "supervise/ok", held)
        write_status(service, random_status(dice))
        if dice.random() < 0.3:
            (service / "down").touch()
        names.append(str(number).encode())
    theirs, mine = same_second(oracle, ours, "svstat", *names, cwd=tmp_path)
    lines = zip(theirs.out.splitlines(), mine.out.splitlines(), strict=True)
    for name, (their_line, line) in zip(names, lines, strict=True):
        data = (tmp_path / os.fsdecode(name) / "supervise/status").read_bytes()
        assert line == their_line, f"{data.hex()} (seed {seed})"
    assert mine == theirs


def test_svc_with_any_options(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    control = make_fifo(tmp_path / "service/supervise/control", held)
    held.append(os.open(control, os.O_RDONLY | os.O_NONBLOCK))
    words = [b"service", b"-", b"--", b"service", b"nowhere", b"-x", b"", b"./service/"]
    for _ in range(120):
        arguments = [
            b"-" + bytes(dice.choices(b"udopchaitkudopchaitkzU:-", k=dice.randrange(1, 5)))
            if dice.random() < 0.6
            else dice.choice(words)
            for _ in range(dice.randrange(5))
        ]
        theirs = run(oracle / "svc", *arguments, cwd=tmp_path)
        sent = read_all(held[-1])
        mine = run(ours / "svc", *arguments, cwd=tmp_path)
        said = mine.err.replace(OURS_TOO, b"")
        assert (mine._replace(err=said), read_all(held[-1])) == (theirs, sent), (
            f"{arguments} (seed {seed})"
        )


@pytest.mark.parametrize("letter", ["1", "2", "q"])
def test_svc_knows_three_letters_more(
    ours: Path, tmp_path: Path, held: list[int], letter: str
) -> None:
    make_fifo(tmp_path / "supervise/control", held)
    assert run(ours / "svc", f"-{letter}", ".", cwd=tmp_path) == Outcome(0, b"", b"")
    assert os.read(held[-1], 100) == letter.encode()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("svok", []),
        ("svok", ["-x", "."]),
        ("svok", ["--", "."]),
        ("svstat", []),
        ("svstat", ["-u", "--", "."]),
        ("supervise", []),
        ("supervise", ["a", "b"]),
        ("supervise", [""]),
        ("supervise", ["nowhere"]),
        ("supervise", ["file"]),
        ("supervise", ["-x"]),
        ("svscan", ["nowhere"]),
        ("svscan", ["nowhere", "more"]),
        ("svscan", [""]),
        ("svscan", ["file"]),
        ("readproctitle", []),
        ("readproctitle", ["...."]),
        ("readproctitle", ["long enough", "abcd"]),
        ("readproctitle", ["abcde"]),
        ("readproctitle", ["service", "errors:", "." * 400]),
    ],
)
def test_arguments(oracle: Path, ours: Path, tmp_path: Path, name: str, words: list[str]) -> None:
    (tmp_path / "file").touch()
    theirs = run(oracle / name, *words, cwd=tmp_path, data=b"hello\n")
    assert run(ours / name, *words, cwd=tmp_path, data=b"hello\n") == theirs


@pytest.mark.root
@pytest.mark.parametrize("name", ["svc", "svok", "svstat", "supervise", "svscan"])
def test_where_one_may_not_go(
    oracle: Path, ours: Path, world_dir: Path, name: str, held: list[int]
) -> None:
    top = world_dir / f"private-{name}"
    for locked in ("closed", "ajar/supervise"):
        make_fifo(top / locked / "ok", held)
        make_fifo(top / locked / "control", held)
        (top / locked).chmod(0o700)
    seen = set()
    for odd in ["closed"] if name == "svscan" else ["closed", "ajar"]:
        words = ("/usr/bin/setuidgid", "nobody")
        outcomes = [run(*words, where / name, top / odd, cwd="/") for where in (oracle, ours)]
        assert outcomes[1] == outcomes[0]
        assert b": access denied\n" in outcomes[0].out + outcomes[0].err
        seen.add(outcomes[0])
    assert len(seen) == (1 if name == "svscan" else 2)
