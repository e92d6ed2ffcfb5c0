"""The record of a service's process, and telling processes apart."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.platform import linux
from slashservice.supervise.services.directory import ServiceDirectory

words = st.text("abcdef0123456789-/", min_size=1, max_size=60).map(str.encode)


@given(st.integers(0, 2**32), st.integers(0, 2**60), words, st.booleans())
def test_a_record_says_what_went_into_it(pid: int, start: int, life: bytes, hosted: bool) -> None:
    line = linux.Record(pid, start, life, hosted).line()
    assert len(line) == linux.LENGTH
    assert line.endswith(b"\n")
    found = linux.parse(line)
    assert found
    assert (found.pid, found.start, found.life) == (pid, start, life)
    assert (found.hosted, found.after) == (hosted, None)


@given(words)
def test_an_intent_is_a_record_too(life: bytes) -> None:
    line = linux.intent(life).line()
    assert len(line) == linux.LENGTH
    found = linux.parse(line)
    assert found
    assert (found.pid, found.life, found.hosted) == (0, life, False)
    assert 0 < found.start <= linux.now()
    assert found.after


@given(st.binary(max_size=200))
def test_anything_else_is_no_record(noise: bytes) -> None:
    found = linux.parse(noise)
    assert found is None or (len(noise) == linux.LENGTH and found.pid >= 0 and found.start >= 0)


@given(st.integers(0, linux.LENGTH - 1))
def test_half_a_record_is_none(length: int) -> None:
    assert linux.parse(linux.Record(1, 2, b"life").line()[:length]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"-1 2 life",
        b"1 x life",
        b"1 2",
        b"1 2 life and more",
        b"",
        b"0 2 life after",
        b"0 2 life after x",
        b"0 2 life hosted after 3",
    ],
)
def test_malformed_records(line: bytes) -> None:
    assert linux.parse(line.ljust(linux.LENGTH - 1) + b"\n") is None


def test_a_process_has_a_start_time_until_it_is_dead() -> None:
    process = subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE)
    assert process.stdin
    start = linux.started(process.pid)
    assert linux.started(os.getpid()) <= start <= linux.now()
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert linux.started(process.pid) == 0, "a zombie does not run"
    process.wait()
    assert linux.started(process.pid) == 0


def test_a_command_may_be_called_anything(tmp_path: Path) -> None:
    script = tmp_path / "a) Z 1 (b"
    script.symlink_to("/usr/bin/cat")
    process = subprocess.Popen([script], stdin=subprocess.PIPE)
    assert process.stdin
    assert linux.started(process.pid) > 0
    process.stdin.close()
    process.wait()


def leader(**options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/usr/bin/sleep", "1000"],
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def recorded_intent() -> linux.Record:
    found = linux.parse(linux.intent(b"life").line())
    assert found
    return found


@pytest.mark.parametrize("how", ["works there", "writes to the pipe", "reads from the pipe"])
def test_finding_a_process_that_was_being_started(tmp_path: Path, how: str) -> None:
    intent = recorded_intent()
    (tmp_path / "supervise").mkdir()
    (tmp_path / "log").mkdir()
    pipe = tmp_path / "supervise/pipe"
    os.mkfifo(pipe)
    directory = os.fsencode(tmp_path / "log" if how.startswith("reads") else tmp_path)
    fd = os.open(pipe, os.O_RDWR)
    assert linux.find(intent, directory) == (0, 0)
    if how == "works there":
        process = leader(cwd=directory)
    elif how == "writes to the pipe":
        process = leader(cwd="/", stdin=subprocess.DEVNULL, stdout=fd)
    else:
        process = leader(cwd="/", stdin=fd)
    try:
        start = linux.started(process.pid)
        assert linux.find(intent, directory) == (process.pid, start)
        intent.start = start + 1
        assert linux.find(intent, directory) == (0, 0), "started too early"
        intent.start = start
        other = os.fsencode(tmp_path if how.startswith("reads") else tmp_path / "log")
        assert linux.find(intent, other) == (0, 0), "not the other part of the pair"
    finally:
        os.close(fd)
        process.kill()
        process.wait()


def has_become_sleep(pid: int) -> bool:
    """Tell whether it leads a session and is ``sleep``: just before, it has no environment."""
    process = Path(f"/proc/{pid}")
    return (
        os.getsid(pid) == pid
        and (process / "comm").read_text() == "sleep\n"
        and (process / "environ").read_bytes() != b""
    )


def await_sleep(pid: int) -> None:
    """Wait until the process is what it is to be."""
    deadline = time.monotonic() + 60
    while not has_become_sleep(pid) and time.monotonic() < deadline:
        time.sleep(0.001)


def test_finding_a_process_that_went_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the orphan that was started next, with our environment, or more."""
    intent = recorded_intent()
    directory = os.fsencode(tmp_path)
    # The shell ends at once, and is the parent no more.
    printed = subprocess.check_output(
        ["/bin/sh", "-c", "setsid sleep 1000 >/dev/null & echo $!"],
        env={"A": "1", "B": "2", "C": "3"},
        cwd="/",
    )
    pid = int(printed)
    try:
        await_sleep(pid)
        found = (pid, linux.started(pid))
        assert linux.find(intent, directory, [b"A=1", b"B=2"]) == found
        assert linux.find(intent, directory, [b"A=1", b"D=4"]) == (0, 0), "not ours"
        assert linux.find(intent, directory) == (0, 0), "nothing to tell it by"
        intent.after = pid
        assert linux.find(intent, directory, [b"A=1"]) == (0, 0), "recorded already"
        intent.after = 0
        assert linux.find(intent, directory, [b"A=1"]) == found, "not told after which"
        # Now pids would begin anew at four times this one.
        monkeypatch.setattr(linux, "_pid_max", lambda: 4 * pid)
        intent.after = 4 * pid - 1
        assert linux.find(intent, directory, [b"A=1"]) == found, "pids began anew"
        intent.after = pid + 1
        assert linux.find(intent, directory, [b"A=1"]) == (0, 0), "recorded already"
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["works there", "writes to the pipe", "hosts logs"])
def test_not_finding_a_process_of_another_service(tmp_path: Path, how: str) -> None:
    intent = recorded_intent()
    for name in ("this", "other"):
        (tmp_path / name / "supervise").mkdir(parents=True)
    (tmp_path / "other/supervise/lock").touch()
    os.mkfifo(tmp_path / "other/supervise/pipe")
    name = "loghost" if how == "hosts logs" else "sleep"
    there = tmp_path / "other" if how == "works there" else Path("/")
    pipe = os.open(tmp_path / "other/supervise/pipe", os.O_RDWR)
    output = f">&{pipe}" if how == "writes to the pipe" else ">/dev/null"
    printed = subprocess.check_output(
        ["/bin/bash", "-c", f"setsid bash -c 'exec -a {name} sleep 1000' {output} & echo $!"],
        env={"A": "1"},
        cwd=there,
        pass_fds=[pipe] if how == "writes to the pipe" else [],
    )
    os.close(pipe)
    pid = int(printed)
    try:
        await_sleep(pid)
        assert linux.find(intent, os.fsencode(tmp_path / "this"), [b"A=1"]) == (0, 0)
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("pid", "other", "later"),
    [
        (301, 300, True),
        (300, 300, False),
        (300, 301, False),
        (300, 32767, True),
        (32767, 300, False),
        (32767, 32766, True),
        (1, 0, True),
        (32767, 0, True),
    ],
)
def test_pids_go_in_a_circle(pid: int, other: int, later: bool) -> None:
    assert linux._was_given_later(pid, other, 32768) == later


LIFE = b"this-life/1"


@pytest.mark.parametrize(
    ("record", "runs"),
    [
        (lambda pid, start: linux.Record(pid, start, LIFE).line(), True),
        (lambda pid, start: linux.Record(pid, start + 1, LIFE).line(), False),
        (lambda pid, start: linux.Record(pid, 0, LIFE).line(), False),
        (lambda pid, start: linux.Record(4194303, 0, LIFE).line(), False),
        (lambda pid, start: linux.Record(0, 0, LIFE).line(), False),
        (lambda pid, start: linux.Record(pid, start - 1, LIFE, after=1).line(), True),
        (lambda pid, start: linux.Record(pid, start + 1, LIFE, after=1).line(), False),
        (lambda pid, start: linux.Record(pid, 1, LIFE, after=1).line(), False),
    ],
    ids=[
        "itself",
        "reused",
        "start unknown",
        "gone",
        "none",
        "just started",
        "started earlier",
        "started later",
    ],
)
def test_only_the_very_process_is_adopted(tmp_path: Path, record, runs: bool) -> None:  # type: ignore[no-untyped-def]
    directory = ServiceDirectory(os.fsencode(tmp_path), b"s")
    assert directory.acquire(LIFE, 1000) is None
    directory.release()
    me = os.getpid()
    (tmp_path / "supervise/lock").write_bytes(record(me, linux.started(me)))
    left = directory.acquire(LIFE, 1000)
    assert left
    assert left.pid == (me if runs else 0)
    directory.release()
    assert directory.acquire(b"another-life/1", 1000) is None
    directory.release(forget=True)
    assert directory.acquire(LIFE, 1000) is None
    directory.release()
