"""Our sv beside runit's, on the same directories and arguments, with nobody who supervises."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clients import make_fifo, pack, random_status, read_all, same_second, write_status
from helpers.services import Outcome, run

from slashservice.supervise import tai

WORDS = [
    *("status", "up", "down", "once", "pause", "cont", "hup", "alarm", "interrupt", "quit", "1"),
    *("2", "term", "kill", "exit", "start", "stop", "reload", "restart", "shutdown", "check"),
    *("force-stop", "force-reload", "force-restart", "force-shutdown", "try-restart", "DOWN"),
    *("Exit", "X", "T", "s", "starting", "u", "t", "r", "res", "f", "force-", "z", "", "-", "x"),
    *("checks", "try", "2nd", "ö", "status ", "C"),
]

OPTIONS: list[list[str]] = [
    *([], [], [], ["-v"], ["-w0"], ["-w", "0"], ["-vw", "0"], ["-w", "x"], ["-z"], ["-w"], ["--"]),
]

EARLIER = tai.pack(1_700_000_000_000_000_000)

BOTH = ("theirs", "ours")


@pytest.fixture
def held() -> Iterator[list[int]]:
    """Descriptors to close in the end."""
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.fixture
def twins(oracle: Path, ours: Path, tmp_path: Path) -> dict[str, Path]:
    """A directory in which both programs are called sv, and the directories of their services."""
    found = {}
    for name, where in zip(BOTH, (oracle, ours), strict=True):
        found[name] = tmp_path / name
        found[name].mkdir()
        (found[name] / "sv").symlink_to(where / "sv")
    return found


def fake(service: Path, held: list[int], data: bytes) -> Path:
    """Make a service that seems to be supervised as long as ``held`` is open."""
    for name in ("control", "ok"):
        make_fifo(service / "supervise" / name, held)
    write_status(service, data)
    return service


def known(data: bytes) -> bool:
    """Tell whether runit's sv reads such a status: ours reads that of daemontools, too."""
    return len(data) != 18


def test_any_status(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    names = []
    for number in range(150):
        data = random_status(dice)
        if not known(data):
            continue
        service = fake(tmp_path / str(number), held, data)
        if dice.random() < 0.3:
            (service / "down").touch()
        if dice.random() < 0.1:
            (service / "down").symlink_to("down") if not (service / "down").exists() else None
        of_log = random_status(dice)
        kind = dice.randrange(5)
        if kind == 0 and len(of_log) >= 20:
            fake(service / "log", held, of_log)
        elif kind == 1:
            (service / "log").write_text("")
        elif kind == 2:
            make_fifo(service / "log/supervise/ok")
        names.append(b"./%d" % number)
    theirs, mine = same_second(oracle, ours, "sv", b"status", *names, cwd=tmp_path)
    assert mine.out.splitlines() == theirs.out.splitlines(), seed
    assert mine == theirs, seed
    assert theirs.out.count(b"\n") >= len(names)


def test_odd_directories(oracle: Path, ours: Path, tmp_path: Path, held: list[int]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    fake(tmp_path / "good", held, pack(tai.now(), 1, 0, b"u", b"\0\1"))
    (tmp_path / "linked").symlink_to("good")
    (tmp_path / "split").mkdir()
    (tmp_path / "split/supervise").symlink_to("../good/supervise")
    for name in ("ok", "control", "status"):
        service = fake(tmp_path / f"no-{name}", held, pack(tai.now(), 0, 0, b"u", b"\0\0"))
        (service / "supervise" / name).unlink()
        service = fake(tmp_path / f"directory-{name}", held, pack(tai.now(), 1, 1, b"d", b"\1\1"))
        (service / "supervise" / name).unlink()
        (service / "supervise" / name).mkdir()
    for name in ("ok", "control"):
        service = fake(tmp_path / f"unread-{name}", held, pack(tai.now(), 1, 0, b"u", b"\0\2"))
        (service / "supervise" / name).unlink()
        os.mkfifo(service / "supervise" / name)
    names = sorted(os.listdir(os.fsencode(tmp_path)))
    words = [*names, *(b"./" + name for name in names), *(name + b"/" for name in names)]
    words += [b"", b".", b"..", b"/", b"/nowhere", b"a" * 300, b"good/supervise/..", b"-good"]
    statuses = set()
    for action in ("status", "down", "exit", "hup", "-vh", "reload"):
        arguments = ["-v", "hup"] if action == "-vh" else [action]
        while True:  # a second that passes between the two would show
            outcomes = [
                run(
                    where / "sv", *arguments, *words, cwd=tmp_path,
                    env={b"SVDIR": os.fsencode(tmp_path)},
                )
                for where in (oracle, ours)
            ]  # fmt: skip
            if {b"0s" in outcome.out for outcome in outcomes} != {True, False}:
                break
        theirs, mine = ([*outcome[::2], seconds(outcome.out)] for outcome in outcomes)
        assert mine == theirs, action
        statuses.add(outcomes[0].status)
        for fd in held:
            read_all(fd)
    assert len(statuses) > 2


def seconds(text: bytes) -> bytes:
    """Return a text with all times in it made equal."""
    return re.sub(rb"\b\d+s", b"Ns", text)


def test_any_arguments(twins: dict[str, Path], held: list[int]) -> None:
    """The same is said, the status is the same, and so are the letters that arrive."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    for name in BOTH:
        fake(twins[name] / "down", held, pack(EARLIER, 0, 0, b"d", b"\0\0"))
        (twins[name] / "down/down").touch()
        fake(twins[name] / "up", held, pack(EARLIER, 7, 0, b"u", b"\0\1"))
    for _ in range(80):
        action = dice.choice(WORDS)
        options = dice.choice(OPTIONS)
        services = dice.choices(["up", "down", "./up", "nowhere"], k=dice.randrange(3))
        outcomes = []
        for name in BOTH:
            env = {b"SVDIR": os.fsencode(twins[name]), b"SVWAIT": b"0"}
            words = [*options, action, *services]
            outcome = run(twins[name] / "sv", *words, cwd=twins[name], env=env)
            sent = arrived(twins[name])
            outcomes.append((outcome.status, seconds(outcome.out), outcome.err, sent))
        about = f"{[*options, action, *services]} (seed {seed})"
        assert outcomes[1] == outcomes[0], about


def arrived(top: Path) -> list[bytes]:
    """Return the letters that each of the services was sent."""
    found = []
    for service in ("down", "up"):
        fd = os.open(top / service / "supervise/control", os.O_RDONLY | os.O_NONBLOCK)
        try:
            sent = read_all(fd).replace(b"xX", b"x")
            # Theirs tells nobody to be up who is: what was said before may still be on its way.
            found.append(b"" if service == "up" and not sent.strip(b"u") else sent)
        finally:
            os.close(fd)
    return found


@pytest.mark.parametrize("command", ["status", "hup", "-v hup"])
def test_output_that_nobody_wants(twins: dict[str, Path], held: list[int], command: str) -> None:
    """The order is carried out all the same."""
    said = []
    for name in BOTH:
        fake(twins[name] / "up", held, pack(EARLIER, 7, 0, b"u", b"\0\1"))
        script = f'exec "$0" {command} ./up >&-'
        outcome = run("/bin/sh", "-c", script, twins[name] / "sv", cwd=twins[name])
        control = os.open(twins[name] / "up/supervise/control", os.O_RDONLY | os.O_NONBLOCK)
        said.append((outcome, read_all(control)))
        os.close(control)
    assert said[1] == said[0]
    assert said[1][1] == (b"" if command == "status" else b"h")


def test_output_that_cannot_be_written(twins: dict[str, Path], held: list[int]) -> None:
    """runit's does not notice."""
    here = twins["ours"]
    fake(here / "services/script", held, pack(EARLIER, 7, 0, b"u", b"\0\1"))
    (here / "script").symlink_to(os.readlink(here / "sv"))
    said = b"fatal: unable to write output: out of disk space\n"
    for words, status in (("./sv status script", 100), ("./script status", 151)):
        env = {b"SVDIR": b"services", b"PATH": os.defpath.encode()}
        outcome = run("/bin/sh", "-c", f"exec {words} >/dev/full", cwd=here, env=env)
        assert outcome == Outcome(status, b"", said)


def test_a_reader_that_went_away(twins: dict[str, Path], held: list[int]) -> None:
    """It ends by SIGPIPE, as any program would."""
    for name in BOTH:
        fake(twins[name] / "up", held, pack(EARLIER, 7, 0, b"u", b"\0\1"))
        reader, writer = os.pipe()
        os.close(reader)
        try:
            words = [str(twins[name] / "sv"), "status", "./up"]
            done = subprocess.run(
                words, cwd=twins[name], stdout=writer, stderr=subprocess.PIPE, check=False
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b""), name
